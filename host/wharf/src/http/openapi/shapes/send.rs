//! What callers send to have a message sent.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::content::{
    ContactCard, InteractiveContent, LocationContent, MediaContent, OtherContent, ReactionContent,
    ReadContent, TemplateContent, TextContent,
};

/// A message to send. Exactly the member that `type` names says what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MessageIn {
    /// May be left out by a tenant with one channel.
    channel: Option<String>,
    /// The recipient's phone number. A read receipt needs none.
    #[schema(example = "+4915112345678")]
    to: Option<String>,
    /// Instead of `to`: the provider's id of a user who hides the number.
    recipient: Option<String>,
    recipient_type: Option<RecipientType>,
    /// Without it a text is meant.
    r#type: Option<MessageKind>,
    text: Option<TextContent>,
    image: Option<MediaContent>,
    video: Option<MediaContent>,
    audio: Option<MediaContent>,
    document: Option<MediaContent>,
    sticker: Option<MediaContent>,
    location: Option<LocationContent>,
    contacts: Option<Vec<ContactCard>>,
    reaction: Option<ReactionContent>,
    interactive: Option<InteractiveContent>,
    template: Option<TemplateContent>,
    read: Option<ReadContent>,
    other: Option<OtherContent>,
    /// The message that this one answers.
    context: Option<AnswerTo>,
    /// Yours: kept, and given back in every event.
    reference: Option<String>,
    priority: Option<Priority>,
    policy: Option<Policy>,
    /// Not sent any more after this many seconds.
    #[schema(minimum = 1)]
    ttl_s: Option<u64>,
    /// Further members of the envelope by the provider's names.
    #[schema(value_type = Option<Object>)]
    options: Option<Value>,
    /// `whatsapp`, for what was written for the Cloud API.
    messaging_product: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum RecipientType {
    Individual,
    Group,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum MessageKind {
    Text,
    Image,
    Video,
    Audio,
    Document,
    Sticker,
    Location,
    Contacts,
    Reaction,
    Interactive,
    Template,
    Read,
    Other,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AnswerTo {
    message_id: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Priority {
    High,
    Normal,
    Low,
}

/// What to do with a send whose outcome nobody knows.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Policy {
    AtMostOnce,
    AtLeastOnce,
}
