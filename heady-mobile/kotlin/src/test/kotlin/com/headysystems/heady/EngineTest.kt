package com.headysystems.heady

import com.headysystems.heady.model.AuditQuery
import com.headysystems.heady.model.EngineOptions
import com.headysystems.heady.model.HeadyException
import com.headysystems.heady.model.HealthStatus
import com.headysystems.heady.model.ImportOptions
import com.headysystems.heady.model.RegisterNode
import com.headysystems.heady.model.RegisterService
import com.headysystems.heady.model.SimulationOptions
import com.headysystems.heady.model.UpdateNode
import com.headysystems.heady.model.Verdict
import java.nio.file.Path
import java.time.Instant
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json as Document
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class EngineTest {
    private val plan = """{"tasks": [{"id": "build", "duration": {"pert": {"min": 1, "mode": 2, "max": 6}}}]}"""

    @Test
    fun `what is written is there when the database is opened again`(@TempDir folder: Path) = runBlocking {
        val url = "sqlite:${folder.resolve("kept.db")}"
        val metadata = """{"big":9007199254740991,"nested":[1,2.5,null,{"deep":true}],"team":"ä"}"""
        val before = Instant.now()
        val service =
            Heady.connect(url, EngineOptions(actor = "tester")).use { heady ->
                heady.registry().registerService(
                    RegisterService(id = "manager", baseUrl = "http://localhost:3301/", metadata = metadata),
                )
            }
        assertEquals("http://localhost:3301", service.baseUrl)
        assertEquals(HealthStatus.UNKNOWN, service.status)
        assertNull(service.lastHealthyAt)
        assertTrue(service.createdAt >= before.minusMillis(1) && service.createdAt <= Instant.now())
        assertEquals(Document.parseToJsonElement(metadata), Document.parseToJsonElement(service.metadata))
        Heady.connect(url).use { heady ->
            assertEquals(service, heady.registry().getService("manager"))
            val entry = heady.audit().list(AuditQuery(target = "service:manager")).entries.single()
            assertEquals("tester" to "CONFIG_CHANGE", entry.actor to entry.action)
        }
    }

    @Test
    fun `an engine that is only let go of takes nothing with it`(@TempDir folder: Path) = runBlocking {
        val url = "sqlite:${folder.resolve("left.db")}"
        val left = Heady.connect(url)
        left.registry().registerNode(RegisterNode(id = "jules"))
        left.close()
        thrown<IllegalStateException> { left.registry() }
        Heady.connect(url).use { assertEquals("jules", it.registry().getNode("jules").id) }
    }

    @Test
    fun `of two who change the same node the second learns of it`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val registry = heady.registry()
            registry.registerNode(RegisterNode(id = "jules", triggers = listOf("optimise")))
            assertEquals(2, registry.updateNode(UpdateNode(id = "jules", enabled = false, ifVersion = 1)).resourceVersion)
            val error = thrown<HeadyException.Aborted> { registry.updateNode(UpdateNode(id = "jules", ifVersion = 1)) }
            assertEquals("ABORTED", error.code)
            assertTrue(error.message!!.startsWith("node 'jules'"), error.message)
            val current = Document.parseToJsonElement(error.details!!).jsonObject.getValue("current").jsonObject
            assertEquals(JsonPrimitive(2), current["resourceVersion"])
            assertEquals(null, thrown<HeadyException.NotFound> { registry.getNode("nobody") }.details)
        }
    }

    @Test
    fun `text that is not JSON is an invalid argument`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            for (text in listOf("", "{", "{'a': 1}", "[1] 2")) {
                val error = thrown<HeadyException.InvalidArgument>(text) { heady.monteCarlo().check(text) }
                val place = Document.parseToJsonElement(error.details!!).jsonObject
                assertEquals(setOf("line", "column"), place.keys, text)
                thrown<HeadyException.InvalidArgument>(text) { heady.registry().import(ImportOptions(document = text)) }
            }
        }
    }

    @Test
    fun `a simulation is kept, listed and repeated with the same bits`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val monteCarlo = heady.monteCarlo()
            val simulation = monteCarlo.run(SimulationOptions(plan = plan, seed = 7, samples = 2_000))
            assertEquals(Verdict.PROCEED, simulation.readiness.verdict)
            assertEquals(simulation, monteCarlo.list().simulations.single())
            assertTrue(monteCarlo.replay(simulation.id).equal)
            assertEquals(1, monteCarlo.status().runsCompleted)
        }
    }

    @Test
    fun `a cancelled coroutine and a cancelled call stop their simulations`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val monteCarlo = heady.monteCarlo()
            val endless = SimulationOptions(plan = plan, seed = 1, samples = 1_000_000_000, threads = 1u)
            val running = launch(Dispatchers.Default) { monteCarlo.run(endless) }
            while (monteCarlo.status().running.isEmpty()) delay(5)
            running.cancelAndJoin()
            while (monteCarlo.status().running.isNotEmpty()) delay(5)

            val cancellation = Cancellation()
            val withdrawn = async(Dispatchers.Default) { thrown<HeadyException.Cancelled> { monteCarlo.run(endless, cancellation) } }
            while (monteCarlo.status().running.isEmpty()) delay(5)
            cancellation.cancel()
            withdrawn.await()
            while (monteCarlo.status().running.isNotEmpty()) delay(5)
            assertTrue(monteCarlo.list().simulations.isEmpty())
        }
    }

    @Test
    fun `many coroutines share one engine`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            val registry = heady.registry()
            (1..200)
                .map { n -> async(Dispatchers.Default, CoroutineStart.DEFAULT) { registry.registerNode(RegisterNode(id = "n$n")) } }
                .awaitAll()
            assertEquals(200, registry.listNodes().nodes.size)
        }
    }
}
