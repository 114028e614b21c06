//! The host's own model of what passes between host and plugin.
//!
//! It mirrors `wit/provider.wit` one to one, but belongs to no bindings: `wharf-runtime` converts a
//! plugin's values into these, `wharf-egress` performs the [`Exchange`], the workers decide on the
//! results. A second major version of the interface adds a converter there and changes nothing here.
//! Everything a plugin returned is still untrusted when it arrives in these types.

mod descriptor;
mod error;
mod exchange;
mod inbound;
mod message;

pub use descriptor::{
    BodyDigest, Capability, Challenge, Check, Condition, Descriptor, Endpoint, Freshness, Input,
    InputKind, Level, Mac, PublicKey, PublicKeyAlgorithm, Rate, Signed, Token, TokenAlgorithm,
    Verification, WebhookSpec,
};
pub use error::{ErrorClass, PlatformError, Retry};
pub use exchange::{
    Body, Bucket, Capture, Encoding, Exchange, Field, Hash, Hmac, HmacInput, HttpMethod,
    HttpRequest, HttpResponse, Jwt, JwtAlgorithm, MediaLink, MediaRef, Memo, Outcome, Pace, Part,
    PartData, Piece, Query, Replay, Sink, StoredResponse, TransportFailure, User, Value,
    WebhookUrl,
};
pub use exchange::{JsonBody, JsonInsert};
pub use inbound::{
    InboundContent, InboundEvent, InboundItem, InboundMessage, InboundStatus, MediaKind, Parsed,
    Party, Pricing, Route, StatusState, WebhookRequest,
};
pub use message::{Address, Content, OutboundMessage, Text};

use serde::{Deserialize, Serialize};

/// What the host hands to every call. The guest has no clock, entropy or storage of its own.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Non-secret settings of app, account and channel, keyed by the declared input name.
    pub settings: Vec<(String, String)>,
    /// Unix milliseconds.
    pub now_ms: u64,
    /// 32 fresh bytes, different on every call.
    pub seed: [u8; 32],
    /// The tenant's locale hint, BCP 47.
    pub locale: Option<String>,
}

/// What the provider said when it took a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// None for read receipts and for a 2xx without an id.
    pub provider_message_id: Option<String>,
    pub pace: Vec<Pace>,
    /// Recipient as the provider normalised it.
    pub recipient: Option<Party>,
    /// True when the provider only queued it and a status will follow.
    pub pending: bool,
}

/// One step of an outbound flow.
#[derive(Clone, Debug)]
pub enum Progress {
    Exchange(Box<Exchange>),
    Done(Accepted),
}
