//! One message content of every kind and form.

use crate::messages::{
    Action, Card, Component, Content, CtaUrl, Currency, Header, Interactive, ListPicker, ListRow,
    ListSection, Location, Media, MediaSource, Parameter, Raw, Reaction, ReadReceipt, ReplyButton,
    Slot, Template, Text,
};
use crate::types::MediaRef;

/// One content of every kind, and interactive ones with every action. What a provider does not take, its
/// plugin must refuse as `unsupported`; it must crash on none.
#[must_use]
pub fn contents() -> Vec<Content> {
    let mut contents = vec![
        Content::Text(Text {
            body: "Hello {{1}} \u{1f44b}".to_owned(),
            preview_url: true,
        }),
        Content::Image(media(link("https://example.com/a.jpg"))),
        Content::Video(media(MediaSource::Id("media-1".to_owned()))),
        Content::Audio(Media {
            voice: true,
            ..media(stored("audio/ogg", "a.ogg"))
        }),
        Content::Document(media(stored("application/pdf", "a.pdf"))),
        Content::Sticker(media(stored("image/webp", "a.webp"))),
        Content::Location(Location {
            latitude: 48.2,
            longitude: 11.5,
            name: Some("Office".to_owned()),
            address: None,
        }),
        Content::Contacts(r#"[{"name":{"formatted_name":"Ada"}}]"#.to_owned()),
        Content::Reaction(Reaction {
            target: "wamid.1".to_owned(),
            emoji: Some("\u{1f44d}".to_owned()),
        }),
        Content::Reaction(Reaction {
            target: "wamid.1".to_owned(),
            emoji: None,
        }),
        Content::Template(template()),
        Content::Read(ReadReceipt {
            message: "wamid.1".to_owned(),
            typing: true,
        }),
        Content::Other(Raw {
            document: r#"{"type":"new"}"#.to_owned(),
            media: Vec::new(),
        }),
    ];
    contents.extend(actions().into_iter().map(|action| {
        Content::Interactive(Interactive {
            header: Some(Header::Text("Header".to_owned())),
            body: Some("Body".to_owned()),
            footer: Some("Footer".to_owned()),
            action,
        })
    }));
    contents
}

fn media(source: MediaSource) -> Media {
    Media {
        source,
        caption: Some("Caption".to_owned()),
        filename: None,
        voice: false,
    }
}

fn link(url: &str) -> MediaSource {
    MediaSource::Link(url.to_owned())
}

fn stored(content_type: &str, filename: &str) -> MediaSource {
    MediaSource::Stored(MediaRef {
        handle: "handle-1".to_owned(),
        content_type: content_type.to_owned(),
        size: 1_024,
        sha256: vec![7; 32],
        filename: Some(filename.to_owned()),
    })
}

fn template() -> Template {
    let parameters = vec![
        Parameter::Text("Ada".to_owned()),
        Parameter::Named(("city".to_owned(), "Berlin".to_owned())),
        Parameter::Currency(Currency {
            fallback: "1 \u{20ac}".to_owned(),
            code: "EUR".to_owned(),
            amount_1000: 1_000,
        }),
        Parameter::DateTime("Monday".to_owned()),
        Parameter::Payload("go".to_owned()),
    ];
    let component = |slot, parameters| Component {
        slot,
        sub_type: None,
        index: None,
        parameters,
    };
    Template {
        name: "hello".to_owned(),
        language: "en_US".to_owned(),
        components: vec![component(Slot::Body, parameters)],
        cards: vec![vec![component(
            Slot::Header,
            vec![Parameter::Image(link("https://example.com/a.jpg"))],
        )]],
        id: None,
        definition: None,
    }
}

fn actions() -> Vec<Action> {
    let row = ListRow {
        id: "r1".to_owned(),
        title: "Row".to_owned(),
        description: None,
    };
    vec![
        Action::Buttons(vec![ReplyButton {
            id: "y".to_owned(),
            title: "Yes".to_owned(),
        }]),
        Action::List(ListPicker {
            label: "Choose".to_owned(),
            sections: vec![ListSection {
                title: None,
                rows: vec![row],
            }],
        }),
        Action::CtaUrl(CtaUrl {
            label: "Open".to_owned(),
            url: "https://example.com/".to_owned(),
        }),
        Action::LocationRequest,
        Action::Flow(r#"{"flow_id":"1"}"#.to_owned()),
        Action::Carousel(vec![Card {
            header: None,
            body: Some("Card".to_owned()),
            action: "{}".to_owned(),
        }]),
        Action::Other(Raw {
            document: "{}".to_owned(),
            media: Vec::new(),
        }),
    ]
}
