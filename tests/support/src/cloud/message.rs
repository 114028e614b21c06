//! The strict reading of a message: what the Cloud API takes, and the error it answers for the rest.
//!
//! Stricter than the platform where that is lenient by accident (unknown keys, repeated members, parts
//! of another kind), because a sender that needs leniency is a sender with a mistake.

use serde_json::{Map, Value};

use super::config::PhoneNumber;
use super::error::GraphError;
use super::kinds;
use super::shape::{self, Member, Shape, may, need};

const CALLBACK_DATA_CHARS_MAX: usize = 512;
/// E.164 numbers have at most 15 digits; the shortest in use have 7 with their country code.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// `CC.` or `CC.ENT.` and at most this many letters and digits.
const USER_ID_CHARS_MAX: usize = 128;

/// Every member of an envelope; those named after a kind are looked at by their kind.
const ENVELOPE: &[Member] = &[
    need("messaging_product", Shape::OneOf(&["whatsapp"])),
    may("recipient_type", Shape::OneOf(&["individual", "group"])),
    may("to", Shape::Any),
    may("recipient", Shape::Any),
    may("type", Shape::Any),
    may("context", Shape::Any),
    may(
        "biz_opaque_callback_data",
        Shape::Text(0, CALLBACK_DATA_CHARS_MAX),
    ),
    may("recipient_identity_key_hash", Shape::Text(1, 512)),
    may("messaging_account_id", Shape::Id),
    may("text", Shape::Any),
    may("image", Shape::Any),
    may("audio", Shape::Any),
    may("video", Shape::Any),
    may("document", Shape::Any),
    may("sticker", Shape::Any),
    may("location", Shape::Any),
    may("contacts", Shape::Any),
    may("reaction", Shape::Any),
    may("interactive", Shape::Any),
    may("template", Shape::Any),
    // Of the Marketing Messages API; elsewhere they are refused below.
    may(
        "product_policy",
        Shape::OneOf(&["CLOUD_API_FALLBACK", "STRICT"]),
    ),
    may("message_activity_sharing", Shape::Bool),
    // Of the beta of direct sends, which this account has not joined.
    may("category", Shape::Any),
    may("ttl_seconds", Shape::Any),
    // Of a read receipt.
    may("status", Shape::Any),
    may("message_id", Shape::Any),
    may("typing_indicator", Shape::Any),
];

const RECEIPT: &[Member] = &[
    need("messaging_product", Shape::OneOf(&["whatsapp"])),
    need("status", Shape::OneOf(&["read"])),
    need("message_id", Shape::Wamid),
    may(
        "typing_indicator",
        Shape::Object(&[need("type", Shape::OneOf(&["text"]))]),
    ),
];

const CONTEXT: Shape = Shape::Object(&[need("message_id", Shape::Wamid)]);

/// A request that the platform would act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Send(Box<SendRequest>),
    MarkRead { message_id: String },
}

/// A message as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// Of the path; empty where paths have none.
    pub version: String,
    pub phone_number_id: String,
    pub recipient: Recipient,
    /// `text`, `image`, ... `template`.
    pub kind: String,
    /// The object that is named after the kind.
    pub content: Value,
    /// Of a text message; empty for other kinds.
    pub text: String,
    pub preview_url: bool,
    pub callback_data: Option<String>,
    pub reply_to: Option<String>,
    /// The hash that the recipient's identity must have.
    pub identity_hash: Option<String>,
    /// It came to `/marketing_messages`.
    pub is_marketing: bool,
    /// Of the template that it names, once that was found.
    pub category: Option<String>,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// `input` as the caller wrote it, and its digits.
    Number { input: String, wa_id: String },
    /// A business-scoped user id.
    UserId(String),
    /// A group of the number.
    Group(String),
}

impl Recipient {
    /// The digits of a number, the user id or the group: what faults are narrowed by.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Number { wa_id, .. } => wa_id,
            Self::UserId(id) | Self::Group(id) => id,
        }
    }
}

/// Which door a message came through.
#[derive(Clone, Copy)]
pub(crate) struct Door<'a> {
    pub(crate) version: &'a str,
    pub(crate) is_marketing: bool,
}

/// Reads a body that was posted for `number`.
pub(crate) fn read(body: &Value, number: &PhoneNumber, door: Door<'_>) -> Result<Call, GraphError> {
    let body = body
        .as_object()
        .ok_or_else(|| GraphError::parameter("The body must be a JSON object."))?;
    if body.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
        return Err(GraphError::parameter(
            "The parameter messaging_product is required.",
        ));
    }
    if is_there(body, "status") {
        return read_receipt(body);
    }
    read_send(body, number, door).map(|send| Call::Send(Box::new(send)))
}

fn is_there(body: &Map<String, Value>, name: &str) -> bool {
    body.get(name).is_some_and(|value| !value.is_null())
}

fn read_receipt(body: &Map<String, Value>) -> Result<Call, GraphError> {
    let sends_too = body.keys().any(|name| {
        is_there(body, name) && (kinds::is_kind(name) || ["to", "recipient"].contains(&&**name))
    });
    if sends_too {
        return Err(GraphError::with_details(
            131_009,
            "status must be 'read' and stand without a message",
        ));
    }
    shape::check_members(body, RECEIPT, "").map_err(shape::Flaw::refusal)?;
    Ok(Call::MarkRead {
        message_id: text(body, "message_id").unwrap_or_default().to_owned(),
    })
}

fn read_send(
    body: &Map<String, Value>,
    number: &PhoneNumber,
    door: Door<'_>,
) -> Result<SendRequest, GraphError> {
    shape::check_members(body, ENVELOPE, "").map_err(shape::Flaw::parameter)?;
    refuse_foreign_members(body, door)?;
    let recipient = read_recipient(body)?;
    if recipient.key() == number.display_number {
        return Err(GraphError::of_code(131_021));
    }
    let kind = match body.get("type") {
        None | Some(Value::Null) => "text",
        Some(kind) => kind
            .as_str()
            .ok_or_else(|| GraphError::parameter("Param type must be a string."))?,
    };
    if !kinds::is_kind(kind) {
        let details = format!("Message type '{kind}' is not supported");
        return Err(GraphError::with_details(131_051, details));
    }
    if door.is_marketing && kind != "template" {
        return Err(GraphError::of_code(131_055));
    }
    if let Some(other) = body
        .keys()
        .find(|name| kinds::is_kind(name) && *name != kind && is_there(body, name))
    {
        return Err(GraphError::parameter(format_args!(
            "Unexpected key \"{other}\" in a message of type \"{kind}\"."
        )));
    }
    let content = body.get(kind).cloned().unwrap_or_default();
    if content.is_null() {
        let details = format!("Required parameter is missing: {kind}");
        return Err(GraphError::with_details(131_008, details));
    }
    kinds::check(kind, &content)?;
    let reply_to = read_context(body, kind)?;
    Ok(SendRequest {
        version: door.version.to_owned(),
        phone_number_id: number.id.clone(),
        recipient,
        text: shape::text(&content, "/body")
            .filter(|_| kind == "text")
            .unwrap_or_default()
            .to_owned(),
        preview_url: content["preview_url"].as_bool().unwrap_or(false),
        kind: kind.to_owned(),
        content,
        callback_data: text(body, "biz_opaque_callback_data").map(str::to_owned),
        reply_to,
        identity_hash: text(body, "recipient_identity_key_hash").map(str::to_owned),
        is_marketing: door.is_marketing,
        category: None,
    })
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// Members that exist in the API, but not in this call.
fn refuse_foreign_members(body: &Map<String, Value>, door: Door<'_>) -> Result<(), GraphError> {
    for name in ["message_id", "typing_indicator"] {
        if is_there(body, name) {
            return Err(GraphError::parameter(
                "message_id and typing_indicator need status 'read'",
            ));
        }
    }
    for name in ["category", "ttl_seconds"] {
        if is_there(body, name) {
            return Err(GraphError::parameter(format_args!(
                "Param {name} belongs to direct sends, which this account cannot make."
            )));
        }
    }
    for name in ["product_policy", "message_activity_sharing"] {
        if is_there(body, name) && !door.is_marketing {
            return Err(GraphError::parameter(format_args!(
                "Unexpected key \"{name}\": it belongs to marketing_messages."
            )));
        }
    }
    Ok(())
}

/// A reaction names its message itself.
fn read_context(body: &Map<String, Value>, kind: &str) -> Result<Option<String>, GraphError> {
    let Some(context) = body.get("context").filter(|context| !context.is_null()) else {
        return Ok(None);
    };
    if kind == "reaction" {
        return Err(GraphError::with_details(
            131_009,
            "a reaction cannot carry a context",
        ));
    }
    shape::check(context, &CONTEXT, "context").map_err(shape::Flaw::refusal)?;
    Ok(shape::text(context, "/message_id").map(str::to_owned))
}

/// `to` wins over `recipient` when both are there.
fn read_recipient(body: &Map<String, Value>) -> Result<Recipient, GraphError> {
    let is_group = text(body, "recipient_type") == Some("group");
    for name in ["to", "recipient"] {
        if is_there(body, name) && text(body, name).is_none() {
            return Err(GraphError::parameter(format_args!(
                "Param {name} must be a string."
            )));
        }
    }
    match (text(body, "to"), text(body, "recipient")) {
        (Some(group), _) if is_group => Ok(Recipient::Group(group.to_owned())),
        (Some(input), _) => {
            let is_mark = |c: char| matches!(c, '+' | ' ' | '-' | '(' | ')');
            let wa_id: String = input.chars().filter(|c| !is_mark(*c)).collect();
            if !is_digits(&wa_id) || !NUMBER_DIGITS.contains(&wa_id.len()) {
                return Err(GraphError::with_details(
                    131_009,
                    "to is not a valid phone number",
                ));
            }
            Ok(Recipient::Number {
                input: input.to_owned(),
                wa_id,
            })
        }
        (None, Some(id)) if is_user_id(id) => Ok(Recipient::UserId(id.to_owned())),
        (None, Some(_)) => Err(GraphError::with_details(
            131_009,
            "recipient is not a valid user id",
        )),
        (None, None) => Err(GraphError::parameter("The parameter to is required.")),
    }
}

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_user_id(id: &str) -> bool {
    let Some((country, rest)) = id.split_once('.') else {
        return false;
    };
    let name = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=USER_ID_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
