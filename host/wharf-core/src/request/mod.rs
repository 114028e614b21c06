//! A send request as the API takes it, read strictly: every wrong field is named, none is skipped.
//!
//! Content has the Cloud API's shapes; the envelope around it is ours. What can be checked without knowing
//! the channel is checked here and nowhere else. Stored media and our own message ids are looked up later, by
//! who has a database: [`MessageRequest::stored`] and [`MessageRequest::named`] say which.

mod cards;
mod contacts;
mod content;
mod interactive;
pub mod limits;
mod media;
mod plan;
mod reader;
mod show;
mod simple;
mod template;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::ids::ChannelId;
use crate::phone;
use crate::provider::{Address, Content, Json};
pub use media::{MediaRole, StoredUse};
pub use plan::Plan;
pub use reader::FieldError;
use reader::{Object, Reader};
pub use show::content as show_content;
pub use simple::{SimpleKind, parse_simple};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    High,
    Normal,
    Low,
}

impl Priority {
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// What to do with a send whose outcome nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Never sent again; a status or an operator settles it.
    AtMostOnce,
    /// Sent again after a wait.
    AtLeastOnce,
}

impl Policy {
    pub const ALL: [Self; 2] = [Self::AtMostOnce, Self::AtLeastOnce];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at_most_once",
            Self::AtLeastOnce => "at_least_once",
        }
    }
}

/// One message to send, valid by the platform's limits.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRequest {
    /// None: the tenant's only channel.
    pub channel: Option<ChannelId>,
    /// None only for a read receipt: whoever wrote the message that it names.
    pub to: Option<Address>,
    pub content: Content,
    pub reply_to: Option<String>,
    pub reference: Option<String>,
    pub priority: Option<Priority>,
    pub policy: Option<Policy>,
    pub ttl_s: Option<u64>,
    pub plan: Plan,
    /// Further envelope members by the provider's names: a JSON object.
    pub options: Option<Json>,
    /// Stored objects that the content names; their sources hold nothing but the handle yet.
    pub stored: Vec<StoredUse>,
}

impl MessageRequest {
    /// The ids of earlier messages that this one names, each with its pointer.
    pub fn named(&mut self) -> impl Iterator<Item = (&'static str, &mut String)> {
        let target = match &mut self.content {
            Content::Reaction { reaction } => Some(("/reaction/message_id", &mut reaction.target)),
            Content::Read { read } => Some(("/read/message_id", &mut read.message)),
            _ => None,
        };
        let answered = self.reply_to.as_mut();
        let answered = answered.map(|id| ("/context/message_id", id));
        answered.into_iter().chain(target)
    }
}

/// Members of the envelope, whatever the kind.
const ENVELOPE: [&str; 16] = [
    "channel",
    "to",
    "recipient",
    "recipient_type",
    "type",
    "context",
    "reference",
    "priority",
    "policy",
    "ttl_s",
    "send_at",
    "expires_at",
    "ordered",
    "fallback",
    "options",
    "messaging_product",
];

/// Reads the body of `POST /v1/messages`. All errors at once.
pub fn parse_message(body: &Value) -> Result<MessageRequest, Vec<FieldError>> {
    let receipt = cloud_receipt(body);
    let body = receipt.as_ref().unwrap_or(body);
    let mut read = Reader::default();
    let Some(envelope) = read.as_object(body, "") else {
        return Err(read.errors);
    };
    let kind = content::kind(&mut read, &envelope);
    let mut known = ENVELOPE.to_vec();
    known.extend(kind.unwrap_or("text").split_whitespace());
    only(&mut read, &envelope, &known);
    let channel = channel(&mut read, &envelope);
    let to = recipient(&mut read, &envelope, kind == Some("read"));
    let content = kind.and_then(|kind| content::content(&mut read, &envelope, kind));
    let reply_to = context(&mut read, &envelope, kind);
    let reference = read.text(&envelope, "reference", &limits::REFERENCE);
    let priority = choice(
        &mut read,
        &envelope,
        "priority",
        &Priority::ALL,
        Priority::as_str,
    );
    let policy = choice(&mut read, &envelope, "policy", &Policy::ALL, Policy::as_str);
    let ttl_s = ttl(&mut read, &envelope);
    let plan = plan::plan(&mut read, &envelope);
    let options = options(&mut read, &envelope);
    match content {
        Some(content) if read.errors.is_empty() => Ok(MessageRequest {
            channel,
            to,
            content,
            reply_to,
            reference,
            priority,
            policy,
            ttl_s,
            plan,
            options,
            stored: read.stored,
        }),
        _ => Err(read.errors),
    }
}

/// Reads `{.."pointer": "+49.."}` style phone fields.
pub fn parse_phone(pointer: &str, text: &str) -> Result<Address, FieldError> {
    phone::parse(text)
        .map(Address::Phone)
        .map_err(|detail| FieldError::new(pointer, "invalid", detail))
}

/// The Cloud API's own read receipt, `{"status": "read", "message_id": ..., "typing_indicator": ...}`, as ours.
fn cloud_receipt(body: &Value) -> Option<Value> {
    let given = body.as_object()?;
    if given.get("status")?.as_str() != Some("read") || given.contains_key("type") {
        return None;
    }
    let mut rest: Map<String, Value> = given.clone();
    rest.remove("status");
    let mut read = Map::new();
    if let Some(id) = rest.remove("message_id") {
        read.insert("message_id".to_owned(), id);
    }
    if let Some(typing) = rest.remove("typing_indicator") {
        // There is one kind of it; another value is refused as what it is not.
        let typing = match typing == json!({ "type": "text" }) {
            true => Value::Bool(true),
            false => typing,
        };
        read.insert("typing".to_owned(), typing);
    }
    rest.insert("type".to_owned(), "read".into());
    rest.insert("read".to_owned(), Value::Object(read));
    Some(Value::Object(rest))
}

/// As [`Reader::only`], with a word on what people bring along from the Cloud API.
fn only(read: &mut Reader, envelope: &Object<'_>, known: &[&str]) {
    if envelope.has("messaging_product") {
        read.word(envelope, "messaging_product", &["whatsapp"]);
    }
    let ours = "biz_opaque_callback_data";
    if envelope.has(ours) {
        let detail = "the gateway uses this field itself; `reference` comes back in every event";
        read.error(&envelope.pointer(ours), "unknown", detail);
        return read.only(envelope, &[known, &[ours]].concat());
    }
    read.only(envelope, known);
}

fn channel(read: &mut Reader, envelope: &Object<'_>) -> Option<ChannelId> {
    let text = read.string(envelope, "channel")?;
    let parsed = text
        .parse()
        .map_err(|error| FieldError::new("/channel", "invalid", format!("{error}")));
    read.keep::<ChannelId>(parsed)
}

fn recipient(read: &mut Reader, envelope: &Object<'_>, may_lack: bool) -> Option<Address> {
    let types = ["individual", "group"];
    let is_group = read.word(envelope, "recipient_type", &types) == Some("group");
    let to = read.string(envelope, "to");
    let user = read.string(envelope, "recipient");
    match (to, user) {
        (Some(_), None) if is_group => read
            .id(envelope, "to", &limits::GROUP_ID)
            .map(Address::Group),
        (Some(text), None) => read.keep(parse_phone("/to", &text)),
        (None, Some(_)) if is_group => {
            let detail = "a group is named by `to`; `recipient` is a user id";
            read.error("/recipient", "invalid", detail);
            None
        }
        (None, Some(id)) => user_id(read, id),
        (Some(_), Some(_)) => {
            let detail = "give `to` (a phone number) or `recipient` (a user id), not both";
            read.error("/recipient", "invalid", detail);
            None
        }
        (None, None) => {
            let is_absent = !envelope.has("to") && !envelope.has("recipient");
            if is_absent && !may_lack {
                let give = "give `to`, a phone number as +4915112345678, or `recipient`, a user id";
                read.error("/to", "missing", give);
            }
            None
        }
    }
}

fn user_id(read: &mut Reader, id: String) -> Option<Address> {
    let well_formed = id.len() <= limits::USER_ID_CHARS_MAX
        && id.contains('.')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    if !well_formed {
        let detail = "a user id looks like US.13491208655302741918, as webhooks give it";
        read.error("/recipient", "invalid", detail);
        return None;
    }
    Some(Address::UserId(id))
}

fn context(read: &mut Reader, envelope: &Object<'_>, kind: Option<&str>) -> Option<String> {
    let context = read.object(envelope, "context")?;
    if let Some(kind @ ("reaction" | "read")) = kind {
        let detail = format!("a {kind} names its message itself and answers none");
        read.error("/context", "invalid", detail);
        return None;
    }
    read.only(&context, &["message_id"]);
    if !context.has("message_id") {
        let give = "give the id of the message this one answers";
        return read.missing(&context, "message_id", give);
    }
    read.id(&context, "message_id", &limits::MESSAGE_ID)
}

fn choice<T: Copy>(
    read: &mut Reader,
    envelope: &Object<'_>,
    name: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Option<T> {
    let words: Vec<_> = all.iter().map(|value| as_str(*value)).collect();
    let word = read.word(envelope, name, &words)?;
    all.iter().copied().find(|value| as_str(*value) == word)
}

fn ttl(read: &mut Reader, envelope: &Object<'_>) -> Option<u64> {
    let max = limits::TTL_S_MAX;
    let seconds = envelope.get("ttl_s")?.as_u64();
    let seconds = seconds.filter(|seconds| (1..=max).contains(seconds));
    if seconds.is_none() {
        let detail = format!("give whole seconds from 1 to {max}");
        read.error("/ttl_s", "invalid", detail);
    }
    seconds
}

fn options(read: &mut Reader, envelope: &Object<'_>) -> Option<Json> {
    let given = read.object(envelope, "options")?;
    // What the gateway says itself must not be said a second time, in other words.
    for name in given.map.keys() {
        if ENVELOPE.contains(&name.as_str()) || content::KINDS.contains(&name.as_str()) {
            let detail = "this is a field of the message itself, not of `options`";
            read.error(&given.pointer(name), "invalid", detail);
        }
    }
    let options = read.document(envelope.get("options")?, &given.at)?;
    let (bytes, max) = (options.as_str().len(), limits::OPTIONS_BYTES_MAX);
    if bytes > max {
        let detail = format!("`options` has at most {max} bytes of JSON, these have {bytes}");
        read.error(&given.at, "too-long", detail);
        return None;
    }
    Some(options)
}
