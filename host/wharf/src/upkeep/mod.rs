//! What the gateway asks of providers beside sending: the state of channels, their templates and profiles,
//! and media that came in. Requests and jobs both come through here, so that both leave the same traces.

pub(crate) mod health;
pub(crate) mod media;
pub(crate) mod templates;

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::{ChannelId, Reason, TenantId};
use wharf_runtime::Plugin;
use wharf_store::StoreError;

use crate::app::App;
use crate::directory::Channel;
use crate::exchange::Actor;
use crate::flows::FlowError;

/// A channel with what speaks for it.
pub(crate) struct Line {
    pub(crate) channel: Arc<Channel>,
    pub(crate) plugin: Plugin,
    pub(crate) actor: Actor,
}

/// Why there is none. Both may pass.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLine {
    #[error("the tenant has no channel {0}")]
    Channel(ChannelId),
    #[error("no plugin named {0} is loaded")]
    Plugin(String),
}

/// Looks up what is needed to ask a channel's provider something.
pub(crate) async fn line(
    app: &App,
    tenant: &TenantId,
    channel: &ChannelId,
) -> Result<Result<Line, NoLine>, StoreError> {
    let Some(channel_found) = app.directory.channel(tenant, channel).await? else {
        return Ok(Err(NoLine::Channel(channel.clone())));
    };
    let Some(plugin) = app.plugins.get(&channel_found.plugin) else {
        return Ok(Err(NoLine::Plugin(channel_found.plugin.clone())));
    };
    let plugin = plugin.on_behalf_of(tenant.as_str());
    let actor = Actor::of_channel(&channel_found, plugin.descriptor());
    Ok(Ok(Line {
        channel: channel_found,
        plugin,
        actor,
    }))
}

/// A flow's failure as rows and events show it.
pub(crate) fn shown(error: &FlowError) -> Value {
    match error {
        FlowError::Provider(error) => json!({
            "code": error.class.as_str(),
            "detail": error.detail,
            "remedy": error.what_to_do(),
            "provider_code": error.provider_code,
            "trace_id": error.trace_id,
        }),
        FlowError::Store(_) => json!({
            "code": Reason::Store.as_str(),
            "detail": "the gateway's database failed",
            "remedy": Reason::Store.remedy(),
        }),
        other => json!({
            "code": other.slug(),
            "detail": crate::http::Chain(other).to_string(),
            "remedy": other.reason().remedy(),
        }),
    }
}
