//! Media of messages that come in: what the configuration says of them, their way into the store, and what
//! the tenant is told.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_config::{Config, MediaFetch};
use wharf_core::fetch::{FetchRule, digest_fits};
use wharf_core::provider::{InboundMedia, MediaAnswer, MediaRef, MediaRequest};
use wharf_core::{ChannelId, EventType, JobId, MediaId, MessageId, Reason, TenantId};
use wharf_queue::{NewJob, Priority, Queue};
use wharf_store::inbound_media::{self, InboundMediaRow, MediaState};
use wharf_store::media::MediaRow;
use wharf_store::messages::Inbound;
use wharf_store::{StoreError, Tx};

use super::Line;
use crate::announce::{Announcer, Fact};
use crate::app::App;
use crate::clock::rfc3339;
use crate::flows::{self, FlowError};
use crate::view;
use crate::workers::{jobs, lane_of};

/// What holds for one channel: its own keys, then its tenant's, then the main file's.
pub(crate) fn rule_of(config: &Config, tenant: &TenantId, channel: &ChannelId) -> FetchRule {
    let of_tenant = config.tenants.get(tenant.as_str());
    let of_channel = of_tenant.and_then(|tenant| tenant.channels.get(channel.as_str()));
    let own: Vec<&MediaFetch> = [
        of_channel.and_then(|channel| channel.media.as_ref()),
        of_tenant.and_then(|tenant| tenant.media.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let media = &config.media;
    FetchRule {
        is_on: own.iter().find_map(|it| it.fetch).unwrap_or(media.fetch),
        bytes_max: own
            .iter()
            .find_map(|it| it.fetch_bytes_max)
            .unwrap_or(media.fetch_bytes_max),
        types: own
            .iter()
            .find_map(|it| it.fetch_types.clone())
            .unwrap_or_else(|| media.fetch_types.clone()),
    }
}

/// Notes the medium of a message that just came in, and has it fetched: in the transaction of the
/// message, so that none is forgotten.
pub(crate) async fn begin(
    tx: &mut Tx,
    announcer: &Announcer,
    message: &About,
    medium: &InboundMedia,
    rule: &FetchRule,
    now: i64,
) -> Result<(), StoreError> {
    let tenant = &announcer.tenant;
    if !rule.is_on {
        return Ok(());
    }
    if !rule.wants(medium.content_type.as_deref()) {
        let error = type_refused(medium.content_type.as_deref().unwrap_or_default());
        let skipped = MediaState::Skipped;
        inbound_media::insert(tx, tenant, message.id, skipped, Some(&error), now).await?;
        let fact = fact(message, skipped, None, Some(&error));
        return announcer.announce(tx, fact, now).await;
    }
    let waiting = MediaState::Waiting;
    if !inbound_media::insert(tx, tenant, message.id, waiting, None, now).await? {
        return Ok(());
    }
    let job = NewJob {
        id: JobId::new(announcer.ids()),
        queue: Queue::Media,
        tenant: tenant.clone(),
        lane: lane_of(tenant, &message.channel),
        order_key: None,
        kind: jobs::FETCH_MEDIA,
        payload: json!({ "message": message.id }),
        priority: Priority::Normal,
        due_at: now,
        attempts_max: jobs::FETCH_CLAIMS_MAX,
    };
    announcer.queues().push(tx, &[job], now).await
}

/// The message that a medium belongs to.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) id: MessageId,
    pub(crate) channel: ChannelId,
    pub(crate) provider_message_id: String,
}

impl From<&Inbound> for About {
    fn from(message: &Inbound) -> Self {
        Self {
            id: message.id,
            channel: message.channel.clone(),
            provider_message_id: message.provider_message_id.clone(),
        }
    }
}

/// Brings a medium into the store and looks at what came. What is not wanted after all is removed again.
pub(crate) async fn fetch(
    app: &App,
    line: &Line,
    medium: &InboundMedia,
    rule: Option<&FetchRule>,
) -> Result<MediaRef, NotFetched> {
    let request = MediaRequest::Fetch(medium.locator.clone());
    let answer = flows::media(app, &line.plugin, &line.actor, &request).await;
    let media = match answer {
        Ok(MediaAnswer::Fetched(media)) => media,
        Ok(_) => {
            let what = "something else than a medium";
            return Err(NotFetched::Flow(FlowError::Mismatch { what }));
        }
        Err(FlowError::Provider(_)) if line.actor.saw_too_large() => {
            return Err(NotFetched::Unwanted(too_large(app, rule)));
        }
        Err(error) => return Err(NotFetched::Flow(error)),
    };
    let refused = rule.and_then(|rule| {
        if media.size > rule.bytes_max {
            return Some(NotFetched::Unwanted(too_large(app, Some(rule))));
        }
        let wanted = rule.wants(Some(&media.content_type));
        (!wanted).then(|| NotFetched::Unwanted(type_refused(&media.content_type)))
    });
    let fits = medium.sha256.as_deref();
    let fits = fits.and_then(|told| digest_fits(told, &media.sha256));
    let refused = match (refused, fits) {
        (None, Some(false)) => Some(NotFetched::Garbled),
        (refused, _) => refused,
    };
    match refused {
        None => Ok(media),
        Some(reason) => {
            discard(app, &line.channel.tenant, &media).await;
            Err(reason)
        }
    }
}

/// Why a medium did not come.
pub(crate) enum NotFetched {
    Flow(FlowError),
    /// The configuration does not want it, now that it is known: final.
    Unwanted(Value),
    /// Other bytes than the provider spoke of: cut off on the way, most likely.
    Garbled,
}

impl NotFetched {
    pub(crate) fn shown(&self) -> Value {
        match self {
            Self::Flow(error) => super::shown(error),
            Self::Unwanted(error) => error.clone(),
            Self::Garbled => json!({
                "code": Reason::DigestMismatch.as_str(),
                "detail": "the bytes that came are not those that the provider gave the digest of",
                "remedy": "Fetch it again by POST /v1/messages/{id}/media.",
            }),
        }
    }
}

/// Removes an object that belongs to no message. The sweep would in its time.
pub(crate) async fn discard(app: &App, tenant: &TenantId, media: &MediaRef) {
    let Ok(id) = media.handle.parse::<MediaId>() else {
        return;
    };
    if let Err(error) = app.media.delete(tenant, id).await {
        tracing::warn!(media.id = %id, error = %crate::http::Chain(&error), "an object that nobody wants could not be removed");
    }
}

/// The event about a medium that is there, or that will not come.
pub(crate) fn fact(
    message: &About,
    state: MediaState,
    media: Option<&MediaRow>,
    error: Option<&Value>,
) -> Fact {
    Fact {
        kind: EventType::MessageMedia,
        channel: Some(message.channel.clone()),
        message: Some(message.id),
        data: json!({
            "message_id": message.id,
            "channel": message.channel,
            "provider_message_id": message.provider_message_id,
            "status": state.as_str(),
            "media": media.map(view::media),
            "error": error,
        }),
    }
}

/// What a message shows of its medium.
pub(crate) fn view_of(row: &InboundMediaRow) -> Value {
    json!({
        "status": row.state.as_str(),
        "id": row.media,
        "attempts": row.attempts,
        "next_attempt_at": row.next_at.map(rfc3339),
        "error": row.error,
        "updated_at": rfc3339(row.updated_at),
    })
}

/// Attaches what was fetched and says so, in the transaction that `more` ends. False when the message has
/// its medium already.
pub(crate) async fn attach(
    tx: &mut Tx,
    announcer: &Arc<Announcer>,
    message: &About,
    media: &MediaRow,
    now: i64,
) -> Result<bool, StoreError> {
    let tenant = &announcer.tenant;
    if !inbound_media::attach(tx, tenant, message.id, media.id, now).await? {
        return Ok(false);
    }
    let fact = fact(message, MediaState::Stored, Some(media), None);
    announcer.announce(tx, fact, now).await?;
    Ok(true)
}

fn type_refused(content_type: &str) -> Value {
    json!({
        "code": Reason::TypeRefused.as_str(),
        "detail": format!("media of type {content_type} are not fetched here (media.fetch_types)"),
        "remedy": "POST /v1/messages/{id}/media fetches it all the same; or add the type to media.fetch_types.",
    })
}

fn too_large(app: &App, rule: Option<&FetchRule>) -> Value {
    let media = &app.config.media;
    let bytes_max = rule
        .map_or(u64::MAX, |rule| rule.bytes_max)
        .min(media.object_bytes_max)
        .min(app.config.egress.media_bytes_max);
    json!({
        "code": Reason::TooLarge.as_str(),
        "detail": format!("the medium has more than the {bytes_max} bytes that are fetched here (media.fetch_bytes_max)"),
        "remedy": "Ask the sender for a smaller file, or raise media.fetch_bytes_max.",
    })
}
