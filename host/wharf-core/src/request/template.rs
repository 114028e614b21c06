//! Template messages: the Cloud API's components and parameters, and a carousel's cards.

use serde_json::Value;

use super::cards::in_place;
use super::content;
use super::limits::{self, Count};
use super::media::{self, MediaRole};
use super::reader::{FieldError, Object, Reader};
use crate::provider::{Component, Currency, MediaSource, Parameter, Slot, Template};

pub(super) fn template(read: &mut Reader, object: &Object<'_>) -> Option<Template> {
    read.only(object, &["name", "language", "components", "id"]);
    let name = read.needed_text(object, "name", &limits::TEMPLATE_NAME);
    let id = match object.has("id") {
        true => read.id(object, "id", &limits::MESSAGE_ID),
        false => None,
    };
    let language = language(read, object);
    let (components, cards) = match object.has("components") {
        true => all_components(read, object)?,
        false => (Vec::new(), Vec::new()),
    };
    Some(Template {
        name: name?,
        language: language?,
        components,
        cards,
        id,
        definition: None,
    })
}

/// `{"code": "en_US"}`. `policy` has one value, which is also what is meant without it.
fn language(read: &mut Reader, object: &Object<'_>) -> Option<String> {
    let give = "give `language` as {\"code\": \"en_US\"}";
    let language = read.needed_object(object, "language", give)?;
    read.only(&language, &["code", "policy"]);
    if language.has("policy") {
        read.word(&language, "policy", &["deterministic"]);
    }
    let code = read.needed_text(&language, "code", &limits::LANGUAGE)?;
    let is_code = code
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !is_code {
        let detail = "a language is written as en or en_US";
        read.error(&language.pointer("code"), "invalid", detail);
        return None;
    }
    Some(code)
}

type Parts = (Vec<Component>, Vec<Vec<Component>>);

fn all_components(read: &mut Reader, object: &Object<'_>) -> Option<Parts> {
    let given = read.needed_objects(object, "components", &limits::COMPONENTS)?;
    let mut parts = Parts::default();
    let mut carousels = 0;
    for at in &given {
        match kind(read, at) {
            Some("carousel") => {
                carousels += 1;
                parts.1 = cards(read, at).unwrap_or_default();
            }
            Some(kind) => parts.0.extend(component(read, at, kind)),
            None => {}
        }
    }
    if carousels > 1 {
        let detail = "a template has one carousel";
        read.error(&object.pointer("components"), "too-many", detail);
    }
    one_of_each(read, &given);
    Some(parts)
}

/// The platform's own examples write these in both cases.
fn kind(read: &mut Reader, component: &Object<'_>) -> Option<&'static str> {
    const KINDS: [&str; 5] = ["header", "body", "button", "limited_time_offer", "carousel"];
    if !component.has("type") {
        let give = format!("give `type`, one of {}", KINDS.join(", "));
        return read.missing(component, "type", &give);
    }
    let named = read.string(component, "type")?;
    let found = KINDS
        .into_iter()
        .find(|kind| kind.eq_ignore_ascii_case(&named));
    if found.is_none() {
        let detail = format!("give one of {}", KINDS.join(", "));
        read.error(&component.pointer("type"), "invalid", detail);
    }
    found
}

/// Two headers, two bodies or two fillings of one button would leave open which holds.
fn one_of_each(read: &mut Reader, components: &[Object<'_>]) {
    let mut named = Vec::new();
    for component in components {
        let word = |name: &str| {
            component.get(name).map(|value| match value {
                Value::String(text) => text.to_ascii_lowercase(),
                other => other.to_string(),
            })
        };
        if let Some(kind) = word("type") {
            let index = word("index").unwrap_or_default();
            named.push((format!("{kind} {index}"), component.at.clone()));
        }
    }
    let named = named.iter().map(|(text, at)| (text.trim_end(), at.clone()));
    read.unique("this part of the template", named);
}

fn cards(read: &mut Reader, carousel: &Object<'_>) -> Option<Vec<Vec<Component>>> {
    read.only(carousel, &["type", "cards"]);
    let given = read.needed_objects(carousel, "cards", &limits::CARDS)?;
    let mut cards = Vec::new();
    for (number, card) in given.iter().enumerate() {
        read.only(card, &["card_index", "components"]);
        in_place(read, card, number);
        let parts = read
            .needed_objects(card, "components", &limits::COMPONENTS)
            .unwrap_or_default();
        let mut components = Vec::new();
        for at in &parts {
            match kind(read, at) {
                Some("carousel") => {
                    let detail = "a card has no carousel of its own";
                    read.error(&at.pointer("type"), "invalid", detail);
                }
                Some(kind) => components.extend(component(read, at, kind)),
                None => {}
            }
        }
        one_of_each(read, &parts);
        cards.push(components);
    }
    Some(cards)
}

fn component(read: &mut Reader, at: &Object<'_>, kind: &str) -> Option<Component> {
    let (slot, known): (_, &[&str]) = match kind {
        "header" => (Slot::Header, &["type", "parameters"]),
        "body" => (Slot::Body, &["type", "parameters"]),
        "limited_time_offer" => (Slot::LimitedTimeOffer, &["type", "parameters"]),
        _ => (Slot::Button, &["type", "sub_type", "index", "parameters"]),
    };
    read.only(at, known);
    let (sub_type, index) = match slot {
        Slot::Button => button(read, at),
        _ => (None, None),
    };
    let limit = match slot {
        Slot::Header => &limits::HEADER_PARAMETER,
        _ => &limits::PARAMETER,
    };
    let parameters = match at.has("parameters") {
        true => read
            .needed_objects(at, "parameters", &PARAMETERS)?
            .iter()
            .filter_map(|given| parameter(read, given, limit))
            .collect(),
        false => Vec::new(),
    };
    Some(Component {
        slot,
        sub_type,
        index,
        parameters,
    })
}

const PARAMETERS: Count = limits::PARAMETERS;

fn button(read: &mut Reader, at: &Object<'_>) -> (Option<String>, Option<u8>) {
    let sub_type = read.needed_text(at, "sub_type", &limits::SUB_TYPE);
    let give = format!(
        "give `index`, which button this fills, from 0 to {}",
        limits::BUTTON_INDEX_MAX
    );
    // The platform takes a number and a text alike.
    let index = match at.get("index") {
        None => return (sub_type, read.missing(at, "index", &give)),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
    };
    let index = index
        .filter(|index| *index <= limits::BUTTON_INDEX_MAX)
        .and_then(|index| u8::try_from(index).ok());
    if index.is_none() {
        read.error(&at.pointer("index"), "invalid", give);
    }
    (sub_type.map(|text| text.to_ascii_lowercase()), index)
}

fn parameter(read: &mut Reader, at: &Object<'_>, limit: &limits::Chars) -> Option<Parameter> {
    if !at.has("type") {
        return read.missing(at, "type", "give `type`, such as text, image or payload");
    }
    let kind = read.string(at, "type")?.to_ascii_lowercase();
    let known: &[&str] = match kind.as_str() {
        "text" => &["type", "text", "parameter_name"],
        "currency" | "date_time" | "image" | "video" | "document" | "location" | "payload" => {
            &["type", kind.as_str()]
        }
        _ => return other(read, at, &kind),
    };
    read.only(at, known);
    Some(match kind.as_str() {
        "text" => {
            let text = read.needed_text(at, "text", limit);
            match at.has("parameter_name") {
                true => {
                    let name = read.needed_text(at, "parameter_name", &limits::PARAMETER_NAME);
                    Parameter::Named(name?, text?)
                }
                false => Parameter::Text(text?),
            }
        }
        "currency" => Parameter::Currency(currency(read, at)?),
        "date_time" => {
            let give = "give `date_time` as {\"fallback_value\": \"...\"}";
            let inner = read.needed_object(at, "date_time", give)?;
            read.only(&inner, &["fallback_value"]);
            Parameter::DateTime(read.needed_text(&inner, "fallback_value", limit)?)
        }
        "image" => Parameter::Image(media::bare(read, at, "image", MediaRole::Image)?),
        "video" => Parameter::Video(media::bare(read, at, "video", MediaRole::Video)?),
        "document" => return document(read, at),
        "location" => {
            let give = "give `location` with latitude and longitude";
            let inner = read.needed_object(at, "location", give)?;
            Parameter::Location(content::location(read, &inner)?)
        }
        _ => Parameter::Payload(read.needed_text(at, "payload", &limits::PAYLOAD)?),
    })
}

fn currency(read: &mut Reader, at: &Object<'_>) -> Option<Currency> {
    let give = "give `currency` as {\"fallback_value\": \"$1.50\", \"code\": \"USD\", \"amount_1000\": 1500}";
    let inner = read.needed_object(at, "currency", give)?;
    read.only(&inner, &["fallback_value", "code", "amount_1000"]);
    let fallback = read.needed_text(&inner, "fallback_value", &limits::PARAMETER);
    let code = read.needed_text(&inner, "code", &limits::CURRENCY_CODE);
    let code = code.filter(|code| {
        let is_code =
            code.len() == limits::CURRENCY_CODE.max && code.bytes().all(|b| b.is_ascii_uppercase());
        if !is_code {
            read.error(
                &inner.pointer("code"),
                "invalid",
                "a currency is written as USD (ISO 4217)",
            );
        }
        is_code
    });
    let amount_1000 = match inner.get("amount_1000") {
        None => read.missing(&inner, "amount_1000", "give thousandths of the unit"),
        Some(value) => {
            let whole = value.as_i64().ok_or_else(|| {
                let detail = "give a whole number, thousandths of the unit";
                FieldError::new(&inner.pointer("amount_1000"), "invalid", detail)
            });
            read.keep(whole)
        }
    };
    Some(Currency {
        fallback: fallback?,
        code: code?,
        amount_1000: amount_1000?,
    })
}

/// A document may carry the name that the recipient sees. Of a stored one it replaces the name it was stored
/// with; another goes to the provider as it is written.
fn document(read: &mut Reader, at: &Object<'_>) -> Option<Parameter> {
    let give = "give `document` as {\"id\": ...} or {\"link\": \"https://...\"}";
    let inner = read.needed_object(at, "document", give)?;
    read.only(&inner, &["id", "link", "filename"]);
    let filename = read.text(&inner, "filename", &limits::FILENAME);
    let source = media::source(read, &inner, MediaRole::Document)?;
    Some(match (source, filename) {
        (MediaSource::Stored(mut object), Some(name)) => {
            object.filename = Some(name);
            Parameter::Document(MediaSource::Stored(object))
        }
        (_, Some(_)) => {
            let whole = Value::Object(at.map.clone());
            Parameter::Other(read.document(&whole, &at.at)?)
        }
        (source, None) => Parameter::Document(source),
    })
}

/// `coupon_code`, `action`, `limited_time_offer`, `product` and what comes after them.
fn other(read: &mut Reader, at: &Object<'_>, kind: &str) -> Option<Parameter> {
    read.only(at, &["type", kind]);
    if !at.has(kind) {
        return read.missing(at, kind, "give the member that `type` names");
    }
    if kind == "coupon_code" {
        read.needed_text(at, kind, &limits::COUPON_CODE)?;
    }
    let whole = Value::Object(at.map.clone());
    read.document(&whole, &at.at).map(Parameter::Other)
}
