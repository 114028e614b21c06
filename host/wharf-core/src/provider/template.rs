//! A template message: which template, and what fills its places.

use serde::{Deserialize, Serialize};

use super::content::{Location, MediaSource};
use super::json::Json;

/// The part of a template that parameters fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    Header,
    Body,
    Button,
    LimitedTimeOffer,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// Shown where the amount cannot be written in the recipient's way.
    pub fallback: String,
    /// ISO 4217.
    pub code: String,
    /// Thousandths of the currency's unit.
    pub amount_1000: i64,
}

/// What fills one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    Text(String),
    /// The place's name and its text.
    Named(String, String),
    Currency(Currency),
    /// The text shown for a date and time.
    DateTime(String),
    Image(MediaSource),
    Video(MediaSource),
    Document(MediaSource),
    Location(Location),
    /// What a quick-reply button gives back.
    Payload(String),
    /// A parameter of a kind that is no case here, in the Cloud API's shape.
    Other(Json),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    pub slot: Slot,
    /// For buttons: `quick_reply`, `url`, `copy_code`, ...
    pub sub_type: Option<String>,
    /// For buttons: which one, from 0.
    pub index: Option<u8>,
    pub parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template {
    pub name: String,
    /// BCP 47 with an underscore, as in `en_US`.
    pub language: String,
    #[serde(default)]
    pub components: Vec<Component>,
    /// Carousel: the components of each card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Vec<Component>>,
    /// The provider's id, when the host's list knows the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The template itself, from the same list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Json>,
}
