// What callers may pass by mistake: it is refused with a code and by its name, and is never taken as left out.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { Heady } from '../index.js'

const never = new Date(NaN)
const half = '\ud800'

let heady
before(async () => {
  heady = await Heady.connect('sqlite::memory:')
  await heady.registry.registerService({ id: 'kept', name: 'as it was' })
})
after(() => heady.close())

/** Both what throws and what rejects: a call is an expression of either kind. */
const refused = async (call, ...words) => {
  await assert.rejects(
    async () => call(),
    (error) => {
      assert.ok(error instanceof Error, `${call}`)
      assert.equal(error.code, 'INVALID_ARGUMENT', `${call}: ${error.message}`)
      for (const word of words) assert.ok(error.message.includes(word), `${call}: ${error.message}`)
      return true
    },
  )
}

const nested = (levels) => (levels ? { a: nested(levels - 1) } : 1)

test('a precondition that is no number is not taken as left out', async () => {
  const { registry } = heady
  const none = [NaN, Infinity, -Infinity, Number(undefined), new Number(NaN), () => 1, Symbol('1'), never, 1n]
  for (const ifVersion of none) {
    for (const [method, changes] of [
      ['putService', { name: 'x' }],
      ['patchService', { patch: { name: 'x' } }],
      ['updateService', { name: 'x' }],
      ['deleteService', {}],
      ['putNode', {}],
      ['deleteWorkflow', {}],
    ]) {
      await refused(() => registry[method]({ id: 'kept', ...changes, ifVersion }), '`ifVersion`')
    }
  }
  assert.equal((await registry.getService('kept')).name, 'as it was')
})

test('null and undefined are left out, and data may have both', async () => {
  const { registry } = heady
  const metadata = { nothing: null, unset: undefined, text: 'null \\ud800', 'ä😀': [null, 'null'] }
  const put = { id: 'lax', ifVersion: null, name: undefined, metadata }
  const service = await registry.putService(put)
  assert.deepEqual(service.metadata, { nothing: null, text: 'null \\ud800', 'ä😀': [null, 'null'] })
  assert.equal(
    (await heady.audit.list({ since: null, limit: undefined, target: 'service:lax' })).entries.length,
    1,
  )
  assert.ok((await registry.listServices(null)).services.length > 0)
  assert.ok((await registry.listServices({ signal: undefined })).services.length > 0)
  assert.equal((await registry.getService('lax', { signal: null })).id, 'lax')
})

test('what JSON would write as null is refused, wherever it stands', async () => {
  const { registry, audit, pipeline, monteCarlo } = heady
  await refused(() => audit.list({ since: never }), '`since`', 'invalid date')
  await refused(() => audit.list({ until: { toJSON: () => null, valueOf: () => NaN } }), '`until`')
  await refused(() => audit.list({ limit: NaN }), '`limit`', 'NaN')
  await refused(() => audit.list(NaN), 'options')
  await refused(() => audit.list(() => ({ limit: 1 })), 'options', 'function')
  await refused(() => registry.registerService({ id: 'a', probeIntervalMs: NaN }), '`probeIntervalMs`')
  await refused(() => registry.registerService({ id: 'a', metadata: { price: NaN } }), '`metadata.price`')
  await refused(
    () => registry.registerService({ id: 'a', metadata: { a: [0, { b: -Infinity }] } }),
    '`metadata.a[1].b`',
  )
  await refused(() => registry.registerService({ id: 'a', metadata: { at: never } }), '`metadata.at`')
  assert.throws(() => registry.watch({ since: NaN }), { code: 'INVALID_ARGUMENT', message: /`since`/ })
  assert.throws(() => heady.start({ workers: NaN }), { code: 'INVALID_ARGUMENT', message: /`workers`/ })
  await refused(() => pipeline.start({ input: { n: NaN } }), '`input.n`')
  await refused(
    () => monteCarlo.check({ tasks: [{ id: 'a', duration: NaN }] }),
    'plan',
    '`tasks[0].duration`',
  )
  await refused(() => Heady.connect('sqlite::memory:', { actor: NaN }), '`actor`')
  await refused(() => heady.fetch(new Request('http://heady/'), { as: NaN }), '`as`')
})

test('what has no JSON form at all is refused by its place', async () => {
  const circle = { id: 'a', metadata: { deep: [] } }
  circle.metadata.deep.push(circle.metadata)
  const { registry } = heady
  await refused(() => registry.registerService(circle), '`metadata.deep[0]`', 'contains itself')
  await refused(() => registry.registerService({ id: 'a', metadata: { n: 1n } }), '`metadata.n`', 'BigInt')
  for (const levels of [127, 200, 5000, 20_000]) {
    // Built without recursion, for there is a level at which a test would end before the engine does.
    let metadata = 1
    for (let level = 0; level < levels; level++) metadata = { a: metadata }
    await refused(() => registry.registerService({ id: 'a', metadata }), '`metadata`')
  }
  const thrown = { toJSON: () => assert.fail('of its own') }
  await refused(() => registry.registerService({ id: 'a', metadata: { thrown } }), 'of its own')
  const service = await registry.putService({
    id: 'shared',
    metadata: { a: circle.id, b: [nested(9), nested(9)], at: null },
  })
  assert.deepEqual(service.metadata.b, [nested(9), nested(9)])
})

test('half a character is no text, and no other character either', async () => {
  const { registry, pipeline } = heady
  await registry.putService({ id: '\ufffd' })
  for (const id of [half, `a${half}`, `${half}a`, '\udc00', '\udc00\ud800']) {
    await refused(() => registry.getService(id), 'id', 'surrogate')
    await refused(() => registry.putService({ id }), '`id`', 'surrogate')
    await refused(() => registry.deleteService({ id }), '`id`', 'surrogate')
    await refused(() => pipeline.handle(id, () => 1), 'name', 'surrogate')
    await refused(() => pipeline.get(id), 'runId', 'surrogate')
  }
  await refused(() => registry.putService({ id: 'a', name: half }), '`name`')
  await refused(() => registry.putService({ id: 'a', metadata: { list: ['b', half] } }), '`metadata.list[1]`')
  await refused(() => registry.putService({ id: 'a', metadata: { [half]: 1 } }), '`metadata', 'surrogate')
  await refused(() => Heady.connect(`sqlite:${half}`), 'url', 'surrogate')
  assert.equal((await registry.getService('\ufffd')).id, '\ufffd')
  assert.equal((await registry.putService({ id: '😀' })).id, '😀')
  assert.equal((await registry.getService('😀')).id, '😀')
})

test('an argument of another type is refused by its name', async () => {
  const { registry, pipeline, monteCarlo } = heady
  for (const id of [undefined, null, 5, NaN, true, {}, ['kept'], Symbol('kept'), 1n, () => 'kept']) {
    await refused(() => registry.getService(id), 'id: a string is needed')
    await refused(() => registry.getNode(id), 'id')
    await refused(() => pipeline.wait(id), 'runId')
    await refused(() => monteCarlo.replay(id), 'id')
    await refused(() => Heady.connect(id), 'url')
    assert.throws(() => pipeline.handle(id, () => 1), { code: 'INVALID_ARGUMENT', message: /^name/ })
    if (typeof id !== 'function') {
      assert.throws(() => pipeline.handle('x', id), { code: 'INVALID_ARGUMENT', message: /^handler/ })
    }
  }
  await refused(() => Heady.connect(), 'url')
  await refused(() => registry.getService(), 'id', 'undefined')
  for (const request of [undefined, null, 5, 'http://heady/', {}, { headers: [] }, { signal: {} }]) {
    await refused(() => heady.fetch(request), 'request')
  }
})

test('a signal that is none is refused, and a call that is no object', async () => {
  const { registry } = heady
  for (const signal of [{}, 5, 'x', true, () => 1, { aborted: 1 }, { addEventListener: 1 }]) {
    await refused(() => registry.listServices({ signal }), 'signal')
    await refused(() => registry.getService('kept', { signal }), 'signal')
    assert.throws(() => registry.watch({}, { signal }), { code: 'INVALID_ARGUMENT', message: /signal/ })
  }
  for (const call of [5, 'x', true, () => 1]) await refused(() => registry.listServices(call), 'call')
})

test('what a handler gives is read like what a caller passes', async () => {
  const { pipeline } = heady
  const outputs = { later: async () => ({ n: NaN }), now: () => ({ n: NaN }), nothing: () => {} }
  for (const [name, handler] of Object.entries(outputs)) {
    pipeline.handle(name, handler)
    const definition = { pipeline: { name: `of-${name}`, stages: [{ id: 's', tasks: [name] }] } }
    const run = await pipeline.run({ definition })
    assert.equal(run.status, name === 'nothing' ? 'SUCCEEDED' : 'FAILED')
    if (name !== 'nothing') assert.match(JSON.stringify(run), /output: `n` is NaN/)
  }
})

test('a worker of Node reads arguments with functions of its own, and may end', async () => {
  const script = `
    const { Heady } = require(${JSON.stringify(createRequire(import.meta.url).resolve('../index.js'))})
    const { parentPort } = require('node:worker_threads')
    Heady.connect('sqlite::memory:').then(async (heady) => {
      await heady.registry.putService({ id: 'a', metadata: { n: null } })
      await heady.registry.putService({ id: 'a', ifVersion: NaN }).catch(({ code }) => parentPort.postMessage(code))
      await heady.close()
    })`
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(script, { eval: true })
    const [[said], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
    assert.deepEqual([said, code], ['INVALID_ARGUMENT', 0])
  }
  await refused(() => heady.registry.putService({ id: 'a', ifVersion: NaN }), '`ifVersion`')
})
