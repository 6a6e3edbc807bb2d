package com.headysystems.heady.bench

import com.headysystems.heady.Cancellation
import com.headysystems.heady.Heady
import com.sun.jna.Callback
import com.sun.jna.Native
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong
import kotlin.coroutines.Continuation
import kotlin.coroutines.resume
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.suspendCancellableCoroutine
import uniffi.bench_kotlin_empty.Empty

/** So many calls that do not suspend are made between two looks at the clock. */
private const val BATCH = 1000

/** Functions that do nothing, as directly as JNA calls any. */
private object Direct {
    init {
        Native.register(Direct::class.java, "bench_kotlin_empty")
    }

    external fun empty()

    external fun empty_poll(done: Done, call: Long)
}

private fun interface Done : Callback {
    fun callback(call: Long)
}

private val waiting = ConcurrentHashMap<Long, Continuation<Unit>>()
private val calls = AtomicLong()
private val done = Done { call -> waiting.remove(call)?.resume(Unit) }

/** A call that is suspended until the library calls back, which it does at once. */
private suspend fun poll() = suspendCancellableCoroutine { continuation ->
    val call = calls.incrementAndGet()
    waiting[call] = continuation
    Direct.empty_poll(done, call)
}

private class Measured(val done: Long, val seconds: Double)

private fun called(nanoseconds: Long, call: () -> Unit): Measured {
    val begun = System.nanoTime()
    var done = 0L
    while (System.nanoTime() - begun < nanoseconds) {
        repeat(BATCH) { call() }
        done += BATCH
    }
    return Measured(done, (System.nanoTime() - begun) / 1e9)
}

private fun suspended(nanoseconds: Long, atOnce: Int, call: suspend () -> Unit): Measured =
    runBlocking(Dispatchers.Default) {
        val begun = System.nanoTime()
        val all = List(atOnce) {
            async {
                var done = 0L
                while (System.nanoTime() - begun < nanoseconds) {
                    call()
                    done++
                }
                done
            }
        }
        Measured(all.awaitAll().sum(), (System.nanoTime() - begun) / 1e9)
    }

/** A call that returns, and one that suspends. */
private class Calls(val function: () -> Unit, val suspend: suspend () -> Unit)

private fun of(whose: String): Calls =
    when (whose) {
        "ours" -> {
            val heady = runBlocking { Heady.connect("sqlite::memory:") }
            Calls(Cancellation()::cancel, heady::shutdown)
        }
        "uniffi" -> Empty().let { empty -> Calls(empty::nothing, empty::later) }
        else -> Calls(Direct::empty, ::poll)
    }

/**
 * Calls from Kotlin, ours and empty ones: `CallsKt WHOSE WHAT AT_ONCE SECONDS`. Ours are those that do least: cancelling
 * what is cancelled, and closing an engine that is closed, a suspend function with nothing to wait for.
 */
fun main(arguments: Array<String>) {
    val (whose, what, atOnce, seconds) = arguments
    val calls = of(whose)
    val measure = { nanoseconds: Long ->
        if (what == "function") called(nanoseconds, calls.function)
        else suspended(nanoseconds, atOnce.toInt(), calls.suspend)
    }
    // Until everything is compiled.
    measure(1_000_000_000)
    val measured = measure((seconds.toDouble() * 1e9).toLong())
    println("""{"done": ${measured.done}, "seconds": ${measured.seconds}}""")
    exitProcess(0)
}
