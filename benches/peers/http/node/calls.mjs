// Calls from Node.js, ours and empty ones: calls.mjs ADDON WHAT AT_ONCE SECONDS.
//
// Ours are those that do least: a getter, which makes an object; the closing of an engine that is closed, a promise with
// nothing to wait for; and a request that is answered without the database.
import { createRequire } from 'node:module'

const [addon, what, atOnce, seconds] = process.argv.slice(2)
const { Heady, Empty } = createRequire(import.meta.url)(addon)

// So many synchronous calls are made between two looks at the clock.
const BATCH = 1000

async function ours() {
  const heady = await Heady.connect('sqlite::memory:')
  await heady.close()
  return {
    getter: () => heady.audit,
    promise: () => heady.close(),
    request: () => ask((request) => heady.fetch(request)),
  }
}

function theirs() {
  const empty = new Empty()
  return {
    getter: () => empty.other,
    promise: () => empty.nothing(),
    request: () => ask(plain),
  }
}

// What every handler of Web requests does at least.
async function plain(request) {
  const { pathname } = new URL(request.url)
  if (pathname !== '/health/live') return new Response(null, { status: 404 })
  return Response.json({ ok: true, status: 'ok', uptime: 0, timestamp: new Date() })
}

async function ask(handler) {
  const response = await handler(new Request('http://heady/health/live'))
  if (response.status !== 200 || !(await response.json()).ok) throw new Error(`status ${response.status}`)
}

function synchronous(call, until) {
  let done = 0
  while (performance.now() < until) {
    for (let count = 0; count < BATCH; count++) call()
    done += BATCH
  }
  return done
}

async function awaited(call, until) {
  let done = 0
  while (performance.now() < until) {
    await call()
    done++
  }
  return done
}

async function measure(call, milliseconds) {
  const begun = performance.now()
  const until = begun + milliseconds
  const repeat = what === 'getter' ? synchronous : awaited
  const counts = await Promise.all(Array.from({ length: Number(atOnce) }, () => repeat(call, until)))
  const done = counts.reduce((sum, count) => sum + count, 0)
  return { done, seconds: (performance.now() - begun) / 1000 }
}

const call = (await (Heady ? ours() : theirs()))[what]
// Until everything is compiled.
await measure(call, 500)
console.log(JSON.stringify(await measure(call, Number(seconds) * 1000)))
