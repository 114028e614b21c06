//! The parts of a message: texts, media, places, interactive messages. Their JSON is how they are stored.

use serde::{Deserialize, Serialize};

use super::exchange::MediaRef;
use super::json::Json;
use super::message::Raw;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub body: String,
    #[serde(default)]
    pub preview_url: bool,
}

/// Where the bytes of a medium are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Already uploaded to the provider.
    Id(String),
    /// Public https URL.
    Link(String),
    /// In the host's media store.
    Stored(MediaRef),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    #[serde(flatten)]
    pub source: MediaSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// An audio that is shown as a voice message.
    #[serde(default, skip_serializing_if = "is_false")]
    pub voice: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Degrees, WGS 84.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    pub latitude: f64,
    pub longitude: f64,
    pub name: Option<String>,
    pub address: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Provider id of the message reacted to.
    pub target: String,
    /// None takes the reaction back.
    pub emoji: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReceipt {
    /// Provider id of the inbound message.
    pub message: String,
    /// Show that an answer is being typed.
    pub typing: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    Text(String),
    Image(MediaSource),
    Video(MediaSource),
    Document(Media),
}

/// One card of a carousel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub header: Option<Header>,
    pub body: Option<String>,
    /// What the card's button does, in the Cloud API's shape.
    pub action: Json,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyButton {
    pub id: String,
    pub title: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRow {
    pub id: String,
    pub title: String,
    pub description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSection {
    pub title: Option<String>,
    pub rows: Vec<ListRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPicker {
    /// What the button that opens the list says.
    pub label: String,
    pub sections: Vec<ListSection>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CtaUrl {
    pub label: String,
    pub url: String,
}

/// What the recipient can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Buttons(Vec<ReplyButton>),
    List(ListPicker),
    CtaUrl(CtaUrl),
    LocationRequest,
    /// The parameters of a WhatsApp Flow, in the Cloud API's shape.
    Flow(Json),
    Carousel(Vec<Card>),
    /// A provider's own action, passed through.
    Other(Raw),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interactive {
    pub header: Option<Header>,
    pub body: Option<String>,
    pub footer: Option<String>,
    pub action: Action,
}
