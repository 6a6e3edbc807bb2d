// A handler of ours, a run, and what came of it: `make node`, then `node examples/node/run.mjs`.
import { Heady } from '../../heady-node/index.js' // '@heady/engine', once that is installed

const heady = await Heady.connect('sqlite::memory:')
heady.pipeline.handle('count-words', async (context, { text }) => text.split(/\s+/).length)
const task = { name: 'count-words', with: { text: 'what the engine reports is what happened' } }
const definition = { pipeline: { name: 'example', stages: [{ id: 'count', tasks: [task] }] } }
const run = await heady.pipeline.run({ definition, seed: 42 })
for (const { name, status, output } of run.stages[0].tasks) console.log(name, status, output)
await heady.close()
process.exitCode = run.status === 'SUCCEEDED' ? 0 : 1
