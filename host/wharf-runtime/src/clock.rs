//! The time that circuits and log rates go by, when nobody hands in another.

use std::time::Instant;

use wharf_core::Clock;

/// Milliseconds since it was made: it neither jumps nor goes back, as the system's clock may.
pub(crate) struct Monotonic(Instant);

impl Monotonic {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}
