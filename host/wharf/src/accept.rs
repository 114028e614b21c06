//! Taking a message: everything that is checked before it is stored, and the one transaction that
//! stores it. When [`accept`] returns a message, nothing short of losing the disk loses it.

mod look;
mod resolve;

use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};
use wharf_core::provider::Address;
use wharf_core::request::{FieldError, MessageRequest, Policy, Priority};
use wharf_core::{Code, JobId, MessageId, Status, TenantId};
use wharf_queue::{NewJob, Queue};
use wharf_store::messages::{Message, NewOutbound};
use wharf_store::{StoreError, idempotency, messages};

use crate::app::App;
use crate::directory::Channel;
use crate::http::Problem;
use crate::workers::{jobs, lane_of};
pub(crate) use look::dry_run;

/// How a message was asked for.
pub(crate) struct Submission {
    pub request: MessageRequest,
    pub idempotency: Option<IdempotencyKey>,
    /// One attempt, made at once; the caller waits for its end.
    pub immediate: bool,
}

/// The key and a fingerprint of what it stands for.
pub(crate) struct IdempotencyKey {
    pub key: String,
    pub fingerprint: String,
}

/// Longest key taken; the draft names no limit, and a UUID has 36 characters.
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

impl IdempotencyKey {
    /// Reads the header's value; `route` and `body` are what a repetition must agree with.
    pub(crate) fn new(key: &str, route: &str, body: &[u8]) -> Result<Self, Problem> {
        let well_formed = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_graphic());
        if !well_formed {
            return Err(Problem::new(Code::InvalidRequest).errors(vec![FieldError {
                pointer: String::new(),
                code: "invalid",
                detail: format!(
                    "the header Idempotency-Key has 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters, for example a UUID"
                ),
            }]));
        }
        let mut hash = Sha256::new();
        hash.update(route.as_bytes());
        hash.update([0]);
        hash.update(body);
        Ok(Self {
            key: key.to_owned(),
            fingerprint: hex::encode(hash.finalize()),
        })
    }
}

/// What became of a submission.
pub(crate) enum Accepted {
    New(Box<Message>),
    /// The same key and the same request came before.
    Replayed(MessageId),
}

/// Checks and stores one message.
pub(crate) async fn accept(
    app: &Arc<App>,
    tenant: &TenantId,
    submission: Submission,
) -> Result<Accepted, Problem> {
    if let Some(idempotency) = &submission.idempotency
        && let Some(known) = known(app, tenant, idempotency).await?
    {
        return Ok(Accepted::Replayed(known));
    }
    let Submission {
        request,
        idempotency,
        immediate,
    } = submission;
    let ready = ready(app, tenant, request).await?;
    let id = MessageId::new(&*app.ids);
    look::look(app, id, &ready, immediate).await?;
    let message = queued(app, tenant, ready, id, immediate);
    store(app, tenant, message, idempotency, immediate).await
}

/// A request of which everything is known.
struct Ready {
    channel: Arc<Channel>,
    to: Address,
    request: MessageRequest,
}

async fn ready(
    app: &App,
    tenant: &TenantId,
    mut request: MessageRequest,
) -> Result<Ready, Problem> {
    let channel = choose_channel(app, tenant, &request).await?;
    let to = resolve::resolve(app, tenant, &channel.id, &mut request).await?;
    Ok(Ready {
        channel,
        to,
        request,
    })
}

async fn known(
    app: &App,
    tenant: &TenantId,
    given: &IdempotencyKey,
) -> Result<Option<MessageId>, Problem> {
    let mut conn = app.db.read().await?;
    let found = idempotency::find(&mut conn, tenant, &given.key, app.now_ms()).await?;
    match found {
        None => Ok(None),
        Some(row) if row.fingerprint == given.fingerprint => Ok(Some(row.message_id)),
        Some(_) => Err(Problem::new(Code::IdempotencyMismatch)),
    }
}

async fn choose_channel(
    app: &App,
    tenant: &TenantId,
    request: &MessageRequest,
) -> Result<Arc<Channel>, Problem> {
    let unknown = |detail: String| {
        Problem::new(Code::ChannelUnknown).errors(vec![FieldError {
            pointer: "/channel".to_owned(),
            code: "invalid",
            detail,
        }])
    };
    let id = match &request.channel {
        Some(id) => id.clone(),
        None => {
            let all = app.directory.channel_ids(tenant).await?;
            match all.as_slice() {
                [only] => only.clone(),
                [] => {
                    return Err(unknown(
                        "the tenant has no channel yet; add one to its file".to_owned(),
                    ));
                }
                several => {
                    let names: Vec<_> = several.iter().map(|id| id.as_str()).collect();
                    return Err(unknown(format!(
                        "name one of the tenant's channels: {}",
                        names.join(", ")
                    )));
                }
            }
        }
    };
    app.directory
        .channel(tenant, &id)
        .await?
        .ok_or_else(|| unknown(format!("the tenant has no channel {id}")))
}

async fn store(
    app: &Arc<App>,
    tenant: &TenantId,
    message: Message,
    idempotency: Option<IdempotencyKey>,
    immediate: bool,
) -> Result<Accepted, Problem> {
    let (id, now) = (message.id, message.created_at);
    let row = NewOutbound::from(&message);
    let job = send_job(app, &message, immediate, now);
    let keep_until = now + i64::from(app.config.idempotency.keep_hours) * 3_600_000;
    let key = idempotency
        .as_ref()
        .map(|given| idempotency::NewIdempotency {
            key: given.key.clone(),
            fingerprint: given.fingerprint.clone(),
            message_id: id,
            created_at: now,
            expires_at: keep_until,
        });
    let (owner, queues) = (tenant.clone(), app.queues.clone());
    let stored = app
        .db
        .try_write(move |tx| {
            Box::pin(async move {
                if let Some(key) = key
                    && !idempotency::insert(tx, &owner, &key).await?
                {
                    return Err(StoreError::Refused(
                        "the idempotency key was taken meanwhile".to_owned(),
                    ));
                }
                messages::insert_outbound(tx, &owner, &row).await?;
                queues.push(tx, &[job], now).await
            })
        })
        .await;
    match (stored, &idempotency) {
        (Ok(()), _) => Ok(Accepted::New(Box::new(message))),
        // Lost the race for the key.
        (Err(StoreError::Refused(_)), Some(idempotency)) => {
            // The winner may stand in the same group commit, which an empty write waits for.
            app.db
                .try_write(|_| Box::pin(std::future::ready(Ok(()))))
                .await?;
            known(app, tenant, idempotency)
                .await?
                .map(Accepted::Replayed)
                .ok_or_else(|| Problem::new(Code::IdempotencyInProgress))
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The message as it will be stored, with the deployment's choices where the tenant made none.
fn queued(app: &App, tenant: &TenantId, ready: Ready, id: MessageId, immediate: bool) -> Message {
    let Ready {
        channel,
        to,
        request,
    } = ready;
    let now = app.now_ms();
    let send = &app.config.send;
    let ttl_ms = request
        .ttl_s
        .map_or(send.expires_after_ms, |s| s.saturating_mul(1000));
    let usual = if immediate {
        Priority::High
    } else {
        Priority::Normal
    };
    Message {
        id,
        tenant: tenant.clone(),
        channel: channel.id.clone(),
        to,
        content: request.content,
        reference: request.reference,
        reply_to: request.reply_to,
        provider_message_id: None,
        status: Status::Queued,
        error: None,
        priority: request.priority.unwrap_or(usual),
        policy: request.policy.unwrap_or(match send.default_policy {
            wharf_config::SendPolicy::AtMostOnce => Policy::AtMostOnce,
            wharf_config::SendPolicy::AtLeastOnce => Policy::AtLeastOnce,
        }),
        try_number: 1,
        options: request.options,
        created_at: now,
        updated_at: now,
        expires_at: now.saturating_add(i64::try_from(ttl_ms).unwrap_or(i64::MAX)),
    }
}

fn send_job(app: &App, message: &Message, immediate: bool, now: i64) -> NewJob {
    NewJob {
        id: JobId::new(&*app.ids),
        queue: Queue::Send,
        tenant: message.tenant.clone(),
        lane: lane_of(&message.tenant, &message.channel),
        order_key: None,
        kind: jobs::SEND,
        payload: json!({ "message": message.id, "immediate": immediate }),
        priority: jobs::priority(message.priority),
        due_at: now,
        attempts_max: jobs::SEND_CLAIMS_MAX,
    }
}
