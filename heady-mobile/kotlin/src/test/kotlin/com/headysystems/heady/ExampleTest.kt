package com.headysystems.heady

import com.headysystems.heady.model.RunStatus
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What stands in `examples/kotlin` runs. */
class ExampleTest {
    @Test
    fun `a request is one run, however often it is made`(@TempDir folder: Path) = runBlocking {
        val url = "sqlite:${folder.resolve("nightly.db")}"
        val run = example.nightly(url, "nightly-17")
        assertEquals(RunStatus.SUCCEEDED, run.status)
        assertEquals(listOf(2L, 1L), run.stages.map { it.tasks.single().attempts })
        assertEquals(run, example.nightly(url, "nightly-17"))
        example.main()
    }
}
