//! One event to one endpoint, signed, until it is taken or the schedule ends.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use wharf_core::webhook::sign;
use wharf_core::{DeliveryId, TenantId};
use wharf_egress::{DeliveryAnswer, DeliveryFailure, DeliveryRequest};
use wharf_queue::{Job, Outcome};
use wharf_store::deliveries::{self, DeliveryState, DeliveryWork, FinishedAttempt};
use wharf_store::{StoreError, endpoints};

use super::jobs;
use crate::app::App;
use crate::clock::{jitter, rfc3339};
use crate::directory::Endpoint;

#[derive(Deserialize)]
struct Payload {
    delivery: DeliveryId,
}

/// An endpoint that asks for a longer pause than this is tried again all the same.
const RETRY_AFTER_S_MAX: u64 = 86_400;

pub(super) async fn handle(job: Job, app: Arc<App>) -> Outcome {
    let payload: Payload = match job.decode() {
        Ok(payload) => payload,
        Err(outcome) => return outcome,
    };
    match run(&app, &job, payload.delivery).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(delivery.id = %payload.delivery, error = %crate::http::Chain(&error), "a delivery met a failing store");
            let wait =
                wharf_core::retry::backoff_ms(jobs::attempt_of(&job), 250, 2, 30_000, jitter());
            Outcome::Retry {
                due_at: app.now_ms() + wait,
                reason: "the database failed".to_owned(),
            }
        }
    }
}

async fn run(app: &Arc<App>, job: &Job, id: DeliveryId) -> Result<Outcome, StoreError> {
    let tenant = job.tenant.clone();
    let mut conn = app.db.read().await?;
    let Some(work) = deliveries::get(&mut conn, &tenant, id).await? else {
        return Ok(Outcome::Dead {
            reason: "its delivery is gone".to_owned(),
        });
    };
    drop(conn);
    if work.delivery.state != DeliveryState::Pending {
        return Ok(Outcome::Done);
    }
    let all = app.directory.endpoints(&tenant).await?;
    let endpoint = all.iter().find(|e| e.id == work.delivery.endpoint);
    let started_at = app.now_ms();
    let Some(endpoint) = endpoint.filter(|e| e.enabled) else {
        let made = Made {
            error: Some("the endpoint is disabled or removed".to_owned()),
            ..Made::default()
        };
        return end(app, job, &tenant, &work, started_at, made, Next::Fail).await;
    };
    let answer = app
        .egress
        .deliver(request(&work, endpoint, started_at))
        .await;
    let (made, verdict) = judge(app, started_at, &answer);
    let next = match verdict {
        Verdict::Taken => Next::Delivered,
        Verdict::Gone => Next::Disable,
        Verdict::Again { at_least_s } => {
            // One that an operator let go again has the whole schedule before it, like a new one.
            let number = (work.delivery.attempts + 1).min(jobs::attempt_of(job));
            match wait_ms(app, number, at_least_s) {
                Some(wait) => Next::At(app.now_ms() + wait),
                None => Next::Fail,
            }
        }
    };
    end(app, job, &tenant, &work, started_at, made, next).await
}

/// The request as Standard Webhooks 1.0 asks for it; the id is the event's, the same on every attempt.
fn request(delivery: &DeliveryWork, endpoint: &Endpoint, now_ms: i64) -> DeliveryRequest {
    let body = json!({
        "type": delivery.event.kind,
        "timestamp": rfc3339(delivery.event.created_at),
        "data": delivery.event.data,
    })
    .to_string();
    let id = delivery.event.id.to_string();
    let timestamp_s = now_ms / 1000;
    let headers = [
        ("content-type", "application/json".to_owned()),
        (
            "user-agent",
            concat!("Wharf/", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        (
            "webhook-signature",
            sign(&endpoint.secrets, &id, timestamp_s, body.as_bytes()),
        ),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp_s.to_string()),
    ];
    DeliveryRequest {
        url: endpoint.url.clone(),
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        body: Bytes::from(body),
        timeout_ms: endpoint.timeout_ms,
    }
}

enum Verdict {
    Taken,
    /// 410: the endpoint wants nothing more.
    Gone,
    Again {
        at_least_s: u64,
    },
}

/// What one attempt came to.
#[derive(Default)]
struct Made {
    duration_ms: u64,
    status: Option<u16>,
    error: Option<String>,
    body: Option<String>,
}

fn judge(
    app: &App,
    started_at: i64,
    answer: &Result<DeliveryAnswer, DeliveryFailure>,
) -> (Made, Verdict) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => {
            let duration_ms = u64::try_from(app.now_ms() - started_at).unwrap_or(0);
            let error = Some(format!("{}: {failure}", failure.slug()));
            return (
                Made {
                    duration_ms,
                    error,
                    ..Made::default()
                },
                Verdict::Again { at_least_s: 0 },
            );
        }
    };
    let kept = answer
        .body_start
        .len()
        .min(app.config.delivery.response_bytes_kept);
    // PostgreSQL takes no U+0000 in text.
    let body = String::from_utf8_lossy(&answer.body_start[..kept]).replace('\0', "\u{fffd}");
    let verdict = match answer.status {
        200..=299 => Verdict::Taken,
        410 => Verdict::Gone,
        _ => Verdict::Again {
            at_least_s: answer.retry_after_s.unwrap_or(0).min(RETRY_AFTER_S_MAX),
        },
    };
    let error = match verdict {
        Verdict::Taken => None,
        _ => Some(format!("the endpoint answered {}", answer.status)),
    };
    let made = Made {
        duration_ms: answer.duration_ms,
        status: Some(answer.status),
        error,
        body: Some(body),
    };
    (made, verdict)
}

/// The wait before the next attempt, `None` when `number` was the schedule's last.
fn wait_ms(app: &App, number: u32, at_least_s: u64) -> Option<i64> {
    let delivery = &app.config.delivery;
    let scheduled = *delivery.schedule_s.get(number as usize)?;
    let base = i64::try_from(scheduled.max(at_least_s).saturating_mul(1000)).unwrap_or(i64::MAX);
    let spread = base / 100 * i64::from(delivery.jitter_percent);
    let extra = if spread == 0 {
        0
    } else {
        i64::try_from(jitter() % spread.unsigned_abs()).unwrap_or(0)
    };
    Some(base.saturating_add(extra))
}

enum Next {
    Delivered,
    At(i64),
    Fail,
    /// Final, and the endpoint wants no more events.
    Disable,
}

async fn end(
    app: &Arc<App>,
    job: &Job,
    tenant: &TenantId,
    work: &DeliveryWork,
    started_at: i64,
    made: Made,
    next: Next,
) -> Result<Outcome, StoreError> {
    let (id, endpoint) = (work.delivery.id, work.delivery.endpoint.clone());
    let (lease, tenant) = (Arc::clone(&job.lease), tenant.clone());
    let disabling = matches!(next, Next::Disable);
    let reason = made.error.clone().unwrap_or_default();
    if !matches!(next, Next::Delivered) {
        tracing::info!(delivery.id = %id, endpoint.id = %endpoint, reason, "a delivery was not taken");
    }
    let (state, next_at) = match next {
        Next::Delivered => (DeliveryState::Delivered, None),
        Next::At(at) => (DeliveryState::Pending, Some(at)),
        Next::Fail | Next::Disable => (DeliveryState::Failed, None),
    };
    let finished = FinishedAttempt {
        delivery: id,
        number: work.delivery.attempts + 1,
        started_at,
        duration_ms: i64::try_from(made.duration_ms).unwrap_or(i64::MAX),
        status: made.status,
        error: made.error,
        body: made.body,
        state,
        next_at,
        now: app.now_ms(),
    };
    app.db
        .write(move |tx| {
            Box::pin(async move {
                deliveries::finish_attempt(tx, &tenant, &finished).await?;
                if disabling {
                    endpoints::disable(tx, &tenant, &endpoint).await?;
                }
                let held = match next {
                    Next::Delivered => wharf_queue::complete(tx, &lease).await?,
                    Next::At(at) => wharf_queue::retry_in(tx, &lease, at, &reason).await?,
                    Next::Fail | Next::Disable => wharf_queue::bury_in(tx, &lease, &reason).await?,
                };
                if held {
                    Ok(())
                } else {
                    Err(StoreError::Refused(
                        "the job's lease was lost; its new owner ends it".to_owned(),
                    ))
                }
            })
        })
        .await?;
    if disabling {
        tracing::warn!(endpoint.id = %work.delivery.endpoint, tenant.id = %job.tenant, "the endpoint answered 410 and gets nothing more until its address changes");
        app.directory.forget_all();
    }
    Ok(Outcome::DoneInTx)
}
