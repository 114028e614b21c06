//! A provider's own JSON: what the Cloud API has, or will have, and this gateway has no words for.

use serde_json::{Map, Value};
use wharf_plugin::messages::Raw;
use wharf_plugin::prelude::Error;

use super::{envelope, limit};

/// What the host takes of a pointer, but for what comes before and after this one.
const POINTER_BYTES_MAX: usize = 400;

/// A message of its own: an object with `type`, beside what the gateway says itself.
pub(super) fn message(
    raw: &Raw,
    envelope: &Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    let mut members = limit::object("the message", &raw.document)?;
    limit::string("the message", &members, "type")?;
    // Every Cloud API message says it, so people copy it along.
    if members.get("messaging_product").and_then(Value::as_str) == Some("whatsapp") {
        members.remove("messaging_product");
    }
    let taken = members
        .keys()
        .find(|name| envelope::RESERVED.contains(&name.as_str()) || envelope.contains_key(*name));
    match taken {
        None => Ok(members),
        Some(name) => Err(Error::invalid(format!(
            "`{name}` cannot be part of a provider's own message: the gateway sets it"
        ))
        .remedy("Say recipient, context and options where every message says them.")),
    }
}

/// The media object at a pointer; an absent last step is made. Anything but an object there is replaced,
/// such as a null that holds the place.
pub(super) fn object_at<'v>(
    document: &'v mut Value,
    pointer: &str,
) -> Result<&'v mut Map<String, Value>, Error> {
    let wrong = || {
        let shown: String = pointer.chars().take(80).collect();
        Error::invalid(format!(
            "there is no place `{shown}` for a medium in the document"
        ))
        .remedy("Name the media object by a JSON pointer whose parent is in the document.")
    };
    let mut escapes = pointer.split('~').skip(1);
    if pointer.len() > POINTER_BYTES_MAX || !escapes.all(|rest| rest.starts_with(['0', '1'])) {
        return Err(wrong());
    }
    let (parent, last) = pointer.rsplit_once('/').ok_or_else(wrong)?;
    let place = match document.pointer_mut(parent).ok_or_else(wrong)? {
        Value::Object(members) => members
            .entry(last.replace("~1", "/").replace("~0", "~"))
            .or_insert(Value::Null),
        Value::Array(elements) => last
            .parse::<usize>()
            .ok()
            .and_then(|index| elements.get_mut(index))
            .ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut().ok_or_else(wrong)
}
