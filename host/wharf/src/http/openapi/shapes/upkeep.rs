//! What a provider says of a channel: templates, health, profile, and what was missed.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One page, newest first.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TemplatePage {
    data: Vec<Template>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Template {
    id: String,
    provider: String,
    account: Option<String>,
    /// As the provider names it.
    provider_template_id: Option<String>,
    name: String,
    language: String,
    category: Option<String>,
    status: String,
    quality: Option<String>,
    /// Why it was refused.
    reason: Option<String>,
    /// In the Cloud API's shape.
    #[schema(value_type = Object)]
    components: Value,
    #[schema(format = DateTime)]
    seen_at: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A template to be made, in the Cloud API's shape.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TemplateIn {
    /// May be left out where the tenant has one channel.
    channel: Option<String>,
    name: String,
    language: String,
    category: String,
    #[schema(value_type = Vec<Object>)]
    components: Value,
}

/// How the fetching of an account's templates went last.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TemplateSync {
    provider: String,
    account: Option<String>,
    #[schema(format = DateTime)]
    synced_at: Option<String>,
    #[schema(format = DateTime)]
    failed_at: Option<String>,
    error: Option<String>,
}

/// What is known of a channel's health, and since when.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ChannelHealth {
    channel: String,
    verdict: String,
    #[schema(value_type = Vec<Object>)]
    findings: Value,
    #[schema(format = DateTime)]
    checked_at: Option<String>,
    #[schema(format = DateTime)]
    changed_at: Option<String>,
    #[schema(value_type = Option<Object>)]
    check_failed: Value,
}

/// As the provider shows it now, by the Cloud API's names.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ChannelProfile {
    channel: String,
    #[schema(value_type = Object)]
    profile: Value,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct CatchUpIn {
    #[schema(format = DateTime)]
    since: String,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct CatchUp {
    channel: String,
    status: String,
    #[schema(format = DateTime)]
    since: Option<String>,
    items: Option<i64>,
    error: Option<String>,
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}
