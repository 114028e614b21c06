//! What a plugin says it is and what it wants.

use serde::{Deserialize, Serialize};

use super::exchange::{Bucket, Encoding, Hash, HttpMethod};

/// app: the operator's credentials, shared by tenants. account: one tenant's at the provider.
/// channel: one sending number of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    App,
    Account,
    Channel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    Text,
    Secret,
    Url,
    Integer,
    Boolean,
    Choice,
}

/// One setting or secret the plugin asks its operator or tenant for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub kind: InputKind,
    pub level: Level,
    pub required: bool,
    pub title: String,
    pub help: String,
    pub choices: Vec<String>,
    /// Anchored RE2 pattern, empty for none.
    pub pattern: String,
    /// For secrets: the only hosts the value may be sent to.
    pub audience: Vec<String>,
}

/// Outbound permission. Host names are exact, or `*.` plus a suffix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub host: String,
    pub methods: Vec<HttpMethod>,
    /// Path prefixes ending in `/` or exact paths; `{name}` matches one segment.
    pub paths: Vec<String>,
    pub host_setting: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    Body,
    Url,
    FormSorted,
    Header(String),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    pub header: String,
    pub tolerance_s: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mac {
    pub header: String,
    /// Removed from the header value when present, for example `sha256=`.
    pub prefix: String,
    pub separator: Option<String>,
    pub hash: Hash,
    pub encoding: Encoding,
    /// Name of the secret.
    pub key: String,
    pub key_encoding: Option<Encoding>,
    pub over: Vec<Signed>,
    pub freshness: Option<Freshness>,
}

/// How a webhook call proves where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    Mac(Mac),
    /// Constant-time comparison of a header with a secret: header name, secret name.
    Header(String, String),
    /// Names of the user's and the password's secrets.
    Basic(String, String),
    /// Only the unguessable path the host minted.
    PathToken,
    /// A scheme of the interface this host does not verify yet; such a webhook is refused at load.
    Unsupported(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    Always,
    ContentType(String),
    HeaderPresent(String),
}

/// All checks whose condition holds must pass, and at least one must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub when: Condition,
    pub verify: Verification,
}

/// Subscription handshake answered by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    pub require: Vec<(String, String)>,
    pub token_param: String,
    /// Name of the secret the token must equal.
    pub token: String,
    pub echo_param: String,
}

/// A webhook the provider calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSpec {
    pub name: String,
    pub level: Level,
    pub checks: Vec<Check>,
    pub challenge: Option<Challenge>,
    pub ack_status: u16,
    pub ack_content_type: Option<String>,
    pub ack_body: String,
    /// Extra request headers the guest may see.
    pub headers: Vec<String>,
    pub max_body: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub bucket: Bucket,
    pub tokens: u32,
    pub per_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    pub name: String,
    pub note: Option<String>,
}

/// What a flow is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Connect,
    Reconnect,
    Webhooks,
    Disconnect,
    Other,
}

/// Meta's signup in a window of its own. Each member but the last names a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddedSignup {
    pub app_id_setting: String,
    pub config_setting: String,
    pub solution_setting: Option<String>,
    /// Meta's `featureType`.
    pub feature: Option<String>,
}

/// How a flow begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Launch {
    /// Its inputs are asked for.
    Form,
    EmbeddedSignup(EmbeddedSignup),
}

/// An onboarding flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowInfo {
    pub id: String,
    pub title: String,
    pub purpose: Purpose,
    pub launch: Launch,
    /// Asked for at the start or by a question; they live as long as the flow.
    pub inputs: Vec<Input>,
    /// Name and title of each step, in order.
    pub steps: Vec<(String, String)>,
}

/// The whole of `manifest.describe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// Reverse-DNS, lower case, stable for ever.
    pub id: String,
    pub name: String,
    pub version: String,
    pub vendor: String,
    pub homepage: Option<String>,
    pub capabilities: Vec<Capability>,
    pub inputs: Vec<Input>,
    pub endpoints: Vec<Endpoint>,
    pub webhooks: Vec<WebhookSpec>,
    /// Inputs that hold the ids which routes and `message.sender` carry.
    pub sender_setting: String,
    pub account_setting: Option<String>,
    pub rates: Vec<Rate>,
    #[serde(default)]
    pub flows: Vec<FlowInfo>,
    /// Response headers the guest wants besides the default ones.
    pub response_headers: Vec<String>,
}

impl Descriptor {
    /// The input of app, account or channel with this name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    pub fn flow(&self, id: &str) -> Option<&FlowInfo> {
        self.flows.iter().find(|flow| flow.id == id)
    }
}
