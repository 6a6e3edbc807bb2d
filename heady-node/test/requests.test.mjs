// One recorded set of requests: `heady.fetch` answers with the bytes of `heady serve`.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { Heady } from '../index.js'

const file = new URL('../../tests/conformance/requests.json', import.meta.url)
const { headers: compared, masks, requests } = JSON.parse(readFileSync(file))

const masked = (text) =>
  masks.reduce((text, [pattern, replacement]) => text.replaceAll(new RegExp(pattern, 'g'), replacement), text)

const answered = async (response) => ({
  status: response.status,
  headers: Object.fromEntries(
    compared
      .filter((name) => response.headers.has(name))
      .map((name) => [name, masked(response.headers.get(name))]),
  ),
  body: masked(await response.text()),
})

test('fetch answers as recorded', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const as = { actor: 'http:local', role: 'admin' }
  for (const [number, { method, path, headers, body, answer }] of requests.entries()) {
    const all = { 'x-request-id': `request-${number}`, ...headers }
    if (body !== undefined) all['content-type'] ??= 'application/json'
    const request = new Request(`http://heady${path}`, { method, headers: all, body })
    assert.deepEqual(await answered(await heady.fetch(request, { as })), answer, `${method} ${path}`)
  }
  await heady.close()
})
