//! Contact cards: the Cloud API's own array, looked at and passed on.

use serde_json::{Map, Value};
use wharf_plugin::prelude::Error;

use super::limit;

/// Meta's documentation of contacts messages; its OpenAPI document says 5 and is behind.
const CONTACTS_MAX: usize = 257;

/// Members of a contact that are lists of objects.
const LISTS: [&str; 4] = ["addresses", "emails", "phones", "urls"];

pub(super) fn array(json: &str) -> Result<Value, Error> {
    let Ok(Value::Array(contacts)) = serde_json::from_str(json) else {
        return Err(Error::invalid("`contacts` is not a JSON array")
            .remedy("Give the array that the Cloud API documents."));
    };
    limit::count(
        "a contacts message",
        "contacts",
        contacts.len(),
        1..=CONTACTS_MAX,
    )?;
    for (index, contact) in contacts.iter().enumerate() {
        check(index, contact)?;
    }
    Ok(Value::Array(contacts))
}

fn check(index: usize, contact: &Value) -> Result<(), Error> {
    let Value::Object(contact) = contact else {
        return Err(not(format!("contacts[{index}]"), "an object"));
    };
    let empty = Map::new();
    let name = match contact.get("name") {
        Some(Value::Object(name)) => name,
        _ => &empty,
    };
    limit::string(
        format_args!("contacts[{index}].name"),
        name,
        "formatted_name",
    )?;
    for list in LISTS {
        match contact.get(list) {
            None | Some(Value::Null) => {}
            Some(Value::Array(entries)) if entries.iter().all(Value::is_object) => {}
            Some(_) => {
                return Err(not(
                    format!("contacts[{index}].{list}"),
                    "a list of objects",
                ));
            }
        }
    }
    match contact.get("birthday") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(day)) if is_day(day) => Ok(()),
        Some(_) => Err(not(
            format!("contacts[{index}].birthday"),
            "a day written YYYY-MM-DD",
        )),
    }
}

fn not(member: String, what: &str) -> Error {
    Error::invalid(format!("`{member}` is not {what}"))
        .remedy("Write the contact as the Cloud API documents it.")
}

fn is_day(day: &str) -> bool {
    let mut parts = day.split('-');
    let mut digits = |count: usize| {
        parts
            .next()
            .is_some_and(|part| part.len() == count && part.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(4) && digits(2) && digits(2) && parts.next().is_none()
}
