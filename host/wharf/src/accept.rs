//! Taking a message: everything that is checked before it is stored, and the one transaction that
//! stores it. When [`accept`] returns a message, nothing short of losing the disk loses it.

mod fallback;
mod look;
mod many;
mod resolve;

use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};
use wharf_core::provider::Address;
use wharf_core::request::{FieldError, MessageRequest, Policy, Priority};
use wharf_core::{Code, MessageId, Status, TenantId};
use wharf_queue::{NewJob, Queue};
use wharf_store::messages::{Message, NewOutbound};
use wharf_store::{StoreError, idempotency, messages};

use crate::app::App;
use crate::directory::Channel;
use crate::http::Problem;
use crate::upkeep::templates;
use crate::workers::{jobs, lane_of, pace};
pub(crate) use look::dry_run;
pub(crate) use many::{accept_all, job_of};

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

    /// The key of one message of a batch: a space stands in no key that a caller can give.
    pub(crate) fn of_item(
        key: &str,
        index: usize,
        route: &str,
        item: &[u8],
    ) -> Result<Self, Problem> {
        let Self { key, fingerprint } = Self::new(key, route, item)?;
        Ok(Self {
            key: format!("{key} {index}"),
            fingerprint,
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
    let id = MessageId::new(&*app.ids);
    let (message, job) = prepare(app, tenant, request, id, immediate).await?;
    store(app, tenant, message, job, idempotency).await
}

/// Everything that is checked before a message is stored; the message, and its job with whom it counts
/// against.
async fn prepare(
    app: &Arc<App>,
    tenant: &TenantId,
    request: MessageRequest,
    id: MessageId,
    immediate: bool,
) -> Result<(Message, (NewJob, String)), Problem> {
    let ready = ready(app, tenant, request).await?;
    if immediate && ready.request.plan.send_at_ms.is_some() {
        let detail =
            "an immediate send is made at once; leave `send_at` out, or send it to /v1/messages";
        let error = FieldError::new("/send_at", "unsupported", detail);
        return Err(Problem::new(Code::InvalidRequest).errors(vec![error]));
    }
    look::look(app, id, &ready, immediate).await?;
    fallback::check(app, tenant, id, &ready).await?;
    let ordered = ready.request.plan.ordered;
    let message = queued(app, tenant, ready, id, immediate);
    let job = send_job(app, &message, immediate, ordered);
    Ok((message, job))
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
    let ahead_ms_max = i64::from(app.config.send.schedule_days_max) * 86_400_000;
    let errors = request.plan.check(app.now_ms(), ahead_ms_max);
    if !errors.is_empty() {
        return Err(Problem::new(Code::InvalidRequest).errors(errors));
    }
    let channel = choose_channel(app, tenant, &request).await?;
    let to = resolve::resolve(app, tenant, &channel.id, &mut request).await?;
    templates::fill(app, &channel, &mut request.content).await?;
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
    job: (NewJob, String),
    idempotency: Option<IdempotencyKey>,
) -> Result<Accepted, Problem> {
    let now = message.created_at;
    let row = NewOutbound::from(&message);
    let key = idempotency
        .as_ref()
        .map(|given| new_key(app, given, &message));
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
                queues.push_paired(tx, &[job], now).await
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

fn new_key(app: &App, given: &IdempotencyKey, message: &Message) -> idempotency::NewIdempotency {
    let keep_ms = i64::from(app.config.idempotency.keep_hours) * 3_600_000;
    idempotency::NewIdempotency {
        key: given.key.clone(),
        fingerprint: given.fingerprint.clone(),
        message_id: message.id,
        created_at: message.created_at,
        expires_at: message.created_at + keep_ms,
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
    let plan = request.plan;
    // Its time to live begins when it may go out.
    let starts_at = plan.send_at_ms.map_or(now, |at| at.max(now));
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
        send_at: plan.send_at_ms.filter(|at| *at > now),
        fallback: plan.fallback,
        created_at: now,
        updated_at: now,
        expires_at: plan
            .expires_at_ms
            .unwrap_or_else(|| starts_at.saturating_add(i64::try_from(ttl_ms).unwrap_or(i64::MAX))),
    }
}

/// The job of a message that is to be sent, and whom it counts against.
pub(crate) fn send_job(
    app: &App,
    message: &Message,
    immediate: bool,
    ordered: Option<bool>,
) -> (NewJob, String) {
    let lane = lane_of(&message.tenant, &message.channel);
    let pair_key = pace::pair_key(&message.to);
    // One for later would hold up everything to this recipient until then.
    let is_ordered = message.send_at.is_none() && ordered.unwrap_or(app.config.send.ordered);
    let job = NewJob {
        id: job_of(message.id),
        queue: Queue::Send,
        tenant: message.tenant.clone(),
        order_key: is_ordered.then(|| format!("{lane}/{pair_key}")),
        lane,
        kind: jobs::SEND,
        payload: json!({ "message": message.id, "immediate": immediate }),
        priority: jobs::priority(message.priority),
        due_at: message.send_at.unwrap_or(message.created_at),
        attempts_max: jobs::SEND_CLAIMS_MAX,
    };
    (job, pair_key)
}
