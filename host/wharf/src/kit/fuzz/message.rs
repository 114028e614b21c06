//! An outbound message as a golden case holds it, as the host's own model has it.

use serde_json::Value;
use wharf_core::provider::{
    Action, Address, Card, Component, Content, CtaUrl, Currency, Header, Interactive, Json,
    ListPicker, ListRow, ListSection, Location, Media, MediaSource, OutboundMessage, Parameter,
    Raw, Reaction, ReadReceipt, ReplyButton, Slot, Template, Text,
};

use crate::kit::exchange::{Read, all, case, media_ref, optional, text, unknown};

pub(super) fn read(shown: &Value) -> Read<OutboundMessage> {
    Ok(OutboundMessage {
        id: text(&shown["id"])?,
        to: match case(&shown["to"])? {
            ("phone", value) => Address::Phone(text(value)?),
            ("user-id", value) => Address::UserId(text(value)?),
            ("group", value) => Address::Group(text(value)?),
            (other, _) => return unknown("address", other),
        },
        sender: text(&shown["sender"])?,
        content: content(&shown["content"])?,
        reply_to: optional(&shown["reply-to"], text)?,
        options: text(&shown["options"])?,
    })
}

fn content(shown: &Value) -> Read<Content> {
    Ok(match case(shown)? {
        ("text", it) => Content::Text {
            text: Text {
                body: text(&it["body"])?,
                preview_url: flag(&it["preview-url"]),
            },
        },
        ("image", it) => Content::Image { image: media(it)? },
        ("video", it) => Content::Video { video: media(it)? },
        ("audio", it) => Content::Audio { audio: media(it)? },
        ("document", it) => Content::Document {
            document: media(it)?,
        },
        ("sticker", it) => Content::Sticker {
            sticker: media(it)?,
        },
        ("location", it) => Content::Location {
            location: location(it)?,
        },
        ("contacts", it) => Content::Contacts {
            contacts: json(it)?,
        },
        ("reaction", it) => Content::Reaction {
            reaction: Reaction {
                target: text(&it["target"])?,
                emoji: optional(&it["emoji"], text)?,
            },
        },
        ("interactive", it) => Content::Interactive {
            interactive: Box::new(interactive(it)?),
        },
        ("template", it) => Content::Template {
            template: Box::new(template(it)?),
        },
        ("read", it) => Content::Read {
            read: ReadReceipt {
                message: text(&it["message"])?,
                typing: flag(&it["typing"]),
            },
        },
        ("other", it) => Content::Other { other: raw(it)? },
        (other, _) => return unknown("content", other),
    })
}

fn media(shown: &Value) -> Read<Media> {
    Ok(Media {
        source: source(&shown["source"])?,
        caption: optional(&shown["caption"], text)?,
        filename: optional(&shown["filename"], text)?,
        voice: flag(&shown["voice"]),
    })
}

fn source(shown: &Value) -> Read<MediaSource> {
    Ok(match case(shown)? {
        ("id", id) => MediaSource::Id(text(id)?),
        ("link", link) => MediaSource::Link(text(link)?),
        ("stored", media) => MediaSource::Stored(media_ref(media)?),
        (other, _) => return unknown("media source", other),
    })
}

fn raw(shown: &Value) -> Read<Raw> {
    Ok(Raw {
        document: json(&shown["document"])?,
        media: all(&shown["media"], |pair| {
            Ok((text(&pair[0])?, source(&pair[1])?))
        })?,
    })
}

fn location(shown: &Value) -> Read<Location> {
    let degrees = |name: &str| {
        let number = shown[name].as_f64();
        number.ok_or_else(|| format!("`{name}` is a number"))
    };
    Ok(Location {
        latitude: degrees("latitude")?,
        longitude: degrees("longitude")?,
        name: optional(&shown["name"], text)?,
        address: optional(&shown["address"], text)?,
    })
}

fn interactive(shown: &Value) -> Read<Interactive> {
    Ok(Interactive {
        header: optional(&shown["header"], header)?,
        body: optional(&shown["body"], text)?,
        footer: optional(&shown["footer"], text)?,
        action: match case(&shown["action"])? {
            ("buttons", buttons) => Action::Buttons(all(buttons, |button| {
                Ok(ReplyButton {
                    id: text(&button["id"])?,
                    title: text(&button["title"])?,
                })
            })?),
            ("list", list) => Action::List(ListPicker {
                label: text(&list["label"])?,
                sections: all(&list["sections"], section)?,
            }),
            ("cta-url", cta) => Action::CtaUrl(CtaUrl {
                label: text(&cta["label"])?,
                url: text(&cta["url"])?,
            }),
            ("location-request", _) => Action::LocationRequest,
            ("flow", flow) => Action::Flow(json(flow)?),
            ("carousel", cards) => Action::Carousel(all(cards, card)?),
            ("other", other) => Action::Other(raw(other)?),
            (other, _) => return unknown("action", other),
        },
    })
}

fn header(shown: &Value) -> Read<Header> {
    Ok(match case(shown)? {
        ("text", it) => Header::Text(text(it)?),
        ("image", it) => Header::Image(source(it)?),
        ("video", it) => Header::Video(source(it)?),
        ("document", it) => Header::Document(media(it)?),
        (other, _) => return unknown("header", other),
    })
}

fn section(shown: &Value) -> Read<ListSection> {
    Ok(ListSection {
        title: optional(&shown["title"], text)?,
        rows: all(&shown["rows"], |row| {
            Ok(ListRow {
                id: text(&row["id"])?,
                title: text(&row["title"])?,
                description: optional(&row["description"], text)?,
            })
        })?,
    })
}

fn card(shown: &Value) -> Read<Card> {
    Ok(Card {
        header: optional(&shown["header"], header)?,
        body: optional(&shown["body"], text)?,
        action: json(&shown["action"])?,
    })
}

fn template(shown: &Value) -> Read<Template> {
    Ok(Template {
        name: text(&shown["name"])?,
        language: text(&shown["language"])?,
        components: all(&shown["components"], component)?,
        cards: all(&shown["cards"], |card| all(card, component))?,
        id: optional(&shown["id"], text)?,
        definition: optional(&shown["definition"], json)?,
    })
}

fn component(shown: &Value) -> Read<Component> {
    Ok(Component {
        slot: match case(&shown["slot"])?.0 {
            "header" => Slot::Header,
            "body" => Slot::Body,
            "button" => Slot::Button,
            "limited-time-offer" => Slot::LimitedTimeOffer,
            other => return unknown("slot", other),
        },
        sub_type: optional(&shown["sub-type"], text)?,
        index: optional(&shown["index"], |index| {
            let index = index.as_u64().and_then(|index| u8::try_from(index).ok());
            index.ok_or_else(|| "`index` is a small number".to_owned())
        })?,
        parameters: all(&shown["parameters"], parameter)?,
    })
}

fn parameter(shown: &Value) -> Read<Parameter> {
    Ok(match case(shown)? {
        ("text", it) => Parameter::Text(text(it)?),
        ("named", pair) => Parameter::Named(text(&pair[0])?, text(&pair[1])?),
        ("currency", it) => Parameter::Currency(Currency {
            fallback: text(&it["fallback"])?,
            code: text(&it["code"])?,
            amount_1000: it["amount-1000"].as_i64().unwrap_or_default(),
        }),
        ("date-time", it) => Parameter::DateTime(text(it)?),
        ("image", it) => Parameter::Image(source(it)?),
        ("video", it) => Parameter::Video(source(it)?),
        ("document", it) => Parameter::Document(source(it)?),
        ("location", it) => Parameter::Location(location(it)?),
        ("payload", it) => Parameter::Payload(text(it)?),
        ("other", it) => Parameter::Other(json(it)?),
        (other, _) => return unknown("parameter", other),
    })
}

/// A document, or a text that holds one.
pub(super) fn json(shown: &Value) -> Read<Json> {
    Json::parse(text(shown)?).map_err(|error| error.to_string())
}

fn flag(shown: &Value) -> bool {
    shown.as_bool().unwrap_or_default()
}
