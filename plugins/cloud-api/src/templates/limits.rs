//! What Meta takes as a template, checked before anything is sent.
//! https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/

use serde_json::Value;
use wharf_plugin::prelude::Error;

use super::invalid;

const NAME_CHARS_MAX: usize = 512;
const LANGUAGE_CHARS_MAX: usize = 16;
const HEADER_CHARS_MAX: usize = 60;
/// Variables of a text header.
const HEADER_VARIABLES_MAX: usize = 1;
const BODY_CHARS_MAX: usize = 1_024;
const FOOTER_CHARS_MAX: usize = 60;
const BUTTONS_MAX: usize = 10;
const LABEL_CHARS_MAX: usize = 25;
const URL_CHARS_MAX: usize = 2_000;
const PHONE_CHARS_MAX: usize = 20;
/// Buttons of one type, where fewer than all may be of it.
const BUTTONS_OF_TYPE_MAX: [(&str, usize); 3] = [("URL", 2), ("PHONE_NUMBER", 1), ("COPY_CODE", 1)];
const CARDS_MIN: usize = 2;
const CARDS_MAX: usize = 10;
const CARD_BODY_CHARS_MAX: usize = 160;
const CATEGORIES: [&str; 3] = ["MARKETING", "UTILITY", "AUTHENTICATION"];
const HEADER_FORMATS: [&str; 6] = ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "GIF"];

pub(super) fn name(name: &str) -> Result<(), Error> {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(invalid(format!(
        "a template's name has 1 to {NAME_CHARS_MAX} lower-case letters, digits and underscores; this one, of {} characters, is none",
        name.chars().count()
    )))
}

pub(super) fn language(code: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if (2..=LANGUAGE_CHARS_MAX).contains(&code.len()) && code.bytes().all(fits) {
        return Ok(());
    }
    Err(invalid("the template's language is no code like en_US"))
}

pub(super) fn category(category: &str) -> Result<String, Error> {
    let upper = category.to_ascii_uppercase();
    if CATEGORIES.contains(&upper.as_str()) {
        return Ok(upper);
    }
    Err(invalid(format!(
        "the template's category is none of {}",
        CATEGORIES.join(", ")
    )))
}

pub(super) fn components(components: &[Value], category: &str) -> Result<(), Error> {
    check(components, BODY_CHARS_MAX, "the template")?;
    let has_body = components.iter().any(|component| kind(component) == "BODY");
    if has_body {
        return Ok(());
    }
    // Meta writes an authentication template's body, but the component has to be there.
    Err(invalid(format!(
        "a template of the category {category} needs a BODY component"
    )))
}

/// Components of a template or of one card.
fn check(components: &[Value], body_chars_max: usize, place: &str) -> Result<(), Error> {
    for (number, component) in components.iter().enumerate() {
        let own = kind(component);
        if !component.is_object() || own.is_empty() {
            return Err(invalid(format!(
                "component {number} of {place} has no type"
            )));
        }
        if components
            .iter()
            .take(number)
            .any(|other| kind(other) == own)
        {
            return Err(invalid(format!(
                "{place} has more than one {own} component"
            )));
        }
        match own.as_str() {
            "HEADER" => header(component, place)?,
            "BODY" => chars(
                &format!("the body of {place}"),
                &component["text"],
                body_chars_max,
            )?,
            "FOOTER" => chars(
                &format!("the footer of {place}"),
                &component["text"],
                FOOTER_CHARS_MAX,
            )?,
            "BUTTONS" => buttons(component, place)?,
            "CAROUSEL" => cards(component)?,
            // What Meta invents, it also checks.
            _ => {}
        }
    }
    Ok(())
}

fn header(header: &Value, place: &str) -> Result<(), Error> {
    let format = upper(&header["format"]);
    if !HEADER_FORMATS.contains(&format.as_str()) {
        return Err(invalid(format!(
            "the header of {place} has the format `{format}`, which is none of {}",
            HEADER_FORMATS.join(", ")
        )));
    }
    if format != "TEXT" {
        return Ok(());
    }
    chars(
        &format!("the header of {place}"),
        &header["text"],
        HEADER_CHARS_MAX,
    )?;
    let count = variables(header["text"].as_str().unwrap_or_default());
    if count > HEADER_VARIABLES_MAX {
        return Err(invalid(format!(
            "a header has at most {HEADER_VARIABLES_MAX} variable, the one of {place} has {count}"
        )));
    }
    Ok(())
}

fn buttons(component: &Value, place: &str) -> Result<(), Error> {
    let buttons = component["buttons"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if !(1..=BUTTONS_MAX).contains(&buttons.len()) {
        return Err(invalid(format!(
            "{place} has 1 to {BUTTONS_MAX} buttons, not {}",
            buttons.len()
        )));
    }
    for (own, max) in BUTTONS_OF_TYPE_MAX {
        let count = buttons.iter().filter(|button| kind(button) == own).count();
        if count > max {
            return Err(invalid(format!(
                "{place} has at most {max} {own} buttons, this one has {count}"
            )));
        }
    }
    for button in buttons {
        chars("a button's label", &button["text"], LABEL_CHARS_MAX)?;
        match kind(button).as_str() {
            "" => return Err(invalid(format!("a button of {place} has no type"))),
            "URL" => {
                chars("a button's URL", &button["url"], URL_CHARS_MAX)?;
                let url = button["url"].as_str().unwrap_or_default();
                let count = variables(url);
                if count > 1 || (count == 1 && !url.ends_with("}}")) {
                    return Err(invalid(
                        "a button's URL has at most one variable, and that at its end",
                    ));
                }
            }
            "PHONE_NUMBER" => chars(
                "a button's phone number",
                &button["phone_number"],
                PHONE_CHARS_MAX,
            )?,
            _ => {}
        }
    }
    Ok(())
}

fn cards(carousel: &Value) -> Result<(), Error> {
    let cards = carousel["cards"].as_array().map_or(&[][..], Vec::as_slice);
    if !(CARDS_MIN..=CARDS_MAX).contains(&cards.len()) {
        return Err(invalid(format!(
            "a carousel has {CARDS_MIN} to {CARDS_MAX} cards, not {}",
            cards.len()
        )));
    }
    for (number, card) in cards.iter().enumerate() {
        let parts = card["components"].as_array().map_or(&[][..], Vec::as_slice);
        // A card within a card is nobody's: it stops here, so that a document cannot lead us down for ever.
        if parts.iter().any(|part| kind(part) == "CAROUSEL") {
            return Err(invalid(format!("card {number} has a carousel of its own")));
        }
        check(parts, CARD_BODY_CHARS_MAX, &format!("card {number}"))?;
    }
    Ok(())
}

/// A text that is there has at most so many characters, and at least one.
fn chars(what: &str, text: &Value, max: usize) -> Result<(), Error> {
    let text = match text {
        Value::Null => return Ok(()),
        Value::String(text) => text,
        _ => return Err(invalid(format!("{what} is no text"))),
    };
    let count = text.chars().count();
    if (1..=max).contains(&count) {
        return Ok(());
    }
    Err(invalid(format!(
        "{what} has 1 to {max} characters, this one has {count}"
    )))
}

fn kind(part: &Value) -> String {
    upper(&part["type"])
}

fn upper(word: &Value) -> String {
    word.as_str().unwrap_or_default().to_ascii_uppercase()
}

/// Places such as `{{1}}` and `{{name}}`.
fn variables(text: &str) -> usize {
    text.split("{{")
        .skip(1)
        .filter(|rest| rest.contains("}}"))
        .count()
}
