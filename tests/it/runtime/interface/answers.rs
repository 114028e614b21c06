//! What a guest wants sent arrives whole, and how a message ended.

use serde_json::{Value, json};
use wharf_core::provider::{
    Accepted, Body, Bucket, Capture, Encoding, Exchange, Field, Hash, Hmac, HmacInput, HttpMethod,
    HttpRequest, JsonBody, JsonInsert, Jwt, JwtAlgorithm, Level, MediaLink, Memo, Pace, Part,
    PartData, Party, Piece, Query, Reconciled, Replay, Sink, Step, User, WebhookUrl,
};

use super::super::message;
use super::{answering, echo, exchange_json, media_ref, media_ref_json};

fn text(text: &str) -> String {
    text.to_owned()
}

fn pieces() -> (Vec<Piece>, Value) {
    let hmac = |hash, encoding, over| {
        Piece::Hmac(Hmac {
            key: text("token"),
            hash,
            encoding,
            over,
        })
    };
    let jwt = |algorithm| {
        Piece::Jwt(Jwt {
            key: text("token"),
            algorithm,
            header: text("{}"),
            claims: text(r#"{"sub":1}"#),
        })
    };
    let pieces = vec![
        Piece::Text(text("{{token}}")),
        Piece::Secret(text("token")),
        Piece::Basic(User::Text(text("AC1")), text("token")),
        Piece::Basic(User::Secret(text("token")), text("token")),
        hmac(
            Hash::Sha1,
            Encoding::Hex,
            vec![HmacInput::Text(text("a")), HmacInput::Body],
        ),
        hmac(
            Hash::Sha256,
            Encoding::Base64,
            vec![HmacInput::Secret(text("token"))],
        ),
        hmac(Hash::Sha512, Encoding::Base64url, vec![HmacInput::Body]),
        jwt(JwtAlgorithm::Hs256),
        jwt(JwtAlgorithm::Rs256),
        jwt(JwtAlgorithm::Es256),
        Piece::WebhookUrl(WebhookUrl {
            webhook: text("main"),
            query: vec![(text("id"), text("1"))],
        }),
        Piece::MediaLink(MediaLink {
            media: media_ref(),
            lifetime_s: 60,
        }),
        Piece::ReturnUrl,
    ];
    let hmac = |hash: &str, encoding: &str, over: Value| json!({ "Hmac": { "key": "token", "hash": hash, "encoding": encoding, "over": over } });
    let jwt = |algorithm: &str| json!({ "Jwt": { "key": "token", "algorithm": algorithm, "header": "{}", "claims": r#"{"sub":1}"# } });
    let shape = json!([
        { "Text": "{{token}}" },
        { "Secret": "token" },
        { "Basic": [{ "Text": "AC1" }, "token"] },
        { "Basic": [{ "Secret": "token" }, "token"] },
        hmac("Sha1", "Hex", json!([{ "Text": "a" }, "Body"])),
        hmac("Sha256", "Base64", json!([{ "Secret": "token" }])),
        hmac("Sha512", "Base64url", json!(["Body"])),
        jwt("Hs256"), jwt("Rs256"), jwt("Es256"),
        { "WebhookUrl": { "webhook": "main", "query": [["id", "1"]] } },
        { "MediaLink": { "media": media_ref_json(), "lifetime_s": 60 } },
        "ReturnUrl",
    ]);
    (pieces, shape)
}

fn bodies() -> Vec<(Body, Value)> {
    let value = || vec![Piece::Text(text("v"))];
    let field = || Field {
        name: text("To"),
        value: value(),
    };
    let field_json = json!({ "name": "To", "value": [{ "Text": "v" }] });
    let part = |data| Part {
        name: text("file"),
        filename: Some(text("a.png")),
        content_type: None,
        data,
    };
    let part_json = |data: Value| json!({ "name": "file", "filename": "a.png", "content_type": null, "data": data });
    vec![
        (Body::Empty, json!("Empty")),
        (
            Body::Json(JsonBody {
                document: text(r#"{"a":[]}"#),
                insert: vec![JsonInsert {
                    pointer: text("/a/-"),
                    value: value(),
                }],
            }),
            json!({ "Json": {
                "document": r#"{"a":[]}"#, "insert": [{ "pointer": "/a/-", "value": [{ "Text": "v" }] }],
            } }),
        ),
        (
            Body::Form(vec![field(), field()]),
            json!({ "Form": [field_json, field_json] }),
        ),
        (
            Body::Multipart(vec![
                part(PartData::Value(value())),
                part(PartData::Media(media_ref())),
            ]),
            json!({ "Multipart": [
                part_json(json!({ "Value": [{ "Text": "v" }] })),
                part_json(json!({ "Media": media_ref_json() })),
            ] }),
        ),
        (
            Body::Bytes(text("text/plain"), vec![0, 255]),
            json!({ "Bytes": ["text/plain", [0, 255]] }),
        ),
        (
            Body::Media(media_ref()),
            json!({ "Media": media_ref_json() }),
        ),
    ]
}

/// An exchange with something in every member, and its shape in the guest.
fn full(body: Body, body_json: &Value, replay: Replay, method: HttpMethod) -> (Exchange, Value) {
    let (pieces, pieces_json) = pieces();
    let field = |name: &str| Field {
        name: text(name),
        value: pieces.clone(),
    };
    let exchange = Exchange {
        label: text("send.text"),
        request: HttpRequest {
            method,
            url: text("https://api.example.com/v1/messages"),
            query: Query::Fields(vec![field("q")]),
            headers: vec![field("x-header")],
            body,
            timeout_ms: Some(1500),
        },
        replay,
        sink: Sink::Store,
        capture: vec![Capture {
            pointer: text("/access_token"),
            secret: text("token"),
            lifetime: Some(text("/expires_in")),
        }],
        memo: Some(Memo {
            key: text("upload:1"),
            lifetime_s: 60,
            scope: Level::App,
            refresh: true,
        }),
        bucket: Some(text("uploads")),
        delay_ms: 250,
        state: vec![0, 1, 255],
    };
    let shape = json!({
        "label": "send.text",
        "request": {
            "method": format!("{method:?}"), "url": "https://api.example.com/v1/messages",
            "query": { "Fields": [{ "name": "q", "value": pieces_json }] },
            "headers": [{ "name": "x-header", "value": pieces_json }],
            "body": body_json, "timeout_ms": 1500,
        },
        "replay": format!("{replay:?}"), "sink": "Store",
        "capture": [{ "pointer": "/access_token", "secret": "token", "lifetime": "/expires_in" }],
        "memo": { "key": "upload:1", "lifetime_s": 60, "scope": "App", "refresh": true },
        "bucket": "uploads", "delay_ms": 250, "state": [0, 1, 255],
    });
    (exchange, shape)
}

#[tokio::test]
async fn every_request_a_guest_can_describe_arrives_as_it_is() {
    let Some(plugin) = echo().await else { return };
    let replays = [Replay::Safe, Replay::Keyed, Replay::Unsafe];
    let methods = [
        HttpMethod::Get,
        HttpMethod::Post,
        HttpMethod::Put,
        HttpMethod::Patch,
        HttpMethod::Delete,
    ];
    let kinds = replays.into_iter().cycle().zip(methods.into_iter().cycle());
    for ((body, body_json), (replay, method)) in bodies().into_iter().zip(kinds) {
        let (expected, shape) = full(body, &body_json, replay, method);
        let answer = answering(&json!({ "Exchange": shape }));
        let step = plugin.start(&answer, &message()).await.unwrap();
        assert_eq!(step, Step::Exchange(Box::new(expected.clone())));
        // As it is stored while it waits.
        let stored = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<Exchange>(&stored).unwrap(), expected);
    }

    let mut shape = exchange_json();
    shape["request"]["query"] = json!({ "Raw": "a=%20" });
    let answer = answering(&json!({ "Exchange": shape }));
    let Step::Exchange(exchange) = plugin.start(&answer, &message()).await.unwrap() else {
        panic!("expected an exchange");
    };
    assert_eq!(exchange.request.query, Query::Raw(text("a=%20")));
    assert_eq!(exchange.sink, Sink::Buffer(1024));
}

fn accepted() -> (Accepted, Value) {
    let pace = |bucket| Pace {
        bucket,
        pause_ms: Some(1000),
        per_second: None,
    };
    let accepted = Accepted {
        provider_message_id: Some(text("wamid.1")),
        pace: vec![
            pace(Bucket::Level(Level::Account)),
            pace(Bucket::Level(Level::Channel)),
            pace(Bucket::Recipient),
            pace(Bucket::Named(text("uploads"))),
        ],
        recipient: Some(Party {
            phone: Some(text("491")),
            user_id: Some(text("US.1")),
            username: Some(text("ada")),
            name: None,
        }),
        pending: true,
    };
    let pace = |bucket: Value| json!({ "bucket": bucket, "pause_ms": 1000, "per_second": null });
    let shape = json!({
        "provider_message_id": "wamid.1",
        "pace": [
            pace(json!({ "Level": "Account" })), pace(json!({ "Level": "Channel" })),
            pace(json!("Recipient")), pace(json!({ "Named": "uploads" })),
        ],
        "recipient": { "phone": "491", "user_id": "US.1", "username": "ada", "name": null },
        "pending": true,
    });
    (accepted, shape)
}

#[tokio::test]
async fn the_ends_of_a_message_arrive_as_they_are() {
    let Some(plugin) = echo().await else { return };
    let (accepted, shape) = accepted();
    let answer = answering(&json!({ "Done": shape }));
    let step = plugin.start(&answer, &message()).await.unwrap();
    assert_eq!(step, Step::Done(accepted.clone()));

    let verdicts = [
        (Reconciled::Found(accepted), json!({ "Found": shape })),
        (Reconciled::Absent, json!("Absent")),
        (Reconciled::Undecided, json!("Undecided")),
    ];
    for (expected, shape) in verdicts {
        let answer = answering(&json!({ "Done": shape }));
        let step = plugin.reconcile_start(&answer, &message(), 1).await;
        assert_eq!(step.unwrap(), Step::Done(expected));
    }
}
