//! The engine for Kotlin and Swift. Nothing here but translation: a function is a delegation to `heady-core`.

uniffi::setup_scaffolding!();
