// Compiled, never run: what an author of TypeScript writes must be accepted, and what is wrong refused.
import { Heady, type PipelineRun, type RunStatus, type Service } from '../index.js'

export async function main(): Promise<void> {
  const heady: Heady = await Heady.connect('sqlite::memory:', { actor: 'types' })
  const service: Service = await heady.registry.registerService({ id: 'a', metadata: { any: 1 } })
  const since: Date | null = service.lastHealthyAt
  heady.pipeline.handle('later', async (context) => ({ attempt: context.attempt, since }))
  const run: PipelineRun = await heady.pipeline.run({ workflowId: 'a' }, { signal: AbortSignal.timeout(1) })
  const status: RunStatus = run.status
  if (status === 'SUCCEEDED') await heady.pipeline.list({ status, limit: 5 })
  // @ts-expect-error: no such status
  await heady.pipeline.list({ status: 'DONE' })
  // @ts-expect-error: a plan is needed
  await heady.monteCarlo.run()
  await heady.close()
}
