//! The lease on one run of a job: who holds it, how its end is reported, and how a handler ends its
//! job in its own transaction.
//!
//! Every lease yields exactly one report, whatever becomes of the handler: what nobody reported is
//! reported by `Drop`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::UnboundedSender;
use wharf_store::{StoreError, Tx};

use crate::job::Queue;
use crate::queues::Shared;
use crate::sql::settle::{self, Change};

/// The right to run a job until it is over, lost or dropped.
pub struct Lease {
    run: Arc<Run>,
    /// The dispatcher's own number of this lease.
    serial: u64,
    started: AtomicBool,
    reported: AtomicBool,
    // Bounded by the leases a dispatcher holds: each reports once.
    reports: UnboundedSender<Report>,
}

/// What is known of the leased run of a job.
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) queue: Queue,
    pub(crate) tenant: String,
    pub(crate) lane: String,
    pub(crate) order_key: Option<String>,
    pub(crate) fence: i64,
    pub(crate) attempt: i64,
    pub(crate) attempts_max: i64,
    /// The clock and the bells, for a handler that ends the job itself.
    pub(crate) shared: Arc<Shared>,
    pub(crate) lost: AtomicBool,
}

/// How a run ended, to be written by the dispatcher.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) serial: u64,
    pub(crate) run: Arc<Run>,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    /// The handler wrote the end itself.
    Settled,
    Retry {
        due_at: i64,
        reason: String,
    },
    /// Retried by the queue's own backoff.
    Backoff {
        reason: String,
    },
    /// Retried at once: the worker stopped under it.
    Interrupted,
    Dead {
        reason: String,
    },
    /// Never started; the attempt is given back.
    Released,
}

impl Lease {
    pub(crate) fn new(run: Arc<Run>, serial: u64, reports: UnboundedSender<Report>) -> Self {
        Self {
            run,
            serial,
            started: AtomicBool::new(false),
            reported: AtomicBool::new(false),
            reports,
        }
    }

    /// The job's bare id.
    pub fn id(&self) -> &str {
        &self.run.id
    }

    /// Grows with each claim of the job; a write that names an older one touches nothing.
    pub fn fence(&self) -> i64 {
        self.run.fence
    }

    /// 1 for the first run.
    pub fn attempt(&self) -> i64 {
        self.run.attempt
    }

    pub fn queue(&self) -> Queue {
        self.run.queue
    }

    pub fn lane(&self) -> &str {
        &self.run.lane
    }

    /// True once a renewal found the lease gone: nothing this run still does will count.
    pub fn is_lost(&self) -> bool {
        self.run.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    /// The first report counts.
    pub(crate) fn report(&self, verdict: Verdict) {
        if !self.reported.swap(true, Ordering::Relaxed) {
            // A dispatcher that is gone leaves the lease to run out.
            let _ = self.reports.send(Report {
                serial: self.serial,
                run: Arc::clone(&self.run),
                verdict,
            });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let started = *self.started.get_mut();
        self.report(if started {
            Verdict::Interrupted
        } else {
            Verdict::Released
        });
    }
}

/// Ends the job inside the handler's own transaction, which makes its effect exactly-once; the
/// handler then returns `Outcome::DoneInTx`. False when the lease was lost: the caller must roll back
/// by returning [`StoreError::Refused`].
pub async fn complete(tx: &mut Tx, lease: &Lease) -> Result<bool, StoreError> {
    settle::in_tx(tx, &lease.run, Change::Done).await
}

/// Reschedules the job inside the handler's own transaction; otherwise as [`complete`]. A job that is
/// out of attempts becomes dead instead.
pub async fn retry_in(
    tx: &mut Tx,
    lease: &Lease,
    due_at: i64,
    reason: &str,
) -> Result<bool, StoreError> {
    let change = Change::retry(&lease.run, due_at, reason);
    settle::in_tx(tx, &lease.run, change).await
}

/// Makes the job a dead letter inside the handler's own transaction; otherwise as [`complete`].
pub async fn bury_in(tx: &mut Tx, lease: &Lease, reason: &str) -> Result<bool, StoreError> {
    settle::in_tx(tx, &lease.run, Change::dead(reason)).await
}
