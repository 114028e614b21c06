//! What cannot go: refused before anything is stored where the message alone shows it, and as the right class
//! of error where only the provider can know.

use serde_json::{Value, json};
use wharf_test_support::eventually;

use super::quiet;
use super::via::Via;
use crate::harness::{Setup, TO, TestGateway, WAIT, each_with};

/// Posts it; the answer must be this refusal with this in its detail, and nothing may be left of it.
async fn refused(
    gateway: &TestGateway,
    via: Via,
    mut body: Value,
    (code, reason, said): (&str, &str, &str),
) {
    let what = format!("{via:?}: {body:#}");
    body["channel"] = via.channel().into();
    body["to"] = TO.into();
    for path in ["/v1/messages", "/v1/messages?dry_run=true"] {
        let answer = gateway.call("POST", path).json(&body).await;
        assert_eq!(answer.status, 422, "{what}: {answer:?}");
        answer.assert_problem(422, code);
        if !reason.is_empty() {
            assert_eq!(answer.body["reason"], reason, "{what}: {answer:?}");
        }
        assert!(answer.text.contains(said), "{what}: {said} in {answer:?}");
    }
}

async fn assert_nothing_left(gateway: &TestGateway) {
    for table in ["message", "job where queue = 'send'"] {
        assert_eq!(gateway.rows(table).await, 0, "{table}");
    }
    for via in Via::ALL {
        assert_eq!(via.refusals(gateway), 0, "{via:?}");
    }
}

fn interactive(kind: &str, action: Value) -> Value {
    json!({ "type": "interactive", "interactive": { "type": kind, "body": { "text": "Well?" }, "action": action } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_beyond_whatsapps_limits_is_refused_for_every_provider() {
    let buttons: Vec<_> = (0..4)
        .map(|n| json!({ "type": "reply", "reply": { "id": n.to_string(), "title": format!("Button {n}") } }))
        .collect();
    let rows: Vec<_> = (0..11)
        .map(|n| json!({ "id": n.to_string(), "title": format!("Row {n}") }))
        .collect();
    let cases = [
        (json!({ "text": { "body": "x".repeat(4097) } }), "4096"),
        (interactive("button", json!({ "buttons": buttons })), "3"),
        (
            interactive(
                "list",
                json!({ "button": "Open", "sections": [{ "title": "All", "rows": rows }] }),
            ),
            "10",
        ),
    ];
    each_with(Setup::with_all_providers, async |gateway| {
        for via in Via::ALL {
            for (body, limit) in &cases {
                refused(gateway, via, body.clone(), ("invalid-request", "", limit)).await;
            }
        }
        assert_nothing_left(gateway).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_one_provider_holds_there_and_nowhere_else() {
    each_with(Setup::with_all_providers, async |gateway| {
        let long = json!({ "text": { "body": "ä".repeat(1_601) } });
        let said = ("invalid-message", "invalid-message", "1600");
        refused(gateway, Via::Twilio, long.clone(), said).await;
        let section = |title: &str, id: &str| json!({ "title": title, "rows": [{ "id": id, "title": "Row" }] });
        let sections = json!({ "button": "Open", "sections": [section("One", "1"), section("Two", "2")] });
        let two = interactive("list", sections);
        let said = ("unsupported", "unsupported", "several sections");
        refused(gateway, Via::Twilio, two.clone(), said).await;
        let plain = gateway.call("POST", "/v1/media?filename=a.txt");
        let plain = plain.bytes("text/plain", b"Hello".to_vec()).await.id();
        let file = json!({ "type": "document", "document": { "id": plain } });
        let said = ("invalid-message", "media-rejected", "text/plain");
        refused(gateway, Via::Twilio, file.clone(), said).await;
        assert_nothing_left(gateway).await;
        for via in Via::CLOUD {
            for body in [&long, &two, &file] {
                let mut body = body.clone();
                body["channel"] = via.channel().into();
                body["to"] = TO.into();
                let answer = gateway.send(body).await;
                assert_eq!(answer.status, 202, "{via:?}: {answer:?}");
                gateway.wait_status(&answer.id(), "read").await;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_medium_that_whatsapp_does_not_take_is_refused_by_its_type_and_size() {
    each_with(Setup::with_all_providers, async |gateway| {
        let store = async |content_type: &str, bytes: Vec<u8>| {
            let call = gateway.call("POST", "/v1/media");
            let stored = call.bytes(content_type, bytes).await;
            assert_eq!(stored.status, 201, "{stored:?}");
            stored.id()
        };
        let gif = store("image/gif", b"GIF89a".to_vec()).await;
        let wave = store("audio/wav", b"RIFF".to_vec()).await;
        let large = store("image/jpeg", vec![1; 5 * 1024 * 1024 + 1]).await;
        for via in Via::ALL {
            for (kind, id, said) in [("image", &gif, "image/gif"), ("audio", &wave, "audio/wav")] {
                let mut body = json!({ "type": kind });
                body[kind] = json!({ "id": id });
                refused(gateway, via, body, ("invalid-request", "", said)).await;
            }
            let body = json!({ "type": "image", "image": { "id": large } });
            refused(gateway, via, body, ("invalid-request", "", "5242880")).await;
        }
        assert_nothing_left(gateway).await;
    })
    .await;
}

fn template(via: Via, name: &str, parameters: usize) -> Value {
    let parameters: Vec<_> = (0..parameters)
        .map(|n| json!({ "type": "text", "text": n.to_string() }))
        .collect();
    let components = json!([{ "type": "body", "parameters": parameters }]);
    json!({
        "channel": via.channel(), "to": TO, "type": "template",
        "template": { "name": name, "language": { "code": "en_US" }, "components": components },
    })
}

/// Lists the channel's templates and waits for the end of it.
async fn synchronised(gateway: &TestGateway, via: Via) {
    let path = format!("/v1/channels/{}/templates/sync", via.channel());
    let asked = gateway.call("POST", &path).empty().await;
    assert_eq!(asked.status, 202, "{via:?}: {asked:?}");
    let listed = eventually(WAIT, || async {
        let state = gateway.call("GET", &path).empty().await;
        state.body["synced_at"].is_string().then_some(())
    });
    listed
        .await
        .unwrap_or_else(|error| panic!("{via:?}: {error}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_of_a_template_is_held_against_a_message_before_it_is_stored() {
    each_with(quiet, async |gateway| {
        for (sent, via) in (0..).zip(Via::ALL) {
            via.add_template(gateway);
            synchronised(gateway, via).await;
            for (name, parameters, reason) in [
                ("no_such_template", 2, "template-unknown"),
                ("order_update", 0, "template-mismatch"),
                ("order_update", 1, "template-mismatch"),
                ("order_update", 3, "template-mismatch"),
            ] {
                let body = template(via, name, parameters);
                let refusal = ("invalid-message", reason, "");
                refused(gateway, via, body, refusal).await;
            }
            assert_eq!(gateway.rows("message").await, sent, "{via:?}");
            assert_eq!(via.refusals(gateway), 0, "{via:?}");
            let right = gateway.send(template(via, "order_update", 2)).await;
            assert_eq!(right.status, 202, "{via:?}: {right:?}");
            gateway.wait_idle().await;
            assert_eq!(via.effects(gateway, &right.id()), 1, "{via:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_provider_knows_of_a_template_fails_with_its_class() {
    each_with(quiet, async |gateway| {
        let mut dead = 0;
        for via in Via::ALL {
            via.add_template(gateway);
            for (name, parameters, class) in [
                ("no_such_template", 2, "template-unknown"),
                ("order_update", 1, "template-mismatch"),
                ("order_update", 3, "template-mismatch"),
            ] {
                let what = format!("{via:?}: {name} with {parameters}");
                let answer = gateway.send(template(via, name, parameters)).await;
                assert_eq!(answer.status, 202, "{what}: {answer:?}");
                let message = gateway.wait_status(&answer.id(), "failed").await;
                assert_eq!(message["error"]["code"], class, "{what}: {message:#}");
                let remedy = message["error"]["remedy"].as_str();
                assert!(remedy.is_some_and(|text| !text.is_empty()), "{what}");
                assert_eq!(via.effects(gateway, &answer.id()), 0, "{what}");
                dead += 1;
            }
            via.forget_refusals(gateway);
        }
        gateway.expect_dead_letters(dead);
    })
    .await;
}
