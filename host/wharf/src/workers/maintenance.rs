//! Housekeeping: what is past its keeping time goes, in small batches.
//!
//! The schedule needs no clock of its own: each run pushes the next one, keyed by its hour, so that
//! many nodes run it once and a crash in between loses nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wharf_queue::{Job, NewJob, Outcome, Priority, Queue};
use wharf_store::{StoreError, atoms, credentials, idempotency, memos, webhooks};

use super::{catch_up, heartbeat, jobs, reconcile, rounds};
use crate::app::App;
use crate::clock::jitter;
use crate::media::Swept;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Rows deleted in one transaction: the writer is not held longer than for a page of sends.
const PURGE_BATCH: u32 = 500;
/// Raw webhooks are up to 4 MiB each, and every page of them is written.
const PURGE_BODIES: u32 = 20;
/// How often files without a row are looked for.
const ORPHANS_HOURS: i64 = 24;

#[derive(Serialize, Deserialize)]
struct Purge {
    hour: i64,
}

pub(super) async fn handle(job: Job, app: Arc<App>) -> Outcome {
    let run = match job.kind.as_str() {
        jobs::PURGE => purge(&app, &job).await,
        jobs::SANDBOX_STEP => crate::sandbox::play(&app, &job).await,
        jobs::UPKEEP_ROUND => rounds::run(&app, &job).await,
        jobs::TEMPLATES_SYNC => rounds::sync_templates(&app, &job).await,
        jobs::HEALTH_CHECK => rounds::check_health(&app, &job).await,
        jobs::CATCH_UP => catch_up::run(&app, &job).await,
        jobs::RECONCILE => reconcile::run(&app, &job).await,
        jobs::ONBOARDING_TURN => crate::onboarding::run(&app, &job).await,
        other => {
            return Outcome::Dead {
                reason: format!("this version knows no job named {other}"),
            };
        }
    };
    match run {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::warn!(job.kind = job.kind, error = %crate::http::Chain(&error), "a maintenance job failed");
            let wait =
                wharf_core::retry::backoff_ms(jobs::attempt_of(&job), 1_000, 2, 60_000, jitter());
            Outcome::Retry {
                due_at: app.now_ms() + wait,
                reason: error.to_string(),
            }
        }
    }
}

/// Makes sure that the next run of each schedule is in the queue, and says that the gateway is up.
pub async fn start_schedules(app: &Arc<App>) -> Result<(), StoreError> {
    let now = app.now_ms();
    push_purge(app, now / HOUR_MS + 1, now).await?;
    // Boxed: a start holds few of them, and their futures are large.
    Box::pin(heartbeat::beat(app)).await?;
    Box::pin(rounds::start(app)).await
}

async fn push_purge(app: &App, hour: i64, now: i64) -> Result<(), StoreError> {
    let job = NewJob {
        id: jobs::keyed_id(&format!("{}:{hour}", jobs::PURGE)),
        queue: Queue::Maintenance,
        tenant: jobs::tenant_or_operator(None),
        lane: jobs::PURGE.to_owned(),
        order_key: None,
        kind: jobs::PURGE,
        payload: json!(Purge { hour }),
        priority: Priority::Low,
        due_at: hour * HOUR_MS,
        attempts_max: jobs::PURGE_ATTEMPTS_MAX,
    };
    let queues = app.queues.clone();
    app.db
        .write(move |tx| Box::pin(async move { queues.push(tx, &[job], now).await }))
        .await
}

async fn purge(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let Ok(Purge { hour }) = serde_json::from_value(job.payload.clone()) else {
        return Ok(Outcome::Dead {
            reason: "the job cannot be read".to_owned(),
        });
    };
    let now = app.now_ms();
    let dedupe_before = now - i64::from(app.config.webhook.dedupe_days) * DAY_MS;
    let raw_before = now - i64::from(app.config.webhook.raw_days) * DAY_MS;
    loop {
        let deleted = app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    Ok(idempotency::purge(tx, now, PURGE_BATCH).await?
                        + memos::purge(tx, now, PURGE_BATCH).await?
                        + credentials::purge(tx, now, PURGE_BATCH).await?
                        + atoms::purge(tx, dedupe_before, PURGE_BATCH).await?
                        + webhooks::purge(tx, raw_before, raw_before, PURGE_BODIES).await?)
                })
            })
            .await?;
        if deleted == 0 {
            break;
        }
    }
    let overdue = crate::onboarding::sweep(app).await?;
    if overdue > 0 {
        tracing::info!(sessions = overdue, "onboarding sessions expired");
    }
    let mut swept = app.media.remove_ended().await?;
    // Looks at every file, and what it finds is left by crashes only.
    if hour % ORPHANS_HOURS == 0 {
        swept.orphans = app.media.remove_orphans().await?.orphans;
    }
    if swept != Swept::default() {
        tracing::info!(
            ended = swept.ended,
            orphans = swept.orphans,
            "stored objects were removed"
        );
    }
    push_purge(app, hour.max(now / HOUR_MS) + 1, now).await?;
    Ok(Outcome::Done)
}
