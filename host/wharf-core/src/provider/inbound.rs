//! What a plugin reads out of one authenticated webhook.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::content::Location;
use super::error::PlatformError;
use super::exchange::HttpMethod;
use super::json::Json;

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

/// A medium that an inbound message names; its bytes are still at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundMedia {
    pub kind: MediaKind,
    /// Handed back to the plugin to fetch it.
    pub locator: String,
    pub content_type: Option<String>,
    /// As the provider writes it.
    pub sha256: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
}

/// A button or a row that the sender chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Content of an inbound message. Documents whose shape belongs to WhatsApp stay JSON texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum InboundContent {
    Text {
        body: String,
    },
    Media(InboundMedia),
    Location(Location),
    Contacts {
        contacts: Json,
    },
    Reaction {
        message_id: String,
        /// None takes the reaction back.
        emoji: Option<String>,
    },
    Button(Choice),
    ListChoice(Choice),
    FlowResponse {
        response: Json,
    },
    Order {
        order: Json,
    },
    System {
        system: Json,
    },
    Edited {
        message_id: String,
        message: Json,
    },
    Revoked {
        message_id: String,
    },
    Unsupported {
        raw: Json,
    },
    Other {
        raw: Json,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboundMessage {
    pub provider_message_id: String,
    pub sender: Party,
    pub group: Option<String>,
    /// Unix milliseconds.
    pub at_ms: u64,
    pub reply_to: Option<String>,
    pub forwarded: bool,
    pub content: InboundContent,
    /// The advertisement or link the conversation came from.
    pub referral: Option<Json>,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChange {
    Status(String),
    Quality(String),
    Category(String),
    Components(Json),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateUpdate {
    pub id: Option<String>,
    pub name: String,
    pub language: String,
    pub change: TemplateChange,
    pub reason: Option<String>,
}

/// Somebody wants messages of a category, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    pub who: Party,
    pub category: String,
    pub opted_in: bool,
    pub at_ms: u64,
}

/// Somebody changed the number or another durable name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityChange {
    pub before: Party,
    pub after: Party,
    pub at_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelVerdict {
    Ok,
    Degraded,
    Blocked,
}

/// What the provider says of a sending number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelUpdate {
    pub verdict: Option<ChannelVerdict>,
    pub quality: Option<String>,
    pub messages_per_second: Option<u32>,
    pub messaging_limit: Option<String>,
    pub title: String,
    pub detail: Json,
}

/// A message that our number sent by other means, as from a phone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Echo {
    #[serde(flatten)]
    pub message: InboundMessage,
    pub recipient: Party,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InboundEvent {
    Message(Box<InboundMessage>),
    Status(Box<InboundStatus>),
    Template(Box<TemplateUpdate>),
    Preference(Box<Preference>),
    Identity(Box<IdentityChange>),
    Channel(Box<ChannelUpdate>),
    Echo(Box<Echo>),
    Account(Json),
    Other(Json),
}

impl InboundEvent {
    /// The case's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Status(_) => "status",
            Self::Template(_) => "template",
            Self::Preference(_) => "preference",
            Self::Identity(_) => "identity",
            Self::Channel(_) => "channel",
            Self::Echo(_) => "echo",
            Self::Account(_) => "account",
            Self::Other(_) => "other",
        }
    }

    /// All the event holds, whatever its case.
    pub fn document(&self) -> serde_json::Value {
        match self {
            Self::Message(message) => json!(message),
            Self::Status(status) => json!(status),
            Self::Template(update) => json!(update),
            Self::Preference(preference) => json!(preference),
            Self::Identity(change) => json!(change),
            Self::Channel(update) => json!(update),
            Self::Echo(echo) => json!(echo),
            Self::Account(document) | Self::Other(document) => document.to_value(),
        }
    }
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
