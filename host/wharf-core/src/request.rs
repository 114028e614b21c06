//! A send request as the API takes it, read strictly: every wrong field is named, none is skipped.

use serde_json::{Map, Value};

use crate::ids::ChannelId;
use crate::phone;
use crate::provider::{Address, Content, Text};

/// Longest text, in characters: Meta's limit for `text.body` (meta-cloud-api.md, 1.2).
pub const TEXT_CHARS_MAX: usize = 4096;
/// Longest `reference` a tenant may attach.
pub const REFERENCE_CHARS_MAX: usize = 256;
/// A user id is a country code, a dot and at most 128 letters and digits (meta-cloud-api.md, 9).
const USER_ID_CHARS_MAX: usize = 160;
/// Ids of earlier messages are opaque; longer than this none was ever seen.
const MESSAGE_ID_CHARS_MAX: usize = 512;
/// A message may wait a month at most: WhatsApp itself gives up after 30 days.
const TTL_S_MAX: u64 = 30 * 86_400;

/// A field the caller must correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// RFC 6901 pointer into the request's body.
    pub pointer: String,
    /// Stable: `missing`, `unknown`, `wrong-type`, `invalid`, `too-long`, `unsupported`.
    pub code: &'static str,
    pub detail: String,
}

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
    pub to: Address,
    pub content: Content,
    pub reply_to: Option<String>,
    pub reference: Option<String>,
    pub priority: Option<Priority>,
    pub policy: Option<Policy>,
    pub ttl_s: Option<u64>,
}

/// Reads the body of `POST /v1/messages`. All errors at once.
pub fn parse_message(body: &Value) -> Result<MessageRequest, Vec<FieldError>> {
    let mut read = Reader::default();
    let Some(object) = read.object(body, "") else {
        return Err(read.errors);
    };
    let known = [
        "channel",
        "to",
        "recipient",
        "type",
        "text",
        "context",
        "reference",
        "priority",
        "policy",
        "ttl_s",
    ];
    read.only(object, "", &known);
    let channel = read.string(object, "", "channel").and_then(|text| {
        let parsed: Result<ChannelId, _> = text.parse();
        read.keep("/channel", "invalid", parsed)
    });
    let to = recipient(&mut read, object);
    let content = content(&mut read, object);
    let reply_to = context(&mut read, object);
    let reference = read.string(object, "", "reference");
    let reference = read.bounded("/reference", reference, 1, REFERENCE_CHARS_MAX);
    let priority = read.choice(object, "priority", &Priority::ALL, Priority::as_str);
    let policy = read.choice(object, "policy", &Policy::ALL, Policy::as_str);
    let ttl_s = match object.get("ttl_s") {
        None => None,
        Some(value) => match value.as_u64() {
            Some(s) if (1..=TTL_S_MAX).contains(&s) => Some(s),
            _ => {
                read.error(
                    "/ttl_s",
                    "invalid",
                    format!("give whole seconds from 1 to {TTL_S_MAX}"),
                );
                None
            }
        },
    };
    match (to, content) {
        (Some(to), Some(content)) if read.errors.is_empty() => Ok(MessageRequest {
            channel,
            to,
            content,
            reply_to,
            reference,
            priority,
            policy,
            ttl_s,
        }),
        _ => Err(read.errors),
    }
}

/// Checks one text by the platform's limits; used by every surface that takes texts.
pub fn check_text(pointer: &str, body: &str) -> Result<(), FieldError> {
    let chars = body.chars().count();
    if chars == 0 || body.trim().is_empty() {
        return Err(FieldError {
            pointer: pointer.to_owned(),
            code: "invalid",
            detail: "the text is empty; WhatsApp sends no empty texts".to_owned(),
        });
    }
    if chars > TEXT_CHARS_MAX {
        return Err(FieldError {
            pointer: pointer.to_owned(),
            code: "too-long",
            detail: format!(
                "the text has {chars} characters, {TEXT_CHARS_MAX} are allowed; split it"
            ),
        });
    }
    if body.contains('\0') {
        return Err(FieldError {
            pointer: pointer.to_owned(),
            code: "invalid",
            detail: "the text contains the character U+0000, which cannot be sent; remove it"
                .to_owned(),
        });
    }
    Ok(())
}

/// Reads `{.."pointer": "+49.."}` style phone fields.
pub fn parse_phone(pointer: &str, text: &str) -> Result<Address, FieldError> {
    phone::parse(text)
        .map(Address::Phone)
        .map_err(|detail| FieldError {
            pointer: pointer.to_owned(),
            code: "invalid",
            detail,
        })
}

fn recipient(read: &mut Reader, object: &Map<String, Value>) -> Option<Address> {
    let phone = read.string(object, "", "to");
    let user = read.string(object, "", "recipient");
    match (phone, user) {
        (Some(text), None) => match parse_phone("/to", &text) {
            Ok(address) => Some(address),
            Err(error) => {
                read.errors.push(error);
                None
            }
        },
        (None, Some(id)) => {
            let well_formed = id.len() <= USER_ID_CHARS_MAX
                && id.contains('.')
                && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
            if !well_formed {
                read.error(
                    "/recipient",
                    "invalid",
                    "a user id looks like US.13491208655302741918, as webhooks give it",
                );
                return None;
            }
            Some(Address::UserId(id))
        }
        (Some(_), Some(_)) => {
            read.error(
                "/recipient",
                "invalid",
                "give `to` (a phone number) or `recipient` (a user id), not both",
            );
            None
        }
        (None, None) => {
            if !object.contains_key("to") && !object.contains_key("recipient") {
                read.error(
                    "/to",
                    "missing",
                    "give `to`, a phone number as +4915112345678, or `recipient`, a user id",
                );
            }
            None
        }
    }
}

fn content(read: &mut Reader, object: &Map<String, Value>) -> Option<Content> {
    let kind = match object.get("type") {
        // Absent means text, as in the Cloud API.
        None => "text".to_owned(),
        Some(_) => read.string(object, "", "type")?,
    };
    if kind != "text" {
        read.error(
            "/type",
            "unsupported",
            format!("{kind:?} is not sent yet; `text` is"),
        );
        return None;
    }
    let Some(value) = object.get("text") else {
        read.error("/text", "missing", "give `text` as {\"body\": \"...\"}");
        return None;
    };
    let text = read.object(value, "/text")?;
    read.only(text, "/text", &["body", "preview_url"]);
    let preview_url = match text.get("preview_url") {
        None => false,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => {
            read.error("/text/preview_url", "wrong-type", "give true or false");
            false
        }
    };
    if !text.contains_key("body") {
        read.error("/text/body", "missing", "give the text to send");
        return None;
    }
    let body = read.string(text, "/text", "body")?;
    if let Err(error) = check_text("/text/body", &body) {
        read.errors.push(error);
        return None;
    }
    Some(Content::Text {
        text: Text { body, preview_url },
    })
}

fn context(read: &mut Reader, object: &Map<String, Value>) -> Option<String> {
    let context = read.object(object.get("context")?, "/context")?;
    read.only(context, "/context", &["message_id"]);
    if !context.contains_key("message_id") {
        read.error(
            "/context/message_id",
            "missing",
            "give the id of the message this one answers",
        );
        return None;
    }
    let id = read.string(context, "/context", "message_id");
    read.bounded("/context/message_id", id, 1, MESSAGE_ID_CHARS_MAX)
}

/// Collects errors while it reads, so that a caller learns of all of them in one answer.
#[derive(Default)]
struct Reader {
    errors: Vec<FieldError>,
}

impl Reader {
    fn error(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        self.errors.push(FieldError {
            pointer: pointer.to_owned(),
            code,
            detail: detail.into(),
        });
    }

    fn keep<T, E: std::fmt::Display>(
        &mut self,
        pointer: &str,
        code: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|e| self.error(pointer, code, e.to_string()))
            .ok()
    }

    fn object<'v>(&mut self, value: &'v Value, pointer: &str) -> Option<&'v Map<String, Value>> {
        if !value.is_object() {
            self.error(pointer, "wrong-type", "give a JSON object");
        }
        value.as_object()
    }

    fn only(&mut self, object: &Map<String, Value>, at: &str, known: &[&str]) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            self.error(
                &pointer,
                "unknown",
                format!(
                    "this field is not known here; known are {}",
                    known.join(", ")
                ),
            );
        }
    }

    fn string(&mut self, object: &Map<String, Value>, at: &str, name: &str) -> Option<String> {
        match object.get(name)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.error(&format!("{at}/{name}"), "wrong-type", "give a string");
                None
            }
        }
    }

    fn bounded(
        &mut self,
        pointer: &str,
        text: Option<String>,
        min: usize,
        max: usize,
    ) -> Option<String> {
        let text = text?;
        let chars = text.chars().count();
        if chars < min || chars > max || text.contains('\0') {
            let code = if chars > max { "too-long" } else { "invalid" };
            self.error(
                pointer,
                code,
                format!("give {min} to {max} characters, without U+0000"),
            );
            return None;
        }
        Some(text)
    }

    fn choice<T: Copy>(
        &mut self,
        object: &Map<String, Value>,
        name: &str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.string(object, "", name)?;
        let found = all.iter().copied().find(|v| as_str(*v) == text);
        if found.is_none() {
            let names: Vec<_> = all.iter().map(|v| as_str(*v)).collect();
            self.error(
                &format!("/{name}"),
                "invalid",
                format!("give one of {}", names.join(", ")),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn errors(body: Value) -> Vec<(String, &'static str)> {
        parse_message(&body)
            .expect_err("refused")
            .into_iter()
            .map(|e| {
                assert!(!e.detail.is_empty());
                (e.pointer, e.code)
            })
            .collect()
    }

    #[test]
    fn a_whole_request() {
        let request = parse_message(&json!({
            "channel": "support", "to": "+49 151 12345678", "type": "text",
            "text": {"body": "Hello", "preview_url": true}, "context": {"message_id": "wamid.1"},
            "reference": "order-7", "priority": "high", "policy": "at_least_once", "ttl_s": 60,
        }))
        .expect("valid");
        assert_eq!(request.to, Address::Phone("4915112345678".into()));
        assert_eq!(request.reply_to.as_deref(), Some("wamid.1"));
        assert_eq!(request.priority, Some(Priority::High));
        assert_eq!(request.policy, Some(Policy::AtLeastOnce));
        assert_eq!(request.ttl_s, Some(60));
    }

    #[test]
    fn all_errors_at_once() {
        let found = errors(json!({
            "channel": "Not A Slug", "to": 49, "text": {"body": "", "colour": 1}, "priority": "asap",
            "ttl_s": -1, "context": {}, "reference": "", "a/b": 1,
        }));
        for wanted in [
            ("/channel", "invalid"),
            ("/to", "wrong-type"),
            ("/text/colour", "unknown"),
            ("/text/body", "invalid"),
            ("/priority", "invalid"),
            ("/ttl_s", "invalid"),
            ("/context/message_id", "missing"),
            ("/reference", "invalid"),
            ("/a~1b", "unknown"),
        ] {
            assert!(
                found.iter().any(|(p, c)| (p.as_str(), *c) == wanted),
                "{wanted:?} in {found:?}"
            );
        }
    }

    #[test]
    fn limits_count_characters() {
        let body = |n: usize| json!({"to": "+4915112345678", "text": {"body": "ä".repeat(n)}});
        assert!(parse_message(&body(TEXT_CHARS_MAX)).is_ok());
        assert_eq!(
            errors(body(TEXT_CHARS_MAX + 1)),
            [("/text/body".to_owned(), "too-long")]
        );
        assert_eq!(
            errors(json!({"to": "+4915112345678", "text": {"body": "a\u{0}b"}})),
            [("/text/body".to_owned(), "invalid")]
        );
    }

    #[test]
    fn recipients() {
        let to = |v: Value| {
            let mut body = json!({"text": {"body": "x"}});
            body.as_object_mut()
                .expect("object")
                .extend(v.as_object().expect("object").clone());
            body
        };
        assert!(parse_message(&to(json!({"recipient": "US.13491208655302741918"}))).is_ok());
        assert_eq!(errors(to(json!({}))), [("/to".to_owned(), "missing")]);
        assert_eq!(
            errors(to(json!({"recipient": "nobody"}))),
            [("/recipient".to_owned(), "invalid")]
        );
        assert_eq!(
            errors(to(json!({"to": "+4915112345678", "recipient": "US.1"}))),
            [("/recipient".to_owned(), "invalid")]
        );
    }

    #[test]
    fn not_an_object_and_other_kinds() {
        assert_eq!(errors(json!([])), [(String::new(), "wrong-type")]);
        assert_eq!(
            errors(json!({"to": "+4915112345678", "type": "hologram"})),
            [("/type".to_owned(), "unsupported")]
        );
    }
}
