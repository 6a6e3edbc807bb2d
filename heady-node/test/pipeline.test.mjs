import assert from 'node:assert/strict'

import { Heady } from '../index.js'
import { onBothDatabases } from './databases.mjs'

const one = (...tasks) => ({
  pipeline: { name: 'test', stages: [{ id: 'stage', tasks }] },
})

onBothDatabases('handlers get their input and give the output, at once or later', async (url) => {
  const heady = await Heady.connect(url)
  const seen = []
  heady.pipeline.handle('now', (context, input) => {
    seen.push([context.stage, context.task, context.attempt, context.compensating, context.input])
    return { twice: input.n * 2 }
  })
  heady.pipeline.handle('later', async (context) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return [context.idempotencyKey.length, context.seed, context.runId.length]
  })
  heady.pipeline.handle('nothing', () => {})
  const run = await heady.pipeline.run({
    definition: one({ name: 'now', with: { n: 21 } }, 'later', 'nothing'),
    input: { who: 'me' },
    seed: 7,
  })
  assert.equal(run.status, 'SUCCEEDED')
  const [now, later, nothing] = run.stages[0].tasks
  assert.deepEqual(now.output, { twice: 42 })
  assert.deepEqual(later.output, [32, 7, 36])
  assert.equal(nothing.output, null)
  assert.deepEqual(seen, [['stage', 'now', 1, false, { who: 'me' }]])
  assert.deepEqual(JSON.parse(JSON.stringify(run)).metrics.completedTasks, 3)
  await heady.close()
})

onBothDatabases('the code of what a handler throws decides whether it is tried again', async (url) => {
  const heady = await Heady.connect(url)
  const calls = { flaky: 0, wrong: 0 }
  heady.pipeline.handle('flaky', async ({ attempt }) => {
    calls.flaky++
    if (attempt < 3) throw Object.assign(new Error('not yet'), { code: 'UNAVAILABLE' })
    return attempt
  })
  heady.pipeline.handle('wrong', () => {
    calls.wrong++
    throw Object.assign(new Error('no such plan'), { code: 'INVALID_ARGUMENT' })
  })
  const retry = { maxAttempts: 5, backoff: { baseMs: 1, maxMs: 1 } }
  const run = await heady.pipeline.run({
    definition: {
      pipeline: {
        name: 'codes',
        stages: [
          {
            id: 's',
            onFailure: 'collectAll',
            tasks: [
              { name: 'flaky', retry },
              { name: 'wrong', retry },
            ],
          },
        ],
      },
    },
  })
  assert.deepEqual(calls, { flaky: 3, wrong: 1 })
  const [flaky, wrong] = run.stages[0].tasks
  assert.deepEqual([flaky.status, flaky.attempts, flaky.output], ['SUCCEEDED', 3, 3])
  assert.deepEqual(wrong.error, {
    code: 'INVALID_ARGUMENT',
    message: 'no such plan',
    retryable: false,
  })
  await heady.close()
})

onBothDatabases('whatever is thrown fails the task and says why', async (url) => {
  const heady = await Heady.connect(url)
  const thrown = {
    text: () => {
      throw 'plain text'
    },
    nothing: async () => {
      throw undefined
    },
    bigint: () => ({ id: 1n }),
    laterBigint: async () => 1n,
    type: () => null.property,
  }
  for (const [name, handler] of Object.entries(thrown)) {
    heady.pipeline.handle(name, handler)
    const run = await heady.pipeline.run({ definition: one(name) })
    assert.equal(run.status, 'FAILED', name)
    const { error } = run.stages[0].tasks[0]
    assert.equal(error.code, 'INTERNAL', name)
    assert.ok(error.message.length > 3, name)
  }
  assert.throws(() => heady.pipeline.handle('process.run', () => 1), { code: 'INVALID_ARGUMENT' })
  await heady.close()
})

onBothDatabases('a task without a handler fails, and what was done is undone', async (url) => {
  const heady = await Heady.connect(url)
  const missing = await heady.pipeline.run({ definition: one('nobody-has-it') })
  assert.equal(missing.status, 'FAILED')
  assert.equal(missing.stages[0].tasks[0].error.code, 'NOT_FOUND')

  const order = []
  for (const name of ['a', 'b']) heady.pipeline.handle(name, () => order.push(name))
  heady.pipeline.handle('undo', ({ task, compensating }) => order.push([task, compensating]))
  heady.pipeline.handle('fail', () => {
    throw Object.assign(new Error('no'), { code: 'FAILED_PRECONDITION' })
  })
  const run = await heady.pipeline.run({
    definition: {
      pipeline: {
        name: 'undone',
        stages: [
          {
            id: 's',
            parallel: false,
            tasks: [
              { name: 'a', compensate: { uses: 'undo' } },
              { name: 'b', compensate: { uses: 'undo' } },
            ],
          },
          { id: 't', dependsOn: ['s'], tasks: ['fail'] },
        ],
      },
    },
  })
  assert.equal(run.status, 'COMPENSATED')
  assert.deepEqual(order, ['a', 'b', ['b', true], ['a', true]])
  await heady.close()
})

onBothDatabases("a handler's signal fires when its time is up", async (url) => {
  const heady = await Heady.connect(url)
  let aborted = 0
  heady.pipeline.handle('slow', async ({ signal }) => {
    assert.equal(signal.aborted, false)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    aborted++
    throw signal.reason
  })
  heady.pipeline.handle('quick', async ({ signal }) => signal.aborted)
  const run = await heady.pipeline.run({
    definition: one({ name: 'slow', timeoutMs: 50 }, 'quick'),
  })
  assert.equal(aborted, 1)
  const [slow, quick] = run.stages[0].tasks
  assert.equal(slow.error.code, 'DEADLINE_EXCEEDED')
  assert.equal(quick.output, false)
  await heady.close()
})

onBothDatabases('a run is followed to its end, from anywhere and from where somebody stood', async (url) => {
  const [executing, other] = [await Heady.connect(url), await Heady.connect(url)]
  const following = url === 'sqlite::memory:' ? executing : other
  let finish
  executing.pipeline.handle('slow', () => new Promise((resolve) => (finish = resolve)))
  executing.pipeline.handle('quick', () => 1)
  const definition = one('quick', 'slow')
  definition.pipeline.stages[0].parallel = false
  const run = await executing.pipeline.start({ definition })
  const steps = []
  for await (const step of following.pipeline.follow({ id: run.runId })) {
    steps.push(step)
    if (steps.length === 1) finish()
  }
  const told = ({ kind, task, status, runStatus }) => [kind, task, status ?? runStatus]
  assert.deepEqual(steps.map(told), [
    ['TASK', 'quick', 'SUCCEEDED'],
    ['TASK', 'slow', 'SUCCEEDED'],
    ['STAGE', null, 'SUCCEEDED'],
    ['RUN', null, 'SUCCEEDED'],
  ])
  assert.ok(steps[0].finishedAt instanceof Date)
  const later = executing.pipeline.follow({ id: run.runId, after: steps[1].position })
  for (const step of steps.slice(2)) assert.deepEqual((await later.next()).value, step)
  assert.deepEqual(await later.next(), { done: true, value: undefined })
  const refused = executing.pipeline.follow({ id: run.runId, after: '9' })
  await assert.rejects(refused.next(), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => executing.pipeline.follow({ id: run.runId, form: 1 }), { code: 'INVALID_ARGUMENT' })
  const left = executing.pipeline.follow({ id: run.runId })
  assert.equal((await left.return()).done, true)
  assert.equal((await left.next()).done, true)
  await Promise.all([executing.close(), other.close()])
})

onBothDatabases('a thousand tasks go through one thread of JavaScript', async (url) => {
  const heady = await Heady.connect(url)
  let under = 0
  let most = 0
  heady.pipeline.handle('step', async () => {
    most = Math.max(most, ++under)
    await new Promise(setImmediate)
    under--
  })
  const tasks = Array.from({ length: 1000 }, (_, n) => ({ name: `t${n}`, uses: 'step' }))
  const run = await heady.pipeline.run({ definition: one(...tasks) })
  assert.equal(run.metrics.completedTasks, 1000)
  assert.ok(most <= 6, `${most} at once`)
  await heady.close()
})
