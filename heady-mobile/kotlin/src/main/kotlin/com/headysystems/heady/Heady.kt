package com.headysystems.heady

import com.headysystems.heady.model.FollowRun
import com.headysystems.heady.model.HeadyException
import com.headysystems.heady.model.Json
import com.headysystems.heady.model.RegistryEvent
import com.headysystems.heady.model.RunEvent
import com.headysystems.heady.model.RunStep
import com.headysystems.heady.model.WatchOptions
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.withContext

/** The code of the error, the same string in every language. */
val HeadyException.code: String
    get() =
        when (this) {
            is HeadyException.InvalidArgument -> "INVALID_ARGUMENT"
            is HeadyException.NotFound -> "NOT_FOUND"
            is HeadyException.AlreadyExists -> "ALREADY_EXISTS"
            is HeadyException.PermissionDenied -> "PERMISSION_DENIED"
            is HeadyException.FailedPrecondition -> "FAILED_PRECONDITION"
            is HeadyException.Unauthenticated -> "UNAUTHENTICATED"
            is HeadyException.Aborted -> "ABORTED"
            is HeadyException.DeadlineExceeded -> "DEADLINE_EXCEEDED"
            is HeadyException.ResourceExhausted -> "RESOURCE_EXHAUSTED"
            is HeadyException.Cancelled -> "CANCELLED"
            is HeadyException.Unavailable -> "UNAVAILABLE"
            is HeadyException.DataLoss -> "DATA_LOSS"
            is HeadyException.Internal -> "INTERNAL"
        }

/**
 * Facts for programs, as a JSON object, if there are any: `current`, the entry as it is now, of one that is not what the
 * caller took it for; `line` and `column` in a text that cannot be read.
 */
val HeadyException.details: Json?
    get() =
        when (this) {
            is HeadyException.InvalidArgument -> details
            is HeadyException.NotFound -> details
            is HeadyException.AlreadyExists -> details
            is HeadyException.PermissionDenied -> details
            is HeadyException.FailedPrecondition -> details
            is HeadyException.Unauthenticated -> details
            is HeadyException.Aborted -> details
            is HeadyException.DeadlineExceeded -> details
            is HeadyException.ResourceExhausted -> details
            is HeadyException.Cancelled -> details
            is HeadyException.Unavailable -> details
            is HeadyException.DataLoss -> details
            is HeadyException.Internal -> details
        }

/** Calls [block] with this engine, then shuts it down and lets go of it, however that ended. */
suspend inline fun <R> Heady.use(block: (Heady) -> R): R =
    try {
        block(this)
    } finally {
        withContext(NonCancellable) { shutdown() }
        close()
    }

/**
 * Registers a suspending function as a handler, in place of an earlier one of that name. What it returns is the output
 * of the task as JSON text, null for none. What it throws fails the attempt, and the code of a [HeadyException] decides
 * whether that is repeated. It is cancelled when the attempt should end early.
 */
fun Pipeline.handle(name: String, handler: suspend (context: TaskContext, input: Json) -> Json?) =
    handle(name, Suspending(handler))

/**
 * The events of a run that this engine executes; none if it does not. The first who collects them gets them from the
 * beginning, others from then on.
 */
fun Pipeline.events(runId: String): Flow<RunEvent> = flow {
    watch(runId)?.use { events -> while (true) emit(events.next() ?: break) }
}

/**
 * What is recorded of a run, in order and once, wherever it is executed, up to its end. Cancelling the collector ends the
 * following and not the run. One that is to go on where an earlier one stood names its last position in [FollowRun.after].
 */
fun Pipeline.steps(options: FollowRun): Flow<RunStep> = flow {
    follow(options).use { steps ->
        try {
            while (true) emit(steps.next() ?: break)
        } finally {
            steps.end()
        }
    }
}

/**
 * Every change of the registry after a revision, in order and once, until the engine is shut down. Cancelling the
 * collector ends the watch. Each collector has its own: one that is to go on where an earlier one stood names its last
 * revision in [WatchOptions.since], and the time of that change in [WatchOptions.sinceAt].
 */
fun Registry.changes(options: WatchOptions = WatchOptions()): Flow<RegistryEvent> = flow {
    watch(options).use { changes ->
        try {
            while (true) emit(changes.next() ?: break)
        } finally {
            changes.end()
        }
    }
}

private class Suspending(private val handler: suspend (TaskContext, Json) -> Json?) : Handler {
    override suspend fun call(context: TaskContext, input: Json): Json =
        // Everything is caught, because the engine would wait for ever for a handler that ended in an `Error`.
        try {
            handler(context, input) ?: "null"
        } catch (thrown: Throwable) {
            if (thrown is CancellationException) currentCoroutineContext().ensureActive()
            throw failure(thrown)
        }
}

private fun failure(thrown: Throwable): HandlerException =
    when (thrown) {
        is HandlerException -> thrown
        is HeadyException -> HandlerException.Failed(thrown.code, thrown.message.orEmpty())
        is TimeoutCancellationException -> HandlerException.Failed("DEADLINE_EXCEEDED", thrown.message.orEmpty())
        else -> HandlerException.Failed("INTERNAL", thrown.toString())
    }
