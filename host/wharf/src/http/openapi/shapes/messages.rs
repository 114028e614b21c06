//! Messages as they are shown.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::content::{
    ContactCard, InteractiveContent, LocationContent, MediaContent, OtherContent, ReactionContent,
    ReadContent, TemplateContent, TextContent,
};

/// A message of either direction.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum Message {
    Outbound(Box<OutboundMessage>),
    Inbound(Box<InboundMessage>),
}

/// A message that was to be sent.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct OutboundMessage {
    #[schema(example = "msg_01K0000000000000000000000")]
    id: String,
    /// `outbound`.
    direction: String,
    channel: String,
    /// The recipient.
    #[schema(example = "+4915112345678")]
    to: String,
    /// The kind; the member of that name says what was sent.
    r#type: String,
    /// Where it is; more words may come.
    status: String,
    /// Why it was not sent.
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
    reference: Option<String>,
    reply_to: Option<String>,
    provider_message_id: Option<String>,
    priority: String,
    policy: String,
    /// The pass through a channel that is shown.
    r#try: u32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    /// Not before this time, where one was given.
    #[schema(format = DateTime, nullable = false)]
    send_at: Option<String>,
    /// Channels that are tried next where it is certain that nothing was sent.
    #[schema(nullable = false)]
    fallback: Option<Vec<String>>,
    #[schema(nullable = false)]
    text: Option<TextContent>,
    #[schema(nullable = false)]
    image: Option<MediaContent>,
    #[schema(nullable = false)]
    video: Option<MediaContent>,
    #[schema(nullable = false)]
    audio: Option<MediaContent>,
    #[schema(nullable = false)]
    document: Option<MediaContent>,
    #[schema(nullable = false)]
    sticker: Option<MediaContent>,
    #[schema(nullable = false)]
    location: Option<LocationContent>,
    #[schema(nullable = false)]
    contacts: Option<Vec<ContactCard>>,
    #[schema(nullable = false)]
    reaction: Option<ReactionContent>,
    #[schema(nullable = false)]
    interactive: Option<InteractiveContent>,
    #[schema(nullable = false)]
    template: Option<TemplateContent>,
    #[schema(nullable = false)]
    read: Option<ReadContent>,
    #[schema(nullable = false)]
    other: Option<OtherContent>,
    /// Further members of the envelope, where some were sent.
    #[schema(value_type = Option<Object>)]
    options: Option<Value>,
}

/// A message that arrived.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct InboundMessage {
    id: String,
    /// `inbound`.
    direction: String,
    channel: String,
    from: Person,
    /// The content's kind, for example `text`; more may come.
    r#type: String,
    #[schema(value_type = Object)]
    content: Value,
    group: Option<String>,
    forwarded: bool,
    #[schema(value_type = Option<Object>)]
    referral: Option<Value>,
    reply_to: Option<String>,
    provider_message_id: String,
    /// The provider's time.
    #[schema(format = DateTime)]
    at: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// How far its medium is: `status` is waiting, stored, failed or skipped, `id` the stored object.
    #[schema(value_type = Option<Object>)]
    media: Option<Value>,
}

/// A person. Who hides the phone number has a user id only.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Person {
    phone: Option<String>,
    user_id: Option<String>,
    username: Option<String>,
    name: Option<String>,
}

/// What the gateway did with a message, oldest first.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct MessageHistory {
    timeline: Vec<TimelineEntry>,
}

/// One thing that happened. Each kind has further members.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TimelineEntry {
    #[schema(format = DateTime)]
    at: String,
    /// `queued`, `received`, `attempt_started`, `attempt_ended`, `exchange`, `status`, `event`, `delivery_attempt`;
    /// more may come.
    what: String,
}

/// One page.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct MessagePage {
    data: Vec<Message>,
    /// Give it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// What would be sent: nothing was stored.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct DryRun {
    dry_run: bool,
    channel: String,
    to: String,
    r#type: String,
    /// The first request to the provider, secrets hidden.
    #[schema(value_type = Option<Object>)]
    exchange: Option<Value>,
}

/// Counts of messages.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Stats {
    #[schema(format = DateTime)]
    since: String,
    /// How many show each status.
    #[schema(value_type = Object)]
    outbound: Value,
    /// All outbound ones.
    outbound_total: u64,
    inbound: u64,
    rates: Rates,
    /// The same of each channel that has messages, without `since`.
    #[schema(value_type = Object)]
    channels: Value,
}

/// Shares from 0 to 1; null while there is nothing to share.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Rates {
    /// Delivered, read or played, of those that the provider took or refused.
    delivered: Option<f64>,
    /// Read or played, of those delivered. Recipients may hide it.
    read: Option<f64>,
    /// Failed, of those that the provider took or refused.
    failed: Option<f64>,
}
