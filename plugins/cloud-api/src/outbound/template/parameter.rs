//! What fills one place of a template.

use serde_json::{Map, Value, json};
use wharf_plugin::messages::{MediaSource, Parameter, Slot};
use wharf_plugin::prelude::Error;

use super::super::draft::Places;
use super::super::{envelope, limit, media};
use super::mismatch;

/// Meta raised it from 15 in December 2025, but for the coupon of a limited-time offer.
const COUPON_CHARS_MAX: usize = 20;
const OFFER_COUPON_CHARS_MAX: usize = 15;
/// Meta refuses more in a row, and line breaks and tabs, in the text of a place.
const SPACES: &str = "     ";

/// The component a parameter belongs to.
pub(super) struct Of<'a> {
    pub(super) slot: Slot,
    pub(super) sub_type: Option<&'a str>,
    /// The template has a limited-time offer.
    pub(super) is_offer: bool,
    pub(super) place: &'a str,
}

/// Where in the document a parameter stands, and its number among its neighbours.
pub(super) struct Inside {
    pub(super) pointer: String,
    pub(super) number: usize,
}

pub(super) fn object<'a>(
    of: &Of<'_>,
    given: &'a Parameter,
    inside: Inside,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    let number = inside.number;
    let member = |name: &str| format!("parameter {number} ({name}) of the template's {}", of.place);
    if !fits(of, given) {
        return Err(mismatch(format!(
            "the template's {} takes no parameter of the kind {}",
            of.place,
            kind(given)
        )));
    }
    Ok(match given {
        Parameter::Text(text) if of.sub_type == Some("copy_code") => {
            check_coupon(of, text)?;
            json!({ "type": "coupon_code", "coupon_code": text })
        }
        Parameter::Text(text) => {
            check_text(of, member("text"), text)?;
            json!({ "type": "text", "text": text })
        }
        Parameter::Named((name, text)) => {
            limit::text(member("parameter_name"), name, usize::MAX)?;
            check_text(of, member(name), text)?;
            json!({ "type": "text", "parameter_name": name, "text": text })
        }
        Parameter::Currency(currency) => {
            limit::text(member("fallback_value"), &currency.fallback, usize::MAX)?;
            let code = &currency.code;
            if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return Err(Error::invalid(format!(
                    "`{}` is three capital letters",
                    member("code")
                ))
                .remedy("Use the currency's ISO 4217 code, such as EUR."));
            }
            json!({ "type": "currency", "currency": {
                "fallback_value": currency.fallback,
                "code": code,
                "amount_1000": currency.amount_1000,
            } })
        }
        Parameter::DateTime(text) => {
            limit::text(member("fallback_value"), text, usize::MAX)?;
            json!({ "type": "date_time", "date_time": { "fallback_value": text } })
        }
        Parameter::Image(source) => medium(&media::IMAGE, source, inside, places)?,
        Parameter::Video(source) => medium(&media::VIDEO, source, inside, places)?,
        Parameter::Document(source) => medium(&media::DOCUMENT, source, inside, places)?,
        Parameter::Location(location) => {
            json!({ "type": "location", "location": envelope::location("location", location)? })
        }
        Parameter::Payload(payload) => {
            limit::text(member("payload"), payload, usize::MAX)?;
            json!({ "type": "payload", "payload": payload })
        }
        Parameter::Other(document) => Value::Object(other(of, member("other"), document)?),
    })
}

fn medium<'a>(
    kind: &media::Kind,
    source: &'a MediaSource,
    inside: Inside,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    let name = kind.name;
    let pointer = format!("{}/{name}", inside.pointer);
    let mut object = media::object(kind, source, pointer, places)?;
    if name == "document" {
        media::insert_filename(&mut object, source);
    }
    Ok(json!({ "type": name, name: object }))
}

/// The Cloud API's own parameter.
fn other(of: &Of<'_>, member: String, document: &str) -> Result<Map<String, Value>, Error> {
    let object = limit::object(&member, document)?;
    limit::string(&member, &object, "type")?;
    if let Some(code) = object.get("coupon_code").and_then(Value::as_str) {
        check_coupon(of, code)?;
    }
    let expiration = || {
        object
            .get("limited_time_offer")?
            .get("expiration_time_ms")?
            .as_u64()
    };
    if of.slot == Slot::LimitedTimeOffer && expiration().is_none() {
        return Err(limit::missing(format_args!(
            "{member}.limited_time_offer.expiration_time_ms"
        )));
    }
    Ok(object)
}

fn check_coupon(of: &Of<'_>, code: &str) -> Result<(), Error> {
    let chars_max = if of.is_offer {
        OFFER_COUPON_CHARS_MAX
    } else {
        COUPON_CHARS_MAX
    };
    limit::text(
        format_args!("coupon_code of the template's {}", of.place),
        code,
        chars_max,
    )
}

/// Which kinds a part of a template takes; what is passed through is Meta's to judge.
fn fits(of: &Of<'_>, given: &Parameter) -> bool {
    use Parameter as P;
    match (of.slot, given) {
        (_, P::Other(_)) => true,
        (
            Slot::Header,
            P::Text(_) | P::Named(_) | P::Image(_) | P::Video(_) | P::Document(_) | P::Location(_),
        ) => true,
        (Slot::Body, P::Text(_) | P::Named(_) | P::Currency(_) | P::DateTime(_)) => true,
        (Slot::Button, P::Payload(_)) => matches!(of.sub_type, Some("quick_reply" | "voice_call")),
        (Slot::Button, P::Text(_)) => matches!(of.sub_type, Some("url" | "copy_code")),
        (Slot::Button, P::Named(_)) => matches!(of.sub_type, Some("url")),
        _ => false,
    }
}

fn kind(given: &Parameter) -> &'static str {
    match given {
        Parameter::Text(_) => "text",
        Parameter::Named(_) => "named text",
        Parameter::Currency(_) => "currency",
        Parameter::DateTime(_) => "date and time",
        Parameter::Image(_) => "image",
        Parameter::Video(_) => "video",
        Parameter::Document(_) => "document",
        Parameter::Location(_) => "location",
        Parameter::Payload(_) => "payload",
        Parameter::Other(_) => "other",
    }
}

fn check_text(of: &Of<'_>, member: String, text: &str) -> Result<(), Error> {
    limit::text(&member, text, usize::MAX)?;
    let is_prose = matches!(of.slot, Slot::Header | Slot::Body);
    if is_prose && (text.contains(['\n', '\r', '\t']) || text.contains(SPACES)) {
        return Err(mismatch(format!(
            "`{member}` has a line break, a tab or more than 4 spaces in a row"
        ))
        .remedy("Write the parameter on one line; put line breaks into the template."));
    }
    Ok(())
}
