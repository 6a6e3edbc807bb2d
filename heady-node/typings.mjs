// The last step of a build. A comment that a macro of Rust passed on arrives in index.d.ts as a raw literal, `r" text`,
// because napi-derive unquotes plain literals alone.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('index.d.ts', import.meta.url)
const raw = /^(\s*(?:\/\*)?\*+ )r(#*)" ?(.*?)(?:"\2)?( \*\/)?$/gm
writeFileSync(file, readFileSync(file, 'utf8').replace(raw, '$1$3$4'))
