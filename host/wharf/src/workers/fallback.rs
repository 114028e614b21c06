//! A message that one channel certainly did not send goes on through the next one that it names: a new
//! try, in that channel's lane.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::{ChannelId, EventType, Status};
use wharf_queue::{Job, Outcome};
use wharf_store::StoreError;
use wharf_store::journal::{self, AttemptOutcome, EndAttempt};
use wharf_store::messages::{self, Message, StatusChange};

use super::failed::Failed;
use super::lane_of;
use super::pace::{self, Advice};
use crate::announce::{Announcer, Fact};
use crate::app::App;
use crate::clock::rfc3339;

/// The channel after the one that the message has come to. None when nobody knows whether an attempt of
/// it was sent: only certainty goes on.
pub(super) fn next_channel(message: &Message) -> Option<&ChannelId> {
    if !matches!(message.status, Status::Queued | Status::Sending) {
        return None;
    }
    let here = message
        .fallback
        .iter()
        .position(|id| *id == message.channel);
    message.fallback.get(here.map_or(0, |place| place + 1))
}

/// Ends the try as failed and opens the next one, in one transaction. `number`: the attempt that ends,
/// when one was begun.
pub(super) async fn go_on(
    app: &Arc<App>,
    job: &Job,
    message: &Message,
    number: Option<u32>,
    failed: &Failed,
    next: &ChannelId,
) -> Result<Outcome, StoreError> {
    let (tenant, now) = (message.tenant.clone(), app.now_ms());
    let announcer = Announcer::of(app, &tenant).await?;
    let advice = Advice::of(app, &tenant, &message.channel, &message.to, failed.pace()).await?;
    let error = failed.error.to_json();
    let (message, next, lease) = (message.clone(), next.clone(), Arc::clone(&job.lease));
    tracing::info!(message.id = %message.id, channel.id = %message.channel, next = %next,
        code = failed.error.code, "a message goes on through another channel");
    let work = app.db.write(move |tx| {
        Box::pin(async move {
            if let Some(number) = number {
                let ended = EndAttempt {
                    message: message.id,
                    try_number: message.try_number,
                    number,
                    outcome: AttemptOutcome::Failed,
                    error: Some(&error),
                    retry_at: None,
                    ended_at: now,
                };
                journal::end_attempt(tx, &tenant, &ended).await?;
            }
            let over = StatusChange {
                id: message.id,
                try_number: message.try_number,
                status: Status::Failed,
                error: Some(&error),
                now,
            };
            messages::set_status(tx, &tenant, &over).await?;
            messages::move_to_channel(tx, &tenant, message.id, &next).await?;
            let opened = StatusChange {
                try_number: message.try_number + 1,
                status: Status::Queued,
                error: None,
                ..over
            };
            messages::set_status(tx, &tenant, &opened).await?;
            if let Some(advice) = &advice {
                advice.act(tx, now).await?;
            }
            let fact = told(&message, &next, &error, now);
            announcer.announce(tx, fact, now).await?;
            let (lane, pair_key) = (lane_of(&tenant, &next), pace::pair_key(&message.to));
            let reason = format!("channel {} did not send it", message.channel);
            if wharf_queue::move_in(tx, &lease, &lane, Some(&pair_key), now, &reason).await? {
                Ok(())
            } else {
                Err(StoreError::Refused(
                    "the job's lease was lost; its new owner ends it".to_owned(),
                ))
            }
        })
    });
    work.await?;
    Ok(Outcome::DoneInTx)
}

fn told(message: &Message, next: &ChannelId, error: &Value, now: i64) -> Fact {
    Fact {
        kind: EventType::MessageFallback,
        channel: Some(next.clone()),
        message: Some(message.id),
        data: json!({
            "message_id": message.id,
            "from": message.channel,
            "channel": next,
            "to": crate::view::address(&message.to),
            "reference": message.reference,
            "try": message.try_number + 1,
            "at": rfc3339(now),
            "error": error,
        }),
    }
}
