//! Calls from the JVM that do nothing.

/// Returns at once.
#[unsafe(no_mangle)]
pub extern "C" fn empty() {}

/// Says at once that it is done, as a future does that does not have to wait.
#[unsafe(no_mangle)]
pub extern "C" fn empty_poll(done: extern "C" fn(u64), call: u64) {
    done(call);
}
