//! Channels, and the gateway's own state.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What the tenant sends through.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Channels {
    data: Vec<Channel>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Channel {
    id: String,
    provider: String,
    /// The provider's id of the number.
    sender: String,
    messages_per_second: u64,
    /// What the provider can do; null while its plugin is not loaded.
    capabilities: Option<Vec<String>>,
    /// Where the provider must call, by the webhook's name.
    #[schema(value_type = Object)]
    webhook_urls: Value,
}

/// Whether traffic may be sent here.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Readiness {
    ready: bool,
    #[schema(value_type = Object)]
    checks: Value,
    plugins: Vec<LoadedPlugin>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct LoadedPlugin {
    name: String,
    version: String,
}

/// Who uses this deployment.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Tenants {
    data: Vec<Tenant>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Tenant {
    id: String,
    name: String,
    /// `file` or `api`.
    origin: String,
    #[schema(format = DateTime)]
    created_at: String,
}
