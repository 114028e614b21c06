//! A send held against the stored template that it names.

use serde_json::Value;

use super::error::GraphError;
use super::shape;
use super::template_send::kind_of;
use super::templates::{Placeholders, Template};

const HYDRATED_BODY_CHARS_MAX: usize = 1024;
const HYDRATED_HEADER_CHARS_MAX: usize = 60;
/// A one-time password, in the body and in its button.
const OTP_CHARS_MAX: usize = 15;

/// Holds a send against the template that it names.
pub(super) fn match_template(sent: &Value, template: &Template) -> Result<(), GraphError> {
    match_components(shape::list(sent, "/components"), &template.components)?;
    if template.category == "AUTHENTICATION" {
        return match_password(shape::list(sent, "/components"));
    }
    Ok(())
}

fn match_components(sent: &[Value], defined: &[Value]) -> Result<(), GraphError> {
    for kind in ["header", "body"] {
        let definition = find(defined, kind);
        let parameters = find(sent, kind).map_or(&[][..], |part| shape::list(part, "/parameters"));
        match_texts(kind, definition, parameters)?;
    }
    match_offer(sent, defined)?;
    match_buttons(sent, defined)?;
    let cards = find(defined, "carousel").map_or(&[][..], |part| shape::list(part, "/cards"));
    let sent_cards = find(sent, "carousel").map_or(&[][..], |part| shape::list(part, "/cards"));
    if cards.len() != sent_cards.len() {
        return Err(count_mismatch("carousel", sent_cards.len(), cards.len()));
    }
    for (sent, defined) in sent_cards.iter().zip(cards) {
        match_components(
            shape::list(sent, "/components"),
            shape::list(defined, "/components"),
        )?;
    }
    Ok(())
}

fn find<'a>(components: &'a [Value], kind: &str) -> Option<&'a Value> {
    components.iter().find(|part| kind_of(part) == kind)
}

fn count_mismatch(part: &str, sent: usize, wanted: usize) -> GraphError {
    let details = format!(
        "{part}: number of localizable_params ({sent}) does not match the expected number of params ({wanted})"
    );
    GraphError::with_details(132_000, details)
}

/// A header or a body: texts for its placeholders, or the one medium of its format.
fn match_texts(kind: &str, definition: Option<&Value>, sent: &[Value]) -> Result<(), GraphError> {
    let format = definition
        .and_then(|definition| shape::text(definition, "/format"))
        .unwrap_or("TEXT")
        .to_ascii_lowercase();
    if format != "text" {
        if sent.len() != 1 {
            return Err(count_mismatch(kind, sent.len(), 1));
        }
        let given = kind_of(&sent[0]);
        let wanted = if format == "gif" { "video" } else { &format };
        if given == wanted || (format == "image" && given == "product") {
            return Ok(());
        }
        let details = format!(
            "{kind}: Format mismatch, expected {}, received {given}",
            wanted.to_uppercase()
        );
        return Err(GraphError::with_details(132_012, details));
    }
    let text = definition
        .and_then(|definition| shape::text(definition, "/text"))
        .unwrap_or_default();
    let placeholders = Placeholders::of(text);
    if sent.len() != placeholders.count() {
        return Err(count_mismatch(kind, sent.len(), placeholders.count()));
    }
    for parameter in sent {
        if kind == "header" && kind_of(parameter) != "text" {
            let details = format!(
                "{kind}: Format mismatch, expected TEXT, received {}",
                kind_of(parameter)
            );
            return Err(GraphError::with_details(132_012, details));
        }
        let name = shape::text(parameter, "/parameter_name");
        if !placeholders.takes(name) {
            return Err(GraphError::with_details(
                132_000,
                format!(
                    "{kind}: Parameter name {} is missing or unexpected",
                    name.unwrap_or("(none)")
                ),
            ));
        }
    }
    let filled: usize = sent.iter().map(parameter_chars).sum();
    let max = if kind == "body" {
        HYDRATED_BODY_CHARS_MAX
    } else {
        HYDRATED_HEADER_CHARS_MAX
    };
    if placeholders.chars_without() + filled > max {
        let details = format!("{kind}: Translated text is too long, at most {max} characters");
        return Err(GraphError::with_details(132_005, details));
    }
    Ok(())
}

fn parameter_chars(parameter: &Value) -> usize {
    [
        "/text",
        "/currency/fallback_value",
        "/date_time/fallback_value",
    ]
    .iter()
    .find_map(|pointer| shape::text(parameter, pointer))
    .map_or(0, |text| text.chars().count())
}

fn match_offer(sent: &[Value], defined: &[Value]) -> Result<(), GraphError> {
    let expires = find(defined, "limited_time_offer")
        .is_some_and(|offer| offer["limited_time_offer"]["has_expiration"] == true);
    let count =
        find(sent, "limited_time_offer").map_or(0, |part| shape::list(part, "/parameters").len());
    if count == usize::from(expires) {
        return Ok(());
    }
    Err(count_mismatch(
        "limited_time_offer",
        count,
        usize::from(expires),
    ))
}

/// Each sent button must exist at its index with its type; some must be sent.
fn match_buttons(sent: &[Value], defined: &[Value]) -> Result<(), GraphError> {
    let buttons = find(defined, "buttons").map_or(&[][..], |part| shape::list(part, "/buttons"));
    let mut filled = vec![0; buttons.len()];
    for part in sent.iter().filter(|part| kind_of(part) == "button") {
        let raw = &part["index"];
        let index = raw
            .as_u64()
            .or_else(|| raw.as_str()?.parse().ok())
            .and_then(|index| usize::try_from(index).ok())
            .unwrap_or(usize::MAX);
        let sub_type = shape::text(part, "/sub_type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let Some(button) = buttons
            .get(index)
            .filter(|button| sub_type_of(button) == sub_type)
        else {
            let details = format!("buttons: there is no {sub_type} button at index {index}");
            return Err(GraphError::with_details(132_000, details));
        };
        let count = shape::list(part, "/parameters").len();
        let takes = parameters_wanted(button).1;
        if filled[index] > 0 || count > takes {
            return Err(count_mismatch(
                &format!("button at index {index}"),
                count,
                takes,
            ));
        }
        filled[index] = count;
    }
    for (at, button) in buttons.iter().enumerate() {
        let least = parameters_wanted(button).0;
        if filled[at] < least {
            return Err(count_mismatch(
                &format!("button at index {at}"),
                filled[at],
                least,
            ));
        }
    }
    Ok(())
}

/// The sub-type of a send for a button of a definition.
fn sub_type_of(button: &Value) -> String {
    match kind_of(button).as_str() {
        // A one-time password goes into a button with a link.
        "otp" => "url".to_owned(),
        "spm" => "mpm".to_owned(),
        other => other.to_owned(),
    }
}

/// How many parameters a button needs, and how many it takes.
fn parameters_wanted(button: &Value) -> (usize, usize) {
    match kind_of(button).as_str() {
        "url" => {
            let count = Placeholders::of(shape::text(button, "/url").unwrap_or_default()).count();
            (count, count)
        }
        "copy_code" | "otp" | "mpm" | "order_details" => (1, 1),
        "quick_reply" | "flow" | "catalog" | "spm" | "voice_call" => (0, 1),
        _ => (0, 0),
    }
}

/// The password stands in the body and in the button, the same in both.
fn match_password(sent: &[Value]) -> Result<(), GraphError> {
    let code_of = |kind: &str| {
        find(sent, kind)
            .and_then(|part| shape::text(part, "/parameters/0/text"))
            .unwrap_or_default()
    };
    let (body, button) = (code_of("body"), code_of("button"));
    if button.is_empty() || body == button && body.chars().count() <= OTP_CHARS_MAX {
        return Ok(());
    }
    Err(GraphError::with_details(
        132_012,
        format!(
            "the password must be the same in body and button, and at most {OTP_CHARS_MAX} characters"
        ),
    ))
}
