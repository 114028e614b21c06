//! WhatsApp's limits as checks. Each refusal names the member, the limit and what was given; characters
//! are Unicode scalar values, as Meta counts them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use wharf_plugin::prelude::Error;

/// A text that must be there.
pub(super) fn text(member: impl Display, text: &str, chars_max: usize) -> Result<(), Error> {
    if text.is_empty() {
        return Err(missing(member));
    }
    at_most(member, text, chars_max)
}

/// A text that may be empty or absent.
pub(super) fn at_most(member: impl Display, text: &str, chars_max: usize) -> Result<(), Error> {
    // Bytes first: a character has at least one, so most texts need no counting.
    if text.len() <= chars_max {
        return Ok(());
    }
    let chars = text.chars().count();
    if chars <= chars_max {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "`{member}` has at most {chars_max} characters, this one has {chars}"
    ))
    .remedy("Shorten the text."))
}

/// How many there are of something: `what` in the plural, as in "a list has at most 10 rows".
pub(super) fn count(
    owner: &str,
    what: &str,
    number: usize,
    range: RangeInclusive<usize>,
) -> Result<(), Error> {
    let (least, most) = (*range.start(), *range.end());
    if number < least {
        return Err(Error::invalid(format!(
            "{owner} has at least {least} {what}, this one has {number}"
        ))
        .remedy("Add what is missing."));
    }
    if number > most {
        return Err(Error::invalid(format!(
            "{owner} has at most {most} {what}, this one has {number}"
        ))
        .remedy("Send fewer, or send several messages."));
    }
    Ok(())
}

/// A member that WhatsApp needs.
pub(super) fn missing(member: impl Display) -> Error {
    Error::invalid(format!("`{member}` is missing or empty")).remedy("Give it a value.")
}

/// A member that has no place in this kind of message. What would be lost silently is refused.
pub(super) fn no_place(kind: &str, member: impl Display) -> Error {
    Error::invalid(format!("{kind} has no `{member}`")).remedy("Leave the member out.")
}

/// Ids that the recipient's choice comes back with must differ.
pub(super) fn distinct<'a>(member: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut seen: Vec<&str> = Vec::new();
    for id in ids {
        if seen.contains(&id) {
            return Err(
                Error::invalid(format!("two `{member}` of the message are the same")).remedy(
                    "Give each an ID of its own, so that the answer says which was chosen.",
                ),
            );
        }
        seen.push(id);
    }
    Ok(())
}

/// A link that a button opens.
pub(super) fn url(member: impl Display, url: &str) -> Result<(), Error> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() => Ok(()),
        _ => Err(Error::invalid(format!(
            "`{member}` must begin with https:// or http:// and name a host"
        ))
        .remedy("Give the whole link.")),
    }
}

/// A document that must be an object.
pub(super) fn object(member: impl Display, json: &str) -> Result<Map<String, Value>, Error> {
    match serde_json::from_str(json) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Error::invalid(format!("`{member}` is not a JSON object"))
            .remedy("Give the object that the Cloud API documents.")),
    }
}

/// A string member that must be there and is not empty.
pub(super) fn string<'a>(
    member: impl Display,
    object: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a str, Error> {
    match object.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::Null | Value::String(_)) => {
            Err(missing(format_args!("{member}.{name}")))
        }
        Some(_) => Err(Error::invalid(format!("`{member}.{name}` is not a text"))
            .remedy("Give it as a string.")),
    }
}
