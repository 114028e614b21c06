//! The medium of one message that came in, from the provider into the store.
//!
//! The attempts are counted on the message's row, not by the job's claims: a crash costs no attempt. What
//! came is attached, told and ended in one transaction; a crash before it leaves an object that the sweep
//! removes, and the next run fetches again.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use wharf_core::fetch::{FetchDecision, FetchPolicy, after_failure, may_come};
use wharf_core::provider::{InboundContent, InboundMedia, Retry};
use wharf_core::retry::backoff_ms;
use wharf_core::{MessageId, Reason};
use wharf_queue::{Job, Outcome, Queue};
use wharf_runtime::CallError;
use wharf_store::StoreError;
use wharf_store::inbound_media::{self, InboundMediaRow, MediaState};
use wharf_store::messages::{self, Inbound, Stored};

use super::{gate, jobs, lane_of};
use crate::announce::Announcer;
use crate::app::App;
use crate::clock::jitter;
use crate::flows::FlowError;
use crate::upkeep::media::{self as intake, About, NotFetched};
use crate::upkeep::{self, NoLine};

#[derive(Deserialize)]
struct Payload {
    message: MessageId,
}

pub(super) async fn handle(job: Job, app: Arc<App>) -> Outcome {
    let payload: Payload = match job.decode() {
        Ok(payload) => payload,
        Err(outcome) => return outcome,
    };
    match run(&app, &job, payload.message).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(message.id = %payload.message, error = %crate::http::Chain(&error), "a medium met a failing store");
            let wait = backoff_ms(jobs::attempt_of(&job), 250, 2, 30_000, jitter());
            Outcome::Retry {
                due_at: app.now_ms() + wait,
                reason: "the database failed".to_owned(),
            }
        }
    }
}

async fn run(app: &Arc<App>, job: &Job, id: MessageId) -> Result<Outcome, StoreError> {
    let tenant = &job.tenant;
    let mut conn = app.db.read().await?;
    let row = inbound_media::get(&mut conn, tenant, id).await?;
    let message = messages::get_any(&mut conn, tenant, id).await?;
    drop(conn);
    let (Some(row), Some(Stored::Inbound(message))) = (row, message) else {
        return Ok(Outcome::Done);
    };
    let InboundContent::Media(medium) = &message.content else {
        return Ok(Outcome::Done);
    };
    if row.state != MediaState::Waiting {
        return Ok(Outcome::Done);
    }
    let Some(_pass) = app.gates.media.enter(tenant) else {
        let lane = lane_of(tenant, &message.channel);
        return gate::later(app, job, Queue::Media, lane).await;
    };
    let fetch = Fetch {
        app,
        job,
        message: &message,
        row: &row,
        announcer: Arc::new(Announcer::of(app, tenant).await?),
    };
    fetch.run(medium).await
}

/// One attempt.
struct Fetch<'a> {
    app: &'a Arc<App>,
    job: &'a Job,
    message: &'a Inbound,
    row: &'a InboundMediaRow,
    announcer: Arc<Announcer>,
}

impl Fetch<'_> {
    async fn run(&self, medium: &InboundMedia) -> Result<Outcome, StoreError> {
        let (app, tenant) = (self.app, &self.job.tenant);
        let mut line = match upkeep::line(app, tenant, &self.message.channel).await? {
            Ok(line) => line,
            Err(missing) => return self.missing(&missing).await,
        };
        let rule = intake::rule_of(&app.config, tenant, &self.message.channel);
        line.actor.media_bytes_max = Some(rule.bytes_max);
        if let Some(full) = self.no_room().await? {
            return self.failed(full, true, None).await;
        }
        match intake::fetch(app, &line, medium, Some(&rule)).await {
            Ok(media) => self.stored(&media.handle).await,
            Err(NotFetched::Flow(FlowError::Store(error))) => Err(error),
            Err(reason) => {
                let (may_come, wait_ms) = prospects(&reason);
                self.failed(reason.shown(), may_come, wait_ms).await
            }
        }
    }

    /// Its channel or plugin may come back, as long as the attempts last.
    async fn missing(&self, missing: &NoLine) -> Result<Outcome, StoreError> {
        let error = json!({
            "code": Reason::ChannelAbsent.as_str(),
            "detail": missing.to_string(),
            "remedy": "Bring the channel and its plugin back, then POST /v1/messages/{id}/media.",
        });
        self.failed(error, true, None).await
    }

    /// Looked at before the bytes are fetched for nothing.
    async fn no_room(&self) -> Result<Option<Value>, StoreError> {
        let bytes_max = self.app.config.media.tenant_bytes_max;
        let mut conn = self.app.db.read().await?;
        let used = wharf_store::media::usage_bytes(&mut conn, &self.job.tenant).await?;
        Ok((used >= bytes_max).then(|| {
            json!({
                "code": Reason::NoRoom.as_str(),
                "detail": format!("the tenant's stored objects take all of their {bytes_max} bytes (media.tenant_bytes_max)"),
                "remedy": "Delete objects, or wait until older ones end; then POST /v1/messages/{id}/media.",
            })
        }))
    }

    async fn stored(&self, handle: &str) -> Result<Outcome, StoreError> {
        let (app, tenant, now) = (self.app, self.job.tenant.clone(), self.app.now_ms());
        let mut conn = app.db.read().await?;
        let found = match handle.parse() {
            Ok(id) => wharf_store::media::get(&mut conn, &tenant, id, now).await?,
            Err(_) => None,
        };
        drop(conn);
        let Some(media) = found else {
            return Err(StoreError::Corrupt {
                what: format!("the object {handle} is gone although it was just stored"),
            });
        };
        let (announcer, about) = (Arc::clone(&self.announcer), About::from(self.message));
        let lease = Arc::clone(&self.job.lease);
        let object = media.id;
        let attached = app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let attached = intake::attach(tx, &announcer, &about, &media, now).await?;
                    end(wharf_queue::complete(tx, &lease).await?)?;
                    Ok(attached)
                })
            })
            .await;
        match attached {
            Ok(true) => Ok(Outcome::DoneInTx),
            // Somebody else attached theirs, or goes on with the job.
            Ok(false) | Err(StoreError::Refused(_)) => {
                app.media.delete(&self.job.tenant, object).await?;
                Ok(Outcome::DoneInTx)
            }
            Err(error) => Err(error),
        }
    }

    async fn failed(
        &self,
        error: Value,
        may_come: bool,
        wait_ms: Option<u64>,
    ) -> Result<Outcome, StoreError> {
        let (app, now) = (self.app, self.app.now_ms());
        let media = &app.config.media;
        let policy = FetchPolicy {
            attempts_max: media.fetch_attempts_max,
            backoff_base_ms: i64::try_from(media.fetch_backoff_base_ms).unwrap_or(i64::MAX),
            backoff_max_ms: i64::try_from(media.fetch_backoff_max_ms).unwrap_or(i64::MAX),
        };
        let attempt = self.row.attempts + 1;
        let decision = match may_come && !self.job.is_last_attempt() {
            true => after_failure(attempt, wait_ms, now, &policy, jitter()),
            false => FetchDecision::GiveUp,
        };
        tracing::info!(
            message.id = %self.message.id, channel.id = %self.message.channel, attempt, error = %error,
            decision = ?decision, "a medium did not come"
        );
        let (tenant, lease) = (self.job.tenant.clone(), Arc::clone(&self.job.lease));
        let (announcer, about) = (Arc::clone(&self.announcer), About::from(self.message));
        let ended = app.db.write(move |tx| {
            Box::pin(async move {
                let held = match decision {
                    FetchDecision::RetryAt(at) => {
                        let reason = error["code"].as_str().unwrap_or_default();
                        inbound_media::note_attempt(tx, &tenant, about.id, &error, at, now).await?;
                        wharf_queue::retry_in(tx, &lease, at, reason).await?
                    }
                    FetchDecision::GiveUp => {
                        let state = match error["code"].as_str() {
                            Some("too-large" | "type-refused") => MediaState::Skipped,
                            _ => MediaState::Failed,
                        };
                        if inbound_media::give_up(tx, &tenant, about.id, state, &error, now).await?
                        {
                            let fact = intake::fact(&about, state, None, Some(&error));
                            announcer.announce(tx, fact, now).await?;
                        }
                        wharf_queue::complete(tx, &lease).await?
                    }
                };
                end(held)
            })
        });
        match ended.await {
            Ok(()) | Err(StoreError::Refused(_)) => Ok(Outcome::DoneInTx),
            Err(error) => Err(error),
        }
    }
}

/// Undoes everything when the lease was lost: the job's new owner ends it.
fn end(held: bool) -> Result<(), StoreError> {
    match held {
        true => Ok(()),
        false => Err(StoreError::Refused(
            "the job's lease was lost; its new owner ends it".to_owned(),
        )),
    }
}

/// Whether another attempt may bring it, and how long the provider or the host asks to wait.
fn prospects(reason: &NotFetched) -> (bool, Option<u64>) {
    let error = match reason {
        NotFetched::Unwanted(_) => return (false, None),
        NotFetched::Garbled => return (true, None),
        NotFetched::Flow(error) => error,
    };
    match error {
        FlowError::Provider(error) => {
            let wait_ms = match error.retry {
                Retry::AfterMs(ms) => Some(ms),
                _ => None,
            };
            (may_come(error), wait_ms)
        }
        FlowError::Unsupported { .. } | FlowError::Denied { .. } => (false, None),
        FlowError::Plugin(error) => match &**error {
            CallError::CircuitOpen { retry_after_ms, .. } => (true, Some(*retry_after_ms)),
            _ => (true, None),
        },
        _ => (true, None),
    }
}
