// Compiled, never run: what an author of TypeScript writes must be accepted, and what is wrong refused.
import {
  Heady,
  type HeadyError,
  type PipelineRun,
  type RegistryEvent,
  type RunStatus,
  type Service,
} from '../index.js'

export async function main(): Promise<void> {
  const heady: Heady = await Heady.connect('sqlite::memory:', { actor: 'types' })
  const service: Service = await heady.registry.registerService({ id: 'a', metadata: { any: 1 } })
  const since: Date | null = service.lastHealthyAt
  heady.pipeline.handle('later', async (context) => ({ attempt: context.attempt, since }))
  const run: PipelineRun = await heady.pipeline.run({ workflowId: 'a' }, { signal: AbortSignal.timeout(1) })
  for await (const event of heady.registry.watch({ since: 0, kinds: ['SERVICE'] })) {
    const changed: RegistryEvent = event
    if (changed.change === 'DELETE') break
    if (changed.kind === 'SERVICE') {
      const at: string | null = changed.object.lastHealthyAt
      const address: string = changed.object.baseUrl + changed.id + at
      const anything: number = changed.object.metadata.any
      console.log(address, anything, changed.object.lastProbe?.latencyMs)
    } else if (changed.kind === 'NODE') {
      const triggers: string[] = changed.object.triggers
      // @ts-expect-error: a node has no address
      console.log(triggers, changed.object.baseUrl)
    } else if (changed.kind === null) {
      const nothing: null = changed.object
      console.log(nothing, changed.at.getTime())
    }
  }
  await heady.registry.putService({ id: 'a', ifVersion: 1 }).catch((error: HeadyError) => {
    const current: number | undefined = error.details?.current?.resourceVersion
    if (error.code !== 'ABORTED' || current === undefined) throw error
    // @ts-expect-error: no such code
    console.log(error.code === 'WRONG')
  })
  for await (const step of heady.pipeline.follow({ id: run.runId })) {
    const ended: RunStatus | null = step.runStatus
    if (step.kind === 'TASK' && ended === null) continue
  }
  // @ts-expect-error: which run?
  heady.pipeline.follow()
  // @ts-expect-error: no such kind
  heady.registry.watch({ kinds: ['THING'] })
  const status: RunStatus = run.status
  if (status === 'SUCCEEDED') await heady.pipeline.list({ status, limit: 5 })
  // @ts-expect-error: no such status
  await heady.pipeline.list({ status: 'DONE' })
  // @ts-expect-error: a plan is needed
  await heady.monteCarlo.run()
  await heady.close()
}
