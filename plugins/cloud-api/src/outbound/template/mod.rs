//! A template message: which template, and what fills its places. Checked against the template itself
//! when the host knows it, else against what holds for every template.

use serde_json::{Value, json};
use wharf_plugin::messages::{Component, Parameter, Slot, Template};
use wharf_plugin::prelude::{Address, Code, Error, Retry};

use super::draft::Places;
use super::limit;

mod definition;
mod parameter;
mod places;

use parameter::{Inside, Of};

const NAME_CHARS_MAX: usize = 512;
const CARDS_MIN: usize = 2;
const CARDS_MAX: usize = 10;
/// Buttons of a template, counted from 0.
const BUTTON_INDEX_MAX: u8 = 9;

pub(super) fn object<'a>(
    template: &'a Template,
    to: &Address,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    check_name(&template.name)?;
    limit::text("template.language.code", &template.language, usize::MAX)?;
    let mut components = list(&template.components, "/template/components", places)?;
    if !template.cards.is_empty() {
        // Its place in the list is part of its media's places.
        let base = format!("/template/components/{}/cards", components.len());
        components.push(carousel(&template.cards, &base, places)?);
    }
    if let Some(definition) = &template.definition {
        definition::check(template, definition, to)?;
    }
    let mut object = json!({
        "name": template.name,
        "language": { "code": template.language },
    });
    if !components.is_empty() {
        object["components"] = components.into();
    }
    Ok(object)
}

fn check_name(name: &str) -> Result<(), Error> {
    limit::text("template.name", name, NAME_CHARS_MAX)?;
    let is_named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.bytes().all(is_named) {
        return Ok(());
    }
    Err(
        Error::invalid("`template.name` has lower-case letters, digits and underscores only")
            .remedy("Use the template's name as WhatsApp Manager shows it."),
    )
}

fn carousel<'a>(
    cards: &'a [Vec<Component>],
    base: &str,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    limit::count("a carousel", "cards", cards.len(), CARDS_MIN..=CARDS_MAX)?;
    let mut objects = Vec::with_capacity(cards.len());
    for (index, components) in cards.iter().enumerate() {
        let is_offer = |component: &Component| component.slot == Slot::LimitedTimeOffer;
        if components.iter().any(is_offer) {
            return Err(limit::no_place("a card", "limited_time_offer"));
        }
        let base = format!("{base}/{index}/components");
        objects
            .push(json!({ "card_index": index, "components": list(components, &base, places)? }));
    }
    Ok(json!({ "type": "carousel", "cards": objects }))
}

/// Components, each part of the template at most once. `base`: the pointer of the list.
fn list<'a>(
    components: &'a [Component],
    base: &str,
    places: &mut Places<'a>,
) -> Result<Vec<Value>, Error> {
    let mut objects = Vec::with_capacity(components.len());
    for (index, component) in components.iter().enumerate() {
        let mut earlier = components.iter().take(index);
        if earlier.any(|other| other.slot == component.slot && other.index == component.index) {
            return Err(Error::invalid(format!(
                "the template's {} is filled twice",
                place_of(component)
            ))
            .remedy("Put all parameters of one part into one component."));
        }
        let is_offer = components
            .iter()
            .any(|component| component.slot == Slot::LimitedTimeOffer);
        objects.push(object_of(
            component,
            is_offer,
            &format!("{base}/{index}"),
            places,
        )?);
    }
    Ok(objects)
}

fn object_of<'a>(
    component: &'a Component,
    is_offer: bool,
    base: &str,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    let place = place_of(component);
    let sub_type = component.sub_type.as_deref().map(str::to_ascii_lowercase);
    let mut object = match component.slot {
        Slot::Header => json!({ "type": "header" }),
        Slot::Body => json!({ "type": "body" }),
        Slot::LimitedTimeOffer => json!({ "type": "limited_time_offer" }),
        Slot::Button => {
            let member =
                |name| format!("{}.{name}", base.trim_start_matches('/').replace('/', "."));
            let Some(sub_type) = sub_type.as_deref().filter(|name| !name.is_empty()) else {
                return Err(limit::missing(member("sub_type")));
            };
            let Some(index) = component.index else {
                return Err(limit::missing(member("index")));
            };
            if index > BUTTON_INDEX_MAX {
                return Err(Error::invalid(format!(
                    "a button's `index` is 0 to {BUTTON_INDEX_MAX}, this one is {index}"
                ))
                .remedy("Count the template's buttons from 0."));
            }
            json!({ "type": "button", "sub_type": sub_type, "index": index.to_string() })
        }
    };
    if component.slot != Slot::Button && (sub_type.is_some() || component.index.is_some()) {
        return Err(limit::no_place(
            &format!("the template's {place}"),
            "sub_type",
        ));
    }
    let of = Of {
        slot: component.slot,
        sub_type: sub_type.as_deref(),
        is_offer,
        place: &place,
    };
    check_mix(&of, &component.parameters)?;
    let mut parameters = Vec::with_capacity(component.parameters.len());
    for (index, given) in component.parameters.iter().enumerate() {
        let inside = Inside {
            pointer: format!("{base}/parameters/{index}"),
            number: index + 1,
        };
        parameters.push(parameter::object(&of, given, inside, places)?);
    }
    if !parameters.is_empty() {
        object["parameters"] = parameters.into();
    }
    Ok(object)
}

/// A template has numbered places or named ones. A header and a button have one place.
fn check_mix(of: &Of<'_>, parameters: &[Parameter]) -> Result<(), Error> {
    let named = parameters
        .iter()
        .filter(|parameter| matches!(parameter, Parameter::Named(_)))
        .count();
    if named != 0 && named != parameters.len() {
        return Err(mismatch(format!(
            "the template's {} has {named} named parameters and {} without a name",
            of.place,
            parameters.len() - named
        )));
    }
    if of.slot != Slot::Body && parameters.len() > 1 {
        return Err(mismatch(format!(
            "the template's {} has at most 1 parameter, this one has {}",
            of.place,
            parameters.len()
        )));
    }
    Ok(())
}

/// As people name it.
fn place_of(component: &Component) -> String {
    match (component.slot, component.index) {
        (Slot::Header, _) => "header".to_owned(),
        (Slot::Body, _) => "body".to_owned(),
        (Slot::LimitedTimeOffer, _) => "limited-time offer".to_owned(),
        (Slot::Button, Some(index)) => format!("button {index}"),
        (Slot::Button, None) => "button".to_owned(),
    }
}

/// The parameters do not fit the template.
fn mismatch(detail: impl Into<String>) -> Error {
    Error::new(Code::TemplateMismatch, Retry::Never, detail)
        .remedy("Compare the message's parameters with the approved template.")
}
