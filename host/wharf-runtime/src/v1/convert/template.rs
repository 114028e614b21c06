//! A template message on its way into a guest.

use bumpalo::Bump;
use wharf_core::provider::{Component, Parameter, Slot, Template};

use super::super::bindings::wharf::provider::messages;
use super::message::source;
use super::{location_to_guest, slice};

pub(super) fn template<'a>(arena: &'a Bump, filled: &'a Template) -> messages::Template<'a> {
    messages::Template {
        name: &filled.name,
        language: &filled.language,
        components: components(arena, &filled.components),
        cards: slice(arena, &filled.cards, |card| components(arena, card)),
        id: filled.id.as_deref(),
        definition: filled.definition.as_ref().map(|document| document.as_str()),
    }
}

fn components<'a>(arena: &'a Bump, components: &'a [Component]) -> &'a [messages::Component<'a>] {
    slice(arena, components, |component| messages::Component {
        slot: match component.slot {
            Slot::Header => messages::Slot::Header,
            Slot::Body => messages::Slot::Body,
            Slot::Button => messages::Slot::Button,
            Slot::LimitedTimeOffer => messages::Slot::LimitedTimeOffer,
        },
        sub_type: component.sub_type.as_deref(),
        index: component.index,
        parameters: slice(arena, &component.parameters, parameter),
    })
}

fn parameter(parameter: &Parameter) -> messages::Parameter<'_> {
    use messages::Parameter as Guest;
    match parameter {
        Parameter::Text(text) => Guest::Text(text),
        Parameter::Named(name, text) => Guest::Named((name, text)),
        Parameter::Currency(currency) => Guest::Currency(messages::Currency {
            fallback: &currency.fallback,
            code: &currency.code,
            amount_1000: currency.amount_1000,
        }),
        Parameter::DateTime(text) => Guest::DateTime(text),
        Parameter::Image(image) => Guest::Image(source(image)),
        Parameter::Video(video) => Guest::Video(source(video)),
        Parameter::Document(document) => Guest::Document(source(document)),
        Parameter::Location(location) => Guest::Location(location_to_guest(location)),
        Parameter::Payload(text) => Guest::Payload(text),
        Parameter::Other(document) => Guest::Other(document.as_str()),
    }
}
