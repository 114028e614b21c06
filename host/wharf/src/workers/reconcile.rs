//! A send whose outcome is unknown, settled by the provider's list: found, it is sent; absent, it never was,
//! and goes as the next try. Where the list does not say, it is asked again for a while.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use wharf_core::provider::{Accepted, Reconciled};
use wharf_core::request::Policy;
use wharf_core::{JobId, MessageId, Reason, Status};
use wharf_queue::{Job, Outcome, Queue};
use wharf_runtime::Interface;
use wharf_store::messages::{self, Message, StatusChange};
use wharf_store::statuses::{self, NewStatus};
use wharf_store::{StoreError, Tx, journal, upkeep};

use super::attempt::wire_message;
use super::settle::{Change, change_status};
use super::{gate, jobs};
use crate::accept::send_job;
use crate::announce::Announcer;
use crate::app::App;
use crate::flows::{self, FlowError};
use crate::upkeep::line;

#[derive(Deserialize)]
struct Payload {
    message: MessageId,
    #[serde(rename = "try")]
    try_number: u32,
    immediate: bool,
    /// When the outcome was lost.
    since: i64,
}

/// The first look: after the time in which a status may come by itself, and before a policy sends again.
pub(super) fn first_due(app: &App, message: &Message, now: i64) -> i64 {
    let wait = i64::try_from(app.config.send.unknown_wait_ms).unwrap_or(i64::MAX);
    let wait = match message.policy {
        Policy::AtLeastOnce => wait / 2,
        Policy::AtMostOnce => wait,
    };
    now.saturating_add(wait)
}

/// Runs one `reconcile` job.
pub(super) async fn run(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let payload: Payload = match job.decode() {
        Ok(payload) => payload,
        Err(outcome) => return Ok(outcome),
    };
    let mut conn = app.db.read().await?;
    let message = messages::get(&mut conn, &job.tenant, payload.message).await?;
    let sent_at = upkeep::sent_at(&mut conn, &job.tenant, payload.message).await?;
    drop(conn);
    let Some(message) = message.filter(|message| is_open(message, &payload)) else {
        return Ok(Outcome::Done);
    };
    let line = match line(app, &job.tenant, &message.channel).await? {
        Ok(line) => line,
        Err(missing) => return Ok(again(app, &payload, missing.to_string())),
    };
    if !line.plugin.has(Interface::Reconcile) {
        return Ok(Outcome::Done);
    }
    let Some(_pass) = app.gates.upkeep.enter(&job.tenant) else {
        let lane = jobs::upkeep_lane(&job.tenant, &message.channel);
        return gate::later(app, job, Queue::Maintenance, lane).await;
    };
    let sent_at = sent_at.unwrap_or(payload.since);
    let sent_at = u64::try_from(sent_at).unwrap_or(0);
    let wire = wire_message(&message, &line.channel);
    match flows::reconcile(app, &line.plugin, &line.actor, &wire, sent_at).await {
        Ok(Reconciled::Found(accepted)) => found(app, &message, &payload, accepted).await,
        Ok(Reconciled::Absent) => absent(app, &message, payload).await,
        Ok(Reconciled::Undecided) => {
            let reason = "the provider's list does not say what became of it".to_owned();
            Ok(again(app, &payload, reason))
        }
        Err(FlowError::Store(error)) => Err(error),
        Err(error) => {
            tracing::warn!(message.id = %message.id, error = %crate::http::Chain(&error), "what became of a message could not be asked");
            Ok(again(app, &payload, error.to_string()))
        }
    }
}

/// A status that came meanwhile, or another try, settles it.
fn is_open(message: &Message, payload: &Payload) -> bool {
    message.status == Status::Unknown && message.try_number == payload.try_number
}

/// Waits that double, by the time since the outcome was lost.
fn again(app: &App, payload: &Payload, reason: String) -> Outcome {
    let now = app.now_ms();
    let base = i64::try_from(app.config.send.unknown_wait_ms).unwrap_or(i64::MAX);
    let lost_ms = (now - payload.since).max(base).max(1);
    let doublings = app.config.upkeep.reconcile_attempts_max.min(40);
    let time_max = base.max(1).saturating_mul(1_i64 << doublings);
    if lost_ms >= time_max {
        return Outcome::Done;
    }
    Outcome::Retry {
        due_at: now.saturating_add(lost_ms),
        reason,
    }
}

async fn found(
    app: &Arc<App>,
    message: &Message,
    payload: &Payload,
    accepted: Accepted,
) -> Result<Outcome, StoreError> {
    let announcer = Announcer::of(app, &message.tenant).await?;
    let (id, try_number, now) = (message.id, payload.try_number, app.now_ms());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let tenant = &announcer.tenant;
                let Some(message) = still_open(tx, tenant, id, try_number).await? else {
                    return Ok(());
                };
                record(
                    tx,
                    &message,
                    Status::Sent,
                    accepted.provider_message_id.as_deref(),
                    now,
                )
                .await?;
                if let Some(theirs) = &accepted.provider_message_id {
                    journal::record_accepted(tx, tenant, id, try_number, theirs, now).await?;
                }
                let change = Change {
                    status: Status::Sent,
                    provider_message_id: accepted.provider_message_id.as_deref(),
                    error: None,
                    at_ms: now,
                    now_ms: now,
                };
                change_status(tx, &announcer, &message, &change).await
            })
        })
        .await?;
    app.settled.announce(id);
    Ok(Outcome::Done)
}

/// It was never sent: the policy `at_least_once` sends it by itself, everything else goes as the next try.
/// Who waited for an immediate send has been told that nobody knows, and decides for themselves.
async fn absent(
    app: &Arc<App>,
    message: &Message,
    payload: Payload,
) -> Result<Outcome, StoreError> {
    if message.policy == Policy::AtLeastOnce {
        return Ok(Outcome::Done);
    }
    let announcer = Announcer::of(app, &message.tenant).await?;
    let (id, now) = (message.id, app.now_ms());
    let (mut job, pair_key) = send_job(app, message, false, None);
    // The one with the message's own id has ended.
    job.id = JobId::new(&*app.ids);
    job.due_at = now;
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let tenant = &announcer.tenant;
                let Some(message) = still_open(tx, tenant, id, payload.try_number).await? else {
                    return Ok(());
                };
                let error = json!({
                    "code": Reason::NotSent.as_str(),
                    "detail": "the provider's list does not have it: it was never taken",
                    "remedy": "Send it again; nobody has received it.",
                });
                record(tx, &message, Status::Failed, None, now).await?;
                if payload.immediate || now >= message.expires_at {
                    let change = Change {
                        status: Status::Failed,
                        provider_message_id: None,
                        error: Some(&error),
                        at_ms: now,
                        now_ms: now,
                    };
                    return change_status(tx, &announcer, &message, &change).await;
                }
                let next = StatusChange {
                    id,
                    try_number: message.try_number + 1,
                    status: Status::Queued,
                    error: None,
                    now,
                };
                messages::set_status(tx, tenant, &next).await?;
                announcer
                    .queues()
                    .push_paired(tx, &[(job, pair_key)], now)
                    .await
            })
        })
        .await?;
    app.settled.announce(id);
    Ok(Outcome::Done)
}

async fn still_open(
    tx: &mut Tx,
    tenant: &wharf_core::TenantId,
    id: MessageId,
    try_number: u32,
) -> Result<Option<Message>, StoreError> {
    let message = messages::get(tx, tenant, id).await?;
    Ok(message.filter(|it| it.status == Status::Unknown && it.try_number == try_number))
}

/// The timeline says who settled it.
async fn record(
    tx: &mut Tx,
    message: &Message,
    status: Status,
    provider_message_id: Option<&str>,
    now: i64,
) -> Result<(), StoreError> {
    let new = NewStatus {
        message: message.id,
        try_number: message.try_number,
        status,
        at: now,
        recorded_at: now,
        detail: json!({
            "source": "the provider's list",
            "provider_message_id": provider_message_id,
        }),
    };
    statuses::record(tx, &message.tenant, &new).await
}
