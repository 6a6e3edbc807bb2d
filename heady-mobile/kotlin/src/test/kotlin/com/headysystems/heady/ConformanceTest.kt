package com.headysystems.heady

import com.headysystems.heady.model.HeadyException
import com.headysystems.heady.model.HealthStatus
import com.headysystems.heady.model.SimulationOptions
import java.io.File
import java.lang.reflect.InvocationTargetException
import kotlin.reflect.KClass
import kotlin.reflect.KFunction
import kotlin.reflect.KParameter
import kotlin.reflect.KType
import kotlin.reflect.full.callSuspendBy
import kotlin.reflect.full.declaredMemberFunctions
import kotlin.reflect.full.instanceParameter
import kotlin.reflect.full.primaryConstructor
import kotlin.reflect.full.valueParameters
import kotlin.reflect.jvm.jvmErasure
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json as Document
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The files that every language runs: every method exists, bad input has its code, a seed determines the bits. */
class ConformanceTest {
    private fun file(name: String): JsonObject =
        Document.parseToJsonElement(File(System.getProperty("heady.conformance"), "$name.json").readText()).jsonObject

    private fun JsonObject.text(key: String): String = getValue(key).jsonPrimitive.content

    /** What is a stream has a form of its own in each language, which `api.json` does not list. */
    private val streams = mapOf("pipeline" to setOf("watch"))

    @Test
    fun `every method exists and no other`() {
        val domains = HeadyInterface::class.declaredMemberFunctions.filter { it.name !in setOf("start", "shutdown") }
        val found = domains.associate { domain -> domain.name to methods(domain.returnType.jvmErasure).map { it.name }.toSet() }
        val wanted =
            file("api").mapValues { (domain, names) ->
                names.jsonArray.map { it.jsonPrimitive.content }.toSet() + streams[domain].orEmpty()
            }
        assertEquals(wanted, found)
    }

    @Test
    fun `bad input has the same code in every language`() = runBlocking {
        val file = file("errors")
        Heady.connect("sqlite::memory:").use { heady ->
            for (entry in file.getValue("before").jsonArray) call(heady, entry.jsonObject)
            for (entry in file.getValue("errors").jsonArray) {
                val error = thrown<HeadyException>("$entry") { call(heady, entry.jsonObject) }
                assertEquals(entry.jsonObject.text("code"), error.code, "$entry: ${error.message}")
                assertFalse("secret" in error.message.orEmpty(), error.message)
            }
        }
        for (entry in file.getValue("connect").jsonArray.map { it.jsonObject }) {
            val url = entry.text("url")
            val error = thrown<HeadyException>(url) { Heady.connect(url) }
            // On phones there is SQLite alone, and the engine says so instead of looking for a server.
            val code = if (url.startsWith("postgres")) "FAILED_PRECONDITION" else entry.text("code")
            assertEquals(code, error.code, "$url: ${error.message}")
        }
    }

    @Test
    fun `a seed determines the bits`() = runBlocking {
        Heady.connect("sqlite::memory:").use { heady ->
            for (vector in file("vectors").getValue("simulations").jsonArray.map { it.jsonObject }) {
                val expect = vector.getValue("expect").jsonObject
                for (threads in listOf(1u, 3u)) {
                    val options =
                        SimulationOptions(
                            plan = vector.getValue("plan").toString(),
                            seed = vector.getValue("seed").jsonPrimitive.long,
                            samples = vector.getValue("samples").jsonPrimitive.long,
                            threads = threads,
                        )
                    val simulation = heady.monteCarlo().run(options)
                    assertEquals(expect.text("digest"), simulation.digest)
                    assertEquals(expect.text("planHash"), simulation.planHash)
                    assertEquals(expect.getValue("durationMean").jsonPrimitive.double, simulation.duration.mean.estimate)
                    assertEquals(expect.getValue("success").jsonPrimitive.double, simulation.success.estimate)
                }
            }
        }
    }

    @Test
    fun `every case of the error has its code`() {
        val cases = HeadyException::class.sealedSubclasses
        assertEquals(13, cases.size)
        for (case in cases) {
            val code = case.simpleName!!.replace(Regex("(?<!^)[A-Z]"), "_$0").uppercase()
            val error = case.primaryConstructor!!.call("x", "{}")
            assertEquals(listOf(code, "x", "{}"), listOf(error.code, error.message, error.details))
        }
    }

    @Test
    fun `what may be left out of options is left out`() {
        val options =
            listOf("audit", "monteCarlo", "pipeline", "registry")
                .map { domain -> HeadyInterface::class.declaredMemberFunctions.single { it.name == domain } }
                .flatMap { methods(it.returnType.jvmErasure) }
                .flatMap { it.valueParameters }
                .map { it.type.jvmErasure }
                .filter { it.isData }
                .toSet()
        assertTrue(options.size > 10, "$options")
        for (parameter in options.flatMap { it.primaryConstructor!!.parameters }) {
            assertEquals(parameter.type.isMarkedNullable, parameter.isOptional, "$parameter")
        }
    }

    /** The generated interface has the methods of the API and nothing else. */
    private fun methods(handle: KClass<*>): Collection<KFunction<*>> =
        Class.forName("${handle.qualifiedName}Interface").kotlin.declaredMemberFunctions

    private suspend fun call(heady: Heady, entry: JsonObject): Any? {
        val (domain, name) = entry.text("call").split(".")
        val handle = HeadyInterface::class.declaredMemberFunctions.single { it.name == domain }.call(heady)!!
        val method = methods(handle::class).single { it.name == name }
        val arguments = mutableMapOf<KParameter, Any?>(method.instanceParameter!! to handle)
        val first = method.valueParameters.firstOrNull()
        val options = entry["options"]?.jsonObject ?: JsonObject(emptyMap())
        when {
            first == null -> {}
            "id" in entry -> arguments[first] = entry.text("id")
            first.type.jvmErasure.isData -> arguments[first] = record(options, first.type.jvmErasure)
            else -> arguments[first] = value(options.getValue(first.name!!), first.type)
        }
        return try {
            method.callSuspendBy(arguments)
        } catch (wrapped: InvocationTargetException) {
            throw wrapped.targetException
        }
    }

    private fun record(fields: JsonObject, type: KClass<*>): Any {
        val constructor = type.primaryConstructor!!
        val parameters = constructor.parameters.associateBy { it.name }
        return constructor.callBy(fields.entries.associate { (key, field) ->
            val parameter = parameters.getValue(key)
            parameter to value(field, parameter.type)
        })
    }

    private fun value(json: JsonElement, type: KType): Any? =
        when (type.jvmErasure) {
            // Objects and lists stand where the API takes JSON text.
            String::class -> if (json is JsonPrimitive && json.isString) json.content else json.toString()
            Long::class -> json.jsonPrimitive.long
            UInt::class -> json.jsonPrimitive.long.toUInt()
            Double::class -> json.jsonPrimitive.double
            Boolean::class -> json.jsonPrimitive.boolean
            List::class -> (json as JsonArray).map { value(it, type.arguments.single().type!!) }
            HealthStatus::class -> HealthStatus.valueOf(json.jsonPrimitive.content)
            else -> error("no rule for $type")
        }
}

/** What [body] throws, which must be a [T]. */
internal suspend inline fun <reified T : Throwable> thrown(label: String = "", body: () -> Unit): T {
    try {
        body()
    } catch (error: Throwable) {
        if (error is T) return error
        throw AssertionError("$label: $error is no ${T::class}", error)
    }
    throw AssertionError("$label: nothing was thrown")
}
