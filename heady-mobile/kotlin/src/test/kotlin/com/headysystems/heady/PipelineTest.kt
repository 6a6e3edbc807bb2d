package com.headysystems.heady

import com.headysystems.heady.model.FollowRun
import com.headysystems.heady.model.HeadyException
import com.headysystems.heady.model.RunEvent
import com.headysystems.heady.model.RunStatus
import com.headysystems.heady.model.StageStatus
import com.headysystems.heady.model.StartRun
import java.util.Collections
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class PipelineTest {
    private fun one(vararg tasks: String) =
        """{"pipeline": {"name": "test", "stages": [{"id": "stage", "tasks": [${tasks.joinToString()}]}]}}"""

    private fun onEngine(body: suspend (Pipeline) -> Unit) = runBlocking {
        Heady.connect("sqlite::memory:").use { body(it.pipeline()) }
    }

    @Test
    fun `a handler gets its input and gives the output, at once or later`() = onEngine { pipeline ->
        val seen = CompletableDeferred<TaskContext>()
        pipeline.handle("now") { context, input ->
            seen.complete(context)
            """{"got": $input}"""
        }
        pipeline.handle("later") { context, _ ->
            delay(5)
            "[${context.idempotencyKey.length}, ${context.seed}]"
        }
        pipeline.handle("nothing") { _, _ -> null }
        val definition = one("""{"name": "now", "with": {"n": 21}}""", "\"later\"", "\"nothing\"")
        val run = pipeline.run(StartRun(definition = definition, input = """{"who":"me"}""", seed = 7))
        assertEquals(RunStatus.SUCCEEDED, run.status)
        assertEquals(listOf("""{"got":{"n":21}}""", "[32,7]", "null"), run.stages.single().tasks.map { it.output })
        val context = seen.await()
        assertEquals(
            listOf(run.runId, "test", "stage", "now", 1u, 7L, """{"who":"me"}""", false),
            with(context) { listOf(runId, workflowId, stage, task, attempt, seed, input, compensating) },
        )
        assertEquals(run, pipeline.get(run.runId))
    }

    @Test
    fun `the code of what a handler throws decides whether it is tried again`() = onEngine { pipeline ->
        pipeline.handle("flaky") { context, _ ->
            if (context.attempt < 3u) throw HeadyException.Unavailable("not yet")
            "${context.attempt}"
        }
        val wrongs = AtomicInteger()
        pipeline.handle("wrong") { _, _ ->
            wrongs.incrementAndGet()
            throw HeadyException.InvalidArgument("no such plan")
        }
        val retry = """"retry": {"maxAttempts": 5, "backoff": {"baseMs": 1, "maxMs": 1}}"""
        val definition =
            """{"pipeline": {"name": "codes", "stages": [{"id": "s", "onFailure": "collectAll", "tasks": [
                {"name": "flaky", $retry}, {"name": "wrong", $retry}]}]}}"""
        val (flaky, wrong) = pipeline.run(StartRun(definition = definition)).stages.single().tasks
        assertEquals(listOf(StageStatus.SUCCEEDED, 3L, "3"), listOf(flaky.status, flaky.attempts, flaky.output))
        assertEquals(1, wrongs.get())
        assertEquals("INVALID_ARGUMENT", wrong.error?.code)
        assertEquals("no such plan", wrong.error?.message)
        assertEquals(false, wrong.error?.retryable)
    }

    @Test
    fun `whatever is thrown fails the task and says why`() = onEngine { pipeline ->
        val once = """"retry": {"maxAttempts": 1}"""
        val handlers: Map<String, Pair<String, suspend () -> String?>> =
            mapOf(
                "exception" to ("INTERNAL" to { error("oops") }),
                "error" to ("INTERNAL" to { throw StackOverflowError("oops") }),
                "cancelled" to ("INTERNAL" to { throw CancellationException("oops") }),
                "deadline" to ("DEADLINE_EXCEEDED" to { withTimeout(1) { awaitCancellation() } }),
                "notJson" to ("INVALID_ARGUMENT" to { "oops" }),
                "lost" to ("DATA_LOSS" to { throw HandlerException.Failed("DATA_LOSS", "oops") }),
                "unknownCode" to ("INTERNAL" to { throw HandlerException.Failed("TEAPOT", "oops") }),
            )
        for ((name, expected) in handlers) {
            val (code, handler) = expected
            pipeline.handle(name) { _, _ -> handler() }
            val run = pipeline.run(StartRun(definition = one("""{"name": "$name", $once}""")))
            assertEquals(RunStatus.FAILED, run.status, name)
            val error = run.stages.single().tasks.single().error!!
            assertEquals(code, error.code, "$name: ${error.message}")
            assertTrue(error.message.length > 3, name)
        }
        val raw =
            object : Handler {
                override suspend fun call(context: TaskContext, input: String): String = error("raw")
            }
        pipeline.handle("raw", raw)
        val error = pipeline.run(StartRun(definition = one("""{"name": "raw", $once}"""))).stages.single().tasks.single().error!!
        assertTrue("raw" in error.message, error.message)
        thrown<HeadyException.InvalidArgument> { pipeline.handle("process.run") { _, _ -> null } }
    }

    @Test
    fun `a task without a handler fails, and what was done is undone, the last first`() = onEngine { pipeline ->
        val missing = pipeline.run(StartRun(definition = one("\"nobody-has-it\"")))
        assertEquals(RunStatus.FAILED, missing.status)
        assertEquals("NOT_FOUND", missing.stages.single().tasks.single().error?.code)

        val order = Collections.synchronizedList(mutableListOf<String>())
        for (name in listOf("a", "b")) pipeline.handle(name) { _, _ -> null.also { order += name } }
        pipeline.handle("undo") { context, _ -> null.also { order += "${context.task} ${context.compensating}" } }
        pipeline.handle("fail") { _, _ -> throw HeadyException.FailedPrecondition("no") }
        val definition =
            """{"pipeline": {"name": "undone", "stages": [
                {"id": "s", "parallel": false, "tasks": [
                    {"name": "a", "compensate": {"uses": "undo"}}, {"name": "b", "compensate": {"uses": "undo"}}]},
                {"id": "t", "dependsOn": ["s"], "tasks": ["fail"]}]}}"""
        assertEquals(RunStatus.COMPENSATED, pipeline.run(StartRun(definition = definition)).status)
        assertEquals(listOf("a", "b", "b true", "a true"), order)
    }

    @Test
    fun `a handler is cancelled when its time is up and when its run is cancelled`() = onEngine { pipeline ->
        val ended = AtomicInteger()
        // One for each call: whoever is cancelled before it is called has nothing to end.
        val started = Channel<Unit>(Channel.UNLIMITED)
        pipeline.handle("wait") { _, _ ->
            try {
                started.trySend(Unit)
                awaitCancellation()
            } finally {
                ended.incrementAndGet()
            }
        }
        val late = pipeline.run(StartRun(definition = one("""{"name": "wait", "timeoutMs": 500, "retry": {"maxAttempts": 1}}""")))
        assertEquals("DEADLINE_EXCEEDED", late.stages.single().tasks.single().error?.code)
        started.receive()
        while (ended.get() < 1) delay(5)

        val begun = pipeline.start(StartRun(definition = one("\"wait\"")))
        started.receive()
        pipeline.cancel(begun.runId)
        assertEquals(RunStatus.CANCELLED, pipeline.wait(begun.runId).status)
        while (ended.get() < 2) delay(5)
    }

    @Test
    fun `the events of a run are a flow that ends with it`() = onEngine { pipeline ->
        val mayEnd = CompletableDeferred<Unit>()
        pipeline.handle("first") { context, _ ->
            mayEnd.await()
            if (context.attempt == 1u) throw HeadyException.Unavailable("not yet")
            null
        }
        val task = """{"name": "first", "retry": {"maxAttempts": 2, "backoff": {"baseMs": 1, "maxMs": 1}}}"""
        val begun = pipeline.start(StartRun(definition = one(task)))
        val events =
            pipeline.events(begun.runId).onEach { mayEnd.complete(Unit) }.toList().map { event ->
                when (event) {
                    is RunEvent.StageStarted -> "stage ${event.stage}"
                    is RunEvent.TaskStarted -> "${event.task} ${event.attempt}"
                    is RunEvent.TaskWaits -> "${event.task} waits: ${event.error.code}"
                    is RunEvent.TaskEnded -> "${event.task} ${event.status}"
                    is RunEvent.StageEnded -> "stage ${event.stage} ${event.status}"
                    is RunEvent.RunChanged -> "run ${event.status}"
                }
            }
        val wanted =
            listOf("stage 0", "first 1", "first waits: UNAVAILABLE", "first 2", "first SUCCEEDED", "stage 0 SUCCEEDED", "run SUCCEEDED")
        assertEquals(wanted, events.filter { it != "run RUNNING" })
        assertEquals(emptyList<RunEvent>(), pipeline.events(begun.runId).toList())
    }

    @Test
    fun `a run is followed to its end and from where somebody stood`() = onEngine { pipeline ->
        val mayEnd = CompletableDeferred<Unit>()
        pipeline.handle("quick") { _, _ -> null }
        pipeline.handle("slow") { _, _ -> null.also { mayEnd.await() } }
        val begun = pipeline.start(StartRun(definition = one("\"quick\"", "\"slow\"")))
        val steps = pipeline.steps(FollowRun(begun.runId)).onEach { mayEnd.complete(Unit) }.toList()
        val told = steps.map { listOfNotNull(it.kind, it.task, it.status, it.runStatus).joinToString(" ") }
        val wanted = listOf("TASK quick SUCCEEDED", "TASK slow SUCCEEDED", "STAGE SUCCEEDED", "RUN SUCCEEDED")
        assertEquals(wanted, told)
        val later = pipeline.steps(FollowRun(begun.runId, after = steps[1].position, stages = listOf("none")))
        assertEquals(steps.drop(3), later.toList())
        thrown<HeadyException.NotFound> { pipeline.steps(FollowRun("nobody")).toList() }
    }

    @Test
    fun `who no longer waits for a run does not end it`() = onEngine { pipeline ->
        val mayEnd = CompletableDeferred<Unit>()
        pipeline.handle("slow") { _, _ -> null.also { mayEnd.await() } }
        val begun = pipeline.start(StartRun(definition = one("\"slow\"")))
        runBlocking {
            val waiting = launch { pipeline.wait(begun.runId) }
            yield()
            waiting.cancelAndJoin()
        }
        assertEquals(RunStatus.RUNNING, pipeline.get(begun.runId).status)
        mayEnd.complete(Unit)
        assertEquals(RunStatus.SUCCEEDED, pipeline.wait(begun.runId).status)
    }

    @Test
    fun `three hundred tasks run, never more at once than the definition allows`() = onEngine { pipeline ->
        val (under, most) = AtomicInteger() to AtomicInteger()
        pipeline.handle("step") { _, _ ->
            most.accumulateAndGet(under.incrementAndGet(), ::maxOf)
            yield()
            under.decrementAndGet()
            null
        }
        val tasks = (1..300).map { """{"name": "t$it", "uses": "step"}""" }
        val run = pipeline.run(StartRun(definition = one(*tasks.toTypedArray())))
        assertEquals(300, run.metrics.completedTasks)
        assertTrue(most.get() <= 6, "$most at once")
        // No call of a handler, of this test or another, is held on to.
        while (uniffiForeignFutureHandleCount() > 0) delay(5)
    }
}
