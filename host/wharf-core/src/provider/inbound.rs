//! What a plugin reads out of one authenticated webhook.

use serde::{Deserialize, Serialize};

use super::error::PlatformError;
use super::exchange::HttpMethod;

/// A person as the provider names them. Without a phone number the user id is the only durable key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The verified call as the guest sees it: only the headers its webhook declares.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    pub name: String,
    pub method: HttpMethod,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub received_at_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Image,
    Video,
    Audio,
    Voice,
    Document,
    Sticker,
}

/// Content of an inbound message. Documents whose shape belongs to WhatsApp stay JSON values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum InboundContent {
    Text {
        body: String,
    },
    Media {
        kind: MediaKind,
        locator: String,
        content_type: Option<String>,
        sha256: Option<String>,
        caption: Option<String>,
        filename: Option<String>,
    },
    Location {
        latitude: f64,
        longitude: f64,
        name: Option<String>,
        address: Option<String>,
    },
    Contacts {
        contacts: serde_json::Value,
    },
    Reaction {
        message_id: String,
        emoji: Option<String>,
    },
    Button {
        id: String,
        title: String,
    },
    ListChoice {
        id: String,
        title: String,
        description: Option<String>,
    },
    FlowResponse {
        response: serde_json::Value,
    },
    Order {
        order: serde_json::Value,
    },
    System {
        system: serde_json::Value,
    },
    Edited {
        message_id: String,
        message: serde_json::Value,
    },
    Revoked {
        message_id: String,
    },
    Unsupported {
        raw: serde_json::Value,
    },
    Other {
        raw: serde_json::Value,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct InboundMessage {
    pub provider_message_id: String,
    pub sender: Party,
    pub group: Option<String>,
    pub at_ms: u64,
    pub reply_to: Option<String>,
    pub forwarded: bool,
    pub content: InboundContent,
    pub referral: Option<serde_json::Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusState {
    Queued,
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
    Canceled,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    pub category: String,
    pub billable: bool,
    pub model: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InboundStatus {
    pub provider_message_id: String,
    pub recipient: Option<Party>,
    pub state: StatusState,
    pub at_ms: u64,
    pub error: Option<PlatformError>,
    pub pricing: Option<Pricing>,
    pub conversation_id: Option<String>,
    /// Our own message id, where the provider echoes it.
    pub message_id: Option<String>,
    pub group: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InboundEvent {
    Message(Box<InboundMessage>),
    Status(Box<InboundStatus>),
    /// Every other case of the interface, kept as what it is called and its JSON.
    Raw {
        kind: &'static str,
        document: serde_json::Value,
    },
}

/// Provider id of the number or account the event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Route {
    Sender(String),
    Account(String),
    App,
}

/// One atom of a webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundItem {
    pub route: Route,
    /// Where in a JSON body this atom stands.
    pub pointer: Option<String>,
    /// The same for the same atom in every version of the plugin.
    pub dedupe_key: String,
    pub event: InboundEvent,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub items: Vec<InboundItem>,
    /// Call again with this as `skip`.
    pub next: Option<u32>,
}
