//! Every place of a content where the bytes of a medium are named.

use super::content::{Action, Header, Interactive, MediaSource};
use super::message::{Content, Raw};
use super::template::{Component, Parameter, Template};

impl Content {
    /// Shows each source, in no promised order, to be changed where it stands.
    pub fn each_source(&mut self, visit: &mut dyn FnMut(&mut MediaSource)) {
        match self {
            Self::Image { image: it }
            | Self::Video { video: it }
            | Self::Audio { audio: it }
            | Self::Document { document: it }
            | Self::Sticker { sticker: it } => visit(&mut it.source),
            Self::Interactive { interactive } => of_interactive(interactive, visit),
            Self::Template { template } => of_template(template, visit),
            Self::Other { other } => of_raw(other, visit),
            Self::Text { .. }
            | Self::Location { .. }
            | Self::Contacts { .. }
            | Self::Reaction { .. }
            | Self::Read { .. } => {}
        }
    }
}

fn of_interactive(interactive: &mut Interactive, visit: &mut dyn FnMut(&mut MediaSource)) {
    of_header(interactive.header.as_mut(), visit);
    match &mut interactive.action {
        Action::Carousel(cards) => {
            for card in cards {
                of_header(card.header.as_mut(), visit);
            }
        }
        Action::Other(raw) => of_raw(raw, visit),
        Action::Buttons(_)
        | Action::List(_)
        | Action::CtaUrl(_)
        | Action::LocationRequest
        | Action::Flow(_) => {}
    }
}

fn of_header(header: Option<&mut Header>, visit: &mut dyn FnMut(&mut MediaSource)) {
    match header {
        Some(Header::Image(source) | Header::Video(source)) => visit(source),
        Some(Header::Document(document)) => visit(&mut document.source),
        Some(Header::Text(_)) | None => {}
    }
}

fn of_template(template: &mut Template, visit: &mut dyn FnMut(&mut MediaSource)) {
    let cards = template.cards.iter_mut().flatten();
    for component in template.components.iter_mut().chain(cards) {
        of_component(component, visit);
    }
}

fn of_component(component: &mut Component, visit: &mut dyn FnMut(&mut MediaSource)) {
    for parameter in &mut component.parameters {
        if let Parameter::Image(source) | Parameter::Video(source) | Parameter::Document(source) =
            parameter
        {
            visit(source);
        }
    }
}

fn of_raw(raw: &mut Raw, visit: &mut dyn FnMut(&mut MediaSource)) {
    for (_, source) in &mut raw.media {
        visit(source);
    }
}
