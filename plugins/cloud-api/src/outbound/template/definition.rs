//! A message against its template, as the provider lists it. Meta would refuse what does not fit (132000,
//! 132012), but only after the message was accepted here. A definition that cannot be read checks nothing: it
//! is the provider's, and the message may still be right.

use serde_json::Value;
use wharf_plugin::messages::{Component, Parameter, Slot, Template};
use wharf_plugin::prelude::{Address, Error};

use super::places::Places;
use super::{mismatch, place_of};

/// A one-time code, which Meta's own link and the body carry.
const CODE_CHARS_MAX: usize = 15;
/// The link of a button that copies or fills in a one-time code, in templates as Meta lists them.
const CODE_URL: &str = "https://www.whatsapp.com/otp/";

pub(super) fn check(template: &Template, definition: &str, to: &Address) -> Result<(), Error> {
    let Ok(definition) = serde_json::from_str::<Value>(definition) else {
        return Ok(());
    };
    let Some(parts) = parts(&definition) else {
        return Ok(());
    };
    check_parts(parts, &template.components)?;
    check_offer(parts, &template.components)?;
    check_code(parts, &template.components, to)?;
    check_cards(parts, &template.cards)
}

/// The components: the list itself, or the member of a whole template.
fn parts(definition: &Value) -> Option<&[Value]> {
    definition
        .as_array()
        .or_else(|| definition.get("components")?.as_array())
        .map(Vec::as_slice)
}

/// The component of a type; Meta writes types in either case.
fn part<'v>(parts: &'v [Value], name: &str) -> Option<&'v Value> {
    parts.iter().find(|part| is_type(part, name))
}

fn is_type(part: &Value, name: &str) -> bool {
    word(part, "type").eq_ignore_ascii_case(name)
}

fn word<'v>(part: &'v Value, name: &str) -> &'v str {
    part.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Header, body and buttons: of a template, or of one card.
fn check_parts(parts: &[Value], given: &[Component]) -> Result<(), Error> {
    let parameters = |slot| {
        given
            .iter()
            .find(|component| component.slot == slot)
            .map_or(&[][..], |component| component.parameters.as_slice())
    };
    check_header(part(parts, "HEADER"), parameters(Slot::Header))?;
    let body = part(parts, "BODY").map_or("", |body| word(body, "text"));
    // A template for one-time codes may be listed without its text, which is Meta's.
    if !body.is_empty() {
        Places::of(body).check("body", parameters(Slot::Body))?;
    }
    let buttons = part(parts, "BUTTONS").and_then(|part| part.get("buttons")?.as_array());
    check_buttons(buttons.map_or(&[], Vec::as_slice), given)
}

fn check_header(header: Option<&Value>, parameters: &[Parameter]) -> Result<(), Error> {
    let Some(header) = header else {
        return Places::of("").check("header", parameters);
    };
    let format = word(header, "format").to_ascii_uppercase();
    if format == "TEXT" {
        return Places::of(word(header, "text")).check("header", parameters);
    }
    let fits = |parameter: &Parameter| match (format.as_str(), parameter) {
        (_, Parameter::Other(_))
        | ("IMAGE", Parameter::Image(_))
        | ("VIDEO" | "GIF", Parameter::Video(_))
        | ("DOCUMENT", Parameter::Document(_))
        | ("LOCATION", Parameter::Location(_)) => true,
        ("IMAGE" | "VIDEO" | "GIF" | "DOCUMENT" | "LOCATION" | "PRODUCT", _) => false,
        // A format that Meta added since.
        _ => true,
    };
    match parameters {
        [parameter] if fits(parameter) => Ok(()),
        [] => Err(mismatch(format!(
            "the template's header needs a parameter of the format {format}, this message gives none"
        ))),
        _ => Err(mismatch(format!(
            "the template's header takes one parameter of the format {format}, and nothing else"
        ))),
    }
}

fn check_buttons(buttons: &[Value], given: &[Component]) -> Result<(), Error> {
    for component in given
        .iter()
        .filter(|component| component.slot == Slot::Button)
    {
        let index = component.index.unwrap_or_default();
        let place = place_of(component);
        let Some(button) = buttons.get(usize::from(index)) else {
            return Err(mismatch(format!(
                "the template has {} buttons, so none with index {index}",
                buttons.len()
            )));
        };
        let kind = word(button, "type").to_ascii_uppercase();
        let sub_type = component.sub_type.as_deref().unwrap_or_default();
        if !takes(&kind, sub_type) {
            return Err(mismatch(format!(
                "the template's {place} is a {kind} button, not `{sub_type}`"
            )));
        }
        if kind == "URL" {
            Places::of(word(button, "url")).check(&place, &component.parameters)?;
        }
    }
    for (index, button) in buttons.iter().enumerate() {
        let is_given = given.iter().any(|component| {
            component.slot == Slot::Button
                && component.index.map(usize::from) == Some(index)
                && !component.parameters.is_empty()
        });
        if !is_given && needs_parameter(button) {
            return Err(mismatch(format!(
                "the template's button {index} needs a parameter, this message gives none"
            )));
        }
    }
    Ok(())
}

/// Whether a kind of button is filled under this name.
fn takes(kind: &str, sub_type: &str) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(sub_type);
    match kind {
        // One-time codes are filled as the link they become.
        "OTP" => is("url"),
        // One product is a list of one, by the only name that Meta documents for a send.
        "SPM" => is("spm") || is("mpm"),
        kind => is(kind),
    }
}

fn needs_parameter(button: &Value) -> bool {
    match word(button, "type").to_ascii_uppercase().as_str() {
        "URL" => !Places::of(word(button, "url")).is_empty(),
        "OTP" | "COPY_CODE" | "MPM" | "ORDER_DETAILS" => true,
        _ => false,
    }
}

fn check_offer(parts: &[Value], given: &[Component]) -> Result<(), Error> {
    let is_given = given
        .iter()
        .any(|component| component.slot == Slot::LimitedTimeOffer);
    let offer = part(parts, "LIMITED_TIME_OFFER");
    let expires = offer
        .and_then(|offer| {
            offer
                .pointer("/limited_time_offer/has_expiration")?
                .as_bool()
        })
        .unwrap_or(false);
    match (offer, is_given) {
        (None, true) => Err(mismatch("the template has no limited-time offer")),
        (Some(_), false) if expires => Err(mismatch(
            "the template's limited-time offer needs its expiration, this message gives none",
        )),
        _ => Ok(()),
    }
}

/// The code stands in the body and in the button, the same in both.
fn check_code(parts: &[Value], given: &[Component], to: &Address) -> Result<(), Error> {
    let buttons = part(parts, "BUTTONS").and_then(|part| part.get("buttons")?.as_array());
    let is_code =
        |button: &Value| is_type(button, "OTP") || word(button, "url").starts_with(CODE_URL);
    if !buttons.is_some_and(|buttons| buttons.iter().any(is_code)) {
        return Ok(());
    }
    if matches!(to, Address::UserId(_)) {
        return Err(Error::invalid("a one-time code cannot go to a user ID")
            .provider_code("131062")
            .remedy("Send this template to a phone number."));
    }
    let first = |slot| {
        let component = given.iter().find(|component| component.slot == slot)?;
        match component.parameters.first()? {
            Parameter::Text(code) | Parameter::Named((_, code)) => Some(code.as_str()),
            _ => None,
        }
    };
    let (Some(body), Some(button)) = (first(Slot::Body), first(Slot::Button)) else {
        return Ok(());
    };
    if body != button {
        return Err(mismatch(
            "the one-time code differs between the template's body and its button",
        )
        .remedy("Give the same code as parameter of the body and of button 0."));
    }
    super::limit::at_most("the one-time code", body, CODE_CHARS_MAX)
}

fn check_cards(parts: &[Value], given: &[Vec<Component>]) -> Result<(), Error> {
    let cards = part(parts, "CAROUSEL").and_then(|part| part.get("cards")?.as_array());
    let Some(cards) = cards else {
        return match given {
            [] => Ok(()),
            _ => Err(mismatch("the template has no carousel")),
        };
    };
    let of_card = |card: &'_ Value| card.get("components").and_then(Value::as_array).cloned();
    let defined: Vec<Vec<Value>> = cards.iter().filter_map(of_card).collect();
    let is_product = defined
        .first()
        .and_then(|parts| part(parts, "HEADER"))
        .is_some_and(|header| word(header, "format").eq_ignore_ascii_case("PRODUCT"));
    // Cards of products are defined once and sent as often as there are products.
    if !is_product && given.len() != cards.len() {
        return Err(mismatch(format!(
            "the template's carousel has {} cards, this message gives {}",
            cards.len(),
            given.len()
        )));
    }
    for (index, components) in given.iter().enumerate() {
        let Some(parts) = defined.get(index).or(defined.last()) else {
            continue;
        };
        check_parts(parts, components).map_err(|mut error| {
            error.detail = format!("card {index}: {}", error.detail);
            error
        })?;
    }
    Ok(())
}
