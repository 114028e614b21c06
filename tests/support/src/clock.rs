//! The one place of this crate that asks the machine for the time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; 0 on a machine whose clock stands before that.
#[expect(
    clippy::disallowed_methods,
    reason = "a fake counterpart has its own clock, as the real one has"
)]
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

pub(crate) fn now_s() -> u64 {
    now_ms() / 1000
}
