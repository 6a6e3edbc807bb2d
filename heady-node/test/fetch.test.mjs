// The engine behind `heady.fetch`: who is let in, what is answered, and mounted in a server of Node's own.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, test } from 'node:test'

import { command } from './command.mjs'
import { Heady } from '../index.js'

const folder = mkdtempSync(join(tmpdir(), 'heady-'))
const url = `sqlite:${join(folder, 'heady.db')}`
const heady = await Heady.connect(url)
after(async () => {
  await heady.close()
  rmSync(folder, { recursive: true })
})

const admin = { as: { actor: 'user:anna', role: 'admin' } }
const request = (path, init) => new Request(`http://heady${path}`, init)
const post = (path, body) =>
  request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

test('a request is answered with a Response', async () => {
  const response = await heady.fetch(request('/api/health', { headers: { 'x-request-id': 'mine' } }))
  assert.ok(response instanceof Response)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.equal(response.headers.get('x-request-id'), 'mine')
  assert.equal((await response.json()).status, 'healthy')
  const nowhere = await heady.fetch(request('/api/nothing?x=1#y'))
  assert.equal(nowhere.status, 404)
  assert.match((await nowhere.json()).error, /'\/api\/nothing'/)
})

test('the caller is whom the host vouches for, with that role and no other', async () => {
  const stranger = await heady.fetch(request('/api/services'))
  assert.equal(stranger.status, 401)
  assert.equal((await stranger.json()).code, 'UNAUTHENTICATED')
  const keyed = request('/api/services', { headers: { 'x-heady-api-key': 'heady_wrong' } })
  assert.equal((await heady.fetch(keyed)).status, 401)

  const made = await heady.fetch(post('/api/services', '{"id": "vouched", "name": "Ä"}'), admin)
  assert.deepEqual([made.status, (await made.json()).name], [201, 'Ä'])
  const { entries } = await heady.audit.list({ target: 'service:vouched' })
  assert.deepEqual(
    entries.map(({ actor }) => actor),
    ['user:anna'],
  )
  const viewer = { as: { actor: 'user:bob', role: 'viewer' } }
  assert.equal((await heady.fetch(request('/api/services'), viewer)).status, 200)
  assert.equal((await heady.fetch(post('/api/services', '{"id": "b"}'), viewer)).status, 403)
  for (const wrong of [{ az: admin.as }, { as: { actor: 'x', role: 'root' } }, { as: { role: 'admin' } }]) {
    await assert.rejects(heady.fetch(request('/api/services'), wrong), { code: 'INVALID_ARGUMENT' })
  }
})

test('an API key lets its owner in, with its roles and until it is revoked', async () => {
  const keys = (...args) => JSON.parse(execFileSync(command, ['keys', ...args, '--database', url, '--json']))
  const { key } = keys('add', 'ci')
  for (const headers of [{ authorization: `Bearer ${key}` }, { 'x-heady-api-key': key }]) {
    assert.equal((await heady.fetch(request('/api/nodes', { headers }))).status, 200)
    const refused = await heady.fetch(request('/api/nodes', { method: 'POST', headers }))
    assert.equal(refused.status, 403)
    assert.match((await refused.json()).error, /key:ci/)
  }
  keys('revoke', 'ci')
  const headers = { authorization: `Bearer ${key}` }
  assert.equal((await heady.fetch(request('/api/nodes', { headers }))).status, 401)
})

test('an aborted request is rejected with the reason of its signal, and what it waited for goes on', async () => {
  let open
  const opened = new Promise((resolve) => (open = resolve))
  heady.pipeline.handle('held', () => opened)
  const definition = { pipeline: { name: 'held', stages: [{ id: 'one', tasks: ['held'] }] } }
  await heady.fetch(post('/api/pipeline/definitions', JSON.stringify({ definition })), admin)
  const controller = new AbortController()
  const reason = new Error('the client has left')
  const headers = { 'content-type': 'application/json', prefer: 'wait=300', 'idempotency-key': 'once' }
  const init = { method: 'POST', headers, body: '{"workflowId": "held"}', signal: controller.signal }
  const answer = heady.fetch(request('/api/pipeline/run', init), admin)
  let runs = []
  while (runs.length === 0) ({ runs } = await heady.pipeline.list())
  controller.abort(reason)
  await assert.rejects(answer, (error) => error === reason)
  open('done')
  assert.equal((await heady.pipeline.wait(runs[0].runId)).status, 'SUCCEEDED')

  const late = request('/api/health', { signal: AbortSignal.abort() })
  await assert.rejects(heady.fetch(late), { name: 'AbortError' })
  const odd = request('/api/health', { signal: AbortSignal.abort('no error at all') })
  await assert.rejects(heady.fetch(odd), (error) => error === 'no error at all')
})

test('a body that is being read ends with its request, or when its reader leaves', async () => {
  for (let n = 0; n < 5; n++) await heady.registry.registerNode({ id: `ended${n}` })
  const controller = new AbortController()
  const { signal } = controller
  const log = await heady.fetch(request('/api/audit/export', { signal }), admin)
  const reader = log.body.getReader()
  assert.equal((await reader.read()).done, false)
  const reason = new Error('enough')
  controller.abort(reason)
  await assert.rejects(reader.read(), (error) => error === reason)
  await assert.rejects(reader.closed, (error) => error === reason)

  const left = await heady.fetch(request('/api/audit/export'), admin)
  for await (const part of left.body) {
    assert.ok(part.length > 0)
    break
  }
  await assert.rejects(left.text(), TypeError)
})

test('events come as they happen, until their reader leaves', async () => {
  const node = await heady.fetch(request('/api/nodes/ended0'), admin)
  const tag = node.headers.get('etag')
  const same = await heady.fetch(request('/api/nodes/ended0', { headers: { 'if-none-match': tag } }), admin)
  assert.deepEqual([same.status, same.body], [304, null])

  const controller = new AbortController()
  const { signal } = controller
  const events = await heady.fetch(request('/api/registry/watch', { signal }), admin)
  assert.equal(events.headers.get('content-type'), 'text/event-stream')
  await heady.registry.registerNode({ id: 'watched' })
  let text = ''
  const reason = new Error('seen')
  await assert.rejects(
    async () => {
      for await (const part of events.body) {
        text += Buffer.from(part).toString()
        if (text.includes('"watched"')) controller.abort(reason)
      }
    },
    (error) => error === reason,
  )
})

test('bodies are streamed, and one without end is refused when it is too large', async () => {
  // A part has up to 1,000 lines.
  const ids = Array.from({ length: 1_000 }, (_, n) => `n${n}`)
  await Promise.all(ids.map((id) => heady.registry.registerNode({ id })))
  const log = await heady.fetch(request('/api/audit/export'), admin)
  assert.equal(log.headers.get('content-type'), 'application/x-ndjson')
  let parts = 0
  let text = ''
  for await (const part of log.body) {
    parts++
    text += Buffer.from(part).toString()
  }
  assert.ok(parts > 1, `${parts}`)
  assert.ok(text.trimEnd().split('\n').map(JSON.parse).length > 1_000)

  const part = new Uint8Array(1 << 16).fill(32)
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(part) })
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, duplex: 'half' }
  const refused = await heady.fetch(request('/api/services', { ...init, body: endless }), admin)
  assert.equal(refused.status, 413)
  const used = request('/api/services', { ...init, body: '{"id": "used"}' })
  await used.text()
  await assert.rejects(heady.fetch(used, admin), { code: 'INVALID_ARGUMENT', message: /^request: / })
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
  const off = await heady.fetch(request('/api/services', { ...init, body: broken }), admin)
  assert.equal(off.status, 400)
  assert.match((await off.json()).error, /broke off/)
})

test('a server of Node mounts it', async (t) => {
  // As in the README, for Express: app.use((req, res, next) => answer(req, res).catch(next))
  const answer = async (req, res) => {
    const gone = new AbortController()
    res.on('close', () => gone.abort())
    const body = ['GET', 'HEAD'].includes(req.method) ? undefined : Readable.toWeb(req)
    const { method, headers } = req
    const init = { method, headers, body, duplex: 'half', signal: gone.signal }
    const request = new Request(new URL(req.originalUrl ?? req.url, 'http://heady'), init)
    const response = await heady.fetch(request, admin)
    res.writeHead(response.status, [...response.headers].flat())
    await pipeline(response.body ?? [], res)
  }
  const server = createServer((req, res) => answer(req, res).catch((error) => res.destroy(error)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => (server.close(), server.closeAllConnections()))
  const at = `http://127.0.0.1:${server.address().port}`
  const made = await fetch(`${at}/api/nodes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"id": "mounted"}',
  })
  assert.equal(made.status, 201)
  const read = await fetch(`${at}/api/nodes/mounted`)
  assert.equal((await read.json()).id, 'mounted')
  const removed = await fetch(`${at}/api/nodes/mounted`, { method: 'DELETE' })
  assert.deepEqual([removed.status, (await removed.json()).id], [200, 'mounted'])
  assert.equal((await fetch(`${at}/api/health`, { method: 'HEAD' })).status, 200)
  const log = await fetch(`${at}/api/audit/export`)
  assert.ok((await log.text()).trimEnd().split('\n').map(JSON.parse).length >= 5)
  const large = await fetch(`${at}/api/nodes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: ' '.repeat((5 << 20) + 1),
  })
  assert.equal(large.status, 413)
})
