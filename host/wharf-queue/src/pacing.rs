//! GCRA: how many jobs a lane's rate allows now, and when it allows the next.
//!
//! Pure. One number per lane remembers the past: the theoretical arrival time `tat_us`.

/// A lane's rate. `interval_us` 0 means that it is not paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) tat_us: i64,
    pub(crate) interval_us: i64,
    pub(crate) burst: i64,
}

impl Pace {
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
        // Rounded up, so that a lane that is looked at then is really open.
        opens_us.div_euclid(1000) + i64::from(opens_us.rem_euclid(1000) > 0)
    }
}

fn us(ms: i64) -> i64 {
    ms.saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

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
