//! The apalis side: hands out what the dispatcher claimed, and stops it when the worker stops.
//!
//! Holds no database and answers no error: whatever goes wrong with a job is an outcome of the job,
//! and whatever goes wrong with the database is the dispatcher's to retry.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend as ApalisBackend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;
use wharf_core::JobId;

use crate::dispatch::Claimed;
use crate::job::{Job, undecodable};
use crate::lease::Verdict;
use crate::outcome::OutcomeLayer;

/// The source of one worker's jobs, from [`Queues::backend`](crate::Queues::backend).
pub struct Backend {
    jobs: mpsc::Receiver<Claimed>,
    /// Stops the dispatcher when the worker is dropped without being closed.
    stop: Option<DropGuard>,
    dispatcher: Option<JoinHandle<()>>,
}

impl Backend {
    pub(crate) fn new(
        jobs: mpsc::Receiver<Claimed>,
        stop: DropGuard,
        dispatcher: JoinHandle<()>,
    ) -> Self {
        Self {
            jobs,
            stop: Some(stop),
            dispatcher: Some(dispatcher),
        }
    }
}

impl ApalisBackend for Backend {
    type Task = Task<Job>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Job>, Infallible>>> {
        loop {
            let Some(claimed) = ready!(self.jobs.poll_recv(cx)) else {
                return Poll::Ready(None);
            };
            if let Some(task) = task(claimed) {
                return Poll::Ready(Some(Ok(task)));
            }
        }
    }

    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        self.jobs.close();
        // Dropped unstarted, which releases them with their attempt given back.
        while self.jobs.try_recv().is_ok() {}
        self.stop.take();
        if let Some(dispatcher) = &mut self.dispatcher {
            if let Err(error) = ready!(Pin::new(dispatcher).poll(cx)) {
                tracing::error!(error = %error, "a dispatcher of the queue ended badly");
            }
            self.dispatcher = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Backend {
    type Args = Job;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = OutcomeLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> OutcomeLayer {
        OutcomeLayer
    }
}

/// Decodes; a job that cannot be read is reported dead and the worker goes on.
fn task(claimed: Claimed) -> Option<Task<Job>> {
    let Claimed { lease, row } = claimed;
    let payload = serde_json::from_str(&row.payload)
        .map_err(|error| undecodable(&row.kind, &error))
        .and_then(|payload| {
            let id = JobId::from_bare(&row.id).map_err(|error| error.to_string())?;
            let tenant = row.tenant_id.parse().map_err(|error| format!("{error}"))?;
            Ok((payload, id, tenant))
        });
    match payload {
        Ok((payload, id, tenant)) => {
            // The fence makes the id of each run its own.
            let run_id = TaskId::from_string(format!("{}.{}", row.id, row.fence));
            let attempt = usize::try_from(row.attempt - 1).unwrap_or(0);
            let job = Job {
                lease: Arc::new(lease),
                id,
                tenant,
                kind: row.kind,
                payload,
                attempt: row.attempt,
                attempts_max: row.attempts_max,
            };
            Some(
                TaskBuilder::new(job)
                    .task_id(run_id)
                    .attempt(attempt)
                    .build(),
            )
        }
        Err(reason) => {
            lease.report(Verdict::Dead { reason });
            None
        }
    }
}
