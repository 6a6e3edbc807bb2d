// The changes of the registry through `heady.fetch`: sent as they happen, gone on with, and how they end.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Heady } from '../index.js'

const viewer = { as: { actor: 'user:anna', role: 'viewer' } }
const watch = (heady, query = '', headers = {}) =>
  heady.fetch(new Request(`http://heady/api/registry/watch${query}`, { headers }), viewer)

/** The events of a stream: an object for each, with the fields that it has. */
async function* events(response) {
  let text = ''
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part
    const whole = text.split('\n\n')
    text = whole.pop()
    for (const event of whole) {
      yield Object.fromEntries(event.split('\n').map((line) => line.split(/: ?(.*)/s, 2)))
    }
  }
}

test('a client that is interrupted goes on where it stood', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const response = await watch(heady)
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const first = events(response)
  assert.deepEqual((await first.next()).value, { id: '0' })
  for (const id of ['a', 'b', 'c']) await heady.registry.putNode({ id })
  const { value: event } = await first.next()
  const { revision, at, id } = JSON.parse(event.data)
  assert.deepEqual([event.id, event.event, id], [`${revision}-${Date.parse(at)}`, 'CREATE', 'a'])
  await first.return()
  const seen = []
  for await (const { data } of events(await watch(heady, '', { 'last-event-id': event.id }))) {
    seen.push([JSON.parse(data).revision, JSON.parse(data).id])
    if (seen.length === 2) break
  }
  assert.deepEqual(seen, [
    [2, 'b'],
    [3, 'c'],
  ])
  const gone = await watch(heady, '?since=9')
  assert.deepEqual([gone.status, (await gone.json()).code], [410, 'FAILED_PRECONDITION'])
  await heady.close()
})

test('many clients see the same, and the end of the engine is the end of their streams', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const responses = await Promise.all(Array.from({ length: 64 }, () => watch(heady, '?since=0&kinds=NODE')))
  const reading = responses.map(async (response) => {
    const seen = []
    for await (const { event, data } of events(response)) if (event) seen.push(JSON.parse(data).revision)
    return seen
  })
  for (let n = 0; n < 10; n++) await heady.registry.putNode({ id: 'a', name: `${n}` })
  const last = heady.registry.watch({ since: 9 })
  await last.next()
  await heady.close()
  for (const seen of await Promise.all(reading)) {
    assert.deepEqual(
      seen,
      Array.from({ length: seen.length }, (_, n) => n + 1),
    )
  }
})
