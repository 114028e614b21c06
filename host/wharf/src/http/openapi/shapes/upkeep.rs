//! What the gateway keeps of providers: templates, health, profiles, and what was missed.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One language of a message template, as the provider's last list had it.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Template {
    #[schema(example = "tpl_01K0000000000000000000000")]
    id: String,
    provider: String,
    /// The provider's id of the account, or `channel:NAME`.
    account: String,
    provider_template_id: Option<String>,
    name: String,
    language: String,
    category: String,
    /// The provider's own word.
    status: String,
    quality: Option<String>,
    reason: Option<String>,
    #[schema(value_type = Vec<Object>)]
    components: Value,
    #[schema(format = DateTime)]
    seen_at: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Templates, newest first.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TemplatePage {
    data: Vec<Template>,
    next_cursor: Option<String>,
}

/// A template to be made, in the Cloud API's shape.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TemplateIn {
    /// May be left out by a tenant with one channel.
    channel: Option<String>,
    name: String,
    language: String,
    category: String,
    #[schema(value_type = Vec<Object>)]
    components: Value,
    parameter_format: Option<String>,
    message_send_ttl_seconds: Option<u32>,
    allow_category_change: Option<bool>,
    cta_url_link_tracking_opted_out: Option<bool>,
    examples: Option<Vec<TemplateExample>>,
}

/// An example medium of a template.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TemplateExample {
    /// RFC 6901, into the components.
    pointer: String,
    /// A stored object.
    media: String,
}

/// When an account's templates were listed last, and how that went.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TemplateSync {
    provider: String,
    account: String,
    #[schema(format = DateTime)]
    synced_at: Option<String>,
    #[schema(format = DateTime)]
    failed_at: Option<String>,
    error: Option<String>,
}

/// What is known of a channel's health.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Health {
    channel: String,
    /// `ok`, `degraded`, `blocked` or `unknown`.
    verdict: String,
    findings: Vec<HealthFinding>,
    #[schema(format = DateTime)]
    token_expires_at: Option<String>,
    /// The provider's own word.
    quality: Option<String>,
    messaging_limit: Option<String>,
    messages_per_second: Option<u32>,
    #[schema(format = DateTime)]
    checked_at: Option<String>,
    #[schema(format = DateTime)]
    changed_at: Option<String>,
    check_failed: Option<HealthFailure>,
}

/// One thing an operator should know.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct HealthFinding {
    verdict: String,
    title: String,
    detail: String,
    remedy: Option<String>,
}

/// The last check brought no answer.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct HealthFailure {
    #[schema(format = DateTime)]
    at: String,
    detail: Option<String>,
}

/// The public profile of a channel.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Profile {
    channel: String,
    /// The Cloud API's members.
    #[schema(value_type = Object)]
    profile: Value,
}

/// The members of a profile to change, by the Cloud API's names.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ProfileChange {
    about: Option<String>,
    address: Option<String>,
    description: Option<String>,
    email: Option<String>,
    vertical: Option<String>,
    websites: Option<Vec<String>>,
}

/// From when on what was missed is to be fetched.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct CatchUpIn {
    #[schema(format = DateTime)]
    since: String,
}

/// How the last fetching of what was missed went.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct CatchUp {
    channel: String,
    /// `never`, `waiting`, `done` or `failed`.
    status: String,
    #[schema(format = DateTime)]
    since: Option<String>,
    /// What the provider gave, known or new.
    items: Option<u32>,
    error: Option<String>,
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}
