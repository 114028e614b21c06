//! Every content of an outbound message, as it is stored and as it arrives.

use serde_json::{Value, json};
use wharf_core::provider::{
    Action, Card, Component, Content, CtaUrl, Currency, Header, Interactive, Json, ListPicker,
    ListRow, ListSection, Location, Media, MediaSource, OutboundMessage, Parameter, Raw, Reaction,
    ReadReceipt, ReplyButton, Slot, Template, Text,
};

use super::super::{context, message};
use super::{echo, media_ref, media_ref_json, of_step};

fn text(text: &str) -> String {
    text.to_owned()
}

fn document(value: &Value) -> Json {
    Json::from(value.clone())
}

fn location() -> Location {
    Location {
        latitude: 52.5,
        longitude: -13.25,
        name: Some(text("Café")),
        address: None,
    }
}

fn location_json() -> Value {
    json!({ "latitude": 52.5, "longitude": -13.25, "name": "Café", "address": null })
}

fn media(source: MediaSource) -> Media {
    Media {
        source,
        caption: Some(text("A caption")),
        filename: None,
        voice: true,
    }
}

fn media_json(source: &Value) -> Value {
    json!({ "source": source, "caption": "A caption", "filename": null, "voice": true })
}

fn raw() -> (Raw, Value) {
    let shape = json!({ "type": "poll", "image": null });
    (
        Raw {
            document: document(&shape),
            media: vec![(text("/image"), MediaSource::Stored(media_ref()))],
        },
        json!({
            "document": shape.to_string(),
            "media": [["/image", { "Stored": media_ref_json() }]],
        }),
    )
}

fn text_and_media() -> Vec<(Content, Value)> {
    let id = || MediaSource::Id(text("77"));
    let link = || MediaSource::Link(text("https://example.com/a.mp4"));
    vec![
        (
            Content::Text {
                text: Text {
                    body: text("héllo\n\u{1F600}"),
                    preview_url: true,
                },
            },
            json!({ "Text": { "body": "héllo\n\u{1F600}", "preview_url": true } }),
        ),
        (
            Content::Image { image: media(id()) },
            json!({ "Image": media_json(&json!({ "Id": "77" })) }),
        ),
        (
            Content::Video {
                video: media(link()),
            },
            json!({ "Video": media_json(&json!({ "Link": "https://example.com/a.mp4" })) }),
        ),
        (
            Content::Audio {
                audio: media(MediaSource::Stored(media_ref())),
            },
            json!({ "Audio": media_json(&json!({ "Stored": media_ref_json() })) }),
        ),
        (
            Content::Document {
                document: media(id()),
            },
            json!({ "Document": media_json(&json!({ "Id": "77" })) }),
        ),
        (
            Content::Sticker {
                sticker: media(id()),
            },
            json!({ "Sticker": media_json(&json!({ "Id": "77" })) }),
        ),
    ]
}

fn other_contents() -> Vec<(Content, Value)> {
    let (raw, raw_json) = raw();
    vec![
        (
            Content::Location {
                location: location(),
            },
            json!({ "Location": location_json() }),
        ),
        (
            Content::Contacts {
                contacts: document(&json!([{ "name": "Ada" }])),
            },
            json!({ "Contacts": r#"[{"name":"Ada"}]"# }),
        ),
        (
            Content::Reaction {
                reaction: Reaction {
                    target: text("wamid.1"),
                    emoji: None,
                },
            },
            json!({ "Reaction": { "target": "wamid.1", "emoji": null } }),
        ),
        (
            Content::Read {
                read: ReadReceipt {
                    message: text("wamid.2"),
                    typing: true,
                },
            },
            json!({ "Read": { "message": "wamid.2", "typing": true } }),
        ),
        (Content::Other { other: raw }, json!({ "Other": raw_json })),
    ]
}

fn actions() -> Vec<(Action, Value)> {
    let (raw, raw_json) = raw();
    let row = ListRow {
        id: text("r1"),
        title: text("Row"),
        description: Some(text("More")),
    };
    let card = Card {
        header: Some(Header::Image(MediaSource::Id(text("5")))),
        body: None,
        action: document(&json!({ "url": "u" })),
    };
    vec![
        (
            Action::Buttons(vec![
                ReplyButton {
                    id: text("a"),
                    title: text("Yes"),
                },
                ReplyButton {
                    id: text("b"),
                    title: text("No"),
                },
            ]),
            json!({ "Buttons": [{ "id": "a", "title": "Yes" }, { "id": "b", "title": "No" }] }),
        ),
        (
            Action::List(ListPicker {
                label: text("Open"),
                sections: vec![ListSection {
                    title: None,
                    rows: vec![row],
                }],
            }),
            json!({ "List": { "label": "Open", "sections": [
                { "title": null, "rows": [{ "id": "r1", "title": "Row", "description": "More" }] },
            ] } }),
        ),
        (
            Action::CtaUrl(CtaUrl {
                label: text("Go"),
                url: text("https://example.com"),
            }),
            json!({ "CtaUrl": { "label": "Go", "url": "https://example.com" } }),
        ),
        (Action::LocationRequest, json!("LocationRequest")),
        (
            Action::Flow(document(&json!({ "flow_id": "1" }))),
            json!({ "Flow": r#"{"flow_id":"1"}"# }),
        ),
        (
            Action::Carousel(vec![card]),
            json!({ "Carousel": [
                { "header": { "Image": { "Id": "5" } }, "body": null, "action": r#"{"url":"u"}"# },
            ] }),
        ),
        (Action::Other(raw), json!({ "Other": raw_json })),
    ]
}

fn interactive_contents() -> Vec<(Content, Value)> {
    let headers = [
        (None, Value::Null),
        (Some(Header::Text(text("Top"))), json!({ "Text": "Top" })),
        (
            Some(Header::Video(MediaSource::Id(text("6")))),
            json!({ "Video": { "Id": "6" } }),
        ),
        (
            Some(Header::Document(media(MediaSource::Id(text("7"))))),
            json!({ "Document": media_json(&json!({ "Id": "7" })) }),
        ),
    ];
    let headers = headers.into_iter().cycle();
    let built = actions().into_iter().zip(headers);
    let content = built.map(|((action, action_json), (header, header_json))| {
        let interactive = Interactive {
            header,
            body: Some(text("Choose")),
            footer: None,
            action,
        };
        (
            Content::Interactive {
                interactive: Box::new(interactive),
            },
            json!({ "Interactive": {
                "header": header_json, "body": "Choose", "footer": null, "action": action_json,
            } }),
        )
    });
    content.collect()
}

fn parameters() -> Vec<(Parameter, Value)> {
    let id = || MediaSource::Id(text("8"));
    let currency = Currency {
        fallback: text("€1"),
        code: text("EUR"),
        amount_1000: -1000,
    };
    vec![
        (Parameter::Text(text("t")), json!({ "Text": "t" })),
        (
            Parameter::Named(text("first"), text("Ada")),
            json!({ "Named": ["first", "Ada"] }),
        ),
        (
            Parameter::Currency(currency),
            json!({ "Currency": { "fallback": "€1", "code": "EUR", "amount_1000": -1000 } }),
        ),
        (
            Parameter::DateTime(text("today")),
            json!({ "DateTime": "today" }),
        ),
        (Parameter::Image(id()), json!({ "Image": { "Id": "8" } })),
        (Parameter::Video(id()), json!({ "Video": { "Id": "8" } })),
        (
            Parameter::Document(id()),
            json!({ "Document": { "Id": "8" } }),
        ),
        (
            Parameter::Location(location()),
            json!({ "Location": location_json() }),
        ),
        (Parameter::Payload(text("p")), json!({ "Payload": "p" })),
        (
            Parameter::Other(document(&json!({ "type": "new" }))),
            json!({ "Other": r#"{"type":"new"}"# }),
        ),
    ]
}

fn template_content() -> (Content, Value) {
    let (given, expected): (Vec<_>, Vec<_>) = parameters().into_iter().unzip();
    let component = |slot, index, parameters| Component {
        slot,
        sub_type: Some(text("url")),
        index,
        parameters,
    };
    let component_json = |slot, index: Option<u8>, parameters: &[Value]| json!({ "slot": slot, "sub_type": "url", "index": index, "parameters": parameters });
    let template = Template {
        name: text("welcome"),
        language: text("en_US"),
        components: vec![
            component(Slot::Header, None, given),
            component(Slot::Body, Some(3), Vec::new()),
        ],
        cards: vec![
            vec![component(Slot::Button, Some(0), Vec::new())],
            vec![component(Slot::LimitedTimeOffer, None, Vec::new())],
        ],
        id: Some(text("99")),
        definition: Some(document(&json!({ "components": [] }))),
    };
    (
        Content::Template {
            template: Box::new(template),
        },
        json!({ "Template": {
            "name": "welcome", "language": "en_US",
            "components": [
                component_json("Header", None, &expected), component_json("Body", Some(3), &[]),
            ],
            "cards": [
                [component_json("Button", Some(0), &[])],
                [component_json("LimitedTimeOffer", None, &[])],
            ],
            "id": "99", "definition": r#"{"components":[]}"#,
        } }),
    )
}

#[tokio::test]
async fn every_content_of_a_message_arrives_as_it_is() {
    let Some(plugin) = echo().await else { return };
    let contents = text_and_media()
        .into_iter()
        .chain(other_contents())
        .chain(interactive_contents())
        .chain([template_content()]);
    for (content, expected) in contents {
        let kind = content.kind();
        // What is stored is what is sent later.
        let stored = serde_json::to_string(&content).unwrap();
        let content: Content = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_value(&content).unwrap()["type"], kind);
        let message = OutboundMessage {
            content,
            ..message()
        };
        let step = plugin.start(&context(), &message).await.unwrap();
        assert_eq!(of_step(&step)[1]["content"], expected, "{kind}");
    }
}
