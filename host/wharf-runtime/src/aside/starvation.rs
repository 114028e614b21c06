//! Whether a thread that waits for an idle core gets one.

use std::sync::atomic::{AtomicI64, Ordering};

/// A guest gives its thread back after a tick (5 ms) of processor time. Ten of them on the clock mean that
/// the thread had a tenth of a core at most, which is what it gets elsewhere.
const STANDSTILL_MS: i64 = 50;
/// How long the thread is left alone then. Whatever it holds goes on when the machine has time.
const AVOIDED_MS: i64 = 10_000;
const IDLE: i64 = i64::MIN;

/// What one thread is doing, seen from others.
pub(super) struct Starvation {
    /// When it was given what it runs.
    began_ms: AtomicI64,
    avoided_until_ms: AtomicI64,
}

impl Default for Starvation {
    fn default() -> Self {
        Self {
            began_ms: AtomicI64::new(IDLE),
            avoided_until_ms: AtomicI64::new(i64::MIN),
        }
    }
}

impl Starvation {
    /// The thread begins with a slice of a call.
    pub(super) fn began(&self, now_ms: i64) {
        self.began_ms.store(now_ms, Ordering::Relaxed);
    }

    /// The slice is over.
    pub(super) fn ended(&self) {
        self.began_ms.store(IDLE, Ordering::Relaxed);
    }

    /// True when calls had better go elsewhere.
    pub(super) fn is_on(&self, now_ms: i64) -> bool {
        let began_ms = self.began_ms.load(Ordering::Relaxed);
        if began_ms != IDLE && now_ms.saturating_sub(began_ms) > STANDSTILL_MS {
            let until_ms = now_ms.saturating_add(AVOIDED_MS);
            self.avoided_until_ms.store(until_ms, Ordering::Relaxed);
            return true;
        }
        now_ms < self.avoided_until_ms.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_that_takes_ten_ticks_on_the_clock_keeps_calls_away_for_a_while() {
        let thread = Starvation::default();
        thread.began(1_000);
        assert!(!thread.is_on(1_000 + STANDSTILL_MS));
        let noticed_ms = 1_000 + STANDSTILL_MS + 1;
        assert!(thread.is_on(noticed_ms));
        thread.ended();
        assert!(thread.is_on(noticed_ms + AVOIDED_MS - 1));
        assert!(!thread.is_on(noticed_ms + AVOIDED_MS));
    }

    #[test]
    fn a_thread_without_work_never_starves() {
        let thread = Starvation::default();
        thread.began(0);
        thread.ended();
        assert!(!thread.is_on(1_000_000));
    }
}
