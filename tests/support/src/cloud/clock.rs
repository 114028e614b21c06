//! The time of a fake: the machine's, and as far ahead as a test moved it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock;

#[derive(Default)]
pub(crate) struct FakeClock {
    ahead_ms: AtomicU64,
}

impl FakeClock {
    pub(crate) fn now_ms(&self) -> u64 {
        clock::now_ms().saturating_add(self.ahead_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn now_s(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// Moves this fake's time forward; nobody else's.
    pub(crate) fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}
