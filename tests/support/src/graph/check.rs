//! The strict reading of a request: what Graph takes, and the error it answers for the rest.
//!
//! Stricter than Graph where Graph is lenient by accident (unknown keys, content types, a wrong
//! Host), because a sender that needs leniency is a sender with a mistake.

use axum::http::{HeaderMap, Method, header};
use serde::Deserialize;

use super::config::PhoneNumber;
use super::error::GraphError;

const TEXT_CHARS_MAX: usize = 4096;
const CALLBACK_DATA_CHARS_MAX: usize = 512;
/// E.164 numbers have at most 15 digits; the shortest in use have 7 with their country code.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// `CC.` or `CC.ENT.` and at most this many letters and digits.
const USER_ID_CHARS_MAX: usize = 128;

/// A request that Graph would act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    Send(SendRequest),
    MarkRead { message_id: String },
}

/// A text message as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRequest {
    pub version: String,
    pub phone_number_id: String,
    pub recipient: Recipient,
    pub text: String,
    pub preview_url: bool,
    pub callback_data: Option<String>,
    pub reply_to: Option<String>,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// `input` as the caller wrote it, and its digits.
    Number { input: String, wa_id: String },
    /// A business-scoped user id.
    UserId(String),
}

impl Recipient {
    /// The digits of a number, or the user id: what faults are narrowed by.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Number { wa_id, .. } => wa_id,
            Self::UserId(id) => id,
        }
    }
}

/// The parts of an HTTP request that decide.
pub(super) struct Incoming<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// Reads a request against the numbers that exist, in the order in which Graph complains.
pub(super) fn read<'a>(
    incoming: &Incoming<'_>,
    expected_host: &str,
    numbers: &'a [PhoneNumber],
) -> Result<(Call, &'a PhoneNumber), GraphError> {
    check_host(incoming.headers, expected_host)?;
    let (version, phone_number_id) = read_path(incoming.path)?;
    if incoming.method != Method::POST {
        return Err(GraphError::unknown_object(
            phone_number_id,
            incoming.method.as_str(),
        ));
    }
    let number = authorize(incoming.headers, phone_number_id, numbers)?;
    check_content_type(incoming.headers)?;
    let body: Body = serde_json::from_slice(incoming.body)
        .map_err(|error| GraphError::parameter(format_args!("The body cannot be read: {error}")))?;
    if body.messaging_product.as_deref() != Some("whatsapp") {
        return Err(GraphError::parameter(
            "The parameter messaging_product is required.",
        ));
    }
    let call = match body.status.as_deref() {
        Some(_) => read_receipt(&body)?,
        None => Call::Send(read_send(body, version, number)?),
    };
    Ok((call, number))
}

fn check_host(headers: &HeaderMap, expected: &str) -> Result<(), GraphError> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let named = host.strip_suffix(":443").unwrap_or(host);
    if named == expected {
        return Ok(());
    }
    Err(GraphError::with_details(
        1,
        format!("this is {expected}, but the Host header names '{host}'"),
    ))
}

/// `/v24.0/{digits}/messages`.
fn read_path(path: &str) -> Result<(&str, &str), GraphError> {
    let unknown = || GraphError::with_details(1, format!("Unknown path components: {path}"));
    let parts: Vec<&str> = path.split('/').collect();
    let ["", version, phone_number_id, "messages"] = parts.as_slice() else {
        return Err(unknown());
    };
    let numbered = version
        .strip_prefix('v')
        .and_then(|number| number.split_once('.'));
    let is_version = numbered.is_some_and(|(major, minor)| is_digits(major) && is_digits(minor));
    if !is_version || !is_digits(phone_number_id) {
        return Err(unknown());
    }
    Ok((version, phone_number_id))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn authorize<'a>(
    headers: &HeaderMap,
    phone_number_id: &str,
    numbers: &'a [PhoneNumber],
) -> Result<&'a PhoneNumber, GraphError> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Err(GraphError::of_code(104));
    };
    let token = authorization
        .to_str()
        .ok()
        .and_then(|value| value.strip_prefix("Bearer "));
    let known = token.is_some_and(|token| numbers.iter().any(|number| number.token == token));
    if !known {
        return Err(GraphError {
            subcode: Some(467),
            message: "Invalid OAuth access token - Cannot parse access token".to_owned(),
            ..GraphError::of_code(190)
        });
    }
    numbers
        .iter()
        .find(|number| number.id == phone_number_id && Some(number.token.as_str()) == token)
        .ok_or_else(|| GraphError::unknown_object(phone_number_id, "POST"))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), GraphError> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(GraphError::with_details(
        100,
        format!(
            "Content-Type must be application/json, not {}",
            value.unwrap_or("absent")
        ),
    ))
}

/// Every key of the envelope that Graph documents. serde refuses unknown and repeated ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    messaging_product: Option<String>,
    recipient_type: Option<String>,
    to: Option<String>,
    recipient: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<Text>,
    context: Option<Context>,
    biz_opaque_callback_data: Option<String>,
    status: Option<String>,
    message_id: Option<String>,
    typing_indicator: Option<TypingIndicator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    body: Option<String>,
    preview_url: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    message_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypingIndicator {
    #[serde(rename = "type")]
    kind: String,
}

fn read_receipt(body: &Body) -> Result<Call, GraphError> {
    let sends_too = body.to.is_some() || body.recipient.is_some() || body.text.is_some();
    if body.status.as_deref() != Some("read") || sends_too {
        return Err(GraphError::with_details(
            131_009,
            "status must be 'read' and stand without a message",
        ));
    }
    if body
        .typing_indicator
        .as_ref()
        .is_some_and(|typing| typing.kind != "text")
    {
        return Err(GraphError::with_details(
            131_009,
            "typing_indicator.type must be 'text'",
        ));
    }
    match &body.message_id {
        Some(id) if id.starts_with("wamid.") => Ok(Call::MarkRead {
            message_id: id.clone(),
        }),
        Some(_) => Err(GraphError::with_details(
            131_009,
            "message_id must be a message id of Meta's",
        )),
        None => Err(GraphError::with_details(131_008, "message_id is missing")),
    }
}

fn read_send(body: Body, version: &str, number: &PhoneNumber) -> Result<SendRequest, GraphError> {
    if body.message_id.is_some() || body.typing_indicator.is_some() {
        return Err(GraphError::parameter(
            "message_id and typing_indicator need status 'read'",
        ));
    }
    match body.recipient_type.as_deref() {
        None | Some("individual") => {}
        Some("group") => return Err(GraphError::of_code(131_041)),
        Some(other) => {
            return Err(GraphError::parameter(format_args!(
                "Param recipient_type must be one of {{INDIVIDUAL, GROUP}} - got \"{other}\"."
            )));
        }
    }
    let recipient = read_recipient(body.to, body.recipient)?;
    if recipient.key() == number.display_number {
        return Err(GraphError::of_code(131_021));
    }
    let kind = body.kind.as_deref().unwrap_or("text");
    if kind != "text" {
        return Err(GraphError::with_details(
            131_051,
            format!("this fake knows text messages only, not '{kind}'"),
        ));
    }
    let (text, preview_url) = read_text(body.text)?;
    let callback_data = body.biz_opaque_callback_data;
    if callback_data
        .as_deref()
        .is_some_and(|data| data.chars().count() > CALLBACK_DATA_CHARS_MAX)
    {
        return Err(GraphError::parameter(format_args!(
            "Param biz_opaque_callback_data must be at most {CALLBACK_DATA_CHARS_MAX} characters long."
        )));
    }
    let reply_to = body.context.map(|context| context.message_id);
    if reply_to
        .as_deref()
        .is_some_and(|id| !id.starts_with("wamid."))
    {
        return Err(GraphError::with_details(
            131_009,
            "context.message_id must be a message id of Meta's",
        ));
    }
    Ok(SendRequest {
        version: version.to_owned(),
        phone_number_id: number.id.clone(),
        recipient,
        text,
        preview_url,
        callback_data,
        reply_to,
    })
}

/// `to` wins over `recipient` when both are there.
fn read_recipient(to: Option<String>, user_id: Option<String>) -> Result<Recipient, GraphError> {
    match (to, user_id) {
        (Some(input), _) => {
            let is_mark = |c: char| matches!(c, '+' | ' ' | '-' | '(' | ')');
            let wa_id: String = input.chars().filter(|c| !is_mark(*c)).collect();
            if !is_digits(&wa_id) || !NUMBER_DIGITS.contains(&wa_id.len()) {
                return Err(GraphError::with_details(
                    131_009,
                    "to is not a valid phone number",
                ));
            }
            Ok(Recipient::Number { input, wa_id })
        }
        (None, Some(id)) if is_user_id(&id) => Ok(Recipient::UserId(id)),
        (None, Some(_)) => Err(GraphError::with_details(
            131_009,
            "recipient is not a valid user id",
        )),
        (None, None) => Err(GraphError::parameter("The parameter to is required.")),
    }
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

fn read_text(text: Option<Text>) -> Result<(String, bool), GraphError> {
    let missing = || GraphError::with_details(131_008, "Required parameter is missing: text.body");
    let text = text.ok_or_else(missing)?;
    let body = text.body.ok_or_else(missing)?;
    match body.chars().count() {
        0 => Err(GraphError::parameter(
            "The parameter text['body'] is required.",
        )),
        1..=TEXT_CHARS_MAX => Ok((body, text.preview_url.unwrap_or(false))),
        _ => Err(GraphError::parameter(format_args!(
            "Param text['body'] must be at most {TEXT_CHARS_MAX} characters long."
        ))),
    }
}
