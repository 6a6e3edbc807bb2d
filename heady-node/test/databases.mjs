// A fresh database of each kind. PostgreSQL is the server that `make test` starts.
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'

import pg from 'pg'

const server = process.env.HEADY_TEST_POSTGRES_URL

const fresh = {
  sqlite: async () => 'sqlite::memory:',
  postgres: async () => {
    const schema = `node_${randomUUID().replaceAll('-', '_')}`
    const client = new pg.Client(server)
    await client.connect()
    await client.query(`CREATE SCHEMA ${schema}`)
    await client.end()
    return `${server}${server.includes('?') ? '&' : '?'}options[search_path]=${schema},public`
  },
}

/** Registers one test for each database; it gets the URL of a fresh one. */
export const onBothDatabases = (name, body) => {
  for (const [database, url] of Object.entries(fresh)) {
    const skip =
      database === 'postgres' && !server && 'HEADY_TEST_POSTGRES_URL is not set; `make test` sets it'
    test(`${name} (${database})`, { skip }, async () => body(await url()))
  }
}
