//! The real clock and the real source of ids and randomness: the only place that asks for them.

use std::time::SystemTime;

use rand::RngCore;
use ulid::Ulid;
use wharf_core::{Clock, IdSource};

/// The system's wall clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock everybody else is given"
    )]
    fn now_ms(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        i64::try_from(since_epoch.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
    }
}

/// ULIDs of the current time and 80 random bits.
pub struct RandomIds;

impl IdSource for RandomIds {
    fn ulid(&self) -> Ulid {
        let now_ms = u64::try_from(SystemClock.now_ms()).unwrap_or(0);
        let mut random = [0; 16];
        rand::rng().fill_bytes(&mut random);
        Ulid::from_parts(now_ms, u128::from_be_bytes(random))
    }
}

/// Fresh random bytes from the thread's cryptographic generator.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// Any number, for spreading retries.
pub fn jitter() -> u64 {
    rand::rng().next_u64()
}

/// Unix milliseconds as RFC 3339 in UTC, milliseconds kept.
pub fn rfc3339(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => format!("{at:.3}"),
        // Beyond the year 9999: no time of ours, but a page must not fail over it.
        Err(_) => ms.to_string(),
    }
}
