//! One outbound message as a plugin gets it. Its larger parts stand in `content` and `template`.

use serde::{Deserialize, Serialize};

use super::content::{Interactive, Location, Media, MediaSource, Reaction, ReadReceipt, Text};
use super::json::Json;
use super::template::Template;

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

/// What is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Content {
    Text {
        text: Text,
    },
    Image {
        image: Media,
    },
    Video {
        video: Media,
    },
    Audio {
        audio: Media,
    },
    Document {
        document: Media,
    },
    Sticker {
        sticker: Media,
    },
    Location {
        location: Location,
    },
    /// The Cloud API's array of contacts.
    Contacts {
        contacts: Json,
    },
    Reaction {
        reaction: Reaction,
    },
    Interactive {
        interactive: Box<Interactive>,
    },
    Template {
        template: Box<Template>,
    },
    /// Marks an inbound message as read; nothing reaches the recipient's chat.
    Read {
        read: ReadReceipt,
    },
    /// A provider's own message, passed through.
    Other {
        other: Raw,
    },
}

impl Content {
    /// The kind's name, as stored, filtered and counted.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Video { .. } => "video",
            Self::Audio { .. } => "audio",
            Self::Document { .. } => "document",
            Self::Sticker { .. } => "sticker",
            Self::Location { .. } => "location",
            Self::Contacts { .. } => "contacts",
            Self::Reaction { .. } => "reaction",
            Self::Interactive { .. } => "interactive",
            Self::Template { .. } => "template",
            Self::Read { .. } => "read",
            Self::Other { .. } => "other",
        }
    }
}

/// A provider's own JSON. Stored media that belong into it are named by pointer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raw {
    pub document: Json,
    /// RFC 6901 pointer and what belongs there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<(String, MediaSource)>,
}

#[derive(Clone, Debug, PartialEq)]
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
