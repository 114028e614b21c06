//! The queues of one process: pushing, the doorbells, and making workers.

use std::sync::Arc;

use apalis::layers::WorkerBuilderExt;
use apalis_core::monitor::Monitor;
use apalis_core::task::data::Data;
use apalis_core::task::task_fn::TaskFn;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeLayer;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use wharf_core::{Clock, IdSource};
use wharf_store::{Db, StoreError, Tx};

use crate::backend::Backend;
use crate::config::QueueConfig;
use crate::dispatch::{self, Dispatcher};
use crate::job::{Job, NewJob, Queue};
use crate::outcome::Outcome;
use crate::sql::push::{ToPush, push};

/// A handle to the queues; cheap to clone. One per process and database.
#[derive(Clone)]
pub struct Queues {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    /// Owns the leases of this process's life.
    pub(crate) boot: String,
    pub(crate) config: QueueConfig,
    bells: [Arc<Notify>; Queue::ALL.len()],
    dispatchers: TaskTracker,
}

impl Shared {
    pub(crate) fn bell(&self, queue: Queue) -> &Arc<Notify> {
        &self.bells[queue as usize]
    }
}

impl Queues {
    pub fn new(db: Db, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, config: QueueConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                db,
                clock,
                boot: ids.ulid().to_string(),
                config: config.workable(),
                bells: std::array::from_fn(|_| Arc::default()),
                dispatchers: TaskTracker::new(),
            }),
        }
    }

    /// Pushes jobs inside the caller's transaction and wakes their dispatchers after its commit. A
    /// job whose id is in the table already is left as it is.
    pub async fn push(&self, tx: &mut Tx, jobs: &[NewJob], now_ms: i64) -> Result<(), StoreError> {
        let jobs: Vec<_> = jobs.iter().map(|job| (job, None)).collect();
        self.push_all(tx, &jobs, now_ms).await
    }

    /// As [`Queues::push`], each job with the recipient that it counts against: where its lane has a rate
    /// for recipients, one that has had enough waits without holding up the others.
    pub async fn push_paired(
        &self,
        tx: &mut Tx,
        jobs: &[(NewJob, String)],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let jobs: Vec<_> = jobs
            .iter()
            .map(|(job, pair_key)| (job, Some(pair_key.as_str())))
            .collect();
        self.push_all(tx, &jobs, now_ms).await
    }

    async fn push_all(
        &self,
        tx: &mut Tx,
        jobs: &[ToPush<'_>],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        push(tx, jobs, now_ms).await?;
        for queue in Queue::ALL {
            if jobs.iter().any(|(job, _)| job.queue == queue) {
                let bell = Arc::clone(self.shared.bell(queue));
                tx.after_commit(move || bell.notify_one());
            }
        }
        Ok(())
    }

    /// Registers a worker that runs `handler` on each job of `queue`, at most `concurrency` at a
    /// time, each run as a task of its own. A worker that ends badly is built anew when the monitor's
    /// `should_restart` says so.
    #[must_use]
    pub fn register<D, H, F>(
        &self,
        monitor: Monitor,
        queue: Queue,
        concurrency: usize,
        data: D,
        handler: H,
    ) -> Monitor
    where
        D: Clone + Send + Sync + 'static,
        H: Fn(Job, Data<D>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let queues = self.clone();
        monitor.register(move |restarts| {
            WorkerBuilder::new(queues.worker_name(queue, restarts))
                .backend(queues.backend(queue, concurrency))
                .data(data.clone())
                .concurrency(concurrency)
                .layer(ParallelizeLayer::new(spawn))
                .catch_panic()
                .build::<H, TaskFn<H, Job, Data<D>>, _>(handler.clone())
        })
    }

    /// The source of jobs for a worker built by hand; starts its dispatcher, so call it inside the
    /// runtime. It leases at most `concurrency`: what waited behind others would wait for the slowest of them.
    pub fn backend(&self, queue: Queue, concurrency: usize) -> Backend {
        let stop = CancellationToken::new();
        let (dispatcher, jobs) =
            Dispatcher::new(Arc::clone(&self.shared), queue, concurrency, stop.clone());
        let dispatcher = self.shared.dispatchers.spawn(dispatch::run(dispatcher));
        Backend::new(jobs, stop.drop_guard(), dispatcher)
    }

    /// A name that no other worker has or had.
    pub fn worker_name(&self, queue: Queue, restarts: usize) -> String {
        format!("{queue}-{}-{restarts}", self.shared.boot)
    }

    /// Waits until every dispatcher has written its last report and released what it still held. Call
    /// it after the monitor returned, before the database is closed.
    pub async fn stopped(&self) {
        self.shared.dispatchers.close();
        self.shared.dispatchers.wait().await;
    }
}

/// Runs each job as a task of its own, so that handlers use all cores; a run whose worker is dropped
/// is aborted with it.
fn spawn<F>(run: F) -> AbortOnDropHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(run))
}
