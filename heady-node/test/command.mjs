// The `heady` command, built by `make test-bindings`.
import { fileURLToPath } from 'node:url'

export const command =
  process.env.HEADY_COMMAND ?? fileURLToPath(new URL('../../target/debug/heady', import.meta.url))
