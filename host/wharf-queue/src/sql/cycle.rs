//! One cycle of a dispatcher: what is reported is written first, so that its room can be claimed.

use std::sync::Arc;

use wharf_store::{StoreError, Tx};

use super::{buckets, claim, expire, settle};
use crate::job::Queue;
use crate::lease::{Report, Run};
use crate::places::Places;

pub(crate) struct CycleIn {
    pub(crate) queue: Queue,
    pub(crate) boot: String,
    pub(crate) now_ms: i64,
    pub(crate) lease_until: i64,
    pub(crate) settled: Arc<Vec<Report>>,
    pub(crate) renew: Vec<Arc<Run>>,
    pub(crate) expire: bool,
    pub(crate) expire_others: bool,
    /// Whether to remove buckets of the past.
    pub(crate) sweep: bool,
    /// Jobs to claim at most.
    pub(crate) room: usize,
    pub(crate) places: Arc<Places>,
    pub(crate) turn: i64,
    pub(crate) lanes_max: usize,
    pub(crate) quantum: usize,
}

pub(crate) struct CycleOut {
    /// In the order in which they are to run.
    pub(crate) claimed: Vec<claim::Row>,
    /// Leases that renewal no longer found.
    pub(crate) lost: Vec<Arc<Run>>,
    /// Something else can be claimed at once.
    pub(crate) more: bool,
    /// When a lane becomes ready next, if nothing more is now.
    pub(crate) next_at: Option<i64>,
}

pub(crate) async fn run(tx: &mut Tx, input: &CycleIn) -> Result<CycleOut, StoreError> {
    if !input.settled.is_empty() {
        settle::apply(tx, input.queue, &input.settled, input.now_ms).await?;
    }
    // Before anything expires, so that a process that was slow keeps what nobody else has.
    let lost = expire::renew(tx, &input.renew, input.lease_until).await?;
    if input.expire_others {
        expire::leases_of_others(tx, input.queue, &input.boot, input.now_ms).await?;
    }
    if input.expire {
        expire::leases(tx, input.queue, input.now_ms).await?;
    }
    if input.sweep {
        buckets::sweep(tx, input.queue, input.now_ms).await?;
    }
    let mut out = CycleOut {
        claimed: Vec::new(),
        lost,
        more: false,
        next_at: None,
    };
    if input.room > 0 {
        claim::claim(tx, input, &mut out).await?;
    }
    Ok(out)
}
