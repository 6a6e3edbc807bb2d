// A pipeline whose tasks are suspending functions of the app. `heady-mobile/kotlin/run-tests -Dtest=ExampleTest` runs it.
package example

import com.headysystems.heady.Heady
import com.headysystems.heady.events
import com.headysystems.heady.handle
import com.headysystems.heady.model.HeadyException
import com.headysystems.heady.model.PipelineRun
import com.headysystems.heady.model.RunEvent
import com.headysystems.heady.model.StartRun
import com.headysystems.heady.use
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking

private const val DEFINITION =
    """
    {"pipeline": {"name": "nightly", "stages": [
        {"id": "fetch", "tasks": [{"name": "fetch", "retry": {"maxAttempts": 3, "backoff": {"baseMs": 10, "maxMs": 50}}}]},
        {"id": "store", "dependsOn": ["fetch"], "tasks": ["store"]}]}}
    """

/** Runs the pipeline and shows its events as they happen; [requestId] makes a repeated request one run. */
suspend fun nightly(url: String, requestId: String): PipelineRun =
    Heady.connect(url).use { heady ->
        val pipeline = heady.pipeline()
        pipeline.handle("fetch") { context, _ ->
            delay(20) // a request
            // Unavailable is tried again; InvalidArgument would not be.
            if (context.attempt == 1u) throw HeadyException.Unavailable("the network is away")
            """{"items": 3}"""
        }
        pipeline.handle("store") { context, _ -> """{"key": "${context.idempotencyKey}"}""" }

        val begun = pipeline.start(StartRun(definition = DEFINITION, requestId = requestId))
        pipeline.events(begun.runId).collect { event ->
            when (event) {
                is RunEvent.TaskWaits -> println("${event.task} waits ${event.waitMs} ms: ${event.error.message}")
                is RunEvent.TaskEnded -> println("${event.task} ${event.status}")
                else -> {}
            }
        }
        pipeline.wait(begun.runId)
    }

fun main() = runBlocking {
    val run = nightly("sqlite::memory:", "nightly-17")
    println("${run.status}: ${run.metrics.completedTasks} of ${run.metrics.totalTasks} tasks in ${run.metrics.elapsedMs} ms")
}
