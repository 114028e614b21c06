//! Every kind but interactive messages and templates.

use super::*;
use crate::provider::{Media, MediaSource};

fn link(url: &str) -> MediaSource {
    MediaSource::Link(url.to_owned())
}

#[test]
fn media_by_link_by_id_and_out_of_the_store() {
    let image = read(
        "image",
        json!({ "link": "https://example.com/a.jpg", "caption": "Ä" }),
    );
    let wanted = Media {
        source: link("https://example.com/a.jpg"),
        caption: Some("Ä".into()),
        filename: None,
        voice: false,
    };
    assert_eq!(image, Content::Image { image: wanted });
    let Content::Document { document } = read(
        "document",
        json!({ "id": "1037543291543636", "filename": "a.pdf", "caption": "c" }),
    ) else {
        panic!("a document");
    };
    assert_eq!(document.source, MediaSource::Id("1037543291543636".into()));
    assert_eq!(document.filename.as_deref(), Some("a.pdf"));
    for kind in ["video", "sticker", "audio"] {
        assert_eq!(read(kind, json!({ "id": "7" })).kind(), kind);
    }

    let stored = json!({ "id": "med_01ARZ3NDEKTSV4RRFFQ69G5FAV", "voice": true });
    let request = parse_message(&of("audio", stored)).unwrap();
    assert_eq!(
        request.stored,
        [StoredUse {
            pointer: "/audio/id".into(),
            media: "med_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            role: MediaRole::Voice,
        }]
    );
    assert_eq!(
        show_content(&request.content),
        json!({ "id": "med_01ARZ3NDEKTSV4RRFFQ69G5FAV", "voice": true })
    );
}

#[test]
fn media_that_are_refused() {
    refused("image", json!({}), &[("", "missing")]);
    refused(
        "image",
        json!({ "id": "1", "link": "https://example.com/a" }),
        &[("", "invalid")],
    );
    refused(
        "image",
        json!({ "link": "http://example.com/a" }),
        &[("/link", "invalid")],
    );
    refused("image", json!({ "id": "med_1" }), &[("/id", "invalid")]);
    refused("image", json!({ "id": "a\nb" }), &[("/id", "invalid")]);
    refused("image", json!({ "id": 1 }), &[("/id", "wrong-type")]);
    refused(
        "image",
        json!({ "id": "1", "filename": "a" }),
        &[("/filename", "unknown")],
    );
    refused(
        "sticker",
        json!({ "id": "1", "caption": "a" }),
        &[("/caption", "unknown")],
    );
    refused(
        "audio",
        json!({ "id": "1", "voice": "yes" }),
        &[("/voice", "wrong-type")],
    );
    refused(
        "audio",
        json!({ "id": "1", "caption": "a" }),
        &[("/caption", "unknown")],
    );
    refused(
        "video",
        json!({ "id": "1", "caption": "x".repeat(1025) }),
        &[("/caption", "too-long")],
    );
    refused(
        "document",
        json!({ "id": "1", "filename": "" }),
        &[("/filename", "invalid")],
    );
    refused(
        "document",
        json!("https://example.com/a"),
        &[("", "wrong-type")],
    );
}

#[test]
fn places() {
    let Content::Location { location } = read(
        "location",
        json!({ "latitude": "48.2", "longitude": 11, "name": "Office" }),
    ) else {
        panic!("a place");
    };
    assert_eq!((location.latitude, location.longitude), (48.2, 11.0));
    refused(
        "location",
        json!({ "latitude": 1 }),
        &[("/longitude", "missing")],
    );
    refused(
        "location",
        json!({ "latitude": 90.1, "longitude": "-181" }),
        &[("/latitude", "invalid"), ("/longitude", "invalid")],
    );
    refused(
        "location",
        json!({ "latitude": true, "longitude": "NaN", "zoom": 1 }),
        &[
            ("/zoom", "unknown"),
            ("/latitude", "wrong-type"),
            ("/longitude", "invalid"),
        ],
    );
}

#[test]
fn contact_cards() {
    let card = json!({
        "name": { "formatted_name": "Ada Lovelace", "first_name": "Ada" },
        "phones": [{ "phone": "+4915112345678", "type": "WORK", "wa_id": "4915112345678" }],
        "emails": [{ "email": "ada@example.com" }], "urls": [{ "url": "https://example.com" }],
        "addresses": [{ "city": "London", "country_code": "gb" }],
        "org": { "company": "Analytical Engines" }, "birthday": "1815-12-10",
    });
    let Content::Contacts { contacts } = read("contacts", json!([card])) else {
        panic!("contacts");
    };
    assert_eq!(contacts.to_value(), json!([card]));
    refused("contacts", json!([]), &[("", "invalid")]);
    refused("contacts", json!({}), &[("", "wrong-type")]);
    let named = json!({ "name": { "formatted_name": "A" } });
    refused("contacts", json!(vec![named; 258]), &[("", "too-many")]);
    refused(
        "contacts",
        json!([{ "phones": [{ "type": "WORK" }], "birthday": "10.12.1815" }, 7]),
        &[
            ("/1", "wrong-type"),
            ("/0/name", "missing"),
            ("/0/phones/0/phone", "missing"),
            ("/0/birthday", "invalid"),
        ],
    );
    refused(
        "contacts",
        json!([{ "name": { "first_name": "A", "nick": "b" }, "pets": [] }]),
        &[
            ("/0/pets", "unknown"),
            ("/0/name/nick", "unknown"),
            ("/0/name/formatted_name", "missing"),
        ],
    );
}

#[test]
fn reactions_and_receipts() {
    let Content::Reaction { reaction } = read(
        "reaction",
        json!({ "message_id": "wamid.1", "emoji": "👍🏽" }),
    ) else {
        panic!("a reaction");
    };
    assert_eq!(reaction.emoji.as_deref(), Some("👍🏽"));
    let Content::Reaction { reaction } =
        read("reaction", json!({ "message_id": "wamid.1", "emoji": "" }))
    else {
        panic!("a reaction");
    };
    assert_eq!(reaction.emoji, None);
    refused(
        "reaction",
        json!({ "message_id": "wamid.1" }),
        &[("/emoji", "missing")],
    );
    refused(
        "reaction",
        json!({ "emoji": "👍" }),
        &[("/message_id", "missing")],
    );
    let mut answering = of(
        "reaction",
        json!({ "message_id": "wamid.1", "emoji": "👍" }),
    );
    answering["context"] = json!({ "message_id": "wamid.0" });
    assert_eq!(errors(answering), [("/context".to_owned(), "invalid")]);

    read("read", json!({ "message_id": "wamid.1", "typing": true }));
    refused(
        "read",
        json!({ "typing": 1 }),
        &[("/typing", "wrong-type"), ("/message_id", "missing")],
    );
    let mut cloud = json!({
        "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1",
        "typing_indicator": { "type": "text" },
    });
    let request = parse_message(&cloud).unwrap();
    assert_eq!(request.to, None);
    assert_eq!(
        show_content(&request.content),
        json!({ "message_id": "wamid.1", "typing": true })
    );
    cloud["typing_indicator"] = json!({ "type": "voice" });
    assert_eq!(errors(cloud), [("/read/typing".to_owned(), "wrong-type")]);
}

#[test]
fn a_providers_own_message() {
    let shape = json!({
        "document": { "type": "image", "image": {} },
        "media": [{ "pointer": "/image", "id": "med_01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
    });
    let Content::Other { other } = read("other", shape) else {
        panic!("another");
    };
    assert_eq!(other.media[0].0, "/image");
    refused("other", json!({}), &[("/document", "missing")]);
    refused(
        "other",
        json!({ "document": {} }),
        &[("/document", "invalid")],
    );
    refused(
        "other",
        json!({ "document": "x" }),
        &[("/document", "wrong-type")],
    );
    refused(
        "other",
        json!({ "document": { "a": 1 }, "media": [{ "pointer": "image" }, { "pointer": "/a~2", "id": "1" }] }),
        &[
            ("/media/0/pointer", "invalid"),
            ("/media/0", "missing"),
            ("/media/1/pointer", "invalid"),
        ],
    );
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    refused(
        "other",
        json!({ "document": { "a": deep } }),
        &[("/document", "invalid")],
    );
}
