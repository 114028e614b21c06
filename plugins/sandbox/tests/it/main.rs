//! The plugin seen from the host: plain values in, plain values out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod webhook;

use serde_json::{Value, json};
use wharf_plugin::manifest::Verification;
use wharf_plugin::messages::{
    Action, Interactive, Location, Media, MediaSource, Raw, ReadReceipt, ReplyButton, Template,
    Text,
};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Body, Level, MediaRef};
use wharf_plugin_sandbox::Sandbox;

const RECEIVED_AT: u64 = 1_790_000_000_000;

fn context(settings: &[(&str, &str)]) -> Context {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Context {
        settings: settings.iter().map(owned).collect(),
        now: RECEIVED_AT,
        seed: vec![7; 32],
        locale: None,
    }
}

fn message(content: Content) -> Message {
    Message {
        id: "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M".to_owned(),
        to: Address::Phone("4915112345678".to_owned()),
        sender: "demo".to_owned(),
        content,
        reply_to: None,
        options: String::new(),
    }
}

fn hello() -> Message {
    message(Content::Text(Text {
        body: "Hello".to_owned(),
        preview_url: false,
    }))
}

fn exchange(settings: &[(&str, &str)], message: &Message) -> Exchange {
    match Sandbox::start(&context(settings), message).unwrap() {
        Progress::Exchange(exchange) => exchange,
        Progress::Done(accepted) => panic!("done before anything was sent: {accepted:?}"),
    }
}

fn document(settings: &[(&str, &str)], message: &Message) -> Value {
    let Body::Json(body) = exchange(settings, message).request.body else {
        panic!("a JSON body")
    };
    serde_json::from_str(&body.document).unwrap()
}

fn resume(outcome: Outcome) -> Result<Progress, Error> {
    Sandbox::resume(&context(&[]), &hello(), &[], outcome)
}

fn answer(status: u16, body: &str) -> Outcome {
    Outcome::Response(HttpResponse {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    })
}

#[test]
fn golden_cases() {
    wharf_plugin::testing::Golden::of::<Sandbox>()
        .media::<Sandbox>()
        .onboarding::<Sandbox>()
        .templates::<Sandbox>()
        .health::<Sandbox>()
        .reconcile::<Sandbox>()
        .profile::<Sandbox>()
        .run("cases");
}

#[test]
fn is_described_with_one_address_and_one_key() {
    let descriptor = Sandbox::describe();
    assert_eq!(descriptor.id, "dev.wharf.sandbox");
    assert_eq!(descriptor.sender_setting, "sender");
    for endpoint in &descriptor.endpoints {
        assert_eq!(endpoint.host, "sandbox.wharf.internal");
        assert!(endpoint.paths.iter().all(|path| path.starts_with("/v1/")));
    }
    let key = descriptor
        .inputs
        .iter()
        .find(|input| input.name == "sandbox_key")
        .unwrap();
    assert_eq!(
        (key.level, key.audience.as_slice()),
        (
            Level::Channel,
            ["sandbox.wharf.internal".to_owned()].as_slice()
        )
    );
    let [webhook] = descriptor.webhooks.as_slice() else {
        panic!("one webhook")
    };
    assert_eq!(
        (webhook.name.as_str(), webhook.level),
        ("main", Level::Channel)
    );
    let Verification::Mac(mac) = &webhook.checks[0].verify else {
        panic!("a MAC")
    };
    assert_eq!(
        (mac.header.as_str(), mac.key.as_str()),
        ("x-sandbox-signature", "sandbox_key")
    );
}

#[test]
fn a_text_is_posted_under_our_id() {
    let exchange = exchange(&[("script", "sent+100 delivered+400")], &hello());
    assert_eq!(exchange.replay, Replay::Keyed);
    assert_eq!(
        exchange.request.url,
        "https://sandbox.wharf.internal/v1/messages"
    );
    let [header] = exchange.request.headers.as_slice() else {
        panic!("one header")
    };
    assert_eq!(
        (header.name.as_str(), &header.value),
        ("authorization", &vec![piece::secret("sandbox_key")])
    );
    assert_eq!(
        document(&[("script", "sent+100 delivered+400")], &hello()),
        json!({
            "id": "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M",
            "to": "+4915112345678",
            "type": "text",
            "text": { "body": "Hello", "preview_url": false },
            "script": "sent+100 delivered+400",
        })
    );
}

#[test]
fn without_a_script_none_is_sent_and_a_reply_names_its_target() {
    let mut reply = hello();
    reply.reply_to = Some("sbx_1".to_owned());
    reply.to = Address::UserId("US.1".to_owned());
    let document = document(&[("script", "")], &reply);
    assert_eq!(
        (&document["script"], &document["reply_to"], &document["to"]),
        (&Value::Null, &json!("sbx_1"), &json!("US.1"))
    );
}

/// The member named by the content's kind.
fn written(content: Content) -> Value {
    let kind = content.kind();
    let document = document(&[], &message(content));
    assert_eq!(document["type"], json!(kind));
    document[kind].clone()
}

#[test]
fn media_pass_without_their_handle() {
    let media = |source| Media {
        source,
        caption: Some("c".to_owned()),
        filename: None,
        voice: false,
    };
    let stored = MediaRef {
        handle: "secret-handle".to_owned(),
        content_type: "image/png".to_owned(),
        size: 5,
        sha256: vec![0; 32],
        filename: None,
    };
    let link = MediaSource::Link("https://e.x/a".to_owned());
    assert_eq!(
        written(Content::Image(media(link)))["source"],
        json!({ "link": "https://e.x/a" })
    );
    let audio = written(Content::Audio(media(MediaSource::Stored(stored))));
    assert_eq!(
        audio["source"],
        json!({ "stored": { "content_type": "image/png", "size": 5 } })
    );
    assert_eq!(audio["caption"], json!("c"));
}

#[test]
fn other_kinds_pass() {
    let buttons = Action::Buttons(vec![ReplyButton {
        id: "y".to_owned(),
        title: "Yes".to_owned(),
    }]);
    let interactive = Interactive {
        header: None,
        body: Some("Sure?".to_owned()),
        footer: None,
        action: buttons,
    };
    let interactive = written(Content::Interactive(interactive));
    assert_eq!(
        (&interactive["body"], &interactive["action"]),
        (
            &json!("Sure?"),
            &json!({ "buttons": [{ "id": "y", "title": "Yes" }] })
        )
    );
    let template = Template {
        name: "hello".to_owned(),
        language: "en".to_owned(),
        components: Vec::new(),
        cards: Vec::new(),
        id: None,
        definition: None,
    };
    assert_eq!(
        written(Content::Template(template)),
        json!({ "name": "hello", "language": "en", "parameters": 0, "cards": 0 })
    );
    let location = Location {
        latitude: 1.5,
        longitude: 2.0,
        name: None,
        address: None,
    };
    assert_eq!(written(Content::Location(location))["latitude"], json!(1.5));
    let read = ReadReceipt {
        message: "sbx_1".to_owned(),
        typing: true,
    };
    assert_eq!(
        written(Content::Read(read)),
        json!({ "message": "sbx_1", "typing": true })
    );
}

#[test]
fn foreign_json_passes_as_it_is() {
    assert_eq!(
        written(Content::Contacts(r#"[{"a":1}]"#.to_owned())),
        json!([{ "a": 1 }])
    );
    let raw = Raw {
        document: "not json".to_owned(),
        media: Vec::new(),
    };
    assert_eq!(written(Content::Other(raw)), json!("not json"));
}

#[test]
fn an_accepted_message_has_the_sandboxs_id() {
    let Progress::Done(accepted) = resume(answer(200, r#"{"id":"sbx_1"}"#)).unwrap() else {
        panic!("done")
    };
    assert_eq!(accepted.provider_message_id.as_deref(), Some("sbx_1"));
}

#[test]
fn answers_without_an_id_may_be_asked_for_again() {
    for body in ["", "{}", r#"{"id":""}"#, r#"{"id":5}"#, "<html>"] {
        let error = resume(answer(200, body)).unwrap_err();
        assert_eq!(
            (error.code, error.retry),
            (Code::MalformedResponse, Retry::Backoff),
            "{body}"
        );
    }
}

#[test]
fn a_refusal_carries_the_class_the_script_names() {
    for (status, body, code, retry) in [
        (
            422,
            r#"{"error":{"code":"recipient-unknown","message":"m"}}"#,
            Code::RecipientUnknown,
            Retry::Never,
        ),
        (
            422,
            r#"{"error":{"code":"window-closed","message":"m"}}"#,
            Code::WindowClosed,
            Retry::Never,
        ),
        (
            400,
            r#"{"error":{"code":"new-code","message":"m"}}"#,
            Code::Other,
            Retry::Never,
        ),
        (
            429,
            r#"{"error":{"code":"pair-rate-limited","message":"m"}}"#,
            Code::PairRateLimited,
            Retry::Backoff,
        ),
        (
            503,
            r#"{"error":{"code":"provider-unavailable","message":"m"}}"#,
            Code::ProviderUnavailable,
            Retry::Backoff,
        ),
        (401, "", Code::AuthFailed, Retry::Never),
        (
            422,
            r#"{"error":{"code":"invalid-script","message":"m"}}"#,
            Code::Misconfigured,
            Retry::Never,
        ),
        (429, "", Code::RateLimited, Retry::Backoff),
        (500, "<html>", Code::ProviderUnavailable, Retry::Backoff),
        (404, "[]", Code::MalformedResponse, Retry::Never),
    ] {
        let error = resume(answer(status, body)).unwrap_err();
        assert_eq!(
            (error.code, error.retry),
            (code, retry),
            "HTTP {status} {body}"
        );
        assert!(error.remedy.is_some() && !error.detail.is_empty());
    }
}

#[test]
fn lost_answers_are_asked_for_again_because_our_id_is_the_key() {
    for failure in [
        TransportFailure::TimeoutAfterSend,
        TransportFailure::Reset,
        TransportFailure::Interrupted,
    ] {
        assert_eq!(
            resume(Outcome::Failed(failure)).unwrap_err().retry,
            Retry::Backoff
        );
    }
}
