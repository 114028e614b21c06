//! The time of a fake: the machine's, and as far ahead as a test moved it; or one that stands.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock;

#[derive(Default)]
pub(crate) struct FakeClock {
    ahead_ms: AtomicU64,
    /// Where it was stopped; 0 while it runs.
    stopped_ms: AtomicU64,
}

impl FakeClock {
    pub(crate) fn now_ms(&self) -> u64 {
        let base_ms = match self.stopped_ms.load(Ordering::Relaxed) {
            0 => clock::now_ms(),
            stopped_ms => stopped_ms,
        };
        base_ms.saturating_add(self.ahead_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn now_s(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// From here on time passes by `advance` only, so that a slow machine changes nothing.
    pub(crate) fn stop(&self) {
        self.stopped_ms.store(clock::now_ms(), Ordering::Relaxed);
    }

    /// Moves this fake's time forward; nobody else's.
    pub(crate) fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}
