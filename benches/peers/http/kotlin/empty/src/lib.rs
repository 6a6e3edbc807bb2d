//! Calls from the JVM that do nothing: as functions of C, and as UniFFI makes them.

uniffi::setup_scaffolding!();

/// Returns at once.
#[unsafe(no_mangle)]
pub extern "C" fn empty() {}

/// Says at once that it is done, as a future does that does not have to wait.
#[unsafe(no_mangle)]
pub extern "C" fn empty_poll(done: extern "C" fn(u64), call: u64) {
    done(call);
}

/// What has the calls.
#[derive(Default, uniffi::Object)]
pub struct Empty;

#[uniffi::export(async_runtime = "tokio")]
impl Empty {
    #[uniffi::constructor]
    pub fn new() -> Self {
        Self
    }

    /// Returns at once.
    pub fn nothing(&self) {}

    /// A future that is done.
    pub async fn later(&self) {}
}
