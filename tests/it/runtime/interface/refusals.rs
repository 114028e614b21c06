//! What a guest may not return, each rule by its words.

mod atoms;
mod flows;

use serde_json::{Value, json};
use wharf_core::provider::{MediaRequest, ProfileRequest, TemplatesRequest};
use wharf_runtime::{CallError, Plugin};

use super::super::{message, webhook};
use super::{answering, echo, exchange_json, media_ref_json};

/// Calls the function with this answer and expects a refusal that says this.
async fn refused(plugin: &Plugin, function: &str, answer: &Value, rule: &str) {
    let context = answering(answer);
    let message = message();
    let error = match function {
        "outbound" => plugin.start(&context, &message).await.err(),
        "inbound" => plugin.parse(&context, &webhook(b""), 0).await.err(),
        "media" => {
            let request = MediaRequest::Delete("1".to_owned());
            plugin.media_start(&context, &request).await.err()
        }
        "templates" => {
            let request = TemplatesRequest::List;
            plugin.templates_start(&context, &request).await.err()
        }
        "health" => plugin.health_start(&context).await.err(),
        "reconcile" => plugin.reconcile_start(&context, &message, 0).await.err(),
        "catch-up" => plugin.catch_up(&context, 0).await.err(),
        "profile" => {
            let request = ProfileRequest::Get;
            plugin.profile_start(&context, &request).await.err()
        }
        _ => plugin
            .onboarding_start(&context, "connect", &[])
            .await
            .err(),
    };
    match error {
        Some(CallError::Invalid { what, .. }) => {
            assert!(
                what.contains(rule),
                "{function}: expected {rule}, got {what}"
            );
        }
        other => panic!("{function}: expected {rule}, got {other:?} for {answer}"),
    }
}

fn changed(mut document: Value, pointer: &str, value: Value) -> Value {
    *document
        .pointer_mut(pointer)
        .expect("a place in the answer") = value;
    document
}

fn text_of(bytes: usize) -> Value {
    json!("a".repeat(bytes))
}

fn header(pieces: Value) -> Value {
    json!([{ "name": "authorization", "value": pieces }])
}

fn envelope_rules() -> Vec<(&'static str, Value, &'static str)> {
    let capture = |pointer: &str, secret: &str| json!([{ "pointer": pointer, "secret": secret, "lifetime": null }]);
    let memo = |key: &str, lifetime: u32| json!({ "key": key, "lifetime_s": lifetime, "scope": "App", "refresh": false });
    vec![
        (
            "/label",
            json!("Send Text"),
            "exchange.label must be a name",
        ),
        (
            "/label",
            json!("a\u{1b}[31m"),
            "exchange.label must be a name",
        ),
        (
            "/state",
            json!(vec![0; 16_385]),
            "exchange.state has 16385, at most 16384",
        ),
        (
            "/delay_ms",
            json!(86_400_001),
            "exchange.delay-ms is longer than a day",
        ),
        (
            "/bucket",
            json!("nothing"),
            "names `nothing`, for which no rate is declared",
        ),
        (
            "/capture",
            capture("access_token", "token"),
            "no JSON pointer",
        ),
        ("/capture", capture("/a~2", "token"), "no JSON pointer"),
        (
            "/capture",
            capture("/a", "nobody"),
            "names the secret `nobody`",
        ),
        (
            "/capture",
            capture("/a", "sender"),
            "names the secret `sender`",
        ),
        (
            "/capture",
            capture("/a", "token/slot"),
            "names the secret `token/slot`",
        ),
        ("/memo", memo("", 1), "exchange.memo key is empty"),
        ("/memo", memo("k", 0), "exchange.memo has no lifetime"),
    ]
}

fn request_rules() -> Vec<(&'static str, Value, &'static str)> {
    let fields = json!(vec![json!({ "name": "n", "value": [] }); 65]);
    vec![
        ("/request/url", json!(""), "request.url is empty"),
        ("/request/url", text_of(8193), "request.url has 8193"),
        (
            "/request/query",
            json!({ "Fields": fields }),
            "request.query has 65",
        ),
        (
            "/request/query",
            json!({ "Fields": [{ "name": "", "value": [] }] }),
            "request.query is empty",
        ),
        (
            "/request/headers",
            json!([{ "name": "a b", "value": [] }]),
            "`a b` is no header name",
        ),
        (
            "/request/headers",
            json!([{ "name": "a\r\nb", "value": [] }]),
            "is no header name",
        ),
    ]
}

/// Pieces of a header's value.
fn value_rules() -> Vec<(Value, &'static str)> {
    let jwt = |claims: &str| json!([{ "Jwt": { "key": "token", "algorithm": "Hs256", "header": "{}", "claims": claims } }]);
    let hmac = |key: &str, over: Value| json!([{ "Hmac": { "key": key, "hash": "Sha1", "encoding": "Hex", "over": over } }]);
    vec![
        (json!([{ "Secret": "x" }]), "names the secret `x`"),
        (
            json!([{ "Basic": [{ "Text": "u" }, "x"] }]),
            "names the secret `x`",
        ),
        (
            json!([{ "Basic": [{ "Secret": "y" }, "token"] }]),
            "names the secret `y`",
        ),
        (hmac("x", json!(["Body"])), "names the secret `x`"),
        (
            hmac("token", json!([{ "Secret": "z" }])),
            "names the secret `z`",
        ),
        (hmac("token", json!([])), "is empty"),
        (jwt("{"), "request.headers is not JSON"),
        (jwt("[]"), "a token part that is no JSON object"),
        (
            json!(vec![json!({ "Text": "" }); 65]),
            "request.headers has 65",
        ),
        (
            json!([{ "WebhookUrl": { "webhook": "other", "query": [] } }]),
            "names the webhook `other`, which is not declared",
        ),
        (
            json!([{ "MediaLink": { "media": media_ref_json(), "lifetime_s": 0 } }]),
            "a media link without a lifetime",
        ),
    ]
}

fn body_rules() -> Vec<(Value, &'static str)> {
    let fields = json!(vec![json!({ "name": "n", "value": [] }); 65]);
    let mut bad_media = media_ref_json();
    bad_media["sha256"] = json!([1, 2]);
    let json_body = |document: &str, pointer: &str| json!({ "Json": { "document": document, "insert": [{ "pointer": pointer, "value": [] }] } });
    vec![
        (json_body("{", "/a"), "request.body is not JSON"),
        (json_body("{}", "a"), "no JSON pointer"),
        (json_body("{}", ""), "would replace the document"),
        (json!({ "Form": fields }), "request.body form has 65"),
        (
            json!({ "Multipart": [] }),
            "request.body multipart is empty",
        ),
        (
            json!({ "Media": bad_media }),
            "a sha256 that is not 32 bytes long",
        ),
        (json!({ "Bytes": ["a\r\nb", []] }), "has control characters"),
        (
            json!({ "Multipart": [{ "name": "f\n", "filename": null, "content_type": null, "data": { "Value": [] } }] }),
            "request.body part name has control characters",
        ),
    ]
}

#[tokio::test]
async fn an_exchange_that_breaks_a_rule_is_refused() {
    let Some(plugin) = echo().await else { return };
    let values = value_rules().into_iter();
    let bodies = body_rules().into_iter();
    let rules = envelope_rules()
        .into_iter()
        .chain(request_rules())
        .chain(values.map(|(value, rule)| ("/request/headers", header(value), rule)))
        .chain(bodies.map(|(body, rule)| ("/request/body", body, rule)));
    for (pointer, value, rule) in rules {
        let exchange = changed(exchange_json(), pointer, value);
        let answer = json!({ "Exchange": exchange });
        refused(&plugin, "outbound", &answer, rule).await;
    }
    // The same rules hold wherever an exchange comes from.
    let exchange = changed(exchange_json(), "/label", json!(""));
    let rule = "exchange.label must be a name";
    for function in [
        "media",
        "templates",
        "health",
        "reconcile",
        "catch-up",
        "profile",
    ] {
        refused(&plugin, function, &json!({ "Exchange": exchange }), rule).await;
    }
    let paged = json!({ "Page": [[], exchange] });
    refused(&plugin, "templates", &paged, rule).await;
    let paged = json!({ "Page": { "items": [], "next": exchange } });
    refused(&plugin, "catch-up", &paged, rule).await;
    let flow = json!({ "settings": [], "findings": [], "next": { "Exchange": exchange } });
    refused(&plugin, "onboarding", &flow, rule).await;
}

fn answer_rules() -> Vec<(&'static str, Value, &'static str)> {
    let mut media = media_ref_json();
    media["handle"] = json!("");
    let accepted =
        json!({ "provider_message_id": "", "pace": [], "recipient": null, "pending": false });
    let pace = json!({ "bucket": { "Named": "A B" }, "pause_ms": 1, "per_second": null });
    let paced =
        json!({ "provider_message_id": null, "pace": [pace], "recipient": null, "pending": false });
    vec![
        ("outbound", accepted.clone(), "provider-message-id is empty"),
        ("outbound", paced, "pace has a bucket with an unfit name"),
        (
            "reconcile",
            json!({ "Found": accepted }),
            "provider-message-id is empty",
        ),
        (
            "media",
            json!({ "Fetched": media }),
            "answer.fetched.handle is empty",
        ),
        (
            "media",
            json!({ "Uploaded": "" }),
            "answer.uploaded is empty",
        ),
        ("profile", json!("{"), "profile is not JSON"),
        ("profile", json!("[]"), "profile is no JSON object"),
    ]
}

fn report_rules() -> Vec<(&'static str, Value, &'static str)> {
    let finding = json!({ "verdict": "Ok", "title": " ", "detail": "", "remedy": null });
    let report = json!({ "verdict": "Ok", "findings": [], "token_expires": null, "quality": null, "messaging_limit": null, "messages_per_second": null });
    let entry = json!({ "id": null, "name": "n", "language": "de", "category": "c", "status": "s", "quality": null, "reason": null, "definition": "{}" });
    let reported = |pointer, value| changed(report.clone(), pointer, value);
    let listed = |pointer, value| json!([changed(entry.clone(), pointer, value)]);
    vec![
        (
            "health",
            reported("/findings", json!([finding])),
            "report.findings[0] has no title",
        ),
        (
            "health",
            reported("/findings", json!(vec![finding; 65])),
            "report.findings has 65",
        ),
        (
            "health",
            reported("/token_expires", json!(u64::MAX)),
            "after the year 9999",
        ),
        (
            "health",
            reported("/messages_per_second", json!(0)),
            "messages-per-second is 0",
        ),
        (
            "templates",
            listed("/name", json!("")),
            "entries[0]: name is empty",
        ),
        (
            "templates",
            listed("/status", json!("a\nb")),
            "entries[0]: status has control",
        ),
        (
            "templates",
            listed("/definition", json!("x")),
            "entries[0]: definition is not JSON",
        ),
        (
            "templates",
            json!(vec![entry.clone(); 1001]),
            "entries has 1001",
        ),
    ]
}

#[tokio::test]
async fn results_that_break_a_rule_are_refused() {
    let Some(plugin) = echo().await else { return };
    for (function, done, rule) in answer_rules().into_iter().chain(report_rules()) {
        refused(&plugin, function, &json!({ "Done": done }), rule).await;
    }
}
