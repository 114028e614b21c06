//! Content of kind `other`: parameters of the Messages resource as they are, or a whole content for the
//! Content API. What names people, places of statuses or senders is the gateway's and is refused.

use serde_json::{Map, Value as Json};
use wharf_plugin::messages::{MediaSource, Raw};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Field, Value};

use crate::account::is_sid;
use crate::form::{check, scalar};
use crate::plain::link;
use crate::variables::{VARIABLES_MAX, Variables};

/// The parameters that a tenant may set
/// (<https://www.twilio.com/docs/messaging/api/message-resource>).
const PARAMETERS: [&str; 15] = [
    "AddressRetention",
    "Attempt",
    "Body",
    "ContentRetention",
    "ContentSid",
    "MediaUrl",
    "PersistentAction",
    "ProvideFeedback",
    "RiskCheck",
    "ScheduleType",
    "SendAt",
    "ShortenUrls",
    "SmartEncoded",
    "TrafficType",
    "ValidityPeriod",
];
const CONTENT: &str = "Content";
const VARIABLES: &str = "ContentVariables";
/// What a definition may hold.
const MEMBERS: [&str; 4] = ["friendly_name", "language", "types", "variables"];
/// WhatsApp takes one medium a message.
const MEDIA_MAX: usize = 1;
/// The host takes 64 fields and 64 pieces of a value; these leave room for what surrounds them.
const FIELDS_MAX: usize = 40;
const PLACES_MAX: usize = 20;
/// The host takes 64 levels of a document, of which the request has one.
const DEPTH_MAX: usize = 60;

/// A document that is understood.
#[derive(Debug)]
pub(crate) struct Passed {
    /// Fields of the message.
    pub(crate) fields: Vec<Field>,
    /// A content to create first.
    pub(crate) content: Option<Json>,
}

pub(crate) fn read(raw: &Raw, service: bool) -> Result<Passed, Error> {
    if depth_of(&raw.document) > DEPTH_MAX {
        return Err(refused(format!(
            "the document is deeper than {DEPTH_MAX} levels"
        )));
    }
    let mut document: Map<String, Json> = serde_json::from_str(&raw.document)
        .map_err(|_| refused("the document is no JSON object".to_owned()))?;
    let content = document.remove(CONTENT).map(definition).transpose()?;
    let mut variables = Variables::default();
    if let Some(given) = document.remove(VARIABLES) {
        read_variables(given, &mut variables)?;
    }
    let mut fields = Vec::new();
    for (name, value) in &document {
        parameter(name, value, service, &mut fields)?;
    }
    if fields.len() > FIELDS_MAX || raw.media.len() > PLACES_MAX {
        return Err(refused(format!(
            "a message passes on at most {FIELDS_MAX} parameters and {PLACES_MAX} media"
        )));
    }
    for (pointer, source) in &raw.media {
        place(pointer, source, &mut fields, &mut variables)?;
    }
    let media = fields
        .iter()
        .filter(|field| field.name == "MediaUrl")
        .count();
    if media > MEDIA_MAX {
        return Err(Error::invalid(format!(
            "a WhatsApp message has at most {MEDIA_MAX} medium at Twilio, this one has {media}"
        )));
    }
    let named = document.contains_key("ContentSid");
    let plain = fields
        .iter()
        .any(|field| matches!(field.name.as_str(), "Body" | "MediaUrl"));
    match (content.is_some() || named, plain) {
        (true, true) => {
            return Err(refused(
                "a content goes without Body and MediaUrl".to_owned(),
            ));
        }
        (false, false) => {
            return Err(refused(
                "the document has neither Body, MediaUrl, ContentSid nor Content".to_owned(),
            ));
        }
        _ if content.is_some() && named => {
            return Err(refused(
                "the document has both ContentSid and Content".to_owned(),
            ));
        }
        _ => {}
    }
    if variables.len() > VARIABLES_MAX {
        return Err(refused(format!(
            "a content has at most {VARIABLES_MAX} variables at Twilio"
        )));
    }
    fields.extend(variables.field());
    Ok(Passed { fields, content })
}

/// How deep a document's brackets go.
fn depth_of(document: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in document.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A content as the Content API wants it.
fn definition(content: Json) -> Result<Json, Error> {
    let Json::Object(members) = &content else {
        return Err(refused("`Content` is no JSON object".to_owned()));
    };
    if let Some(name) = members
        .keys()
        .find(|name| !MEMBERS.contains(&name.as_str()))
    {
        return Err(refused(format!("a content has no `{name}`")));
    }
    let types = members.get("types").and_then(Json::as_object);
    if types.is_none_or(Map::is_empty) || !members.get("language").is_some_and(Json::is_string) {
        return Err(refused("a content needs `types` and `language`".to_owned()));
    }
    Ok(content)
}

/// An object, or the object as text that Twilio's own parameter is.
fn read_variables(given: Json, variables: &mut Variables) -> Result<(), Error> {
    let wrong = || refused("ContentVariables is no object of texts".to_owned());
    let given = match given {
        Json::String(text) => serde_json::from_str(&text).map_err(|_| wrong())?,
        other => other,
    };
    let Json::Object(members) = given else {
        return Err(wrong());
    };
    for (name, value) in members {
        let text = scalar(&value)
            .filter(|text| !text.is_empty())
            .ok_or_else(wrong)?;
        variables.fill(&name, vec![piece::text(text)]);
    }
    Ok(())
}

fn parameter(
    name: &str,
    value: &Json,
    service: bool,
    fields: &mut Vec<Field>,
) -> Result<(), Error> {
    if !PARAMETERS.contains(&name) {
        return Err(refused(format!("`{name}` cannot be set by a message")));
    }
    let several = match value {
        Json::Array(values) if matches!(name, "MediaUrl" | "PersistentAction") => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    for value in several {
        let text = scalar(value).ok_or_else(|| refused(format!("`{name}` is no text")))?;
        check(name, &text, service)?;
        if name == "ContentSid" && !is_sid(&text, "HX") {
            return Err(refused(
                "ContentSid is HX and 32 hexadecimal digits".to_owned(),
            ));
        }
        fields.push(Field::text(name, text));
    }
    Ok(())
}

/// A medium where its pointer says: the message's own, or a variable of its content.
fn place(
    pointer: &str,
    source: &MediaSource,
    fields: &mut Vec<Field>,
    variables: &mut Variables,
) -> Result<(), Error> {
    let value: Value = link(kind_of(source), source)?;
    match pointer.trim_start_matches('/').split_once('/') {
        None if pointer == "/MediaUrl" => fields.push(Field::new("MediaUrl", value)),
        Some(("MediaUrl", _)) => fields.push(Field::new("MediaUrl", value)),
        Some((VARIABLES, name)) if !name.is_empty() && !name.contains(['/', '~']) => {
            if !variables.fill(name, value) {
                return Err(refused(format!("the variable `{name}` is filled twice")));
            }
        }
        _ => {
            return Err(refused(format!(
                "a medium has no place at {pointer}: only /MediaUrl and /ContentVariables/NAME"
            )));
        }
    }
    Ok(())
}

/// Nothing says what the medium is meant as, so its type does.
fn kind_of(source: &MediaSource) -> &'static str {
    let MediaSource::Stored(stored) = source else {
        return "document";
    };
    match stored.content_type.split('/').next() {
        _ if stored.content_type.starts_with("image/webp") => "sticker",
        Some("image") => "image",
        Some("video") => "video",
        Some("audio") => "audio",
        _ => "document",
    }
}

fn refused(detail: String) -> Error {
    Error::invalid(detail).remedy(
        "Give parameters of Twilio's Messages resource by their names, or a definition of a content as `Content`.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_texts_are_no_depth() {
        for (document, depth) in [
            ("{}", 1),
            (r#"{"a":[{"b":"[[[{\"{"}]}"#, 3),
            ("]]]", 0),
            ("[[[", 3),
        ] {
            assert_eq!(depth_of(document), depth, "{document}");
        }
    }

    #[test]
    fn what_the_host_would_refuse_is_refused_before() {
        let raw = |document: String| Raw {
            document,
            media: Vec::new(),
        };
        let deep = format!(r#"{{"Content":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
        let many = format!(
            r#"{{"Body":"x","PersistentAction":[{}]}}"#,
            vec!["1"; 41].join(",")
        );
        for document in [deep, many] {
            let error = read(&raw(document), false).expect_err("too much");
            assert_eq!(error.code, Code::InvalidMessage);
        }
    }
}
