// The same files that Rust and Python run: every method exists, bad input has the same code, a seed the same bits.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

import { Heady } from '../index.js'
import { onBothDatabases } from './databases.mjs'

const read = (name) =>
  JSON.parse(readFileSync(new URL(`../../tests/conformance/${name}.json`, import.meta.url)))

const call = (heady, entry) => {
  const [domain, method] = entry.call.split('.')
  const given = heady[domain][method](entry.id ?? entry.options)
  // What a stream is refused for is known when its first event is asked for.
  return given?.[Symbol.asyncIterator] ? given.next() : given
}

onBothDatabases('every method exists and no other', async (url) => {
  const heady = await Heady.connect(url)
  for (const [domain, methods] of Object.entries(read('api'))) {
    const prototype = Object.getPrototypeOf(heady[domain])
    const found = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')
    assert.deepEqual(found.sort(), methods.toSorted(), domain)
  }
  await heady.close()
})

onBothDatabases('bad input has the same code in every language', async (url) => {
  const heady = await Heady.connect(url)
  const { before, errors, connect } = read('errors')
  for (const entry of before) await call(heady, entry)
  for (const entry of errors) {
    const label = JSON.stringify(entry)
    await assert.rejects(
      async () => call(heady, entry),
      (error) => {
        assert.ok(error instanceof Error, label)
        assert.equal(error.code, entry.code, `${label}: ${error.message}`)
        assert.ok(!error.message.includes('secret'), error.message)
        return true
      },
    )
  }
  await heady.close()
  for (const { url: wrong, code } of connect) {
    await assert.rejects(Heady.connect(wrong), { code }, wrong)
  }
  const missing = Heady.connect('sqlite:no-such-file.db', { createIfMissing: false })
  await assert.rejects(missing, { code: 'NOT_FOUND' })
})

onBothDatabases('a seed determines the bits', async (url) => {
  const heady = await Heady.connect(url)
  for (const { plan, seed, samples, expect } of read('vectors').simulations) {
    for (const threads of [1, 3]) {
      const simulation = await heady.monteCarlo.run({ plan, seed, samples, threads })
      assert.equal(simulation.digest, expect.digest)
      assert.equal(simulation.planHash, expect.planHash)
      assert.equal(simulation.duration.mean.estimate, expect.durationMean)
      assert.equal(simulation.success.estimate, expect.success)
    }
  }
  await heady.close()
})
