//! How a guest that runs long shares the processor with everybody else.
//!
//! At each tick a guest gives its thread back. That alone is not fair: with sixty of them looping, an
//! honest call waits for sixty slices. So a call that has run for more than a tick or two is a long
//! call: of one plugin one long call goes on at a time, of all plugins a few, and each rests between
//! its slices: as long as a slice takes when nothing else goes on, several times as long when the
//! gateway has other work. A plugin that has used up its share of the processor stands in the same
//! line with every call from its beginning, or it would get its first slices for nothing again and
//! again. So a plugin that burns its time delays plugins like itself only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::UpdateDeadline;

use crate::error::LimitKind;
use crate::limits::LimitHit;

/// Slices before a call counts as long: the first tick may come right after its start.
const SHORT_SLICES: u64 = 2;

/// Of one core, used by everything else in this process during a rest: other work. Timers and an idle
/// database stay below.
const BUSY_PERCENT: u32 = 10;

/// The pause after a slice.
#[derive(Clone, Copy)]
pub(crate) struct Rest {
    pub(crate) slice: Duration,
    /// Slices of it while the gateway has other work.
    pub(crate) busy_slices: u32,
}

/// What one call has left, and the lines it stands in.
pub(crate) struct Turns {
    slices_short: u64,
    slices_run: u64,
    slices_max: u64,
    rest: Rest,
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    held: Arc<Mutex<Held>>,
}

struct Held {
    /// Kept to the end of the call, so that the first in line is also the first to end.
    own: Option<OwnedSemaphorePermit>,
    /// Given back after each slice.
    shared: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// `own` has one permit and belongs to the plugin, `shared` is everybody's. `in_line`: the call got
    /// the plugin's own permit before it began.
    pub(crate) fn new(
        slices_max: u64,
        rest: Rest,
        own: Arc<Semaphore>,
        shared: Arc<Semaphore>,
        in_line: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            slices_short: if in_line.is_some() { 0 } else { SHORT_SLICES },
            slices_run: 0,
            slices_max,
            rest,
            own,
            shared,
            held: Arc::new(Mutex::new(Held {
                own: in_line,
                shared: None,
            })),
        }
    }

    /// What happens at each tick in which the guest runs.
    pub(crate) fn spend_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if self.slices_run == self.slices_max {
            return Err(LimitHit(LimitKind::Cpu).into());
        }
        self.slices_run += 1;
        if self.slices_run < self.slices_short {
            return Ok(UpdateDeadline::Yield(1));
        }
        let (own, shared) = (Arc::clone(&self.own), Arc::clone(&self.shared));
        let turn = next_turn(own, shared, Arc::clone(&self.held), self.rest);
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(turn)))
    }
}

async fn next_turn(
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    held: Arc<Mutex<Held>>,
    rest: Rest,
) {
    let needs_own = {
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.shared = None;
        held.own.is_none()
    };
    rest.take().await;
    if needs_own {
        let permit = own.acquire_owned().await.expect("it is never closed");
        held.lock().unwrap_or_else(PoisonError::into_inner).own = Some(permit);
    }
    let permit = shared.acquire_owned().await.expect("it is never closed");
    held.lock().unwrap_or_else(PoisonError::into_inner).shared = Some(permit);
}

impl Rest {
    /// The guest does not run meanwhile, so what the process uses now is used by others.
    async fn take(self) {
        let (began, used) = (Instant::now(), used_by_process());
        tokio::time::sleep(self.slice).await;
        let used = used_by_process().saturating_sub(used);
        if used * 100 > began.elapsed() * BUSY_PERCENT {
            tokio::time::sleep(self.slice * self.busy_slices.saturating_sub(1)).await;
        }
    }
}

fn used_by_process() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(used.tv_sec).unwrap_or(0),
        u32::try_from(used.tv_nsec).unwrap_or(0),
    )
}
