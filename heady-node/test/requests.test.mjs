// One recorded set of requests: `heady.fetch` answers with the bytes of `heady serve`.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { Heady } from '../index.js'

const file = new URL('../../tests/conformance/requests.json', import.meta.url)
const { headers: compared, masks, requests } = JSON.parse(readFileSync(file))

const masked = (text) =>
  masks.reduce((text, [pattern, replacement]) => text.replaceAll(new RegExp(pattern, 'g'), replacement), text)

const answered = (response, text) => ({
  status: response.status,
  headers: Object.fromEntries(
    compared
      .filter((name) => response.headers.has(name))
      .map((name) => [name, masked(response.headers.get(name))]),
  ),
  body: masked(text),
})

test('fetch answers as recorded', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const as = { actor: 'http:local', role: 'admin' }
  const kept = {}
  const filled = (text) => text.replaceAll(/\$\{(\w+)\}/g, (_, name) => kept[name])
  for (const [
    number,
    { method, path, headers = {}, body, repeat = 1, keep = {}, answer },
  ] of requests.entries()) {
    const all = { 'x-request-id': `request-${number}` }
    for (const [name, value] of Object.entries(headers)) all[name] = filled(value)
    if (body !== undefined) all['content-type'] ??= 'application/json'
    const init = { method, headers: all, body: body?.repeat(repeat) }
    const response = await heady.fetch(new Request(`http://heady${filled(path)}`, init), { as })
    const text = await response.text()
    for (const [name, place] of Object.entries(keep)) {
      const steps = place.split('/').slice(1)
      kept[name] = steps.length
        ? steps.reduce((value, step) => value[step], JSON.parse(text))
        : response.headers.get(place)
    }
    assert.deepEqual(answered(response, text), answer, `${method} ${path}`)
  }
  await heady.close()
})
