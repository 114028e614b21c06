//! The end of an attempt, in one transaction: journal, message, event, deliveries, and the job itself.

use std::sync::Arc;

use serde_json::Value;
use wharf_core::provider::{Accepted, Pace};
use wharf_core::request::Policy;
use wharf_core::{MessageId, Reason, Status, TenantId};
use wharf_queue::{Job, Lease, NewJob, Outcome};
use wharf_runtime::Interface;
use wharf_store::journal::{self, AttemptOutcome, EndAttempt};
use wharf_store::messages::{self, Message};
use wharf_store::{StoreError, Tx};

use super::failed::{Failed, SendError};
use super::pace::Advice;
use super::{jobs, reconcile};
use crate::announce::{Announcer, StatusChange};
use crate::app::App;

/// The provider took it.
pub(super) async fn accepted(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    number: u32,
    accepted: Accepted,
) -> Result<Outcome, StoreError> {
    let status = if accepted.pending {
        Status::Sending
    } else {
        Status::Sent
    };
    let end = Settlement {
        status: Some(status),
        provider_message_id: accepted.provider_message_id,
        ..Settlement::of(
            app,
            message,
            number,
            AttemptOutcome::Accepted,
            &accepted.pace,
        )
        .await?
    };
    in_transaction(app, job, end, After::Complete).await
}

/// It goes out again later; the message stays where it is.
pub(super) async fn retry(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    number: u32,
    failed: &Failed,
    due_at: i64,
) -> Result<Outcome, StoreError> {
    let end = Settlement {
        error: Some(failed.error.to_json()),
        retry_at: Some(due_at),
        ..Settlement::of(app, message, number, AttemptOutcome::Retry, failed.pace()).await?
    };
    let reason = describe(&failed.error);
    in_transaction(app, job, end, After::Retry { due_at, reason }).await
}

/// Nobody knows whether it went out.
pub(super) async fn unknown(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    number: u32,
    failed: &Failed,
) -> Result<Outcome, StoreError> {
    let end = Settlement {
        status: Some(Status::Unknown),
        error: Some(failed.error.to_json()),
        reconcile: reconciliation(app, job, message).await?,
        ..Settlement::of(app, message, number, AttemptOutcome::Unknown, failed.pace()).await?
    };
    let wait = i64::try_from(app.config.send.unknown_wait_ms).unwrap_or(i64::MAX);
    let due_at = app.now_ms().saturating_add(wait);
    let after = match message.policy {
        Policy::AtLeastOnce
            if due_at < message.expires_at && number < app.config.send.attempts_max =>
        {
            After::Retry {
                due_at,
                reason: "no status settled it in time, and its policy is at_least_once".to_owned(),
            }
        }
        _ => After::Complete,
    };
    in_transaction(app, job, end, after).await
}

/// The job that asks the provider's list, where it has one.
async fn reconciliation(
    app: &App,
    job: &Job,
    message: &Message,
) -> Result<Option<NewJob>, StoreError> {
    let channel = app
        .directory
        .channel(&message.tenant, &message.channel)
        .await?;
    let plugin = channel.and_then(|channel| app.plugins.get(&channel.plugin));
    let has_list = plugin.is_some_and(|plugin| plugin.has(Interface::Reconcile));
    let immediate = job.payload["immediate"] == true;
    let now = app.now_ms();
    let due_at = reconcile::first_due(app, message, now);
    Ok((has_list && app.config.upkeep.reconcile)
        .then(|| jobs::reconcile(message, immediate, now, due_at)))
}

/// Final: a dead letter with its reason.
pub(super) async fn failed(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    number: u32,
    failed: &Failed,
) -> Result<Outcome, StoreError> {
    let end = Settlement {
        status: Some(Status::Failed),
        error: Some(failed.error.to_json()),
        ..Settlement::of(app, message, number, AttemptOutcome::Failed, failed.pace()).await?
    };
    in_transaction(
        app,
        job,
        end,
        After::Dead {
            reason: describe(&failed.error),
        },
    )
    .await
}

/// Its deadline passed before it could be sent.
pub(super) async fn expired(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
) -> Result<Outcome, StoreError> {
    let detail = "the message's deadline passed before a provider could take it";
    end_unsent(
        app,
        job,
        message,
        Status::Expired,
        SendError::new(Reason::Expired, detail),
    )
    .await
}

/// Moves a message up its lattice and, when that showed, tells the tenant.
pub(super) async fn change_status(
    tx: &mut Tx,
    announcer: &Announcer,
    message: &Message,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let moved = messages::StatusChange {
        id: message.id,
        try_number: message.try_number,
        status: change.status,
        error: change.error,
        now: change.now_ms,
    };
    let changed = messages::set_status(tx, &announcer.tenant, &moved).await?;
    let Some(shown) = changed.filter(|shown| !matches!(shown, Status::Queued | Status::Sending))
    else {
        return Ok(());
    };
    let to = crate::view::address(&message.to);
    let told = StatusChange {
        message: message.id,
        channel: &message.channel,
        to: &to,
        reference: message.reference.as_deref(),
        provider_message_id: change
            .provider_message_id
            .or(message.provider_message_id.as_deref()),
        status: shown,
        at_ms: change.at_ms,
        error: change.error,
    };
    announcer.announce(tx, told.fact(), change.now_ms).await
}

/// Its job was claimed more often than any honest message needs; whoever sees it must know.
pub(super) async fn given_up(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
) -> Result<Outcome, StoreError> {
    let detail = "the send was begun too often without an end; the log says what interrupted it";
    end_unsent(
        app,
        job,
        message,
        Status::Failed,
        SendError::new(Reason::GivenUp, detail),
    )
    .await
}

/// Final before any attempt was made of it: a dead letter with the reason why none was.
pub(super) async fn failed_unasked(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    failed: Failed,
) -> Result<Outcome, StoreError> {
    end_unsent(app, job, message, Status::Failed, failed.error).await
}

async fn end_unsent(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    status: Status,
    error: SendError,
) -> Result<Outcome, StoreError> {
    let announcer = Announcer::of(app, &message.tenant).await?;
    let now = app.now_ms();
    let after = match status {
        Status::Failed => After::Dead {
            reason: describe(&error),
        },
        _ => After::Complete,
    };
    let (message, error, lease) = (message.clone(), error.to_json(), Arc::clone(&job.lease));
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let change = Change {
                    status,
                    provider_message_id: None,
                    error: Some(&error),
                    at_ms: now,
                    now_ms: now,
                };
                change_status(tx, &announcer, &message, &change).await?;
                finish(tx, &lease, &after).await
            })
        })
        .await?;
    Ok(Outcome::DoneInTx)
}

/// A step of a message on its lattice.
pub(super) struct Change<'a> {
    pub(super) status: Status,
    pub(super) provider_message_id: Option<&'a str>,
    pub(super) error: Option<&'a Value>,
    /// When it happened, by the provider's clock where it said so.
    pub(super) at_ms: i64,
    pub(super) now_ms: i64,
}

struct Settlement {
    tenant: TenantId,
    message: Message,
    id: MessageId,
    number: u32,
    outcome: AttemptOutcome,
    status: Option<Status>,
    provider_message_id: Option<String>,
    error: Option<Value>,
    retry_at: Option<i64>,
    /// Asks the provider's list what became of it.
    reconcile: Option<NewJob>,
    advice: Option<Advice>,
    announcer: Announcer,
    now: i64,
}

impl Settlement {
    async fn of(
        app: &App,
        message: &Message,
        number: u32,
        outcome: AttemptOutcome,
        paces: &[Pace],
    ) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: message.tenant.clone(),
            id: message.id,
            message: message.clone(),
            number,
            outcome,
            status: None,
            provider_message_id: None,
            error: None,
            retry_at: None,
            reconcile: None,
            advice: Advice::of(app, &message.tenant, &message.channel, &message.to, paces).await?,
            announcer: Announcer::of(app, &message.tenant).await?,
            now: app.now_ms(),
        })
    }
}

enum After {
    Complete,
    Retry { due_at: i64, reason: String },
    Dead { reason: String },
}

/// One transaction for everything. When the lease was lost meanwhile, nothing of it happens: the
/// job's new owner reads the same journal and ends it the same way.
async fn in_transaction(
    app: &Arc<App>,
    job: &Job,
    end: Settlement,
    after: After,
) -> Result<Outcome, StoreError> {
    let lease = Arc::clone(&job.lease);
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let ended = EndAttempt {
                    message: end.id,
                    try_number: end.message.try_number,
                    number: end.number,
                    outcome: end.outcome,
                    error: end.error.as_ref(),
                    retry_at: end.retry_at,
                    ended_at: end.now,
                };
                journal::end_attempt(tx, &end.tenant, &ended).await?;
                if let Some(id) = &end.provider_message_id {
                    journal::record_accepted(
                        tx,
                        &end.tenant,
                        end.id,
                        end.message.try_number,
                        id,
                        end.now,
                    )
                    .await?;
                }
                if let Some(status) = end.status {
                    let change = Change {
                        status,
                        provider_message_id: end.provider_message_id.as_deref(),
                        error: end.error.as_ref(),
                        at_ms: end.now,
                        now_ms: end.now,
                    };
                    change_status(tx, &end.announcer, &end.message, &change).await?;
                }
                if let Some(advice) = &end.advice {
                    advice.act(tx, end.now).await?;
                }
                if let Some(job) = end.reconcile {
                    end.announcer.queues().push(tx, &[job], end.now).await?;
                }
                finish(tx, &lease, &after).await
            })
        })
        .await?;
    Ok(Outcome::DoneInTx)
}

/// Ends the job in the same transaction, or undoes it all.
async fn finish(tx: &mut Tx, lease: &Lease, after: &After) -> Result<(), StoreError> {
    let held = match after {
        After::Complete => wharf_queue::complete(tx, lease).await?,
        After::Retry { due_at, reason } => {
            wharf_queue::retry_in(tx, lease, *due_at, reason).await?
        }
        After::Dead { reason } => wharf_queue::bury_in(tx, lease, reason).await?,
    };
    if held {
        Ok(())
    } else {
        Err(StoreError::Refused(
            "the job's lease was lost; its new owner ends it".to_owned(),
        ))
    }
}

fn describe(error: &SendError) -> String {
    format!("{}: {}", error.code, error.detail)
}
