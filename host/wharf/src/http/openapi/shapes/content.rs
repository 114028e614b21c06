//! What a message says, in the Cloud API's shapes.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TextContent {
    #[schema(min_length = 1, max_length = 4096)]
    body: String,
    /// Show a preview of the first link.
    preview_url: Option<bool>,
}

/// A medium: `id` of a stored object (`med_...`) or of the provider, or a public `link`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MediaContent {
    id: Option<String>,
    #[schema(example = "https://www.example.com/a.jpg")]
    link: Option<String>,
    #[schema(max_length = 1024)]
    caption: Option<String>,
    /// Documents only.
    filename: Option<String>,
    /// Audio only: shown as a voice message.
    voice: Option<bool>,
}

/// A place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct LocationContent {
    /// From -90 to 90.
    latitude: Degrees,
    /// From -180 to 180.
    longitude: Degrees,
    name: Option<String>,
    address: Option<String>,
}

/// A number, or its text as the Cloud API's own examples have it.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum Degrees {
    Number(f64),
    Text(String),
}

/// A contact card.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ContactCard {
    name: ContactName,
    #[schema(value_type = Option<Vec<Object>>)]
    phones: Option<Vec<Value>>,
    #[schema(value_type = Option<Vec<Object>>)]
    emails: Option<Vec<Value>>,
    #[schema(value_type = Option<Vec<Object>>)]
    urls: Option<Vec<Value>>,
    #[schema(value_type = Option<Vec<Object>>)]
    addresses: Option<Vec<Value>>,
    #[schema(value_type = Option<Object>)]
    org: Option<Value>,
    birthday: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ContactName {
    #[schema(min_length = 1)]
    formatted_name: String,
    first_name: Option<String>,
    last_name: Option<String>,
    middle_name: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
}

/// A reaction to an earlier message; an empty `emoji` takes it back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ReactionContent {
    message_id: String,
    emoji: String,
}

/// Buttons, a list, a link button, a flow, cards, a request for a location; another `type` is a provider's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct InteractiveContent {
    /// `button`, `list`, `cta_url`, `flow`, `carousel`, `location_request_message`, or a provider's own.
    #[schema(example = "button")]
    r#type: String,
    #[schema(value_type = Option<Object>)]
    header: Option<Value>,
    body: Option<Words>,
    footer: Option<Words>,
    #[schema(value_type = Object)]
    action: Value,
    #[schema(value_type = Option<Vec<Object>>)]
    media: Option<Vec<Value>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Words {
    #[schema(min_length = 1)]
    text: String,
}

/// A template, by its name and language, with what fills it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TemplateContent {
    #[schema(min_length = 1, example = "order_ready")]
    name: String,
    language: TemplateLanguage,
    /// As the Cloud API has them: `header`, `body`, `button`, `limited_time_offer`, `carousel`.
    #[schema(value_type = Option<Vec<Object>>)]
    components: Option<Vec<Value>>,
    /// The provider's id of the template, where it has one.
    id: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TemplateLanguage {
    #[schema(example = "en_US", pattern = "^[A-Za-z0-9_-]+$")]
    code: String,
    policy: Option<String>,
}

/// Marks a received message as read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ReadContent {
    message_id: String,
    /// Shows that an answer is being written.
    typing: Option<bool>,
}

/// A provider's own message, passed on as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OtherContent {
    #[schema(value_type = Object)]
    document: Value,
    /// Stored objects and where they belong: `[{"pointer": "/image", "id": "med_..."}]`.
    #[schema(value_type = Option<Vec<Object>>)]
    media: Option<Vec<Value>>,
}
