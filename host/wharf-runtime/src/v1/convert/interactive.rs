//! An interactive message on its way into a guest.

use bumpalo::Bump;
use wharf_core::provider::{Action, Card, Header, Interactive, ListPicker};

use super::super::bindings::wharf::provider::messages;
use super::message::{media, raw, source};
use super::slice;

pub(super) fn interactive<'a>(
    arena: &'a Bump,
    asked: &'a Interactive,
) -> messages::Interactive<'a> {
    messages::Interactive {
        header: asked.header.as_ref().map(header),
        body: asked.body.as_deref(),
        footer: asked.footer.as_deref(),
        action: action(arena, &asked.action),
    }
}

fn header(header: &Header) -> messages::Header<'_> {
    match header {
        Header::Text(text) => messages::Header::Text(text),
        Header::Image(image) => messages::Header::Image(source(image)),
        Header::Video(video) => messages::Header::Video(source(video)),
        Header::Document(document) => messages::Header::Document(media(document)),
    }
}

fn action<'a>(arena: &'a Bump, action: &'a Action) -> messages::Action<'a> {
    use messages::Action as Guest;
    match action {
        Action::Buttons(buttons) => {
            Guest::Buttons(slice(arena, buttons, |button| messages::ReplyButton {
                id: &button.id,
                title: &button.title,
            }))
        }
        Action::List(picker) => Guest::List(list_picker(arena, picker)),
        Action::CtaUrl(link) => Guest::CtaUrl(messages::CtaUrl {
            label: &link.label,
            url: &link.url,
        }),
        Action::LocationRequest => Guest::LocationRequest,
        Action::Flow(parameters) => Guest::Flow(parameters.as_str()),
        Action::Carousel(cards) => Guest::Carousel(slice(arena, cards, card)),
        Action::Other(other) => Guest::Other(raw(arena, other)),
    }
}

fn list_picker<'a>(arena: &'a Bump, picker: &'a ListPicker) -> messages::ListPicker<'a> {
    messages::ListPicker {
        label: &picker.label,
        sections: slice(arena, &picker.sections, |section| messages::ListSection {
            title: section.title.as_deref(),
            rows: slice(arena, &section.rows, |row| messages::ListRow {
                id: &row.id,
                title: &row.title,
                description: row.description.as_deref(),
            }),
        }),
    }
}

fn card(card: &Card) -> messages::Card<'_> {
    messages::Card {
        header: card.header.as_ref().map(header),
        body: card.body.as_deref(),
        action: card.action.as_str(),
    }
}
