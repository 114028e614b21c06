//! The operator's apps at providers.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// All apps of the configuration, by their names.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Apps {
    data: Vec<ProviderApp>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ProviderApp {
    /// As the configuration names it.
    id: String,
    plugin: String,
    /// Without secrets.
    #[schema(value_type = Object)]
    settings: Value,
    /// Tenants that may connect numbers under it; null for all.
    tenants: Option<Vec<String>>,
    /// Where the provider must call, by webhook; empty without `http.public_url`.
    #[schema(value_type = Object)]
    webhook_urls: Value,
    /// What can be run for it, each with what it asks for.
    #[schema(value_type = Vec<Object>)]
    flows: Value,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct AppFlowIn {
    /// Texts by the names of the flow's inputs.
    #[schema(value_type = Option<Object>)]
    inputs: Option<Value>,
    /// Answers to what the flow may ask, by the names of its questions: `{"decision": "replace"}`.
    #[schema(value_type = Option<Object>)]
    answers: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct AppFlowRun {
    app: String,
    flow: String,
    /// `done`; `waiting` when the provider needs longer: call again in a while; `question` when the flow asks
    /// something: call again with the answer.
    status: String,
    /// What is asked, with the names and choices of its fields; null when nothing is.
    #[schema(value_type = Option<Object>)]
    question: Option<Value>,
    /// What each step found, with a remedy where something is wrong.
    #[schema(value_type = Vec<Object>)]
    findings: Value,
}
