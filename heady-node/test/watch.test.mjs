// What `for await` over the registry's changes gives, and all the ways in which it ends.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { test } from 'node:test'

import { Heady } from '../index.js'
import { onBothDatabases } from './databases.mjs'

onBothDatabases('a watch that goes on where it stood misses and repeats nothing', async (url) => {
  const [writer, reader] = [await Heady.connect(url), await Heady.connect(url)]
  const engines = url === 'sqlite::memory:' ? [writer, writer] : [writer, reader]
  const writing = Promise.all(
    [0, 1, 2, 3].map(async (n) => {
      for (let i = 0; i < 25; i++) await engines[0].registry.putNode({ id: `n${n}`, name: `${i}` })
    }),
  )
  const seen = []
  while (seen.length < 100) {
    for await (const event of engines[1].registry.watch({ since: seen.length })) {
      seen.push(event.revision)
      if (seen.length % 7 === 0 || seen.length === 100) break
    }
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, n) => n + 1),
  )
  await writing
  await Promise.all([writer.close(), reader.close()])
})

test('only what was asked for is given out, as objects of the language', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const { registry } = heady
  const watch = registry.watch({ kinds: ['SERVICE'], ids: ['a', 'b'], bookmarks: true })
  const begun = await watch.next()
  assert.deepEqual(
    [begun.done, begun.value.change, begun.value.revision, begun.value.object],
    [false, 'BOOKMARK', 0, null],
  )
  await registry.putNode({ id: 'a' })
  await registry.putService({ id: 'c' })
  const service = await registry.putService({ id: 'b', metadata: { team: 'ä' } })
  const { value: event } = await watch.next()
  assert.deepEqual([event.change, event.kind, event.id], ['CREATE', 'SERVICE', 'b'])
  assert.ok(event.at instanceof Date)
  const { id, metadata, resourceVersion } = event.object
  assert.deepEqual([id, metadata, resourceVersion], ['b', { team: 'ä' }, service.resourceVersion])
  assert.deepEqual(await watch.return(), { done: true, value: undefined })
  assert.deepEqual(await watch.next(), { done: true, value: undefined })
  await heady.close()
})

test('somebody who waits is told when it ends', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  const [returned, closed] = [heady.registry.watch(), heady.registry.watch({ bookmarks: true })]
  assert.equal((await closed.next()).value.change, 'BOOKMARK')
  const waiting = [returned.next(), closed.next()]
  await returned.return()
  assert.equal((await waiting[0]).done, true)
  await heady.close()
  assert.equal((await waiting[1]).done, true)
  await assert.rejects(heady.registry.watch().next(), { code: 'UNAVAILABLE' })
})

test('an aborted signal ends the iteration, and no listener is left behind', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  let listeners = 0
  const { signal } = new AbortController()
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args) => (listeners++, addEventListener.apply(signal, args))
  signal.removeEventListener = (...args) => (listeners--, removeEventListener.apply(signal, args))
  await heady.registry.putNode({ id: 'a' })
  for await (const event of heady.registry.watch({ since: 0 }, { signal })) {
    assert.deepEqual([event.id, listeners], ['a', 1])
    break
  }
  assert.equal(listeners, 0)

  const controller = new AbortController()
  await assert.rejects(
    async () => {
      for await (const _ of heady.registry.watch({ since: 0 }, { signal: controller.signal }))
        controller.abort()
    },
    { code: 'CANCELLED' },
  )
  const aborted = heady.registry.watch({}, { signal: AbortSignal.abort() })
  await assert.rejects(aborted.next(), { code: 'CANCELLED' })
  await heady.close()
})

test('the change of another log is told apart', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  for (const id of ['a', 'b']) await heady.registry.putNode({ id })
  const changes = heady.registry.watch({ since: 0 })
  const { revision, at } = (await changes.next()).value
  await changes.return()
  const again = heady.registry.watch({ since: revision, sinceAt: at })
  assert.equal((await again.next()).value.id, 'b')
  await again.return()
  const sinceAt = new Date(at.getTime() - 1)
  await assert.rejects(heady.registry.watch({ since: revision, sinceAt }).next(), {
    code: 'FAILED_PRECONDITION',
    compacted: true,
    message: /another registry/,
  })
  await heady.close()
})

test('what cannot be watched has its code', async () => {
  const heady = await Heady.connect('sqlite::memory:')
  await assert.rejects(heady.registry.watch({ since: 5 }).next(), (error) => {
    assert.deepEqual([error.code, error.compacted, error.newest], ['FAILED_PRECONDITION', true, 0])
    return true
  })
  for (const options of [{ form: 1 }, { kinds: ['THING'] }, { since: 1.5 }]) {
    assert.throws(() => heady.registry.watch(options), { code: 'INVALID_ARGUMENT' })
  }
  await heady.close()
})

test('a forgotten watch does not keep Node alive', () => {
  const script = `
    const { Heady } = require(${JSON.stringify(createRequire(import.meta.url).resolve('../index.js'))})
    Heady.connect('sqlite::memory:').then(async (heady) => {
      globalThis.forgotten = heady.registry.watch()
      globalThis.left = heady.registry.watch({ since: 0 })
      await heady.registry.putNode({ id: 'a' })
      await left.next()
      console.log('done')
    })`
  const said = execFileSync(process.execPath, ['-e', script], { timeout: 30_000, encoding: 'utf8' })
  assert.equal(said, 'done\n')
})
