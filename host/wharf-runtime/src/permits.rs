//! Permits to have a call in progress: a number of them, and a bounded wait.

use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) struct Permits {
    semaphore: Semaphore,
    pub(crate) max: usize,
}

/// All were taken for as long as a call waits.
pub(crate) struct NonePassed;

impl Permits {
    pub(crate) fn new(max: usize) -> Self {
        let max = max.min(Semaphore::MAX_PERMITS);
        Self {
            semaphore: Semaphore::new(max),
            max,
        }
    }

    /// The permit and how long it took. Who came first gets it first.
    pub(crate) async fn take(
        &self,
        wait_max: Duration,
    ) -> Result<(SemaphorePermit<'_>, Duration), NonePassed> {
        // Without the timer as long as there is one to take.
        if let Ok(permit) = self.semaphore.try_acquire() {
            return Ok((permit, Duration::ZERO));
        }
        let began = Instant::now();
        match tokio::time::timeout(wait_max, self.semaphore.acquire()).await {
            Ok(permit) => Ok((permit.expect("it is never closed"), began.elapsed())),
            Err(_) => Err(NonePassed),
        }
    }
}
