//! A content as the API shows it: the shape it was sent in. Reading what is shown gives the same content.

use serde_json::{Map, Value, json};

use super::media::{show as source, show_media as media};
use crate::provider::{
    Action, Card, Component, Content, Header, Interactive, ListSection, Location, Parameter, Raw,
    Slot, Template,
};

/// The value of the member that the content's kind names.
pub fn content(content: &Content) -> Value {
    match content {
        Content::Text { text } => json!({ "body": text.body, "preview_url": text.preview_url }),
        Content::Image { image: it }
        | Content::Video { video: it }
        | Content::Audio { audio: it }
        | Content::Document { document: it }
        | Content::Sticker { sticker: it } => media(it),
        Content::Location { location: it } => location(it),
        Content::Contacts { contacts } => contacts.to_value(),
        Content::Reaction { reaction: it } => json!({
            "message_id": it.target, "emoji": it.emoji.as_deref().unwrap_or_default(),
        }),
        Content::Interactive { interactive: it } => interactive(it),
        Content::Template { template: it } => template(it),
        Content::Read { read: it } => json!({ "message_id": it.message, "typing": it.typing }),
        Content::Other { other } => raw(other),
    }
}

/// An object of what is there.
fn object<'n>(members: impl IntoIterator<Item = (&'n str, Option<Value>)>) -> Value {
    let given = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

fn location(it: &Location) -> Value {
    object([
        ("latitude", Some(json!(it.latitude))),
        ("longitude", Some(json!(it.longitude))),
        ("name", it.name.as_ref().map(|text| json!(text))),
        ("address", it.address.as_ref().map(|text| json!(text))),
    ])
}

fn raw(raw: &Raw) -> Value {
    object([
        ("document", Some(raw.document.to_value())),
        ("media", placed(raw)),
    ])
}

fn placed(raw: &Raw) -> Option<Value> {
    let places = raw.media.iter().map(|(pointer, medium)| {
        let mut place = source(medium);
        place["pointer"] = pointer.as_str().into();
        place
    });
    (!raw.media.is_empty()).then(|| places.collect())
}

fn words(text: Option<&String>) -> Option<Value> {
    text.map(|text| json!({ "text": text }))
}

fn header(header: &Header) -> Value {
    let (kind, value) = match header {
        Header::Text(text) => ("text", json!(text)),
        Header::Image(it) => ("image", source(it)),
        Header::Video(it) => ("video", source(it)),
        Header::Document(it) => ("document", media(it)),
    };
    object([("type", Some(kind.into())), (kind, Some(value))])
}

fn interactive(it: &Interactive) -> Value {
    let (kind, action, media) = action(&it.action);
    object([
        ("type", Some(kind)),
        ("header", it.header.as_ref().map(header)),
        ("body", words(it.body.as_ref())),
        ("footer", words(it.footer.as_ref())),
        ("action", Some(action)),
        ("media", media),
    ])
}

/// The type, the action, and the media of a provider's own.
fn action(action: &Action) -> (Value, Value, Option<Value>) {
    let (kind, action) = match action {
        Action::Buttons(buttons) => {
            let reply = |it: &crate::provider::ReplyButton| json!({ "type": "reply", "reply": { "id": it.id, "title": it.title } });
            let buttons: Vec<_> = buttons.iter().map(reply).collect();
            ("button", json!({ "buttons": buttons }))
        }
        Action::List(list) => {
            let sections: Vec<_> = list.sections.iter().map(section).collect();
            (
                "list",
                json!({ "button": list.label, "sections": sections }),
            )
        }
        Action::CtaUrl(it) => {
            let parameters = json!({ "display_text": it.label, "url": it.url });
            (
                "cta_url",
                json!({ "name": "cta_url", "parameters": parameters }),
            )
        }
        Action::LocationRequest => (
            "location_request_message",
            json!({ "name": "send_location" }),
        ),
        Action::Flow(parameters) => (
            "flow",
            json!({ "name": "flow", "parameters": parameters.to_value() }),
        ),
        Action::Carousel(cards) => {
            let cards: Vec<_> = cards.iter().enumerate().map(card).collect();
            ("carousel", json!({ "cards": cards }))
        }
        Action::Other(raw) => {
            let mut document = raw.document.to_value();
            return (
                document["type"].take(),
                document["action"].take(),
                placed(raw),
            );
        }
    };
    (kind.into(), action, None)
}

fn section(section: &ListSection) -> Value {
    let rows = section.rows.iter().map(|row| {
        object([
            ("id", Some(json!(row.id))),
            ("title", Some(json!(row.title))),
            (
                "description",
                row.description.as_ref().map(|text| json!(text)),
            ),
        ])
    });
    object([
        ("title", section.title.as_ref().map(|text| json!(text))),
        ("rows", Some(rows.collect())),
    ])
}

fn card((number, card): (usize, &Card)) -> Value {
    let action = card.action.to_value();
    let kind = match action.get("product_retailer_id") {
        Some(_) => "product",
        None => "cta_url",
    };
    object([
        ("card_index", Some(number.into())),
        ("type", Some(kind.into())),
        ("header", card.header.as_ref().map(header)),
        ("body", words(card.body.as_ref())),
        ("action", Some(action)),
    ])
}

fn template(it: &Template) -> Value {
    let mut components: Vec<_> = it.components.iter().map(component).collect();
    if !it.cards.is_empty() {
        let cards = it.cards.iter().enumerate().map(|(number, card)| {
            let components: Vec<_> = card.iter().map(component).collect();
            json!({ "card_index": number, "components": components })
        });
        let cards: Vec<_> = cards.collect();
        components.push(json!({ "type": "carousel", "cards": cards }));
    }
    object([
        ("name", Some(json!(it.name))),
        ("language", Some(json!({ "code": it.language }))),
        ("components", Some(components.into())),
        ("id", it.id.as_ref().map(|id| json!(id))),
    ])
}

fn component(it: &Component) -> Value {
    let kind = match it.slot {
        Slot::Header => "header",
        Slot::Body => "body",
        Slot::Button => "button",
        Slot::LimitedTimeOffer => "limited_time_offer",
    };
    let parameters: Vec<_> = it.parameters.iter().map(parameter).collect();
    object([
        ("type", Some(kind.into())),
        ("sub_type", it.sub_type.as_ref().map(|text| json!(text))),
        ("index", it.index.map(|index| json!(index))),
        ("parameters", Some(parameters.into())),
    ])
}

fn parameter(it: &Parameter) -> Value {
    let (kind, value) = match it {
        Parameter::Text(text) => ("text", json!(text)),
        Parameter::Named(name, text) => {
            return json!({ "type": "text", "parameter_name": name, "text": text });
        }
        Parameter::Currency(it) => (
            "currency",
            json!({ "fallback_value": it.fallback, "code": it.code, "amount_1000": it.amount_1000 }),
        ),
        Parameter::DateTime(text) => ("date_time", json!({ "fallback_value": text })),
        Parameter::Image(it) => ("image", source(it)),
        Parameter::Video(it) => ("video", source(it)),
        Parameter::Document(it) => ("document", source(it)),
        Parameter::Location(it) => ("location", location(it)),
        Parameter::Payload(text) => ("payload", json!(text)),
        Parameter::Other(document) => return document.to_value(),
    };
    object([("type", Some(kind.into())), (kind, Some(value))])
}
