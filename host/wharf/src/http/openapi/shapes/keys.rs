//! API keys.

use serde::Deserialize;
use utoipa::ToSchema;

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct KeyIn {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do, at most what your own key may: `*`, or resource and action, for example `messages:write`.
    /// Without it, what your own key may do.
    #[schema(min_items = 1, max_items = 50)]
    scopes: Option<Vec<String>>,
    /// The channels it is bound to. Only sending, messages and media are open to such a key.
    #[schema(min_items = 1, max_items = 100)]
    channels: Option<Vec<String>>,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Requests in any minute, beside the tenant's own limit.
    #[schema(minimum = 1, maximum = 1000000)]
    requests_per_minute: Option<u32>,
}

/// How a key is replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RotationIn {
    /// How long the old key works beside the new one. A day unless said; 30 days at most.
    #[schema(minimum = 0, maximum = 2592000)]
    overlap_s: Option<u64>,
}

/// A key; never the key itself.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Key {
    /// The public part that stands in the key after `wk_`.
    id: String,
    name: String,
    /// How the key begins; null for a key of a file.
    #[schema(example = "wk_4zPq0XbT1c")]
    prefix: Option<String>,
    /// `api`, or `file` for a key of the tenant's file.
    origin: String,
    scopes: Vec<String>,
    /// None for all.
    channels: Option<Vec<String>>,
    requests_per_minute: Option<u32>,
    /// The key that this one was made from.
    replaces: Option<String>,
    /// `live`, `expired` or `revoked`.
    state: String,
    /// To within a minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

/// The key itself, which is shown once.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Secret {
    #[schema(example = "wk_...")]
    key: String,
}

/// One page.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct KeyPage {
    data: Vec<Key>,
    next_cursor: Option<String>,
}
