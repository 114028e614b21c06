//! One message through its channel: what to do with the job, decided before the provider is asked.

use std::sync::Arc;

use serde::Deserialize;
use wharf_core::retry::{Decision, Failure, RetryPolicy, decide, may_fall_back};
use wharf_core::{MessageId, Status};
use wharf_queue::{Job, Outcome};
use wharf_store::messages::Message;
use wharf_store::{StoreError, journal, messages};

use super::attempt::{Attempt, End};
use super::failed::Failed;
use super::pin::{self, Choice};
use super::{fallback, jobs, settle};
use crate::app::App;
use crate::clock::jitter;

#[derive(Deserialize)]
struct Payload {
    message: MessageId,
    #[serde(default)]
    immediate: bool,
}

/// How long a message waits for a channel or plugin that is not there before it is looked for again.
const ABSENT_WAIT_MS: i64 = 5_000;

/// Runs one `send` job.
pub(super) async fn handle(job: Job, app: Arc<App>) -> Outcome {
    let payload: Payload = match job.decode() {
        Ok(payload) => payload,
        Err(outcome) => return outcome,
    };
    let outcome = match run(&app, &job, &payload).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(message.id = %payload.message, error = %crate::http::Chain(&error), "a send met a failing store");
            let wait =
                wharf_core::retry::backoff_ms(jobs::attempt_of(&job), 250, 2, 30_000, jitter());
            Outcome::Retry {
                due_at: app.now_ms() + wait,
                reason: "the database failed".to_owned(),
            }
        }
    };
    app.settled.announce(payload.message);
    outcome
}

async fn run(app: &Arc<App>, job: &Job, payload: &Payload) -> Result<Outcome, StoreError> {
    let tenant = &job.tenant;
    let mut conn = app.db.read().await?;
    let Some(message) = messages::get(&mut conn, tenant, payload.message).await? else {
        return Ok(Outcome::Dead {
            reason: "its message is gone".to_owned(),
        });
    };
    if is_settled(&message) {
        return Ok(Outcome::Done);
    }
    let now = app.now_ms();
    // One left open by an earlier try is history: this try begins its own.
    let open = journal::open_attempt(&mut conn, tenant, message.id)
        .await?
        .filter(|open| open.try_number == message.try_number);
    let made = journal::attempts_made(&mut conn, tenant, message.id, message.try_number).await?;
    drop(conn);
    if open.is_none() && now >= message.expires_at {
        // What may have been sent stays unknown; it only is not sent again.
        return match message.status {
            Status::Unknown => Ok(Outcome::Done),
            _ => settle::expired(app, job, &message).await,
        };
    }
    if job.is_last_attempt() {
        return settle::given_up(app, job, &message).await;
    }
    let Some(channel) = app.directory.channel(tenant, &message.channel).await? else {
        return absent(
            app,
            job,
            &message,
            format!("channel {} is not configured any more", message.channel),
        )
        .await;
    };
    let (plugin, open) = match pin::choose(app, &message, &channel, open).await? {
        Choice::Plugin(plugin, open) => (plugin, open),
        Choice::Absent => {
            let reason = format!("no plugin named {} is loaded", channel.plugin);
            return absent(app, job, &message, reason).await;
        }
        Choice::Gone(number, failed) => {
            let end = End::Failed(failed);
            return conclude(app, job, &message, number, payload.immediate, end).await;
        }
    };
    let plugin = plugin.on_behalf_of(tenant.as_str());
    let attempt = Attempt::new(
        app,
        &message,
        &channel,
        &plugin,
        &job.lease,
        made + u32::from(open.is_none()),
    );
    let end = attempt.run(open).await?;
    let number = attempt.number;
    conclude(app, job, &message, number, payload.immediate, end).await
}

/// True when nothing more is to be sent: the job is a leftover of a crash or of a late status.
fn is_settled(message: &Message) -> bool {
    match message.status {
        Status::Queued | Status::Sending => false,
        // Sent again only by the policy that the tenant chose.
        Status::Unknown => message.policy != wharf_core::request::Policy::AtLeastOnce,
        _ => true,
    }
}

async fn absent(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    reason: String,
) -> Result<Outcome, StoreError> {
    if let Some(next) = fallback::next_channel(message) {
        let failed = Failed::absent(&reason);
        return fallback::go_on(app, job, message, None, &failed, next).await;
    }
    let due_at = app.now_ms() + ABSENT_WAIT_MS;
    if due_at >= message.expires_at {
        return settle::expired(app, job, message).await;
    }
    tracing::warn!(message.id = %message.id, reason, "a message waits");
    Ok(Outcome::Retry { due_at, reason })
}

async fn conclude(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    number: u32,
    immediate: bool,
    end: End,
) -> Result<Outcome, StoreError> {
    let (failed, is_journalled) = match end {
        End::Accepted(accepted) => {
            return settle::accepted(app, job, message, number, accepted).await;
        }
        End::Failed(failed) => (failed, true),
        End::NotAsked(failed) => (failed, false),
    };
    if let Some(wait_ms) = failed.suspended_ms() {
        let due_at = app.now_ms().saturating_add(wait_ms);
        return Ok(Outcome::Retry {
            due_at,
            reason: failed.error.detail,
        });
    }
    let send = &app.config.send;
    let next = fallback::next_channel(message);
    let policy = RetryPolicy {
        attempts_max: match (immediate, next) {
            (true, _) => 1,
            (false, Some(_)) => send.fallback_attempts_max.min(send.attempts_max),
            (false, None) => send.attempts_max,
        },
        backoff_base_ms: i64::try_from(send.backoff_base_ms).unwrap_or(i64::MAX),
        backoff_max_ms: i64::try_from(send.backoff_max_ms).unwrap_or(i64::MAX),
    };
    // Who waits for an immediate send is told at once, even that this host was busy.
    let failure = match failed.failure() {
        Failure::Overloaded | Failure::Paused { .. } if immediate => Failure::Deterministic,
        other => other,
    };
    let decision = decide(
        &failure,
        number,
        app.now_ms(),
        message.expires_at,
        &policy,
        jitter(),
    );
    tracing::info!(
        message.id = %message.id, channel.id = %message.channel, attempt = number,
        code = failed.error.code, reason = failed.error.detail, decision = ?decision, "attempt {number} did not end in an acceptance"
    );
    if let (Decision::Fail, Some(next)) = (decision, next)
        && may_fall_back(&failure)
    {
        let number = is_journalled.then_some(number);
        return fallback::go_on(app, job, message, number, &failed, next).await;
    }
    match decision {
        // Not an attempt's end: none was begun, or the one that is open goes on from its journal.
        Decision::RetryAt(due_at) if failure.is_not_asked() => Ok(Outcome::Retry {
            due_at,
            reason: failed.error.detail,
        }),
        Decision::Fail | Decision::Expire if !is_journalled => {
            settle::failed_unasked(app, job, message, *failed).await
        }
        Decision::RetryAt(due_at) => {
            settle::retry(app, job, message, number, &failed, due_at).await
        }
        Decision::Unknown => settle::unknown(app, job, message, number, &failed).await,
        Decision::Fail | Decision::Expire => {
            settle::failed(app, job, message, number, &failed).await
        }
    }
}
