//! Each optional interface run to its end, and what ends it before.

use axum::http::StatusCode;
use serde_json::{Value, json};
use wharf::flows::{self, Collected, FlowError};
use wharf_core::provider::{
    Address, Content, HealthVerdict, Json, MediaAnswer, MediaRequest, OutboundMessage,
    ProfileRequest, Reconciled, TemplatesRequest, Text,
};
use wharf_runtime::Interface;

use super::media::{finished, new_media};
use super::script::{done, failed, get, post, step, with_token};
use super::{Provider, TOKEN, answering, channel, each_echo, some_media};
use crate::harness::{ACME, GLOBEX, Setup, TestGateway};
use wharf_store::media::MediaOrigin;

fn with_channel(setup: &mut Setup) {
    setup.acme += &channel("echo", "w", &[]);
}

async fn provider() -> Provider {
    Provider::answering(|_| (StatusCode::OK, "{}")).await
}

fn message() -> OutboundMessage {
    OutboundMessage {
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
        to: Address::Phone("4915112345678".to_owned()),
        sender: "echo".to_owned(),
        content: Content::Text {
            text: Text {
                body: "Hello".to_owned(),
                preview_url: false,
            },
        },
        reply_to: None,
        options: "{}".to_owned(),
    }
}

fn entry(name: &str) -> Value {
    json!({
        "id": "1", "name": name, "language": "de", "category": "UTILITY", "status": "APPROVED",
        "quality": null, "reason": null, "definition": "{}",
    })
}

fn page(items: &[Value], exchange: Value) -> Value {
    json!({ "Ok": { "Page": [items, exchange] } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_health_and_profile_come_to_their_end() {
    let provider = provider().await;
    each_echo(&provider, with_channel, async |gateway| {
        let app = gateway.app();
        let uploaded = done(json!({ "Uploaded": "77" }));
        let answers = [
            step(with_token(post("media", 1))),
            step(get("media/77", 2)),
            uploaded,
        ];
        let (actor, plugin) = answering(gateway, &answers).await;
        let request = MediaRequest::Upload(some_media());
        let answer = flows::media(app, &plugin, &actor, &request).await.unwrap();
        assert_eq!(answer, MediaAnswer::Uploaded("77".to_owned()));
        // Not what was asked for.
        let request = MediaRequest::Delete("9".to_owned());
        let error = flows::media(app, &plugin, &actor, &request)
            .await
            .unwrap_err();
        assert_eq!(error.slug(), "plugin-invalid-output");
        provider.forget();
        flows::media(app, &plugin, &actor, &MediaRequest::Upload(some_media()))
            .await
            .unwrap();
        let paths: Vec<_> = provider.seen().into_iter().map(|s| s.path).collect();
        assert_eq!(paths, ["/v1/media", "/v1/media/77"]);
        let first = &provider.seen()[0];
        assert_eq!(first.headers["authorization"], format!("Bearer {TOKEN}"));

        let report = json!({
            "verdict": "Degraded", "findings": [], "token_expires": 7, "quality": "GREEN",
            "messaging_limit": null, "messages_per_second": 80,
        });
        let (actor, plugin) = answering(gateway, &[step(get("health", 1)), done(report)]).await;
        let report = flows::health(app, &plugin, &actor).await.unwrap();
        assert_eq!(report.verdict, HealthVerdict::Degraded);
        assert_eq!(report.messages_per_second, Some(80));

        let answers = [step(get("profile", 1)), done(json!("{\"about\":\"us\"}"))];
        let (actor, plugin) = answering(gateway, &answers).await;
        for request in [
            ProfileRequest::Get,
            ProfileRequest::Set(Json::from(json!({ "about": "us" }))),
        ] {
            let profile = flows::profile(app, &plugin, &actor, &request)
                .await
                .unwrap();
            assert_eq!(profile.to_value(), json!({ "about": "us" }));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_fetched_is_the_tenants_own_object_as_the_store_knows_it() {
    let provider = provider().await;
    each_echo(&provider, with_channel, async |gateway| {
        let app = gateway.app();
        let keep = async |tenant: &str| {
            let store = app
                .media
                .of(&tenant.parse().unwrap(), MediaOrigin::Provider);
            let mut sink = store.create(new_media("image/png", None)).await.unwrap();
            sink.write(bytes::Bytes::from_static(b"picture"))
                .await
                .unwrap();
            finished(sink, b"picture").await.unwrap()
        };
        let (own, others) = (keep(ACME).await, keep(GLOBEX).await);
        let fetch = async |handle: &str| {
            let named = json!({ "Fetched": {
                "handle": handle, "content_type": "text/html", "size": 1,
                "sha256": vec![0; 32], "filename": null,
            } });
            let (actor, plugin) = answering(gateway, &[done(named)]).await;
            let request = MediaRequest::Fetch("locator".to_owned());
            flows::media(app, &plugin, &actor, &request).await
        };
        assert_eq!(fetch(&own.handle).await.unwrap(), MediaAnswer::Fetched(own));
        for handle in [&others.handle, "med_1", "x"] {
            let error = fetch(handle).await.unwrap_err();
            assert_eq!(error.slug(), "plugin-invalid-output", "{handle}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_message_is_asked_for() {
    let provider = provider().await;
    each_echo(&provider, with_channel, async |gateway| {
        let answers = [step(get("messages", 1)), done(json!("Absent"))];
        let (actor, plugin) = answering(gateway, &answers).await;
        let found = flows::reconcile(gateway.app(), &plugin, &actor, &message(), 5).await;
        assert_eq!(found.unwrap(), Reconciled::Absent);
        assert_eq!(provider.count("/v1/messages"), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_page_by_page() {
    let provider = provider().await;
    each_echo(&provider, with_channel, async |gateway| {
        let app = gateway.app();
        let answers = [
            step(get("templates", 1)),
            page(&[entry("one"), entry("two")], get("templates", 2)),
            page(&[], get("templates", 3)),
            done(json!([entry("three")])),
        ];
        let (actor, plugin) = answering(gateway, &answers).await;
        let mut all = Collected::new(3);
        let list = TemplatesRequest::List;
        let listed = flows::templates(app, &plugin, &actor, &list, &mut all).await;
        listed.unwrap();
        let names: Vec<_> = all.items.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["one", "two", "three"]);
        assert_eq!(provider.count("/v1/templates"), 3);

        let mut few = Collected::new(2);
        let listed = flows::templates(app, &plugin, &actor, &list, &mut few).await;
        assert!(
            matches!(listed, Err(FlowError::Items { max: 2 })),
            "{listed:?}"
        );
        assert_eq!(few.items.len(), 2);

        let item = json!({
            "route": "App", "pointer": null, "dedupe_key": "a", "event": { "Other": "{}" },
        });
        let answers = [
            step(get("since", 1)),
            json!({ "Ok": { "Page": { "items": [item], "next": get("since", 2) } } }),
            json!({ "Ok": { "Page": { "items": [item], "next": null } } }),
        ];
        let (actor, plugin) = answering(gateway, &answers).await;
        let mut missed = Collected::new(10);
        flows::catch_up(app, &plugin, &actor, 1, &mut missed)
            .await
            .unwrap();
        assert_eq!(missed.items.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_without_an_interface_says_which() {
    let provider = provider().await;
    each_echo(&provider, with_a_plain_plugin, async |gateway| {
        let app = gateway.app();
        let (actor, _) = answering(gateway, &[]).await;
        let plain = app.plugins.get("plain").unwrap();
        let profile = flows::profile(app, &plain, &actor, &ProfileRequest::Get).await;
        let error = profile.unwrap_err();
        assert!(matches!(
            error,
            FlowError::Unsupported {
                interface: Interface::Profile,
                ..
            }
        ));
        assert_eq!(
            (error.slug(), error.to_string()),
            (
                "plugin-no-interface",
                "the plugin plain has no interface profile; another plugin or version may have it"
                    .to_owned()
            )
        );
        assert_eq!(provider.seen().len(), 0);
    })
    .await;
}

fn with_a_plain_plugin(setup: &mut Setup) {
    with_channel(setup);
    setup
        .plugins
        .push(("plain", wharf_hostile::Guest::new().build()));
}

/// How a health check with these answers fails.
async fn failing(gateway: &TestGateway, answers: &[Value]) -> FlowError {
    let (actor, plugin) = answering(gateway, answers).await;
    flows::health(gateway.app(), &plugin, &actor)
        .await
        .unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_goes_on_for_ever_ends_with_the_limits_name() {
    let provider = provider().await;
    let adjust = |setup: &mut Setup| {
        with_channel(setup);
        setup.set("exchanges.flow_steps_max", 4);
        setup.set("exchanges.sync_exchanges_max", 6);
    };
    each_echo(&provider, adjust, async |gateway| {
        let app = gateway.app();
        let endless = [step(get("health", 1)), step(get("health", 1))];
        let error = failing(gateway, &endless).await;
        assert_eq!(error.slug(), "flow-steps-limit");
        assert!(error.to_string().contains("exchanges.flow_steps_max"));
        assert_eq!(provider.count("/v1/health"), 4);

        let (actor, plugin) = answering(gateway, &endless).await;
        let mut all = Collected::new(10);
        let list = TemplatesRequest::List;
        let listed = flows::templates(app, &plugin, &actor, &list, &mut all).await;
        assert_eq!(listed.unwrap_err().slug(), "flow-steps-limit");
        assert_eq!(provider.count("/v1/health"), 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_fails_by_a_named_reason() {
    let provider = provider().await;
    let adjust = |setup: &mut Setup| {
        with_channel(setup);
        setup.set("exchanges.flow_ms_max", 1_000);
        setup.set("exchanges.delay_ms_max", 60_000);
    };
    each_echo(&provider, adjust, async |gateway| {
        let error = failing(gateway, &[step(get("health", 1)), failed()]).await;
        assert_eq!(error.slug(), "provider-unavailable");
        let mut astray = get("health", 1);
        astray["request"]["url"] = "https://elsewhere.example.com/v1/x".into();
        let error = failing(gateway, &[step(astray)]).await;
        assert_eq!(error.slug(), "egress-host");
        let mut late = get("late", 1);
        late["delay_ms"] = 30_000.into();
        let error = failing(gateway, &[step(late)]).await;
        assert_eq!(error.slug(), "flow-time-limit");
        assert_eq!(provider.count("/v1/late"), 0);
        let error = failing(gateway, &[done(json!({ "nonsense": 1 }))]).await;
        assert_eq!(error.slug(), "misconfigured");
    })
    .await;
}
