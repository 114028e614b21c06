//! GCRA: how many jobs a rate allows now, and when it allows the next.
//!
//! Pure. One number per lane, recipient or named limit remembers the past: the theoretical arrival time
//! `tat_us`.

/// A rate and what was used of it. `interval_us` 0 means that it is not paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) tat_us: i64,
    pub(crate) interval_us: i64,
    pub(crate) burst: i64,
}

impl Pace {
    pub(crate) const FREE: Self = Self {
        tat_us: 0,
        interval_us: 0,
        burst: 1,
    };

    /// The same rate, of which something else was used.
    pub(crate) fn with(self, tat_us: i64) -> Self {
        Self { tat_us, ..self }
    }

    /// As [`Pace::opens_at_ms`], for a recipient or named limit: without a rate, it is closed as long as
    /// a provider said.
    pub(crate) fn pair_opens_at_ms(&self) -> i64 {
        if self.interval_us == 0 {
            return ceil_ms(self.tat_us);
        }
        self.opens_at_ms()
    }

    /// The time to remember for one that a provider closed until then: its burst is used up.
    pub(crate) fn closed_until(&self, until_ms: i64) -> i64 {
        us(until_ms) + (self.burst - 1) * self.interval_us
    }

    /// Jobs that may be taken now.
    pub(crate) fn allowed(&self, now_ms: i64) -> usize {
        if self.interval_us == 0 {
            return usize::MAX;
        }
        let now_us = us(now_ms);
        let ahead = (self.tat_us - now_us).max(0);
        let free = (self.interval_us * self.burst - ahead) / self.interval_us;
        usize::try_from(free).unwrap_or(0)
    }

    /// Books `taken` jobs, at most as many as [`Pace::allowed`] said.
    pub(crate) fn take(&mut self, taken: usize, now_ms: i64) {
        if self.interval_us == 0 || taken == 0 {
            return;
        }
        let taken = i64::try_from(taken).expect("a batch is small");
        self.tat_us = self.tat_us.max(us(now_ms)) + taken * self.interval_us;
    }

    /// The first millisecond in which at least one job is allowed; in the past when one is now.
    pub(crate) fn opens_at_ms(&self) -> i64 {
        if self.interval_us == 0 {
            return 0;
        }
        let opens_us = self.tat_us - (self.burst - 1) * self.interval_us;
        ceil_ms(opens_us)
    }
}

/// Rounded up, so that what is looked at then is really open.
fn ceil_ms(us: i64) -> i64 {
    us.div_euclid(1000) + i64::from(us.rem_euclid(1000) > 0)
}

fn us(ms: i64) -> i64 {
    ms.saturating_mul(1000)
}

/// What a lane's own rate and the provider's word on it come to: the word counts, unless the own rate was
/// configured and is slower.
pub(crate) fn effective(own: Pace, own_is_ceiling: bool, said: Option<Pace>) -> Pace {
    match said {
        Some(said) if own_is_ceiling && own.interval_us > said.interval_us => own,
        Some(said) => said,
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_rate_is_a_ceiling_and_a_declared_one_a_guess() {
        let (slow, fast) = (pace(50_000, 2), pace(1_000, 100));
        assert_eq!(effective(slow, true, Some(fast)), slow);
        assert_eq!(effective(slow, false, Some(fast)), fast);
        assert_eq!(effective(fast, true, Some(slow)), slow);
        assert_eq!(effective(fast, false, None), fast);
    }

    #[test]
    fn what_a_provider_closed_opens_then_for_one_at_a_time() {
        for rate in [pace(0, 1), pace(6_000_000, 45)] {
            let closed = rate.with(rate.closed_until(10_000));
            assert_eq!(closed.pair_opens_at_ms(), 10_000);
            if rate.interval_us > 0 {
                assert_eq!((closed.allowed(9_999), closed.allowed(10_000)), (0, 1));
            }
        }
    }

    fn pace(interval_us: i64, burst: i64) -> Pace {
        Pace {
            tat_us: 0,
            interval_us,
            burst,
        }
    }

    #[test]
    fn an_unpaced_lane_is_always_open() {
        let mut free = pace(0, 1);
        free.take(1_000_000, 5);
        assert_eq!((free.allowed(5), free.opens_at_ms()), (usize::MAX, 0));
    }

    #[test]
    fn a_burst_is_allowed_at_once_and_then_one_per_interval() {
        let mut lane = pace(12_500, 4);
        assert_eq!(lane.allowed(1_000), 4);
        lane.take(4, 1_000);
        assert_eq!(lane.allowed(1_000), 0);
        assert_eq!(lane.opens_at_ms(), 1_013);
        assert_eq!((lane.allowed(1_012), lane.allowed(1_013)), (0, 1));
        assert_eq!(lane.allowed(1_050), 4);
        assert_eq!(
            lane.allowed(900_000),
            4,
            "an idle lane saves up one burst, no more"
        );
    }

    #[test]
    fn no_window_ever_holds_more_than_the_rate_and_one_burst() {
        for (interval_us, burst) in [(1_000, 1), (12_500, 4), (50_000, 10), (333_333, 3)] {
            let mut lane = pace(interval_us, burst);
            let mut taken_at = Vec::new();
            for now_ms in 0..2_000 {
                // Takes all that is allowed in some milliseconds and nothing in the others.
                if now_ms % 7 != 3 {
                    let n = lane.allowed(now_ms);
                    lane.take(n, now_ms);
                    taken_at.extend(std::iter::repeat_n(now_ms, n));
                }
                assert_eq!(lane.allowed(now_ms) > 0, lane.opens_at_ms() <= now_ms);
            }
            for (first, from) in taken_at.iter().enumerate() {
                for (last, to) in taken_at.iter().enumerate().skip(first) {
                    let count = i64::try_from(last - first + 1).expect("small");
                    let most = burst + (to - from) * 1000 / interval_us;
                    assert!(
                        count <= most,
                        "{count} jobs in {} ms, at most {most}",
                        to - from
                    );
                }
            }
            // A burst of one cannot make up for a millisecond that was missed.
            let least = if burst > 1 {
                1_900 * 1000 / interval_us
            } else {
                1_700
            };
            let taken = i64::try_from(taken_at.len()).expect("small");
            assert!(
                taken >= least,
                "{taken} jobs in two seconds, at least {least}"
            );
        }
    }
}
