import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Heady } from '../index.js'

const folder = mkdtempSync(join(tmpdir(), 'heady-'))
after(() => rmSync(folder, { recursive: true }))

test('what is written is there when the database is opened again', async () => {
  const url = `sqlite:${join(folder, 'kept.db')}`
  const first = await Heady.connect(url, { actor: 'tester' })
  const metadata = { team: 'ä', nested: [1, 2.5, null, { deep: true }], big: 9007199254740991 }
  const service = await first.registry.registerService({
    id: 'manager',
    baseUrl: 'http://localhost:3301/',
    metadata,
  })
  assert.equal(service.baseUrl, 'http://localhost:3301')
  assert.equal(service.status, 'UNKNOWN')
  assert.equal(service.lastHealthyAt, null)
  assert.ok(service.createdAt instanceof Date)
  await first.close()

  const second = await Heady.connect(url)
  assert.deepEqual(await second.registry.getService('manager'), service)
  const { entries } = await second.audit.list({ target: 'service:manager' })
  assert.deepEqual(
    entries.map(({ actor, action }) => [actor, action]),
    [['tester', 'CONFIG_CHANGE']],
  )
  await second.close()
  assert.throws(() => second.start(), { code: 'UNAVAILABLE' })
})

test('services are probed, and report by themselves', async () => {
  const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const heady = await Heady.connect('sqlite::memory:')
  const baseUrl = `http://127.0.0.1:${server.address().port}`
  await heady.registry.registerService({ id: 'api', baseUrl, probeIntervalMs: 100 })
  await heady.registry.registerService({ id: 'job' })
  assert.throws(() => heady.start({ probe: true }), { code: 'INVALID_ARGUMENT' })
  heady.start({ workers: false })
  const deadline = Date.now() + 60_000
  let api
  do {
    await sleep(20)
    api = await heady.registry.getService('api')
  } while (!(api.lastProbe?.consecutiveSuccesses > 1) && Date.now() < deadline)
  assert.equal(api.status, 'HEALTHY')
  assert.deepEqual(api.lastProbe.at, api.lastHealthyAt)
  const report = { id: 'job', status: 'DEGRADED', ttlSeconds: 60, note: 'late' }
  const job = await heady.registry.reportHealth(report)
  assert.deepEqual([job.status, job.statusReason, job.lastProbe], ['DEGRADED', 'late', null])
  assert.ok(job.reportExpiresAt > new Date())
  await heady.close()
  server.close()
})

test('the audit log is signed, exported and verified', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const since = new Date(Date.now() - 60_000)
  for (const id of ['a', 'b']) await heady.registry.registerService({ id })
  assert.equal((await heady.audit.list({ since })).entries.length, 2)
  assert.equal((await heady.audit.list({ until: since })).entries.length, 0)
  const { note, publicKey, rows } = await heady.audit.checkpoint()
  assert.equal(rows, 2)
  const report = await heady.audit.verify({ publicKeys: [publicKey], checkpoints: note })
  assert.deepEqual(
    [report.ok, report.rows, report.checkpoints, report.keysFrom, report.firstFault],
    [true, 2, 1, 'GIVEN', null],
  )
  const first = await heady.audit.export({ limit: 2 })
  const rest = await heady.audit.export({ cursor: first.next })
  const lines = (first.ndjson + rest.ndjson)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map((line) => line.checkpoint ?? line.seq),
    [note, 1, 2],
  )
  assert.equal((await heady.audit.checkpoints()).checkpoints.length, 1)
  await heady.close()
})

test('a version conflict carries the current object', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  await heady.registry.registerNode({ id: 'jules', triggers: ['optimise'] })
  const changed = await heady.registry.updateNode({ id: 'jules', enabled: false, ifVersion: 1 })
  assert.equal(changed.resourceVersion, 2)
  await assert.rejects(
    heady.registry.updateNode({ id: 'jules', enabled: true, ifVersion: 1 }),
    (error) => error.code === 'ABORTED' && error.details.current.resourceVersion === 2,
  )
  await heady.close()
})

test('an import reports, and drift says who moved', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const document = {
    services: { core: { api: { port: 1, token: 'hunter2' } } },
    workflows: [{ id: 'publish', dependencies: ['api', 'nowhere'] }],
  }
  const report = await heady.registry.import({ document })
  assert.deepEqual([report.shape, report.created], ['GROUPS', 2])
  const codes = report.warnings.map(({ code }) => code)
  assert.deepEqual(codes, ['SECRET_REDACTED', 'ASSUMED_LOCALHOST', 'DANGLING_DEPENDENCY'])
  await heady.registry.updateService({ id: 'api', name: 'By call' })
  const { sources, drift } = await heady.registry.detectDrift({ live: false })
  assert.deepEqual(
    sources.map(({ source, error }) => [source, error]),
    [['FILE', null]],
  )
  assert.deepEqual(
    drift.map(({ id, kind, path, observed }) => [id, kind, path, observed]),
    [['api', 'CHANGED', 'name', 'By call']],
  )
  const manifestDocument = { apps: [{ name: 'worker' }] }
  const deployed = await heady.registry.detectDrift({ live: false, manifestDocument })
  assert.ok(deployed.drift.some(({ id, kind }) => id === 'worker' && kind === 'EXTRA'))
  assert.equal((await heady.registry.listDrift({ severity: 'HIGH' })).drift.length, 0)
  await heady.close()
})

test('an unknown option is refused by name, also where JavaScript would ignore it', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const plan = { tasks: [{ id: 'a', duration: 1 }] }
  await assert.rejects(
    heady.monteCarlo.run({ plan, sedd: 1 }),
    (error) => error.code === 'INVALID_ARGUMENT' && error.message.includes('sedd'),
  )
  await assert.rejects(heady.monteCarlo.run({ plan, seed: 1.5 }), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(heady.pipeline.list({ status: 'DONE' }), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(Heady.connect('sqlite::memory:', { allowProgram: ['rm'] }), {
    code: 'INVALID_ARGUMENT',
  })
  await heady.close()
})

test('a value without a JSON form is refused instead of bringing Node down', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const circle = {}
  circle.self = circle
  for (const input of [circle, { id: 1n }]) {
    await assert.rejects(async () => heady.pipeline.start({ input }), Error)
  }
  await heady.close()
})

test('an aborted signal rejects with CANCELLED and leaves no listener behind', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  heady.pipeline.handle('wait', () => new Promise((resolve) => setTimeout(resolve, 60_000).unref()))
  const definition = { pipeline: { name: 'slow', stages: [{ id: 's', tasks: ['wait'] }] } }
  const { runId } = await heady.pipeline.start({ definition })

  const controller = new AbortController()
  setTimeout(() => controller.abort(), 20)
  await assert.rejects(heady.pipeline.wait(runId, { signal: controller.signal }), {
    code: 'CANCELLED',
  })
  await assert.rejects(heady.pipeline.get(runId, { signal: AbortSignal.abort() }), {
    code: 'CANCELLED',
  })

  let listeners = 0
  const { signal } = new AbortController()
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args) => (listeners++, addEventListener.apply(signal, args))
  signal.removeEventListener = (...args) => (listeners--, removeEventListener.apply(signal, args))
  assert.equal((await heady.pipeline.get(runId, { signal })).status, 'RUNNING')
  assert.equal(listeners, 0)

  await heady.pipeline.cancel(runId)
  assert.equal((await heady.pipeline.wait(runId)).status, 'CANCELLED')
  await heady.close()
})

test('a registered handler and an open engine do not keep Node alive', () => {
  const file = join(folder, 'left-open.db')
  const script = `
    const { Heady } = require(${JSON.stringify(createRequire(import.meta.url).resolve('../index.js'))})
    Heady.connect('sqlite:' + ${JSON.stringify(file)}).then((heady) => {
      heady.pipeline.handle('x', () => 1)
      heady.start()
    })`
  execFileSync(process.execPath, ['-e', script], { timeout: 30_000 })
  assert.ok(existsSync(file))
})
