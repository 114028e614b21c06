//! How much processor time a plugin may use before its calls stand in line.
//!
//! The first tick that finds a call running is charged to its digest as a whole tick: most calls are shorter
//! and meet none, so over many of them the charges add up to what they used. Later ticks are charged by what
//! was run. A plugin that stays below its share never notices.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::permits::NonePassed;

/// Seconds of its share that a quiet plugin may use at once.
const BURST_S: i64 = 1;

/// How long a plugin is taken to run long after a call that did. A plugin that burns its time and pauses
/// would else get its first calls on the gateway's own threads after each pause of a second.
const HABIT_MS: i64 = 60_000;

/// What a digest may use, and the line it stands in beyond that: one long call at a time.
pub(crate) struct Share {
    pub(crate) credit: Arc<Credit>,
    pub(crate) habit: Arc<Habit>,
    pub(crate) line: Arc<Semaphore>,
}

impl Share {
    pub(crate) fn new(ms_per_s: u64, now_ms: i64) -> Self {
        Self {
            credit: Arc::new(Credit::new(ms_per_s, now_ms)),
            habit: Arc::new(Habit::new(now_ms)),
            line: Arc::new(Semaphore::new(1)),
        }
    }

    /// Nothing, for a plugin that keeps to its share; a place in the line for one that does not.
    pub(crate) async fn place(
        &self,
        now_ms: i64,
        wait_max: Duration,
    ) -> Result<Option<OwnedSemaphorePermit>, NonePassed> {
        if !self.credit.is_spent(now_ms) {
            return Ok(None);
        }
        let place = Arc::clone(&self.line).acquire_owned();
        match tokio::time::timeout(wait_max, place).await {
            Ok(permit) => Ok(Some(permit.expect("it is never closed"))),
            Err(_) => Err(NonePassed),
        }
    }
}

/// Whether the calls of one digest run long.
pub(crate) struct Habit {
    long_until_ms: AtomicI64,
}

impl Habit {
    fn new(now_ms: i64) -> Self {
        Self {
            long_until_ms: AtomicI64::new(now_ms),
        }
    }

    /// A call has just become a long one.
    pub(crate) fn ran_long(&self, now_ms: i64) {
        let until_ms = now_ms.saturating_add(HABIT_MS);
        self.long_until_ms.fetch_max(until_ms, Ordering::Relaxed);
    }

    pub(crate) fn is_long(&self, now_ms: i64) -> bool {
        now_ms < self.long_until_ms.load(Ordering::Relaxed)
    }
}

/// What one digest has left.
pub(crate) struct Credit {
    us_per_ms: i64,
    left: Mutex<Left>,
}

struct Left {
    us: i64,
    as_of_ms: i64,
}

impl Credit {
    pub(crate) fn new(ms_per_s: u64, now_ms: i64) -> Self {
        let us_per_ms = i64::try_from(ms_per_s).unwrap_or(i64::MAX / 1_000_000);
        Self {
            us_per_ms,
            left: Mutex::new(Left {
                us: us_per_ms * 1000 * BURST_S,
                as_of_ms: now_ms,
            }),
        }
    }

    /// True when the plugin used more than its share lately.
    pub(crate) fn is_spent(&self, now_ms: i64) -> bool {
        self.change(now_ms, 0) <= 0
    }

    /// A tick of this length found the plugin running.
    pub(crate) fn spend(&self, tick_us: i64, now_ms: i64) {
        self.change(now_ms, tick_us);
    }

    fn change(&self, now_ms: i64, spent_us: i64) -> i64 {
        let burst_us = self.us_per_ms * 1000 * BURST_S;
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let passed_ms = now_ms
            .saturating_sub(left.as_of_ms)
            .clamp(0, 1000 * BURST_S * 2);
        left.as_of_ms = left.as_of_ms.max(now_ms);
        let earned = left.us + passed_ms * self.us_per_ms;
        // The debt has a bound too: who stops is forgiven as soon as the burst took to spend.
        left.us = (earned.min(burst_us) - spent_us).max(-burst_us);
        left.us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_call_is_remembered_for_a_minute() {
        let habit = Habit::new(5);
        assert!(!habit.is_long(5));
        habit.ran_long(10);
        habit.ran_long(7);
        assert!(habit.is_long(10 + HABIT_MS - 1));
        assert!(!habit.is_long(10 + HABIT_MS));
    }

    const TICK_US: i64 = 5_000;

    #[test]
    fn a_share_that_is_kept_to_is_never_spent() {
        let credit = Credit::new(100, 0);
        // Ten ticks a second are half of the share.
        for number in 1..1_000 {
            credit.spend(TICK_US, number * 100);
            assert!(!credit.is_spent(number * 100));
        }
    }

    #[test]
    fn what_is_burnt_at_once_is_paid_for_and_then_forgiven() {
        let credit = Credit::new(100, 0);
        for _ in 0..19 {
            credit.spend(TICK_US, 0);
        }
        assert!(!credit.is_spent(0), "the burst is not over");
        for _ in 0..1_000 {
            credit.spend(TICK_US, 0);
        }
        assert!(credit.is_spent(0) && credit.is_spent(1_000));
        assert!(
            !credit.is_spent(1_001),
            "a debt is never longer than the burst"
        );
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_earns_nothing() {
        let credit = Credit::new(1, 10_000);
        credit.spend(TICK_US, 10_000);
        assert!(credit.is_spent(10_000) && credit.is_spent(0));
    }
}
