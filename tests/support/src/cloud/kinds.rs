//! The object of each kind of message: its members, their limits, and what shapes alone cannot say.

use serde_json::Value;

use super::error::GraphError;
use super::interactive;
use super::shape::{self, Flaw, FlawKind, Member, Shape, may, need};
use super::template_send;

const TEXT_CHARS_MAX: usize = 4096;
const CAPTION_CHARS_MAX: usize = 1024;
/// The published page says 257, the OpenAPI document 5; the page is the newer one.
const CONTACTS_MAX: usize = 257;
/// Where no limit is published: what no honest sender comes near.
const FREE_TEXT_CHARS_MAX: usize = 4096;

const KINDS: &[(&str, Shape)] = &[
    ("text", Shape::Object(TEXT)),
    ("image", Shape::Object(CAPTIONED)),
    ("audio", Shape::Object(AUDIO)),
    ("video", Shape::Object(CAPTIONED)),
    ("document", Shape::Object(DOCUMENT)),
    ("sticker", Shape::Object(STICKER)),
    ("location", Shape::Object(LOCATION)),
    (
        "contacts",
        Shape::List(&Shape::Object(CONTACT), 1, CONTACTS_MAX),
    ),
    ("reaction", Shape::Object(REACTION)),
    ("interactive", Shape::Free),
    ("template", Shape::Free),
];

const TEXT: &[Member] = &[
    need("body", Shape::Text(1, TEXT_CHARS_MAX)),
    may("preview_url", Shape::Bool),
];
const CAPTIONED: &[Member] = &[
    may("id", Shape::Id),
    may("link", Shape::Link),
    may("caption", Shape::Text(0, CAPTION_CHARS_MAX)),
];
const AUDIO: &[Member] = &[
    may("id", Shape::Id),
    may("link", Shape::Link),
    may("voice", Shape::Bool),
];
const DOCUMENT: &[Member] = &[
    may("id", Shape::Id),
    may("link", Shape::Link),
    may("caption", Shape::Text(0, CAPTION_CHARS_MAX)),
    may("filename", Shape::Text(1, FREE_TEXT_CHARS_MAX)),
];
const STICKER: &[Member] = &[may("id", Shape::Id), may("link", Shape::Link)];
pub(crate) const LOCATION: &[Member] = &[
    need("latitude", Shape::Degrees),
    need("longitude", Shape::Degrees),
    may("name", Shape::Text(0, FREE_TEXT_CHARS_MAX)),
    may("address", Shape::Text(0, FREE_TEXT_CHARS_MAX)),
];
const REACTION: &[Member] = &[
    need("message_id", Shape::Wamid),
    need("emoji", Shape::Text(0, 32)),
];

const WORD: Shape = Shape::Text(0, FREE_TEXT_CHARS_MAX);
const NAME: &[Member] = &[
    need("formatted_name", Shape::Text(1, FREE_TEXT_CHARS_MAX)),
    may("first_name", WORD),
    may("last_name", WORD),
    may("middle_name", WORD),
    may("prefix", WORD),
    may("suffix", WORD),
];
const PHONE: &[Member] = &[may("phone", WORD), may("type", WORD), may("wa_id", WORD)];
const EMAIL: &[Member] = &[may("email", WORD), may("type", WORD)];
const URL: &[Member] = &[may("url", WORD), may("type", WORD)];
const ADDRESS: &[Member] = &[
    may("street", WORD),
    may("city", WORD),
    may("state", WORD),
    may("zip", WORD),
    may("country", WORD),
    may("country_code", WORD),
    may("type", WORD),
];
const ORG: &[Member] = &[
    may("company", WORD),
    may("department", WORD),
    may("title", WORD),
];
const PARTS_MAX: usize = 100;
const CONTACT: &[Member] = &[
    need("name", Shape::Object(NAME)),
    may("phones", Shape::List(&Shape::Object(PHONE), 0, PARTS_MAX)),
    may("emails", Shape::List(&Shape::Object(EMAIL), 0, PARTS_MAX)),
    may("urls", Shape::List(&Shape::Object(URL), 0, PARTS_MAX)),
    may(
        "addresses",
        Shape::List(&Shape::Object(ADDRESS), 0, PARTS_MAX),
    ),
    may("org", Shape::Object(ORG)),
    may("birthday", Shape::Text(10, 10)),
];

pub(crate) fn is_kind(name: &str) -> bool {
    KINDS.iter().any(|kind| kind.0 == name)
}

/// The first mistake of the object of a kind.
pub(crate) fn check(kind: &str, content: &Value) -> Result<(), GraphError> {
    let Some((_, wanted)) = KINDS.iter().find(|known| known.0 == kind) else {
        return Err(GraphError::of_code(131_051));
    };
    shape::check(content, wanted, kind).map_err(|flaw| refusal(kind, flaw))?;
    match kind {
        "image" | "audio" | "video" | "document" | "sticker" => check_source(content, kind),
        "location" => check_latitude(content),
        "contacts" => check_contacts(content),
        "interactive" => interactive::check(content),
        "template" => template_send::check(content),
        _ => Ok(()),
    }
}

/// Text messages are the oldest part of the API: it puts the whole complaint into the message.
fn refusal(kind: &str, flaw: Flaw) -> GraphError {
    if kind == "text" && flaw.kind == FlawKind::Limit {
        return flaw.parameter();
    }
    flaw.refusal()
}

/// Media are named by an id or by a link. What both together mean is not published.
pub(crate) fn check_source(media: &Value, path: &str) -> Result<(), GraphError> {
    let is_there = |name: &str| media.get(name).is_some_and(|value| !value.is_null());
    match (is_there("id"), is_there("link")) {
        (true, true) => Err(GraphError::with_details(
            131_009,
            format!("{path} must have one of id and link, not both"),
        )),
        (false, false) => Err(GraphError::with_details(
            131_008,
            format!("Required parameter is missing: {path}.id or {path}.link"),
        )),
        _ => Ok(()),
    }
}

pub(crate) fn check_latitude(location: &Value) -> Result<(), GraphError> {
    let latitude = &location["latitude"];
    let degrees = latitude
        .as_f64()
        .or_else(|| latitude.as_str()?.parse().ok());
    if degrees.is_some_and(|degrees: f64| degrees.abs() <= 90.0) {
        return Ok(());
    }
    Err(GraphError::with_details(
        131_009,
        "location.latitude must be between -90 and 90",
    ))
}

fn check_contacts(contacts: &Value) -> Result<(), GraphError> {
    for contact in contacts.as_array().into_iter().flatten() {
        let Some(birthday) = shape::text(contact, "/birthday") else {
            continue;
        };
        let is_date = birthday
            .bytes()
            .zip(b"dddd-dd-dd")
            .all(|(byte, wanted)| match wanted {
                b'-' => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_date {
            return Err(GraphError::with_details(
                131_009,
                "contacts.birthday must be written YYYY-MM-DD",
            ));
        }
    }
    Ok(())
}
