//! Why an exchange may not leave. Every text is safe to show: it holds names and guest text, no secret.

/// A refusal before any network activity. It is final: the same exchange is refused again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the exchange's URL is refused: {reason}")]
    Url { reason: &'static str },
    #[error("the exchange's path is refused: {reason}")]
    Path { reason: &'static str },
    #[error("host {host:?} is not among the endpoints that the plugin declares")]
    Host { host: String },
    #[error("{method} {path:?} on {host:?} is not among the endpoints that the plugin declares")]
    Endpoint {
        method: &'static str,
        host: String,
        path: String,
    },
    #[error("the exchange's query is refused: {reason}")]
    Query { reason: &'static str },
    #[error("header {name:?} is refused: {reason}")]
    Header { name: String, reason: &'static str },
    #[error("the exchange's body is refused: {reason}")]
    Body { reason: &'static str },
    #[error("cannot insert into the JSON body at {pointer:?}: {reason}")]
    Insert {
        pointer: String,
        reason: &'static str,
    },
    #[error("secret {name:?} is not declared among the plugin's inputs")]
    SecretUndeclared { name: String },
    #[error("secret {name:?} may not go to {host:?}: the host is not in its audience")]
    SecretAudience { name: String, host: String },
    #[error("secret {name:?} has no value; set it for this app, account or channel")]
    SecretMissing { name: String },
    #[error("the Basic user {user:?} contains a colon, which the scheme cannot carry")]
    BasicUser { user: String },
    #[error("an HMAC over the body cannot stand inside that body")]
    HmacCycle,
    #[error("webhook {name:?} has no public address; check the manifest and http.public_url")]
    WebhookUrl { name: String },
    #[error("capture {pointer:?} is refused: {reason}")]
    Capture {
        pointer: String,
        reason: &'static str,
    },
    #[error("the exchange's {what} has {size}, more than the {max} allowed")]
    TooLarge {
        what: &'static str,
        size: usize,
        max: usize,
    },
    #[error("the exchange's memo is refused: {reason}")]
    Memo { reason: &'static str },
    #[error("this gateway does not perform {piece} yet")]
    NotYet { piece: &'static str },
}

impl Denied {
    /// The rule's stable name, for the API, metrics and `wharf errors`.
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Url { .. } => "egress-url",
            Self::Path { .. } => "egress-path",
            Self::Host { .. } => "egress-host",
            Self::Endpoint { .. } => "egress-endpoint",
            Self::Query { .. } => "egress-query",
            Self::Header { .. } => "egress-header",
            Self::Body { .. } => "egress-body",
            Self::Insert { .. } => "egress-insert",
            Self::SecretUndeclared { .. } => "egress-secret-undeclared",
            Self::SecretAudience { .. } => "egress-secret-audience",
            Self::SecretMissing { .. } => "egress-secret-missing",
            Self::BasicUser { .. } => "egress-basic-user",
            Self::HmacCycle => "egress-hmac-cycle",
            Self::WebhookUrl { .. } => "egress-webhook-url",
            Self::Capture { .. } => "egress-capture",
            Self::TooLarge { .. } => "egress-too-large",
            Self::Memo { .. } => "egress-memo",
            Self::NotYet { .. } => "egress-not-yet",
        }
    }
}
