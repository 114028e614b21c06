//! How many requests somebody may make: GCRA, which needs one number for each of them and no timer.
//!
//! Knows no clock: the time comes in by argument.

/// So many requests in any minute, all of them at once if need be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_minute: u32,
}

/// The window of every rate here.
pub const WINDOW_S: u64 = 60;
const WINDOW_US: i64 = 60_000_000;

/// What somebody has used: the time at which all of it will be free again, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    free_at_us: i64,
}

/// The answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub allowed: bool,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// Seconds until the whole rate is free again; until one more request is, when it was refused.
    pub wait_s: u64,
}

impl Used {
    /// Asks for one request; one that is refused takes nothing.
    pub fn ask(&mut self, rate: Rate, now_ms: i64) -> Verdict {
        let now = now_ms.saturating_mul(1000);
        let per_minute = i64::from(rate.per_minute.max(1));
        // Rounded down, so that no rounding refuses what the rate allows.
        let each = (WINDOW_US / per_minute).max(1);
        let begun = self.free_at_us.max(now);
        let after = begun.saturating_add(each);
        let over = after - now - each.saturating_mul(per_minute);
        if over > 0 {
            return Verdict {
                allowed: false,
                remaining: 0,
                wait_s: seconds(over),
            };
        }
        self.free_at_us = after;
        let remaining = -over / each;
        Verdict {
            allowed: true,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            wait_s: seconds(after - now),
        }
    }

    /// True when nothing is used any more, so that it may be forgotten.
    pub fn is_free(&self, now_ms: i64) -> bool {
        self.free_at_us <= now_ms.saturating_mul(1000)
    }
}

/// Whole seconds, rounded up: who waits as long as told is not refused again.
fn seconds(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { per_minute: 3 };

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_one_by_one() {
        let mut used = Used::default();
        let now = 1_000_000;
        let remaining = [0, 1, 2].map(|_| {
            let verdict = used.ask(RATE, now);
            assert!(verdict.allowed);
            verdict.remaining
        });
        assert_eq!(remaining, [2, 1, 0]);
        let refused = used.ask(RATE, now);
        assert_eq!((refused.allowed, refused.wait_s), (false, 20));
        assert!(!used.ask(RATE, now + 19_999).allowed);
        assert!(used.ask(RATE, now + 20_000).allowed);
        assert!(!used.ask(RATE, now + 20_000).allowed);
        assert!(!used.is_free(now + 79_999));
        assert!(used.is_free(now + 80_000));
    }

    #[test]
    fn a_clock_that_goes_back_refuses_nobody_for_longer_than_it_went() {
        let mut used = Used::default();
        used.ask(RATE, 60_000);
        assert!(used.ask(RATE, 59_000).allowed);
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_twice_the_rate_and_waiting_helps(
            per_minute in 1_u32..5000, gaps in prop::collection::vec(0_i64..5000, 1..200),
        ) {
            let (mut used, mut now, rate) = (Used::default(), 1_000_000_i64, Rate { per_minute });
            let mut allowed = Vec::new();
            for gap in gaps {
                now += gap;
                let verdict = used.ask(rate, now);
                if verdict.allowed {
                    allowed.push(now);
                } else {
                    prop_assert!(verdict.wait_s >= 1);
                    let mut later = used;
                    let wait_ms = i64::try_from(verdict.wait_s).unwrap() * 1000;
                    prop_assert!(later.ask(rate, now + wait_ms).allowed);
                }
            }
            for (i, from) in allowed.iter().enumerate() {
                let within = allowed[i..].iter().filter(|at| **at < from + 60_000).count();
                prop_assert!(within <= 2 * per_minute as usize + 1);
            }
        }
    }
}
