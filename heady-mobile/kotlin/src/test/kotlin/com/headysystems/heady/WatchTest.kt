package com.headysystems.heady

import com.headysystems.heady.model.EntryKind
import com.headysystems.heady.model.HeadyException
import com.headysystems.heady.model.PutNode
import com.headysystems.heady.model.PutService
import com.headysystems.heady.model.RegistryChange
import com.headysystems.heady.model.WatchOptions
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.sync.Semaphore
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test

/** The changes of the registry as a `Flow`: none is missed or repeated, and it ends when it should. */
class WatchTest {
    @Test
    fun `a flow that goes on where an earlier one stood misses and repeats nothing`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val registry = heady.registry()
            val writers =
                (0..3).map { writer ->
                    async(Dispatchers.Default) { repeat(25) { registry.putNode(PutNode(id = "n$writer", name = "$it")) } }
                }
            val seen = mutableListOf<Long>()
            while (seen.size < 100) {
                val part = minOf(7, 100 - seen.size)
                val changes = registry.changes(WatchOptions(since = seen.lastOrNull() ?: 0)).take(part).toList()
                seen += changes.map { it.revision }
            }
            writers.forEach { it.await() }
            assertEquals((1L..100L).toList(), seen)
        }
    }

    @Test
    fun `only what was asked for is given out`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val registry = heady.registry()
            registry.putNode(PutNode(id = "a"))
            registry.putService(PutService(id = "c"))
            registry.putService(PutService(id = "b"))
            val options = WatchOptions(since = 0, kinds = listOf(EntryKind.SERVICE), ids = listOf("a", "b"))
            val change = registry.changes(options).first()
            assertEquals(Triple(RegistryChange.CREATE, EntryKind.SERVICE, "b"), Triple(change.change, change.kind, change.id))
        }
    }

    @Test
    fun `the change of another log is told apart`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val registry = heady.registry()
            registry.putNode(PutNode(id = "a"))
            registry.putNode(PutNode(id = "b"))
            val seen = registry.changes(WatchOptions(since = 0)).first()
            val other = WatchOptions(since = seen.revision, sinceAt = seen.at.minusMillis(1))
            thrown<HeadyException.FailedPrecondition> { registry.changes(other).first() }
            val next = registry.changes(WatchOptions(since = seen.revision, sinceAt = seen.at)).first()
            assertEquals("b", next.id)
        }
    }

    @Test
    fun `a collector is cancelled, a watch ended, an engine shut down`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val registry = heady.registry()
            registry.putNode(PutNode(id = "a"))
            val seen = Semaphore(1, 1)
            val collector = launch(Dispatchers.Default) { registry.changes(WatchOptions(since = 0)).collect { seen.release() } }
            seen.acquire()
            collector.cancelAndJoin()

            registry.watch().use { watch ->
                val waiting = async(Dispatchers.Default) { watch.next() }
                watch.end()
                assertNull(waiting.await())
            }

            val told = async(Dispatchers.Default) { registry.changes(WatchOptions(since = 0)).onEach { seen.release() }.toList() }
            seen.acquire()
            heady.shutdown()
            assertEquals(listOf("a"), told.await().map { it.id })
        }
    }

    @Test
    fun `what cannot be watched says so`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            thrown<HeadyException.FailedPrecondition> { heady.registry().changes(WatchOptions(since = 5)).first() }
            Unit
        }
    }
}
