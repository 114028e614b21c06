//! What a handler may say of its run, and the layer that carries it to the dispatcher.
//!
//! The layer stands outside all layers of the worker, so it sees the last word after timeouts and
//! caught panics.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis::layers::catch_panic::PanicError;
use apalis_core::error::{AbortError, BoxDynError};
use apalis_core::task::Task;
use apalis_core::task::into_response::IntoResponse;
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::job::Job;
use crate::lease::{Lease, Verdict};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The queue removes the job.
    Done,
    /// The handler ended the job in its own transaction, by [`complete`](crate::complete),
    /// [`retry_in`](crate::retry_in) or [`bury_in`](crate::bury_in). If it did not, the lease runs out
    /// and the job runs again.
    DoneInTx,
    /// Runs again at `due_at`, or is dead when it is out of attempts.
    Retry { due_at: i64, reason: String },
    /// Kept as a dead letter for an operator.
    Dead { reason: String },
}

/// The error that a retry or a death is to apalis, so that its layers and events see a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub Outcome);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Outcome::Retry { reason, .. } => write!(f, "the job is to be retried: {reason}"),
            Outcome::Dead { reason } => write!(f, "the job failed for good: {reason}"),
            Outcome::Done | Outcome::DoneInTx => f.write_str("the job is done"),
        }
    }
}

impl std::error::Error for Failure {}

impl IntoResponse for Outcome {
    type Output = Self;

    fn into_response(self) -> Result<Self, BoxDynError> {
        match self {
            Self::Done | Self::DoneInTx => Ok(self),
            Self::Retry { .. } | Self::Dead { .. } => Err(Box::new(Failure(self))),
        }
    }
}

/// Puts [`OutcomeService`] around a worker's service; apalis takes it from the backend.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeLayer;

impl<S> Layer<S> for OutcomeLayer {
    type Service = OutcomeService<S>;

    fn layer(&self, inner: S) -> OutcomeService<S> {
        OutcomeService { inner }
    }
}

/// Reports the outcome of each run to the dispatcher that leased it.
#[derive(Clone, Debug)]
pub struct OutcomeService<S> {
    inner: S,
}

impl<S> Service<Task<Job>> for OutcomeService<S>
where
    S: Service<Task<Job>, Response = Outcome>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Job>) -> Self::Future {
        // Before the inner call, which may panic when nobody catches it.
        let running = Running(Arc::clone(&task.args.lease));
        running.0.start();
        let inner = self.inner.call(task);
        Box::pin(async move {
            let result = inner.await.map_err(Into::into);
            running.0.report(judge(&result));
            result.map(drop)
        })
    }
}

/// Reports a run whose future was dropped, even while something else still holds its lease.
struct Running(Arc<Lease>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.report(Verdict::Interrupted);
    }
}

fn judge(result: &Result<Outcome, BoxDynError>) -> Verdict {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => match error.downcast_ref::<Failure>() {
            Some(Failure(outcome)) => outcome,
            None => return judge_error(error),
        },
    };
    match outcome.clone() {
        Outcome::Done => Verdict::Done,
        Outcome::DoneInTx => Verdict::Settled,
        Outcome::Retry { due_at, reason } => Verdict::Retry { due_at, reason },
        Outcome::Dead { reason } => Verdict::Dead { reason },
    }
}

fn judge_error(error: &BoxDynError) -> Verdict {
    // A caught panic comes wrapped in an abort, but a panic is no decision to give up.
    if let Some(panic) = in_chain::<PanicError>(error) {
        return Verdict::Backoff {
            reason: format!("the handler panicked: {}", panic.0),
        };
    }
    let reason = chain(error);
    if error.is::<AbortError>() {
        Verdict::Dead { reason }
    } else {
        Verdict::Backoff { reason }
    }
}

fn in_chain<E: std::error::Error + 'static>(error: &BoxDynError) -> Option<&E> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn chain(error: &BoxDynError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_outcome_through_apalis() {
        let retry = Outcome::Retry {
            due_at: 7,
            reason: "busy".to_owned(),
        };
        assert_eq!(
            judge(&retry.into_response()),
            Verdict::Retry {
                due_at: 7,
                reason: "busy".to_owned()
            }
        );
        assert_eq!(judge(&Outcome::Done.into_response()), Verdict::Done);
        assert_eq!(judge(&Outcome::DoneInTx.into_response()), Verdict::Settled);
    }

    #[test]
    fn a_panic_is_retried_an_abort_is_not_and_any_other_error_is() {
        let panic = AbortError::new(PanicError("index out of bounds".to_owned()));
        assert_eq!(
            judge(&Err(Box::new(panic))),
            Verdict::Backoff {
                reason: "the handler panicked: index out of bounds".to_owned()
            }
        );
        let abort = AbortError::new("no such channel");
        assert!(matches!(judge(&Err(Box::new(abort))), Verdict::Dead { .. }));
        let other: BoxDynError = "connection reset".into();
        assert_eq!(
            judge(&Err(other)),
            Verdict::Backoff {
                reason: "connection reset".to_owned()
            }
        );
    }
}
