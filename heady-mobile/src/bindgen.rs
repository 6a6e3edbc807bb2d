//! Writes the Kotlin and Swift sources of this crate; see the Makefile.

fn main() {
    uniffi::uniffi_bindgen_main();
}
