//! What a tenant can connect with, and the sessions in which it does.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Plugins that the tenant may connect numbers with.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ConnectPlugins {
    data: Vec<ConnectPlugin>,
    /// Where browsers come back to; null without `http.public_url`.
    return_url: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ConnectPlugin {
    name: String,
    title: String,
    version: String,
    vendor: String,
    homepage: Option<String>,
    /// The operator's apps that the tenant may use.
    apps: Vec<String>,
    /// What an app of the tenant's own needs.
    #[schema(value_type = Vec<Object>)]
    own_app_inputs: Value,
    /// The flows, each with what it asks for at its beginning.
    #[schema(value_type = Vec<Object>)]
    flows: Value,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SessionIn {
    plugin: String,
    flow: String,
    /// The operator's app to connect through; null for one of the tenant's own. Left out where there is one choice.
    #[schema(value_type = Option<Value>)]
    app: Option<Value>,
    /// How the channel is to be called.
    channel: Option<String>,
    /// Texts by the names of the flow's inputs.
    #[schema(value_type = Option<Object>)]
    inputs: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SessionAnswersIn {
    /// Texts, or lists of them, by the names of the question's fields. Left out: the failed step is tried again.
    #[schema(value_type = Option<Object>)]
    answers: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SessionPage {
    data: Vec<SessionSummary>,
    next_cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SessionSummary {
    id: String,
    plugin: String,
    flow: String,
    app: Option<String>,
    channel: Option<String>,
    /// Where it is; more words may come.
    status: String,
    /// What it connected.
    #[schema(value_type = Vec<Object>)]
    channels: Value,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// What whoever runs it must know to go on.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SessionState {
    /// What is asked, with fields and choices.
    #[schema(value_type = Option<Object>)]
    question: Option<Value>,
    /// Where the browser is to go.
    #[schema(value_type = Option<Object>)]
    visit: Option<Value>,
    #[schema(format = DateTime)]
    wait_until: Option<String>,
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
    /// What was found on the way, each with its remedy.
    #[schema(value_type = Vec<Object>)]
    findings: Value,
    #[schema(value_type = Vec<Object>)]
    steps: Value,
}

/// Where a channel came from, and the flows that mend it.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ChannelOrigin {
    title: Option<String>,
    onboarding: Option<String>,
    account: Option<String>,
    app: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(value_type = Vec<Object>)]
    flows: Value,
}
