//! How a guest that runs long shares the processor with everybody else.
//!
//! At each tick a guest gives its thread back. That alone is not fair: with sixty of them looping, an
//! honest call waits for sixty slices. So a call that has run for more than a tick or two is a long
//! call: of one plugin one long call goes on at a time, of all plugins a few, and each rests between
//! its slices as long as a slice takes. A plugin that burns its time delays plugins like itself only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::UpdateDeadline;

use crate::error::LimitKind;
use crate::limits::LimitHit;

/// Slices before a call counts as long: the first tick may come right after its start.
const SHORT_SLICES: u64 = 2;

/// What one call has left, and the lines it stands in.
pub(crate) struct Turns {
    slices_run: u64,
    slices_max: u64,
    rest: Duration,
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    /// Kept to the end of the call, so that the first in line is also the first to end.
    own: Option<OwnedSemaphorePermit>,
    /// Given back after each slice.
    shared: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// `own` has one permit and belongs to the plugin, `shared` is everybody's.
    pub(crate) fn new(
        slices_max: u64,
        rest: Duration,
        own: Arc<Semaphore>,
        shared: Arc<Semaphore>,
    ) -> Self {
        Self {
            slices_run: 0,
            slices_max,
            rest,
            own,
            shared,
            held: Arc::default(),
        }
    }

    /// What happens at each tick in which the guest runs.
    pub(crate) fn spend_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if self.slices_run == self.slices_max {
            return Err(LimitHit(LimitKind::Cpu).into());
        }
        self.slices_run += 1;
        if self.slices_run < SHORT_SLICES {
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
    rest: Duration,
) {
    let needs_own = {
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.shared = None;
        held.own.is_none()
    };
    tokio::time::sleep(rest).await;
    if needs_own {
        let permit = own.acquire_owned().await.expect("it is never closed");
        held.lock().unwrap_or_else(PoisonError::into_inner).own = Some(permit);
    }
    let permit = shared.acquire_owned().await.expect("it is never closed");
    held.lock().unwrap_or_else(PoisonError::into_inner).shared = Some(permit);
}
