//! The public profile of a number: what may be set, and what an answer shows.
//! Limits: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-profiles

use serde_json::{Map, Value, json};
use wharf_plugin::prelude::Error;

use wharf_plugin::document;

/// The members that a profile is asked for.
pub const FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";
/// Members that hold one text, with the most characters each takes.
const TEXTS: [(&str, usize); 6] = [
    ("about", 139),
    ("address", 256),
    // The reference page says 512; Meta's older OpenAPI document 256. Meta refuses what is too long for it.
    ("description", 512),
    ("email", 128),
    ("vertical", 64),
    // What a resumable upload of the picture gave.
    ("profile_picture_handle", 4_096),
];
const WEBSITES_MAX: usize = 2;
const WEBSITE_CHARS_MAX: usize = 256;

/// The document that changes a profile, from the members to change.
///
/// # Errors
/// What is no member of a profile, or too long for its member.
pub fn change(members: &str) -> Result<String, Error> {
    let Ok(Value::Object(members)) = serde_json::from_str(members) else {
        return Err(invalid("a profile is a JSON object"));
    };
    let mut document = Map::new();
    document.insert("messaging_product".to_owned(), json!("whatsapp"));
    for (name, value) in members {
        check(&name, &value)?;
        document.insert(name, value);
    }
    if document.len() == 1 {
        return Err(invalid("nothing of the profile is to be changed"));
    }
    Ok(Value::Object(document).to_string())
}

fn check(name: &str, value: &Value) -> Result<(), Error> {
    match name {
        "messaging_product" if value == "whatsapp" => return Ok(()),
        "websites" => return websites(value),
        "profile_picture_url" => {
            return Err(invalid(
                "a profile's picture is not set by its URL, but by `profile_picture_handle`",
            ));
        }
        _ => {}
    }
    let Some((_, max)) = TEXTS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).collect();
        return Err(invalid(format!(
            "a profile has no member `{name}`; there are websites, {}",
            known.join(", ")
        )));
    };
    let Some(text) = value.as_str() else {
        return Err(invalid(format!("the profile's `{name}` is no text")));
    };
    let count = text.chars().count();
    if count > *max {
        return Err(invalid(format!(
            "the profile's `{name}` has at most {max} characters, this one has {count}"
        )));
    }
    if name == "about" && text.trim().is_empty() {
        return Err(invalid("the profile's `about` cannot be emptied"));
    }
    Ok(())
}

fn websites(value: &Value) -> Result<(), Error> {
    let Some(websites) = value.as_array() else {
        return Err(invalid("the profile's `websites` is no list"));
    };
    if websites.len() > WEBSITES_MAX {
        return Err(invalid(format!(
            "a profile has at most {WEBSITES_MAX} websites, this one has {}",
            websites.len()
        )));
    }
    for website in websites {
        let url = website.as_str().unwrap_or_default();
        let is_link = url.starts_with("https://") || url.starts_with("http://");
        if !is_link || url.chars().count() > WEBSITE_CHARS_MAX {
            return Err(invalid(format!(
                "a website of a profile begins with https:// or http:// and has at most {WEBSITE_CHARS_MAX} characters"
            )));
        }
    }
    Ok(())
}

/// The profile in an answer: the first of `data`, flat or under `business_profile`, without the product's
/// name. An account that never set one has an empty list.
#[must_use]
pub fn read(answer: &Value) -> Option<String> {
    let data = answer.get("data")?.as_array()?;
    let first = match data.first() {
        None => return Some("{}".to_owned()),
        Some(first) => first,
    };
    let profile = match first.get("business_profile") {
        Some(nested @ Value::Object(_)) => nested,
        _ => first,
    };
    let mut profile = profile.as_object()?.clone();
    profile.remove("messaging_product");
    let text = Value::Object(profile).to_string();
    // What the host would not take as it is is no profile.
    (document(&text) == text).then_some(text)
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::invalid(detail).remedy("Correct the profile, then set it again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_the_product_and_keeps_what_is_set() {
        let document = change(r#"{"about":"Open","websites":["https://a.example"]}"#);
        let document: Value = serde_json::from_str(&document.expect("a change")).expect("JSON");
        assert_eq!(
            document,
            json!({ "messaging_product": "whatsapp", "about": "Open", "websites": ["https://a.example"] })
        );
    }

    #[test]
    fn each_limit_is_named() {
        let long = |name: &str, count: usize| json!({ name: "x".repeat(count) }).to_string();
        for (members, part) in [
            ("[]".to_owned(), "JSON object"),
            ("{}".to_owned(), "nothing"),
            (long("about", 140), "at most 139"),
            (long("address", 257), "at most 256"),
            (long("description", 513), "at most 512"),
            (long("email", 129), "at most 128"),
            (r#"{"about":" "}"#.to_owned(), "emptied"),
            (r#"{"about":7}"#.to_owned(), "no text"),
            (r#"{"colour":"red"}"#.to_owned(), "no member `colour`"),
            (
                r#"{"profile_picture_url":"https://a"}"#.to_owned(),
                "profile_picture_handle",
            ),
            (r#"{"websites":"https://a"}"#.to_owned(), "no list"),
            (
                r#"{"websites":["https://a","https://b","https://c"]}"#.to_owned(),
                "at most 2",
            ),
            (r#"{"websites":["ftp://a"]}"#.to_owned(), "https://"),
        ] {
            let error = change(&members).expect_err(&members);
            assert!(error.detail.contains(part), "{}", error.detail);
        }
    }

    #[test]
    fn both_published_shapes_are_read() {
        let flat = json!({ "data": [{ "messaging_product": "whatsapp", "about": "Hi" }] });
        let nested = json!({ "data": [{ "business_profile": { "about": "Hi" } }] });
        for answer in [flat, nested] {
            assert_eq!(read(&answer).as_deref(), Some(r#"{"about":"Hi"}"#));
        }
        assert_eq!(read(&json!({ "data": [] })).as_deref(), Some("{}"));
        for answer in [
            json!({}),
            json!({ "data": [7] }),
            json!([]),
            json!({ "data": {} }),
        ] {
            assert_eq!(read(&answer), None);
        }
    }
}
