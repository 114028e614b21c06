//! A stored webhook, read by its plugin, becomes messages, statuses and events, atom by atom.
//!
//! Each atom's effects and the note that they are in go into one transaction, so a repeated webhook,
//! a repeated job and a crash in between change nothing twice. An atom whose number or message is
//! not known yet brings the whole job back later; what is in already is skipped then.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use wharf_core::provider::{
    CallContext, InboundEvent, InboundItem, InboundStatus, Route, WebhookRequest,
};
use wharf_core::retry::backoff_ms;
use wharf_core::{MessageId, Status, TenantId, WebhookId};
use wharf_queue::{Job, Outcome};
use wharf_runtime::CallError;
use wharf_store::channels::ChannelRow;
use wharf_store::messages::{self, Message, NewInbound};
use wharf_store::webhooks::{self, WebhookRow};
use wharf_store::{Owner, StoreError, Tx, atoms, channels, statuses};

use super::jobs;
use super::settle::{Change, change_status};
use crate::announce::{Announcer, Fact, MESSAGE_RECEIVED, PROVIDER_OTHER};
use crate::app::App;
use crate::clock::{jitter, random, rfc3339};

#[derive(Deserialize)]
struct Payload {
    webhook: WebhookId,
}

/// Atoms whose effects share one transaction: enough to make its commit cheap, few enough that the
/// writer is not held for long.
const ATOMS_PER_TRANSACTION: usize = 64;
/// Waits before a call is read again: from one second, for a status that overtook its message, to
/// an hour, for a channel that is not configured yet.
const AGAIN_BASE_MS: i64 = 1_000;
const AGAIN_MAX_MS: i64 = 3_600_000;

pub(super) async fn handle(job: Job, app: Arc<App>) -> Outcome {
    let payload: Payload = match job.decode() {
        Ok(payload) => payload,
        Err(outcome) => return outcome,
    };
    match run(&app, &job, payload.webhook).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(webhook.id = %payload.webhook, error = %crate::http::Chain(&error), "a webhook met a failing store");
            again(&app, &job, "the database failed".to_owned())
        }
    }
}

fn again(app: &App, job: &Job, reason: String) -> Outcome {
    let wait = backoff_ms(
        jobs::attempt_of(job),
        AGAIN_BASE_MS,
        2,
        AGAIN_MAX_MS,
        jitter(),
    );
    Outcome::Retry {
        due_at: app.now_ms() + wait,
        reason,
    }
}

async fn run(app: &Arc<App>, job: &Job, id: WebhookId) -> Result<Outcome, StoreError> {
    let mut conn = app.db.read().await?;
    let Some(webhook) = webhooks::get(&mut conn, id).await? else {
        return Ok(Outcome::Dead {
            reason: "its webhook is gone".to_owned(),
        });
    };
    drop(conn);
    let late = app.now_ms() - webhook.received_at > jobs::UNROUTED_MS_MAX;
    let Some(plugin) = app.plugins.get(&webhook.plugin) else {
        return Ok(again(
            app,
            job,
            format!("no plugin named {} is loaded", webhook.plugin),
        ));
    };
    let request = request_of(&webhook);
    let mut reader = Reader {
        app,
        webhook: &webhook,
        announcers: HashMap::new(),
    };
    let (mut items, mut left, mut skip) = (0, 0, 0);
    loop {
        let parsed = match plugin.parse(&context(app), &request, skip).await {
            Ok(parsed) => parsed,
            Err(error) => return unreadable(app, job, &webhook, error, late).await,
        };
        items += parsed.items.len();
        for chunk in parsed.items.chunks(ATOMS_PER_TRANSACTION) {
            left += reader.take(chunk).await?;
        }
        match parsed.next {
            Some(next) if next > skip => skip = next,
            _ => break,
        }
    }
    if left > 0 && !late {
        return Ok(again(
            app,
            job,
            format!("{left} of {items} items have no channel or message here yet"),
        ));
    }
    let error = (left > 0)
        .then(|| format!("{left} of {items} items found no channel or message within 7 days"));
    finish(
        app,
        job,
        &webhook,
        u32::try_from(items).unwrap_or(u32::MAX),
        error,
    )
    .await
}

fn context(app: &App) -> CallContext {
    CallContext {
        settings: Vec::new(),
        now_ms: u64::try_from(app.now_ms()).unwrap_or(0),
        seed: random(),
        locale: None,
    }
}

fn request_of(webhook: &WebhookRow) -> WebhookRequest {
    WebhookRequest {
        name: webhook.webhook.clone(),
        method: webhook.method,
        query: webhook.query.clone(),
        headers: webhook.headers.clone(),
        body: webhook.body.clone(),
        received_at_ms: u64::try_from(webhook.received_at).unwrap_or(0),
    }
}

/// A body that the plugin refuses is kept with the reason; one that breaks it is tried again, for a
/// mended plugin may come.
async fn unreadable(
    app: &Arc<App>,
    job: &Job,
    webhook: &WebhookRow,
    error: CallError,
    late: bool,
) -> Result<Outcome, StoreError> {
    tracing::warn!(webhook.id = %webhook.id, plugin.name = webhook.plugin, error = %error, "a webhook could not be read");
    match error {
        CallError::Guest(refusal) => finish(app, job, webhook, 0, Some(refusal.to_string())).await,
        other if late => finish(app, job, webhook, 0, Some(other.to_string())).await,
        other => Ok(again(app, job, other.to_string())),
    }
}

async fn finish(
    app: &Arc<App>,
    job: &Job,
    webhook: &WebhookRow,
    items: u32,
    error: Option<String>,
) -> Result<Outcome, StoreError> {
    let (id, now, lease) = (webhook.id, app.now_ms(), Arc::clone(&job.lease));
    app.db
        .write(move |tx| {
            Box::pin(async move {
                webhooks::mark_parsed(tx, id, items, error.as_deref(), now).await?;
                if wharf_queue::complete(tx, &lease).await? {
                    Ok(())
                } else {
                    Err(StoreError::Refused(
                        "the job's lease was lost; its new owner ends it".to_owned(),
                    ))
                }
            })
        })
        .await?;
    Ok(Outcome::DoneInTx)
}

struct Reader<'a> {
    app: &'a Arc<App>,
    webhook: &'a WebhookRow,
    announcers: HashMap<TenantId, Announcer>,
}

/// One atom on its way into one tenant.
struct Placed {
    item: InboundItem,
    channel: ChannelRow,
    announcer: Announcer,
}

impl Reader<'_> {
    /// Applies what can be placed and returns how many atoms could not.
    async fn take(&mut self, items: &[InboundItem]) -> Result<usize, StoreError> {
        let owner = self.webhook.owner.clone();
        let mut routes: HashMap<String, Vec<ChannelRow>> = HashMap::new();
        let mut placed = Vec::with_capacity(items.len());
        let mut unplaced = 0;
        for item in items {
            let key = route_key(&item.route);
            if !routes.contains_key(&key) {
                let found = self.channels_of(&owner, &item.route).await?;
                routes.insert(key.clone(), found);
            }
            let channels = &routes[&key];
            // What concerns the whole app, and nobody's number, is kept with its raw webhook.
            if channels.is_empty() && item.route != Route::App {
                unplaced += 1;
            }
            for channel in channels {
                let announcer = self.announcer(&channel.tenant).await?;
                placed.push(Placed {
                    item: item.clone(),
                    channel: channel.clone(),
                    announcer,
                });
            }
        }
        if placed.is_empty() {
            return Ok(unplaced);
        }
        let (plugin, now) = (self.webhook.plugin.clone(), self.app.now_ms());
        let ids = Arc::clone(&self.app.ids);
        let waiting = self
            .app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let mut waiting = 0;
                    for atom in &placed {
                        if !apply(tx, &plugin, atom, &*ids, now).await? {
                            waiting += 1;
                        }
                    }
                    Ok(waiting)
                })
            })
            .await?;
        Ok(unplaced + waiting)
    }

    async fn channels_of(
        &self,
        owner: &Owner,
        route: &Route,
    ) -> Result<Vec<ChannelRow>, StoreError> {
        let mut conn = self.app.db.read().await?;
        channels::by_route(&mut conn, owner, &self.webhook.plugin, route).await
    }

    async fn announcer(&mut self, tenant: &TenantId) -> Result<Announcer, StoreError> {
        if let Some(known) = self.announcers.get(tenant) {
            return Ok(known.clone());
        }
        let announcer = Announcer::of(self.app, tenant).await?;
        self.announcers.insert(tenant.clone(), announcer.clone());
        Ok(announcer)
    }
}

fn route_key(route: &Route) -> String {
    match route {
        Route::Sender(id) => format!("sender:{id}"),
        Route::Account(id) => format!("account:{id}"),
        Route::App => "app".to_owned(),
    }
}

/// Applies one atom once. False when the message it speaks of is not known here yet.
async fn apply(
    tx: &mut Tx,
    plugin: &str,
    atom: &Placed,
    ids: &dyn wharf_core::IdSource,
    now: i64,
) -> Result<bool, StoreError> {
    let tenant = &atom.channel.tenant;
    if let InboundEvent::Status(status) = &atom.item.event {
        let Some((message, try_number)) = message_of(tx, atom, status).await? else {
            return Ok(false);
        };
        if is_new(tx, plugin, atom, now).await? {
            apply_status(tx, atom, status, message, try_number, now).await?;
        }
        return Ok(true);
    }
    if !is_new(tx, plugin, atom, now).await? {
        return Ok(true);
    }
    let fact = match &atom.item.event {
        InboundEvent::Status(_) => return Ok(true),
        InboundEvent::Message(message) => {
            let id = MessageId::new(ids);
            let fact = received(atom, id, message);
            let new = NewInbound {
                id,
                channel: atom.channel.id.clone(),
                message: (**message).clone(),
                created_at: now,
            };
            messages::insert_inbound(tx, tenant, &new).await?;
            fact
        }
        InboundEvent::Raw { kind, document } => Fact {
            kind: PROVIDER_OTHER,
            channel: Some(atom.channel.id.clone()),
            message: None,
            data: json!({ "channel": atom.channel.id, "kind": kind, "raw": document }),
        },
    };
    atom.announcer.announce(tx, fact, now).await?;
    Ok(true)
}

async fn is_new(tx: &mut Tx, plugin: &str, atom: &Placed, now: i64) -> Result<bool, StoreError> {
    let (tenant, route) = (&atom.channel.tenant, &atom.item.route);
    atoms::insert_new(tx, tenant, plugin, route, &atom.item.dedupe_key, now).await
}

/// The message a status speaks of: by our own id where the provider echoes it, else by the
/// provider's. Our id counts only within this tenant and channel.
async fn message_of(
    tx: &mut Tx,
    atom: &Placed,
    status: &InboundStatus,
) -> Result<Option<(Message, u32)>, StoreError> {
    let tenant = &atom.channel.tenant;
    let by_provider =
        messages::by_provider_id(tx, tenant, &atom.channel.id, &status.provider_message_id).await?;
    if let Some((id, try_number)) = by_provider {
        return Ok(messages::get(tx, tenant, id)
            .await?
            .map(|m| (m, try_number)));
    }
    let ours = status
        .message_id
        .as_deref()
        .and_then(|text| MessageId::from_bare(text).ok());
    let Some(id) = ours else {
        return Ok(None);
    };
    let found = messages::get(tx, tenant, id)
        .await?
        .filter(|m| m.channel == atom.channel.id);
    Ok(found.map(|message| {
        let try_number = message.try_number;
        (message, try_number)
    }))
}

async fn apply_status(
    tx: &mut Tx,
    atom: &Placed,
    status: &InboundStatus,
    mut message: Message,
    try_number: u32,
    now: i64,
) -> Result<(), StoreError> {
    let tenant = &atom.channel.tenant;
    let state = Status::from(status.state);
    let at_ms = i64::try_from(status.at_ms).unwrap_or(now);
    let detail = json!({
        "provider_message_id": status.provider_message_id,
        "recipient": status.recipient,
        "pricing": status.pricing,
        "conversation_id": status.conversation_id,
        "group": status.group,
        "error": status.error,
    });
    statuses::record(
        tx,
        tenant,
        &statuses::NewStatus {
            message: message.id,
            try_number,
            status: state,
            at: at_ms,
            recorded_at: now,
            detail,
        },
    )
    .await?;
    if message.provider_message_id.is_none() {
        wharf_store::journal::record_accepted(
            tx,
            tenant,
            message.id,
            try_number,
            &status.provider_message_id,
            now,
        )
        .await?;
    }
    let error = status.error.as_ref().map(|e| {
        json!({
            "code": e.class.as_str(), "detail": e.detail, "remedy": e.remedy,
            "provider_code": e.provider_code, "trace_id": e.trace_id,
        })
    });
    message.try_number = try_number;
    let change = Change {
        status: state,
        provider_message_id: Some(&status.provider_message_id),
        error: error.as_ref(),
        at_ms,
        now_ms: now,
    };
    change_status(tx, &atom.announcer, &message, &change).await
}

fn received(atom: &Placed, id: MessageId, message: &wharf_core::provider::InboundMessage) -> Fact {
    Fact {
        kind: MESSAGE_RECEIVED,
        channel: Some(atom.channel.id.clone()),
        message: Some(id),
        data: json!({
            "message_id": id,
            "channel": atom.channel.id,
            "provider_message_id": message.provider_message_id,
            "from": message.sender,
            "group": message.group,
            "at": rfc3339(i64::try_from(message.at_ms).unwrap_or(0)),
            "reply_to": message.reply_to,
            "forwarded": message.forwarded,
            "content": message.content,
            "referral": message.referral,
        }),
    }
}
