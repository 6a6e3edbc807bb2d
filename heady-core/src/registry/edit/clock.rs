//! What time it is for those who decide on memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::types::{Timestamp, now};

/// The database's clock, by which reports run out, as of the last reading of entries: what is decided on memory need not
/// ask for it.
#[derive(Debug, Clone, Default)]
pub(in crate::registry) struct Clock(Arc<Mutex<Option<(Timestamp, Instant)>>>);

impl Clock {
    pub(in crate::registry) fn now(&self) -> Timestamp {
        let read = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.map_or_else(now, |(then, at)| then + at.elapsed())
    }

    pub(super) fn set(&self, now: Timestamp) {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *read = Some((now, Instant::now()));
    }
}
