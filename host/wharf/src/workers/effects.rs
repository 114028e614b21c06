//! The effects of one atom of a webhook, each once, in the transaction of the note that it is in.

use serde_json::json;
use wharf_core::fetch::FetchRule;
use wharf_core::provider::{InboundContent, InboundEvent, InboundItem, InboundStatus};
use wharf_core::{MessageId, Status};
use wharf_store::channels::ChannelRow;
use wharf_store::messages::{self, Message, NewInbound};
use wharf_store::{StoreError, Tx, atoms, statuses};

use super::facts;
use super::pace;
use super::settle::{Change, change_status};
use crate::announce::Announcer;
use crate::upkeep::media::{self, About};
use crate::upkeep::{health, templates};

/// One atom on its way into one tenant.
pub(super) struct Placed {
    pub(super) item: InboundItem,
    pub(super) channel: ChannelRow,
    pub(super) announcer: Announcer,
    /// Which media of its messages are fetched.
    pub(super) media: FetchRule,
}

/// Applies one atom once. False when the message it speaks of is not known here yet.
pub(super) async fn apply(
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
            let fact = facts::received(&atom.channel, id, message);
            let new = NewInbound {
                id,
                channel: atom.channel.id.clone(),
                message: (**message).clone(),
                created_at: now,
            };
            messages::insert_inbound(tx, tenant, &new).await?;
            pace::count_inbound(tx, tenant, &atom.channel.id, now).await?;
            atom.announcer.announce(tx, fact, now).await?;
            if let InboundContent::Media(medium) = &message.content {
                let about = About {
                    id,
                    channel: atom.channel.id.clone(),
                    provider_message_id: message.provider_message_id.clone(),
                };
                media::begin(tx, &atom.announcer, &about, medium, &atom.media, now).await?;
            }
            return Ok(true);
        }
        InboundEvent::Template(update) => {
            templates::learn(tx, &atom.announcer, &atom.channel, update, now).await?;
            facts::reported(&atom.channel, &atom.item.event)
        }
        InboundEvent::Channel(update) => {
            heed(tx, atom, &atom.item.event, now).await?;
            health::learn(tx, &atom.channel, update, now).await?;
            facts::reported(&atom.channel, &atom.item.event)
        }
        other => {
            heed(tx, atom, other, now).await?;
            facts::reported(&atom.channel, other)
        }
    };
    atom.announcer.announce(tx, fact, now).await?;
    Ok(true)
}

/// What an event says about the speed of the number.
async fn heed(
    tx: &mut Tx,
    atom: &Placed,
    event: &InboundEvent,
    now: i64,
) -> Result<(), StoreError> {
    let (tenant, channel) = (&atom.channel.tenant, &atom.channel.id);
    match event {
        InboundEvent::Echo(_) => pace::count_inbound(tx, tenant, channel, now).await,
        InboundEvent::Channel(update) => match update.messages_per_second {
            Some(per_second) if per_second > 0 => pace::said(tx, tenant, channel, per_second).await,
            _ => Ok(()),
        },
        _ => Ok(()),
    }
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
            "code": e.class.as_str(), "detail": e.detail, "remedy": e.what_to_do(),
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
