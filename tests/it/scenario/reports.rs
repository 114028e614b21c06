//! What providers report: each case as an event of its own type and shape, delivered once.

use serde_json::{Value, json};
use wharf_core::MessageId;
use wharf_core::provider::{InboundContent, InboundMedia, InboundMessage, MediaKind, Party};
use wharf_hostile::Guest;
use wharf_store::messages::{self, NewInbound};

use crate::harness::{ACME, PLAYGROUND, Setup, TO, TestGateway, each, each_with};

/// A case as a plugin reads it, with the type and the data of its event.
type Case = (Value, &'static str, Value);

const AT: u64 = 1_790_000_000_000;
const SHOWN_AT: &str = "2026-09-21T14:13:20.000Z";

fn cases() -> Vec<Case> {
    let mut all = templates();
    all.extend(people());
    all.extend(accounts());
    all
}

fn party(digits: &str) -> Value {
    json!({ "phone": digits })
}

fn templates() -> Vec<Case> {
    let template = |change: Value| {
        json!({ "template": {
            "id": "7", "name": "order_update", "language": "en_US", "change": change, "reason": "NONE",
        } })
    };
    let named = json!({ "id": "7", "name": "order_update", "language": "en_US" });
    vec![
        (
            template(json!({ "status": "APPROVED" })),
            "template.status",
            json!({ "template": named, "status": "APPROVED", "reason": "NONE" }),
        ),
        (
            template(json!({ "quality": "GREEN" })),
            "template.quality",
            json!({ "template": named, "quality": "GREEN", "reason": "NONE" }),
        ),
        (
            template(json!({ "category": "UTILITY" })),
            "template.category",
            json!({ "template": named, "category": "UTILITY", "reason": "NONE" }),
        ),
        (
            template(json!({ "components": "[1]" })),
            "template.components",
            json!({ "template": named, "components": [1], "reason": "NONE" }),
        ),
    ]
}

fn people() -> Vec<Case> {
    let message = |content: Value| {
        json!({
            "provider-message-id": "echo.1", "sender": party("15550783881"), "at": AT, "content": content,
        })
    };
    vec![
        (
            json!({ "preference": { "who": party("4915112345678"), "category": "marketing_messages", "opted-in": false, "at": AT } }),
            "contact.preference",
            json!({ "from": { "phone": TO }, "category": "marketing_messages", "opted_in": false, "at": SHOWN_AT }),
        ),
        (
            json!({ "identity": { "before": party("4915112345678"), "after": { "user-id": "DE.1" }, "at": AT } }),
            "contact.identity",
            json!({ "before": { "phone": TO }, "after": { "user_id": "DE.1" }, "at": SHOWN_AT }),
        ),
        (
            json!({ "echo": { "message": message(json!({ "text": "by hand" })), "recipient": party("4915112345678") } }),
            "message.echo",
            json!({
                "provider_message_id": "echo.1", "from": { "phone": "+15550783881" }, "to": { "phone": TO },
                "group": null, "at": SHOWN_AT, "reply_to": null, "forwarded": false,
                "content": { "type": "text", "body": "by hand" }, "referral": null,
            }),
        ),
    ]
}

fn accounts() -> Vec<Case> {
    vec![
        (
            json!({ "channel": {
                "verdict": "degraded", "quality": "YELLOW", "messages-per-second": 20, "messaging-limit": "TIER_2K",
                "title": "Quality fell", "detail": r#"{"a":1}"#,
            } }),
            "channel.health",
            json!({
                "verdict": "degraded", "quality": "YELLOW", "messages_per_second": 20, "messaging_limit": "TIER_2K",
                "title": "Quality fell", "detail": { "a": 1 },
            }),
        ),
        (
            json!({ "account": r#"{"event":"DISABLED_UPDATE"}"# }),
            "account.update",
            json!({ "raw": { "event": "DISABLED_UPDATE" } }),
        ),
        (
            json!({ "other": r#"{"field":"new"}"# }),
            "provider.other",
            json!({ "kind": "other", "raw": { "field": "new" } }),
        ),
    ]
}

/// A plugin that reads all of these out of any webhook.
fn reporter() -> Vec<u8> {
    let items: Vec<_> = cases()
        .into_iter()
        .enumerate()
        .map(|(number, (event, _, _))| {
            json!({ "route": { "sender": "x" }, "dedupe-key": format!("k{number}"), "event": event })
        })
        .collect();
    let mut guest = Guest::new().returning("inbound.parse", &json!({ "ok": { "items": items } }));
    guest.descriptor["webhooks"] = json!([{
        "name": "main", "level": "channel", "ack": { "status": 200 }, "max-body": 1024,
        "checks": [{ "when": "always", "verify": "path-token" }],
    }]);
    guest.build()
}

async fn post_webhook(gateway: &TestGateway) {
    let channels = gateway.call("GET", "/v1/channels").empty().await;
    let channels = channels.body["data"].as_array().unwrap().clone();
    let channel = channels.iter().find(|it| it["id"] == "reporter").unwrap();
    let url = channel["webhook_urls"]["main"].as_str().unwrap();
    let path = url.strip_prefix("https://wharf.example.com").unwrap();
    let call = gateway.call("POST", path).without_key();
    let answer = call.bytes("application/json", b"{}".to_vec()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_a_webhook_is_an_event_of_its_own_type() {
    let adjust = |setup: &mut Setup| {
        setup.plugins.push(("reporter", reporter()));
        setup.acme += "[channels.reporter]\nplugin = \"reporter\"\nsettings = { sender = \"x\" }\n";
    };
    each_with(adjust, async |gateway| {
        // Twice: what is in already has no effect again.
        post_webhook(gateway).await;
        post_webhook(gateway).await;
        let wanted = cases();
        gateway.wait_delivered(wanted.len()).await;
        gateway.wait_idle().await;
        let events = gateway.delivered();
        assert_eq!(events.len(), wanted.len(), "{events:#?}");
        for (_, kind, mut data) in wanted {
            data["channel"] = "reporter".into();
            let found: Vec<_> = events
                .iter()
                .filter(|event| event["type"] == kind)
                .collect();
            let [event] = found[..] else {
                panic!("one {kind} is expected: {events:#?}");
            };
            assert_eq!(event["data"], data, "{kind}");
        }
    })
    .await;
}

/// A message with a picture, as the sandbox's provider would have brought it.
async fn with_a_picture(gateway: &TestGateway, tenant: &str, channel: &str) -> String {
    let id = MessageId::new(&wharf::clock::RandomIds);
    let medium = InboundMedia {
        kind: MediaKind::Image,
        locator: "77".to_owned(),
        content_type: Some("image/png".to_owned()),
        sha256: None,
        caption: None,
        filename: None,
    };
    let new = NewInbound {
        id,
        channel: channel.parse().unwrap(),
        message: InboundMessage {
            provider_message_id: format!("in.{id}"),
            sender: Party {
                phone: Some("4915112345678".to_owned()),
                ..Party::default()
            },
            group: None,
            at_ms: 1_790_000_000_000,
            reply_to: None,
            forwarded: false,
            content: InboundContent::Media(medium),
            referral: None,
        },
        created_at: gateway.app().now_ms(),
    };
    let tenant = tenant.parse().unwrap();
    let insert = gateway.db().write(move |tx| {
        Box::pin(async move { messages::insert_inbound(tx, &tenant, &new).await })
    });
    insert.await.unwrap();
    id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_medium_that_came_in_is_fetched_into_the_store() {
    each(async |gateway| {
        let id = with_a_picture(gateway, PLAYGROUND, "sandbox").await;
        let path = format!("/v1/messages/{id}/media");
        let fetched = gateway.call("POST", &path).by(PLAYGROUND).empty().await;
        assert_eq!(fetched.status, 201, "{fetched:?}");
        assert_eq!(fetched.body["content_type"], "image/png");
        assert_eq!(fetched.body["origin"], "provider");
        let content = format!("/v1/media/{}/content", fetched.id());
        let bytes = gateway.call("GET", &content).by(PLAYGROUND).empty().await;
        assert_eq!(bytes.status, 200);
        assert!(bytes.text.contains("PNG") && bytes.text.contains("IHDR"));

        let theirs = gateway.call("POST", &path).by(ACME).empty().await;
        theirs.assert_problem(404, "not-found");
        let text = gateway.send_text("Hello").await;
        let sent = gateway
            .call("POST", &format!("/v1/messages/{text}/media"))
            .empty()
            .await;
        sent.assert_problem(404, "not-found");
        let unread = gateway.call("POST", "/v1/messages/x/media").empty().await;
        unread.assert_problem(404, "not-found");
    })
    .await;
}
