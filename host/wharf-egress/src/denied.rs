//! Why an exchange may not leave. Every text is safe to show: it holds names and guest text, no secret.

use wharf_core::Reason;

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
    #[error(
        "an HMAC over the body cannot be taken while parts of the body are stored media; sign \
         something else, or send the bytes themselves"
    )]
    HmacMedia,
    #[error("the JWT signed with {key:?} is refused: {reason}")]
    Jwt { key: String, reason: &'static str },
    #[error("the link to object {handle:?} is refused: {reason}")]
    MediaLink {
        handle: String,
        reason: &'static str,
    },
    #[error("there is no return URL here; only a flow that visits a page has one")]
    ReturnUrl,
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
}

impl Denied {
    /// The rule in the catalogue of reasons.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Url { .. } => Reason::EgressUrl,
            Self::Path { .. } => Reason::EgressPath,
            Self::Host { .. } => Reason::EgressHost,
            Self::Endpoint { .. } => Reason::EgressEndpoint,
            Self::Query { .. } => Reason::EgressQuery,
            Self::Header { .. } => Reason::EgressHeader,
            Self::Body { .. } => Reason::EgressBody,
            Self::Insert { .. } => Reason::EgressInsert,
            Self::SecretUndeclared { .. } => Reason::EgressSecretUndeclared,
            Self::SecretAudience { .. } => Reason::EgressSecretAudience,
            Self::SecretMissing { .. } => Reason::EgressSecretMissing,
            Self::BasicUser { .. } => Reason::EgressBasicUser,
            Self::HmacCycle => Reason::EgressHmacCycle,
            Self::HmacMedia => Reason::EgressHmacMedia,
            Self::Jwt { .. } => Reason::EgressJwt,
            Self::MediaLink { .. } => Reason::EgressMediaLink,
            Self::ReturnUrl => Reason::EgressReturnUrl,
            Self::WebhookUrl { .. } => Reason::EgressWebhookUrl,
            Self::Capture { .. } => Reason::EgressCapture,
            Self::TooLarge { .. } => Reason::EgressTooLarge,
            Self::Memo { .. } => Reason::EgressMemo,
        }
    }

    /// The rule's stable name.
    pub fn slug(&self) -> &'static str {
        self.reason().as_str()
    }
}
