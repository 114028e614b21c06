//! A template's parameters as the variables of its content. The Cloud API numbers the parameters of each part
//! on its own, Twilio the variables of the whole content: the part says which variable a parameter fills.

use serde_json::Value as Json;
use wharf_plugin::messages::{Component, MediaSource, Parameter, Slot, Template};
use wharf_plugin::prelude::*;
use wharf_plugin::types::Value;

use crate::account::is_sid;
use crate::plain::link;
use crate::variables::{self, Variables, placeholders};

/// The content that a template is, where the gateway's list says so.
pub(crate) fn sid(template: &Template) -> Option<&str> {
    template.id.as_deref().filter(|id| is_sid(id, "HX"))
}

/// The components that the gateway's list keeps of a template.
pub(crate) fn components(template: &Template) -> Option<Json> {
    let definition: Json = serde_json::from_str(template.definition.as_deref()?).ok()?;
    match definition {
        Json::Array(_) => Some(definition),
        Json::Object(mut members) => members.remove("components").filter(Json::is_array),
        _ => None,
    }
}

/// What no definition is needed to refuse.
pub(crate) fn check(template: &Template) -> Result<(), Error> {
    let parts = template
        .components
        .iter()
        .chain(template.cards.iter().flatten());
    for part in parts {
        if part.slot == Slot::LimitedTimeOffer {
            return Err(Error::unsupported("template with a limited-time offer"));
        }
        for parameter in &part.parameters {
            value(parameter, &Place::text("part"))?;
        }
    }
    Ok(())
}

/// The variables that fill these components.
pub(crate) fn variables(template: &Template, components: &Json) -> Result<Variables, Error> {
    let mut variables = Variables::default();
    fill_all(&template.components, components, &mut variables)?;
    let cards = part(components, "CAROUSEL")
        .and_then(|carousel| carousel["cards"].as_array())
        .map_or(&[][..], Vec::as_slice);
    if cards.len() != template.cards.len() {
        return Err(mismatch(format!(
            "the template has {} cards, the message gives {}",
            cards.len(),
            template.cards.len()
        )));
    }
    for (parts, card) in template.cards.iter().zip(cards) {
        fill_all(parts, &card["components"], &mut variables)?;
    }
    let whole = components.to_string();
    let open: Vec<&str> = placeholders(&whole)
        .into_iter()
        .filter(|name| !variables.holds(name))
        .collect();
    if !open.is_empty() {
        // Twilio would fill them with the samples that the template was made with.
        return Err(mismatch(format!(
            "the message gives no value for the template's {}",
            open.join(", ")
        )));
    }
    Ok(variables)
}

fn fill_all(
    parts: &[Component],
    components: &Json,
    variables: &mut Variables,
) -> Result<(), Error> {
    for given in parts {
        let place = match given.slot {
            Slot::Header => header(components),
            Slot::Body => part(components, "BODY")
                .and_then(|body| body["text"].as_str())
                .map(|text| Place {
                    what: "body",
                    patterns: vec![text],
                }),
            Slot::Button => button(components, given.index.unwrap_or_default()),
            Slot::LimitedTimeOffer => None,
        };
        let Some(place) = place else {
            return Err(mismatch(format!(
                "the template has no {}, the message fills it",
                name_of(given.slot)
            )));
        };
        fill(&given.parameters, &place, components, variables)?;
    }
    Ok(())
}

/// Where parameters go: texts with placeholders, the main one first.
struct Place<'a> {
    what: &'static str,
    patterns: Vec<&'a str>,
}

impl<'a> Place<'a> {
    fn text(what: &'static str) -> Self {
        Self {
            what,
            patterns: Vec::new(),
        }
    }

    fn names(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        for name in self
            .patterns
            .iter()
            .flat_map(|pattern| placeholders(pattern))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

fn header(components: &Json) -> Option<Place<'_>> {
    let header = part(components, "HEADER")?;
    let pattern = header["text"]
        .as_str()
        .or(header["example"]["header_handle"][0].as_str())?;
    Some(Place {
        what: "header",
        patterns: vec![pattern],
    })
}

fn button(components: &Json, index: u8) -> Option<Place<'_>> {
    let button = part(components, "BUTTONS")?["buttons"].get(usize::from(index))?;
    let patterns = [
        button["url"].as_str(),
        button["example"][0].as_str(),
        button["phone_number"].as_str(),
        button["id"].as_str(),
        button["text"].as_str(),
    ];
    Some(Place {
        what: "button",
        patterns: patterns.into_iter().flatten().collect(),
    })
}

fn part<'a>(components: &'a Json, kind: &str) -> Option<&'a Json> {
    let is = |component: &&Json| {
        component["type"]
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case(kind))
    };
    components.as_array()?.iter().find(is)
}

fn fill(
    parameters: &[Parameter],
    place: &Place<'_>,
    components: &Json,
    variables: &mut Variables,
) -> Result<(), Error> {
    let names = place.names();
    let mut next = names.iter();
    for parameter in parameters {
        if let Parameter::Named((name, _)) = parameter {
            let whole = components.to_string();
            if !placeholders(&whole).contains(&name.as_str()) {
                return Err(mismatch(format!("the template has no variable `{name}`")));
            }
            put(variables, name, value(parameter, place)?)?;
            continue;
        }
        let value = value(parameter, place)?;
        let Some(name) = next.next() else {
            if is_fixed(&value, place) {
                continue;
            }
            return Err(mismatch(format!(
                "the template's {} has {} variables, the message gives {}",
                place.what,
                names.len(),
                parameters.len()
            )));
        };
        put(variables, name, value)?;
    }
    let given = parameters.len();
    if next.next().is_some()
        && !parameters
            .iter()
            .any(|one| matches!(one, Parameter::Named(_)))
    {
        return Err(mismatch(format!(
            "the template's {} has {} variables, the message gives {given}",
            place.what,
            names.len()
        )));
    }
    Ok(())
}

/// A parameter that says what the template says anyway, as a button's own payload does.
fn is_fixed(value: &Value, place: &Place<'_>) -> bool {
    match value.as_slice() {
        [Piece::Text(text)] => place.patterns.contains(&text.as_str()),
        _ => false,
    }
}

fn put(variables: &mut Variables, name: &str, value: Value) -> Result<(), Error> {
    if variables.fill(name, value) {
        return Ok(());
    }
    Err(mismatch(format!(
        "the template's variable `{name}` stands in two places, and the message fills them differently"
    )))
}

/// What fills a place.
fn value(parameter: &Parameter, place: &Place<'_>) -> Result<Value, Error> {
    let text = match parameter {
        Parameter::Text(text) | Parameter::DateTime(text) | Parameter::Payload(text) => {
            text.clone()
        }
        Parameter::Named((_, text)) => text.clone(),
        Parameter::Currency(currency) => currency.fallback.clone(),
        Parameter::Image(source) => return medium("image", source, place),
        Parameter::Video(source) => return medium("video", source, place),
        Parameter::Document(source) => return medium("document", source, place),
        Parameter::Location(_) => {
            return Err(Error::unsupported("template with a location header"));
        }
        Parameter::Other(document) => other(document)?,
    };
    match variables::problem(&text) {
        None => Ok(vec![piece::text(text)]),
        Some(problem) => Err(mismatch(format!(
            "a value for the template's {} {problem}, which Twilio does not take",
            place.what
        ))),
    }
}

/// The Cloud API's parameters that are a text under a name of their own.
fn other(document: &str) -> Result<String, Error> {
    let parameter: Json = serde_json::from_str(document).unwrap_or_default();
    let kind = parameter["type"].as_str().unwrap_or_default();
    match (kind, parameter[kind].as_str()) {
        ("coupon_code" | "payload" | "text", Some(text)) => Ok(text.to_owned()),
        _ => Err(Error::unsupported(&format!("template parameter {kind}"))),
    }
}

/// A link fills `{{1}}`, or what the variable leaves of `https://host/{{1}}`.
fn medium(kind: &str, source: &MediaSource, place: &Place<'_>) -> Result<Value, Error> {
    let value = link(kind, source)?;
    let Some(pattern) = place.patterns.first() else {
        return Ok(value);
    };
    let Some((before, after)) = pattern
        .split_once("{{")
        .and_then(|(before, rest)| Some((before, rest.split_once("}}")?.1)))
    else {
        return Ok(value);
    };
    if before.is_empty() && after.is_empty() {
        return Ok(value);
    }
    match value.as_slice() {
        [Piece::Text(link)] => link
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .filter(|rest| !rest.is_empty())
            .map(|rest| vec![piece::text(rest)])
            .ok_or_else(|| {
                mismatch(format!(
                    "the template's {} takes links that begin with {before}",
                    place.what
                ))
            }),
        _ => Err(mismatch(format!(
            "the template's {} takes links that begin with {before}, a stored medium has another",
            place.what
        ))
        .remedy("Make the whole link a variable of the template, or send the medium by a link.")),
    }
}

fn name_of(slot: Slot) -> &'static str {
    match slot {
        Slot::Header => "header with variables",
        Slot::Body => "body",
        Slot::Button => "such button",
        Slot::LimitedTimeOffer => "limited-time offer",
    }
}

fn mismatch(detail: String) -> Error {
    Error::new(Code::TemplateMismatch, Retry::Never, detail)
        .remedy("Give the template's variables as its definition names them.")
}
