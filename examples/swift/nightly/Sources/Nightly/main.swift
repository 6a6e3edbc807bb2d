// A pipeline whose tasks are async functions of the app.
import Heady

let definition = """
    {"pipeline": {"name": "nightly", "stages": [
        {"id": "fetch", "tasks": [{"name": "fetch", "retry": {"maxAttempts": 3, "backoff": {"baseMs": 10, "maxMs": 50}}}]},
        {"id": "store", "dependsOn": ["fetch"], "tasks": ["store"]}]}}
    """

let heady = try await Heady.connect(url: "sqlite::memory:")
let pipeline = heady.pipeline()
try pipeline.handle("fetch") { context, _ in
    // Unavailable is tried again; InvalidArgument would not be.
    if context.attempt == 1 { throw HeadyError.Unavailable(reason: "the network is away", details: nil) }
    return #"{"items": 3}"#
}
try pipeline.handle("store") { context, _ in #"{"key": "\#(context.idempotencyKey)"}"# }

// A request id makes a repeated request one run.
let begun = try await pipeline.start(options: StartRun(definition: definition, requestId: "nightly-17"))
for await event in pipeline.events(runId: begun.runId) {
    switch event {
    case .taskWaits(_, let task, let waitMs, let error): print("\(task) waits \(waitMs) ms: \(error.message)")
    case .taskEnded(_, let task, let status, _, _): print("\(task) \(status)")
    default: break
    }
}
let run = try await pipeline.wait(runId: begun.runId)
print("\(run.status): \(run.metrics.completedTasks) of \(run.metrics.totalTasks) tasks in \(run.metrics.elapsedMs) ms")
await heady.shutdown()
