//! The host's own model of what passes between host and plugin.
//!
//! It mirrors `wit/provider.wit` one to one, but belongs to no bindings: `wharf-runtime` converts a
//! plugin's values into these, `wharf-egress` performs the [`Exchange`], the workers decide on the
//! results. A second major version of the interface adds a converter there and changes nothing here.
//! Everything a plugin returned is still untrusted when it arrives in these types.

mod bytes;
mod content;
mod descriptor;
mod error;
mod exchange;
mod health;
mod inbound;
mod json;
mod media;
mod message;
mod onboarding;
mod sources;
mod step;
mod template;
mod templates;

pub use content::{
    Action, Card, CtaUrl, Header, Interactive, ListPicker, ListRow, ListSection, Location, Media,
    MediaSource, Reaction, ReadReceipt, ReplyButton, Text,
};
pub use descriptor::{
    BodyDigest, Capability, Challenge, Check, Condition, Descriptor, EmbeddedSignup, Endpoint,
    FlowInfo, Freshness, Input, InputKind, Launch, Level, Mac, PublicKey, PublicKeyAlgorithm,
    Purpose, Rate, Signed, Token, TokenAlgorithm, Verification, WebhookSpec,
};
pub use error::{ErrorClass, PlatformError, Retry};
pub use exchange::{
    Body, Bucket, Capture, Encoding, Exchange, Field, Hash, Hmac, HmacInput, HttpMethod,
    HttpRequest, HttpResponse, Jwt, JwtAlgorithm, MediaLink, MediaRef, Memo, Outcome, Pace, Part,
    PartData, Piece, Query, Replay, Sink, StoredResponse, TransportFailure, User, Value,
    WebhookUrl,
};
pub use exchange::{CAPTURES_MAX, JsonBody, JsonInsert, MEMO_KEY_BYTES_MAX, POINTER_BYTES_MAX};
pub use health::{HealthFinding, HealthReport, HealthVerdict};
pub use inbound::{
    ChannelUpdate, ChannelVerdict, Choice, Echo, IdentityChange, InboundContent, InboundEvent,
    InboundItem, InboundMedia, InboundMessage, InboundStatus, MediaKind, Parsed, Party, Preference,
    Pricing, Route, StatusState, TemplateChange, TemplateUpdate, WebhookRequest,
};
pub use json::{JSON_DEPTH_MAX, Json, JsonError};
pub use media::{MediaAnswer, MediaRequest};
pub use message::{Address, Content, OutboundMessage, Raw};
pub use onboarding::{
    Alphabet, Connected, Finding, FindingVerdict, Finished, FlowNext, FlowProgress, Mint, Pause,
    Prompt, Question, Visit,
};
pub use step::{
    Accepted, CatchUp, PageStep, ProfileRequest, Progress, Reconciled, Step, TemplatesStep,
};
pub use template::{Component, Currency, Parameter, Slot, Template};
pub use templates::{TemplateDraft, TemplateEntry, TemplatesRequest};

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
