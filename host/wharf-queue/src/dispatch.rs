//! The dispatcher of one worker: claims for it, keeps its leases alive, writes what it reports.
//!
//! One cycle is one closure given to the database's writer, so the cycles of all queues and the
//! pushes share commits. Nothing is handed out before its claim is committed, and no report is
//! forgotten before it is written: a failed cycle is tried again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use wharf_store::StoreError;

use crate::job::Queue;
use crate::lease::{Lease, Report, Run};
use crate::places::Places;
use crate::queues::Shared;
use crate::sql::claim::Row;
use crate::sql::cycle::{self, CycleIn, CycleOut};

/// Between a failed cycle and the next.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// Between two removals of buckets that say nothing any more: a lane of 1,000 jobs a second leaves 10,000
/// behind in this time, which one statement removes in some milliseconds.
const SWEEP_EVERY_MS: i64 = 10_000;

/// A leased job on its way to the worker.
pub(crate) struct Claimed {
    pub(crate) lease: Lease,
    pub(crate) row: Row,
}

pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    queue: Queue,
    held_max: usize,
    stop: CancellationToken,
    jobs: mpsc::Sender<Claimed>,
    reports: mpsc::UnboundedReceiver<Report>,
    /// Cloned into each lease.
    reporter: mpsc::UnboundedSender<Report>,
    /// Leases out with the worker, by serial.
    held: HashMap<u64, Arc<Run>>,
    /// Who has how many of them. Shared with the cycle that reads it.
    places: Arc<Places>,
    /// Reported, not yet committed.
    settled: Vec<Report>,
    serial: u64,
    turn: i64,
    renewed_at: i64,
    looked_at: i64,
    swept_at: i64,
    first: bool,
}

/// What to do after a cycle.
enum Next {
    /// More can be claimed at once.
    Go,
    /// Everything that may be held is: only a report changes anything.
    Full,
    /// Nothing can be claimed before this, unless the bell rings.
    Idle { due_at: Option<i64> },
}

pub(crate) async fn run(mut dispatcher: Dispatcher) {
    loop {
        dispatcher.take_reports();
        // Asked before each cycle: a claim after the worker has gone would be released and claimed
        // again for ever.
        let stopping = dispatcher.is_stopping();
        if stopping && dispatcher.held.is_empty() && dispatcher.settled.is_empty() {
            break;
        }
        match dispatcher.cycle(stopping).await {
            Ok(Next::Go) => {}
            Ok(next) => dispatcher.wait(next, stopping).await,
            Err(error) => {
                let queue = dispatcher.queue.as_str();
                tracing::warn!(queue, error = %error, "the queue could not be served; it tries again");
                sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

impl Dispatcher {
    pub(crate) fn new(
        shared: Arc<Shared>,
        queue: Queue,
        concurrency: usize,
        stop: CancellationToken,
    ) -> (Self, mpsc::Receiver<Claimed>) {
        let held_max = concurrency.max(1);
        let (jobs, receiver) = mpsc::channel(held_max);
        let (reporter, reports) = mpsc::unbounded_channel();
        let dispatcher = Self {
            shared,
            queue,
            held_max,
            stop,
            jobs,
            reports,
            reporter,
            held: HashMap::new(),
            places: Arc::new(Places::new(held_max)),
            settled: Vec::new(),
            serial: 0,
            turn: 0,
            renewed_at: i64::MIN,
            looked_at: i64::MIN,
            swept_at: i64::MIN,
            first: true,
        };
        (dispatcher, receiver)
    }

    fn is_stopping(&self) -> bool {
        self.stop.is_cancelled() || self.jobs.is_closed()
    }

    fn take_reports(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            self.take(report);
        }
    }

    fn take(&mut self, report: Report) {
        if let Some(run) = self.held.remove(&report.serial) {
            Arc::make_mut(&mut self.places).give_back(&run.tenant, &run.lane);
        }
        self.settled.push(report);
    }

    async fn cycle(&mut self, stopping: bool) -> Result<Next, StoreError> {
        let config = &self.shared.config;
        let now_ms = self.shared.clock.now_ms();
        let room = if stopping {
            0
        } else {
            (self.held_max - self.held.len().min(self.held_max))
                .min(config.claim_batch_max)
                .min(self.jobs.capacity())
        };
        let look = self.looked_at.saturating_add(config.poll_ms) <= now_ms;
        let renew = self.renewed_at.saturating_add(config.renew_every_ms()) <= now_ms;
        let sweep = self.swept_at.saturating_add(SWEEP_EVERY_MS) <= now_ms;
        self.turn = now_ms.max(self.turn + 1);
        let settled = Arc::new(std::mem::take(&mut self.settled));
        let input = CycleIn {
            queue: self.queue,
            boot: self.shared.boot.clone(),
            now_ms,
            lease_until: now_ms + config.lease_ms,
            settled: Arc::clone(&settled),
            renew: if renew {
                self.held.values().cloned().collect()
            } else {
                Vec::new()
            },
            expire: look || renew,
            // SQLite belongs to one process: what an earlier one held is free.
            expire_others: self.first && !self.shared.db.is_postgres(),
            sweep,
            room,
            places: Arc::clone(&self.places),
            turn: self.turn,
            lanes_max: config.lanes_per_claim_max,
            quantum: config.lane_quantum,
        };
        let written = self
            .shared
            .db
            .write(move |tx| Box::pin(async move { cycle::run(tx, &input).await }))
            .await;
        match written {
            Ok(out) => {
                self.first = false;
                self.turn += i64::try_from(config.lanes_per_claim_max).unwrap_or(0);
                if renew {
                    self.renewed_at = now_ms;
                }
                if look || renew {
                    self.looked_at = now_ms;
                }
                if sweep {
                    self.swept_at = now_ms;
                }
                Ok(self.hand_out(out, room))
            }
            Err(error) => {
                // In front of what was reported meanwhile; whatever did commit is fenced off.
                let mut again = Arc::unwrap_or_clone(settled);
                again.append(&mut self.settled);
                self.settled = again;
                Err(error)
            }
        }
    }

    fn hand_out(&mut self, out: CycleOut, room: usize) -> Next {
        for run in out.lost {
            run.lost.store(true, Ordering::Relaxed);
            tracing::debug!(job.id = %run.id, fence = run.fence, "a lease is gone");
        }
        let claimed = out.claimed.len();
        for row in out.claimed {
            self.serial += 1;
            let run = Arc::new(row.run(self.queue, &self.shared));
            Arc::make_mut(&mut self.places).take(&run.tenant, &run.lane, 1);
            self.held.insert(self.serial, Arc::clone(&run));
            let lease = Lease::new(run, self.serial, self.reporter.clone());
            // A worker that has gone drops it, and the lease reports itself released.
            let _ = self.jobs.try_send(Claimed { lease, row });
        }
        if room == 0 || (out.more && claimed >= room) {
            if self.held.len() < self.held_max && room > 0 {
                Next::Go
            } else {
                Next::Full
            }
        } else if out.more {
            Next::Go
        } else {
            Next::Idle {
                due_at: out.next_at,
            }
        }
    }

    async fn wait(&mut self, next: Next, stopping: bool) {
        let config = &self.shared.config;
        let look_ms = config.poll_ms.min(config.renew_every_ms());
        let (idle, wait_ms) = match next {
            Next::Idle {
                due_at: Some(due_at),
            } => (
                true,
                look_ms.min(due_at.saturating_sub(self.shared.clock.now_ms())),
            ),
            Next::Idle { due_at: None } => (true, look_ms),
            Next::Full | Next::Go => (false, look_ms),
        };
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
        let bell = Arc::clone(self.shared.bell(self.queue));
        let report = tokio::select! {
            report = self.reports.recv() => report,
            () = bell.notified(), if idle && !stopping => None,
            () = self.stop.cancelled(), if !stopping => None,
            () = self.jobs.closed(), if !stopping => None,
            () = sleep(wait) => None,
        };
        if let Some(report) = report {
            self.take(report);
            self.linger().await;
        }
    }

    /// Lets a few more reports come in to share the commit, while at least as many are to be expected.
    async fn linger(&mut self) {
        let until = Instant::now() + Duration::from_millis(self.shared.config.linger_ms);
        self.take_reports();
        while self.settled.len() < self.held.len()
            && self.settled.len() < self.shared.config.claim_batch_max / 2
        {
            match timeout_at(until, self.reports.recv()).await {
                Ok(Some(report)) => self.take(report),
                Ok(None) | Err(_) => break,
            }
        }
    }
}
