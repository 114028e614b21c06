//! What holds for every kind of message: limits on both sides of the border, a bounded number of exchanges,
//! and a typed end whatever the provider answers.

use serde_json::{Value, json};
use wharf_plugin::messages::{
    Action, Card, Component, Interactive, ListPicker, ListRow, ListSection, MediaSource, Parameter,
    Raw, Reaction, ReplyButton, Slot, Template,
};
use wharf_plugin::prelude::*;
use wharf_plugin::testing;
use wharf_plugin::types::MediaRef;
use wharf_plugin_graph::Graph;

use crate::fixture::{PHONE_NUMBER_ID, context};

/// A member's name as refusals say it, a content with so many of it, and the most there may be.
type Border = (&'static str, Box<dyn Fn(usize) -> Content>, usize);

/// What a message may ask of the host.
const EXCHANGES_MAX: usize = 6;

fn message(content: Content) -> Message {
    Message {
        sender: PHONE_NUMBER_ID.to_owned(),
        ..testing::message(content)
    }
}

fn start(content: Content) -> Result<Progress, Error> {
    Graph::start(&context(&[]), &message(content))
}

fn stored(number: u8) -> MediaSource {
    MediaSource::Stored(MediaRef {
        handle: format!("h{number}"),
        content_type: "image/png".to_owned(),
        size: 1,
        sha256: vec![number; 32],
        filename: None,
    })
}

fn interactive(action: Action) -> Content {
    Content::Interactive(Interactive {
        header: None,
        body: Some("Body".to_owned()),
        footer: None,
        action,
    })
}

fn buttons(ids: &[&str], title: &str) -> Content {
    let button = |id: &&str| ReplyButton {
        id: (*id).to_owned(),
        title: title.to_owned(),
    };
    interactive(Action::Buttons(ids.iter().map(button).collect()))
}

fn list(rows: usize, text: impl Fn(&str) -> String) -> Content {
    let row = |number: usize| ListRow {
        id: format!("{number:03}{}", text("id")),
        title: text("title"),
        description: Some(text("description")),
    };
    interactive(Action::List(ListPicker {
        label: text("label"),
        sections: vec![ListSection {
            title: Some(text("section")),
            rows: (0..rows).map(row).collect(),
        }],
    }))
}

/// A template whose cards each have a stored picture.
fn carousel(cards: u8) -> Content {
    let card = |number| {
        vec![Component {
            slot: Slot::Header,
            sub_type: None,
            index: None,
            parameters: vec![Parameter::Image(stored(number))],
        }]
    };
    Content::Template(Template {
        name: "spring".to_owned(),
        language: "en".to_owned(),
        components: Vec::new(),
        cards: (0..cards).map(card).collect(),
        id: None,
        definition: None,
    })
}

#[test]
fn what_is_as_long_as_it_may_be_is_taken_and_one_more_is_not() {
    // A character of four bytes, so that bytes are never what is counted.
    let text = |chars: usize| "\u{1f600}".repeat(chars);
    let list_with = |member: &'static str, chars: usize| {
        list(1, move |name| {
            "\u{1f600}".repeat(if name == member { chars } else { 1 })
        })
    };
    let borders: Vec<Border> = vec![
        (
            "buttons",
            Box::new(|n| buttons(&["a", "b", "c", "d"][..n], "T")),
            3,
        ),
        ("title", Box::new(move |n| buttons(&["a"], &text(n))), 20),
        (
            "reply.id",
            Box::new(move |n| buttons(&[&text(n)], "T")),
            256,
        ),
        ("rows", Box::new(|n| list(n, |_| "x".to_owned())), 10),
        ("button", Box::new(move |n| list_with("label", n)), 20),
        ("title", Box::new(move |n| list_with("section", n)), 24),
        ("title", Box::new(move |n| list_with("title", n)), 24),
        (
            "description",
            Box::new(move |n| list_with("description", n)),
            72,
        ),
        // Three of an id's characters are its number.
        ("id", Box::new(move |n| list_with("id", n - 3)), 200),
        (
            "cards",
            Box::new(|n| carousel(u8::try_from(n).unwrap())),
            10,
        ),
        (
            "contacts",
            Box::new(|n| {
                Content::Contacts(
                    json!(vec![json!({"name": {"formatted_name": "A"}}); n]).to_string(),
                )
            }),
            257,
        ),
    ];
    for (member, content, most) in borders {
        let taken = start(content(most));
        assert!(taken.is_ok(), "{member}: {most} are refused: {taken:?}");
        let error = start(content(most + 1)).unwrap_err();
        assert_eq!(
            (error.code, error.retry),
            (Code::InvalidMessage, Retry::Never)
        );
        for part in [member, &most.to_string(), &(most + 1).to_string()] {
            assert!(error.detail.contains(part), "{part}: {}", error.detail);
        }
        assert!(error.remedy.is_some(), "{member}");
    }
}

#[test]
fn every_kind_ends_in_a_typed_error_whatever_is_answered() {
    for content in testing::contents() {
        let message = message(content);
        let kind = message.content.kind();
        let Ok(Progress::Exchange(exchange)) = Graph::start(&context(&[]), &message) else {
            continue;
        };
        let resume = |outcome| Graph::resume(&context(&[]), &message, &exchange.state, outcome);
        for outcome in testing::broken_answers() {
            let shown = format!("{outcome:?}");
            let ended = resume(outcome);
            assert!(ended.is_err(), "{kind}: {shown:.200} became {ended:?}");
        }
        for (failure, may_have_acted) in testing::failures() {
            let error = resume(Outcome::Failed(failure)).unwrap_err();
            let is_uncertain = may_have_acted && exchange.replay == Replay::Unsafe;
            assert_eq!(
                error.retry == Retry::Uncertain,
                is_uncertain,
                "{kind}: {failure:?}"
            );
        }
    }
}

#[test]
fn no_message_asks_for_more_than_six_exchanges() {
    let named = "(#100) Param template['components'][0]['cards'][2]['components'][0]['parameters'][0]['image']['id'] is not a valid whatsapp business account media attachment ID";
    let unnamed = "(#100) A parameter is not a valid whatsapp business account media attachment ID";
    for cards in 2..=10 {
        for refusal in [named, unnamed] {
            let message = message(carousel(cards));
            let body = json!({ "error": { "message": refusal, "code": 100 } }).to_string();
            let mut step = Graph::start(&context(&[]), &message);
            let mut asked = 0;
            while let Ok(Progress::Exchange(exchange)) = step {
                asked += 1;
                let outcome = match exchange.label.as_str() {
                    "media.upload" => testing::answer(200, r#"{"id":"1"}"#),
                    _ => testing::answer(400, &body),
                };
                step = Graph::resume(&context(&[]), &message, &exchange.state, outcome);
            }
            assert!(asked <= EXCHANGES_MAX, "{cards} cards asked for {asked}");
            let error = step.unwrap_err();
            assert_eq!(error.code, Code::MediaRejected, "{cards}: {}", error.detail);
        }
    }
}

#[test]
fn what_was_uploaded_anew_is_remembered_anew() {
    let message = message(carousel(2));
    let refusal = r#"{"error":{"message":"(#100) not a valid media attachment ID","code":100}}"#;
    let mut step = Graph::start(&context(&[]), &message);
    let mut refreshes = Vec::new();
    while let Ok(Progress::Exchange(exchange)) = step {
        refreshes.push(exchange.memo.as_ref().map(|memo| memo.refresh));
        let outcome = match (exchange.label.as_str(), refreshes.len()) {
            ("media.upload", _) => testing::answer(200, r#"{"id":"1"}"#),
            (_, 3) => testing::answer(400, refusal),
            _ => testing::answer(200, r#"{"messages":[{"id":"wamid.1"}]}"#),
        };
        step = Graph::resume(&context(&[]), &message, &exchange.state, outcome);
    }
    // Both, since Meta did not say which.
    let (old, new) = (Some(false), Some(true));
    assert_eq!(refreshes, [old, old, None, new, new, None]);
    assert!(matches!(step, Ok(Progress::Done(_))));
}

#[test]
fn a_medium_of_a_raw_message_goes_where_its_pointer_says() {
    let place = |document: Value, pointer: &str, source| {
        start(Content::Other(Raw {
            document: document.to_string(),
            media: vec![(pointer.to_owned(), source)],
        }))
    };
    let id = || MediaSource::Id("7".to_owned());
    for (document, pointer, placed) in [
        (json!({"type": "x", "x": {}}), "/x", "/x/id"),
        (json!({"type": "x", "x": {}}), "/x/id", "/x/id"),
        (
            json!({"type": "x", "x": {"link": "old"}}),
            "/x/link",
            "/x/id",
        ),
        (json!({"type": "x"}), "/a~1b", "/a~1b/id"),
        (json!({"type": "x", "x": [null, null]}), "/x/1", "/x/1/id"),
        (json!({"type": "x", "x": {"y": "held"}}), "/x/y", "/x/y/id"),
    ] {
        let Ok(Progress::Exchange(exchange)) = place(document, pointer, id()) else {
            panic!("{pointer} is refused")
        };
        let document = testing::document(&exchange);
        assert_eq!(document.pointer(placed), Some(&json!("7")), "{document}");
        assert_eq!(document.pointer("/x/link"), None);
    }
    let long = format!("/{}", "x".repeat(500));
    for pointer in [
        "", "x", "/x/-", "/x/9", "/y/z", "/type/z", "/id", "/a~2b", "/a~", &long,
    ] {
        let error = place(json!({"type": "x", "x": [0]}), pointer, id()).unwrap_err();
        assert_eq!(error.code, Code::InvalidMessage, "{pointer}");
    }
}

#[test]
fn ids_that_the_host_would_not_take_are_no_answers() {
    let (long, broken) = ("1".repeat(513), "a\nb".to_owned());
    for id in [long, broken, String::new()] {
        let message = message(carousel(2));
        let upload = testing::exchange(Graph::start(&context(&[]), &message));
        let answer = testing::answer(200, &json!({ "id": id }).to_string());
        let error = Graph::resume(&context(&[]), &message, &upload.state, answer).unwrap_err();
        assert_eq!(
            (error.code, error.retry),
            (Code::MalformedResponse, Retry::Backoff)
        );
        let answer = json!({ "messages": [{ "id": id }] }).to_string();
        let answer = testing::answer(200, &answer);
        let error = Graph::resume(&context(&[]), &message, &[], answer).unwrap_err();
        assert_eq!(
            (error.code, error.retry),
            (Code::MalformedResponse, Retry::Uncertain)
        );
    }
}

#[test]
fn a_message_has_at_most_64_stored_media() {
    let with = |count: usize| {
        start(Content::Other(Raw {
            document: json!({ "type": "album", "album": vec![Value::Null; count] }).to_string(),
            media: (0..count)
                .map(|number| {
                    (
                        format!("/album/{number}"),
                        stored(u8::try_from(number).unwrap()),
                    )
                })
                .collect(),
        }))
    };
    assert!(with(64).is_ok());
    let error = with(65).unwrap_err();
    assert!(error.detail.contains("64"), "{}", error.detail);
}

#[test]
fn a_kind_of_media_takes_its_types_and_no_other() {
    let sticker = |content_type: &str, size: u64| {
        start(Content::Sticker(wharf_plugin::messages::Media {
            source: MediaSource::Stored(MediaRef {
                handle: "h".to_owned(),
                content_type: content_type.to_owned(),
                size,
                sha256: vec![0; 32],
                filename: None,
            }),
            caption: None,
            filename: None,
            voice: false,
        }))
    };
    assert!(sticker("image/webp", 500 * 1024).is_ok());
    assert!(sticker("IMAGE/WebP; q=1", 1).is_ok());
    for (content_type, size) in [("image/webp", 500 * 1024 + 1), ("image/png", 1), ("", 1)] {
        let error = sticker(content_type, size).unwrap_err();
        assert_eq!(error.code, Code::InvalidMessage, "{content_type}");
    }
}

#[test]
fn a_reaction_needs_its_message_and_cards_their_objects() {
    let reaction = Reaction {
        target: String::new(),
        emoji: None,
    };
    assert!(start(Content::Reaction(reaction)).is_err());
    for action in [
        "",
        "[]",
        "{",
        "null",
        r#"{"name":"other"}"#,
        r#"{"buttons":{}}"#,
    ] {
        let card = || Card {
            header: None,
            body: None,
            action: action.to_owned(),
        };
        let error = start(interactive(Action::Carousel(vec![card(), card()]))).unwrap_err();
        assert_eq!(error.code, Code::InvalidMessage, "{action}");
        assert!(error.detail.contains("cards[0]"), "{}", error.detail);
    }
}
