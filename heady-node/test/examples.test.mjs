import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('the example runs and says what happened', () => {
  const example = fileURLToPath(new URL('../../examples/node/run.mjs', import.meta.url))
  const printed = execFileSync(process.execPath, [example], { encoding: 'utf8' })
  assert.equal(printed, 'count-words SUCCEEDED 7\n')
})
