//! One outbound message as a plugin gets it.

use serde::{Deserialize, Serialize};

/// Who receives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Address {
    /// E.164 digits without the plus sign.
    Phone(String),
    /// The provider's scoped id of a user who hides the number.
    UserId(String),
    Group(String),
}

impl Address {
    /// The bare value, whatever its kind.
    pub fn value(&self) -> &str {
        match self {
            Self::Phone(value) | Self::UserId(value) | Self::Group(value) => value,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub body: String,
    #[serde(default)]
    pub preview_url: bool,
}

/// What is sent. Kinds the host does not speak yet are added here, in step with the interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Content {
    Text { text: Text },
}

impl Content {
    /// The kind's name, as stored, filtered and counted.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundMessage {
    /// The gateway's id, a bare ULID: the only id of ours that goes on the wire.
    pub id: String,
    pub to: Address,
    /// Provider id of the sending number, from the channel's settings.
    pub sender: String,
    pub content: Content,
    /// Provider id of the message this one answers.
    pub reply_to: Option<String>,
    /// Other envelope members a tenant may pass, a JSON object, serialised.
    pub options: String,
}
