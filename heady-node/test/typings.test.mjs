// What the build makes of the comments.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

test('the typings say what a word is about, without the quotes of Rust', () => {
  const typings = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8')
  assert.match(typings, /\n\/\*\* How something differs\. \*\/\nexport type DriftKind = /)
  assert.doesNotMatch(typings, /^.*\br#*".*$/m)
})
