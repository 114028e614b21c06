//! Every kind of content as plain JSON. The sandbox's player only looks at the kind, people read the rest.

use serde_json::{Value, json};
use wharf_plugin::messages::{Action, Content, Header, Interactive, Media, MediaSource, Template};

pub(crate) fn to_json(content: &Content) -> Value {
    match content {
        Content::Text(text) => json!({ "body": text.body, "preview_url": text.preview_url }),
        Content::Image(it)
        | Content::Video(it)
        | Content::Audio(it)
        | Content::Document(it)
        | Content::Sticker(it) => media(it),
        Content::Location(it) => json!({
            "latitude": it.latitude, "longitude": it.longitude, "name": it.name, "address": it.address,
        }),
        Content::Contacts(document) => raw(document),
        Content::Reaction(it) => json!({ "target": it.target, "emoji": it.emoji }),
        Content::Interactive(it) => interactive(it),
        Content::Template(it) => template(it),
        Content::Read(it) => json!({ "message": it.message, "typing": it.typing }),
        Content::Other(it) => raw(&it.document),
    }
}

/// A document from outside; one that is no JSON is passed on as the string it is.
fn raw(document: &str) -> Value {
    serde_json::from_str(document).unwrap_or_else(|_| document.into())
}

fn media(media: &Media) -> Value {
    json!({
        "source": source(&media.source),
        "caption": media.caption,
        "filename": media.filename,
        "voice": media.voice,
    })
}

fn source(source: &MediaSource) -> Value {
    match source {
        MediaSource::Id(id) => json!({ "id": id }),
        MediaSource::Link(link) => json!({ "link": link }),
        // The handle means nothing outside the gateway; type and size say enough here.
        MediaSource::Stored(it) => {
            json!({ "stored": { "content_type": it.content_type, "size": it.size } })
        }
    }
}

fn interactive(interactive: &Interactive) -> Value {
    let header = interactive.header.as_ref().map(|header| match header {
        Header::Text(text) => json!({ "text": text }),
        Header::Image(it) => json!({ "image": source(it) }),
        Header::Video(it) => json!({ "video": source(it) }),
        Header::Document(it) => json!({ "document": media(it) }),
    });
    json!({
        "header": header,
        "body": interactive.body,
        "footer": interactive.footer,
        "action": action(&interactive.action),
    })
}

fn action(action: &Action) -> Value {
    match action {
        Action::Buttons(buttons) => {
            let buttons: Vec<Value> = buttons
                .iter()
                .map(|it| json!({ "id": it.id, "title": it.title }))
                .collect();
            json!({ "buttons": buttons })
        }
        Action::List(list) => {
            let sections: Vec<Value> = list
                .sections
                .iter()
                .map(|section| {
                    let rows: Vec<Value> = section
                        .rows
                        .iter()
                        .map(|row| json!({ "id": row.id, "title": row.title, "description": row.description }))
                        .collect();
                    json!({ "title": section.title, "rows": rows })
                })
                .collect();
            json!({ "list": { "label": list.label, "sections": sections } })
        }
        Action::CtaUrl(it) => json!({ "cta_url": { "label": it.label, "url": it.url } }),
        Action::LocationRequest => json!({ "location_request": {} }),
        Action::Flow(document) => json!({ "flow": raw(document) }),
        Action::Carousel(cards) => {
            let cards: Vec<Value> = cards
                .iter()
                .map(|card| json!({ "body": card.body, "action": raw(&card.action) }))
                .collect();
            json!({ "carousel": cards })
        }
        Action::Other(it) => raw(&it.document),
    }
}

fn template(template: &Template) -> Value {
    json!({
        "name": template.name,
        "language": template.language,
        "parameters": template.components.iter().map(|component| component.parameters.len()).sum::<usize>(),
        "cards": template.cards.len(),
    })
}
