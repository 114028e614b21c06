//! Waiting for a fact instead of sleeping for a guess.

use std::time::Duration;

use tokio::time::Instant;

/// How long `eventually` rests between two looks.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// The fact did not come true in the time allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInTime {
    pub waited: Duration,
}

impl std::fmt::Display for NotInTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "what was waited for did not happen within {:?}",
            self.waited
        )
    }
}

impl std::error::Error for NotInTime {}

/// Asks `look` again and again until it answers `Some`, at most for `timeout`.
///
/// `look` runs at least once, and once more after the time is up, so that a slow machine does not
/// fail a test whose fact is already true.
pub async fn eventually<T, F, Fut>(timeout: Duration, mut look: F) -> Result<T, NotInTime>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + timeout;
    loop {
        let last_look = Instant::now() >= deadline;
        if let Some(found) = look().await {
            return Ok(found);
        }
        if last_look {
            return Err(NotInTime { waited: timeout });
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn returns_what_was_found_and_gives_up_in_the_end() {
        let looks = Cell::new(0);
        let found = eventually(Duration::from_secs(5), || {
            looks.set(looks.get() + 1);
            let answer = (looks.get() == 3).then_some("found");
            async move { answer }
        })
        .await;
        assert_eq!((found, looks.get()), (Ok("found"), 3));

        let waited = Duration::from_millis(30);
        let never = eventually(waited, || async { None::<()> }).await;
        assert_eq!(never, Err(NotInTime { waited }));
    }
}
