//! Media of messages that come in, fetched by themselves.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use wharf_test_support::eventually;
use wharf_test_support::graph::{Fault, FaultRule};

use super::{events, get, quiet, wait_events, wait_for};
use crate::harness::{GLOBEX, SENDER, Setup, TestGateway, WAIT, each_with, timeline};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nnot really a picture";

/// A customer sends a picture; the message's id, once it is in.
async fn picture(gateway: &TestGateway) -> String {
    let before = events(gateway, "message.received").len();
    gateway
        .graph
        .receive_medium(SENDER, "image", "image/png", PICTURE, Some("Look"));
    let received = wait_events(gateway, "message.received", before + 1).await;
    let id = received[before]["data"]["message_id"].as_str();
    id.unwrap().to_owned()
}

async fn wait_media(gateway: &TestGateway, id: &str, status: &str) -> Value {
    let path = format!("/v1/messages/{id}");
    wait_for(gateway, &path, |message| {
        message["media"]["status"] == status
    })
    .await
}

/// The only event about the medium of a message.
async fn told(gateway: &TestGateway) -> Value {
    wait_events(gateway, "message.media", 1).await;
    gateway.wait_idle().await;
    let [event] = &events(gateway, "message.media")[..] else {
        panic!("one event is expected: {:#?}", gateway.delivered());
    };
    event["data"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_in_the_store_without_anybody_asking() {
    each_with(quiet, async |gateway| {
        let id = picture(gateway).await;
        let message = wait_media(gateway, &id, "stored").await;
        let media = message["media"]["id"].as_str().unwrap().to_owned();
        assert!(media.starts_with("med_"), "{message:#}");
        let told = told(gateway).await;
        assert_eq!(told["status"], "stored");
        assert_eq!(told["message_id"], id.as_str());
        assert_eq!(told["media"]["id"], media.as_str());
        assert_eq!(told["media"]["content_type"], "image/png");
        let shown = timeline(&message, "media").next().unwrap();
        assert_eq!(shown["media_id"], media.as_str());

        let content = format!("/v1/media/{media}/content");
        let bytes = gateway.call("GET", &content).empty().await;
        assert_eq!(
            (bytes.status, bytes.headers["content-length"].as_str()),
            (200, "28")
        );
        let theirs = gateway.call("GET", &content).by(GLOBEX).empty().await;
        theirs.assert_problem(404, "not-found");
        let page = get(gateway, "/v1/messages").await;
        assert_eq!(page["data"][0]["media"]["id"], media.as_str(), "{page:#}");
        // Asking for it again brings the same object and asks nobody.
        let requests = gateway.graph.requests_count();
        let path = format!("/v1/messages/{id}/media");
        let again = gateway.call("POST", &path).empty().await;
        assert_eq!((again.status, again.id()), (200, media));
        assert_eq!(gateway.graph.requests_count(), requests);
        assert_eq!(gateway.rows("media").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_repeated_fetches_once() {
    each_with(quiet, async |gateway| {
        let id = picture(gateway).await;
        wait_media(gateway, &id, "stored").await;
        let body = gateway.graph.webhooks()[0].body.clone();
        for _ in 0..3 {
            let answer = gateway.graph.post_signed(body.clone()).await.unwrap();
            assert_eq!(answer.status, 200);
        }
        gateway.wait_idle().await;
        assert_eq!(gateway.rows("media").await, 1);
        assert_eq!(gateway.rows("inbound_media").await, 1);
        assert_eq!(events(gateway, "message.media").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_for_a_while_is_asked_again() {
    each_with(quiet, async |gateway| {
        let failing = |call: &str| FaultRule::new(Fault::InternalServerError).on(call).times(2);
        gateway.graph.add_fault(failing("media.get"));
        gateway.graph.add_fault(failing("media.download"));
        let id = picture(gateway).await;
        let message = wait_media(gateway, &id, "stored").await;
        assert!(
            message["media"]["attempts"].as_u64().unwrap() >= 4,
            "{message:#}"
        );
        assert_eq!(message["media"]["error"], Value::Null);
        assert_eq!(told(gateway).await["status"], "stored");
        assert_eq!(gateway.rows("media").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_medium_that_the_provider_no_longer_has_is_given_up_at_once() {
    each_with(quiet, async |gateway| {
        let gone = Fault::Answer {
            status: 404,
            content_type: "text/plain",
            body: "gone".to_owned(),
        };
        gateway
            .graph
            .add_fault(FaultRule::new(gone).on("media.download"));
        let id = picture(gateway).await;
        let message = wait_media(gateway, &id, "failed").await;
        assert_eq!(message["media"]["attempts"], 1, "{message:#}");
        assert_eq!(message["media"]["error"]["code"], "media-rejected");
        assert!(message["media"]["error"]["remedy"].is_string());
        let told = told(gateway).await;
        assert_eq!(
            (&told["status"], &told["media"]),
            (&json!("failed"), &Value::Null)
        );
        assert_eq!(told["error"]["code"], "media-rejected");
        assert_eq!(gateway.rows("media").await, 0);
        // It can still be asked for by hand, and is the message's then.
        gateway.graph.clear_faults();
        let path = format!("/v1/messages/{id}/media");
        let fetched = gateway.call("POST", &path).empty().await;
        assert_eq!(fetched.status, 201, "{fetched:?}");
        let message = wait_media(gateway, &id, "stored").await;
        assert_eq!(message["media"]["id"], fetched.body["id"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_end_and_say_why() {
    let few = |setup: &mut Setup| {
        quiet(setup);
        setup.set("media.fetch_attempts_max", 3);
    };
    each_with(few, async |gateway| {
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::Unavailable).on("media.get"));
        let id = picture(gateway).await;
        let message = wait_media(gateway, &id, "failed").await;
        assert_eq!(message["media"]["attempts"], 3, "{message:#}");
        assert_eq!(message["media"]["error"]["code"], "provider-unavailable");
        assert_eq!(told(gateway).await["status"], "failed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_or_of_another_type_is_skipped_and_fetched_on_request() {
    for (key, value, code) in [
        ("media.fetch_bytes_max", "1024", "too-large"),
        ("media.fetch_types", "audio/*", "type-refused"),
    ] {
        let limited = |setup: &mut Setup| {
            quiet(setup);
            setup.set(key, value);
        };
        each_with(limited, async |gateway| {
            let before = events(gateway, "message.received").len();
            let large = vec![b'x'; 4096];
            gateway
                .graph
                .receive_medium(SENDER, "image", "image/png", large, None);
            let received = wait_events(gateway, "message.received", before + 1).await;
            let id = received[before]["data"]["message_id"].as_str().unwrap();
            let message = wait_media(gateway, id, "skipped").await;
            assert_eq!(message["media"]["error"]["code"], code, "{message:#}");
            let told = told(gateway).await;
            assert_eq!(
                (&told["status"], &told["error"]["code"]),
                (&json!("skipped"), &json!(code))
            );
            assert_eq!(gateway.rows("media").await, 0);
            let path = format!("/v1/messages/{id}/media");
            let fetched = gateway.call("POST", &path).empty().await;
            assert_eq!(fetched.status, 201, "{fetched:?}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_or_a_tenant_switches_it_off_for_itself() {
    let off = |setup: &mut Setup| {
        quiet(setup);
        setup.acme += "\n[media]\nfetch = false\n";
    };
    each_with(off, async |gateway| {
        let id = picture(gateway).await;
        gateway.wait_idle().await;
        let message = gateway.message(&id).await;
        assert_eq!(message["media"], Value::Null, "{message:#}");
        assert_eq!(gateway.rows("inbound_media").await, 0);
        assert!(events(gateway, "message.media").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_download_of_one_tenant_delays_no_other() {
    let narrow = |setup: &mut Setup| {
        quiet(setup);
        setup.set("queue.media_concurrency", 2);
        setup.set("media.tenant_fetches_max", 1);
    };
    each_with(narrow, async |gateway| {
        let slow = Fault::Slow(Duration::from_secs(12));
        gateway
            .graph
            .add_fault(FaultRule::new(slow).on("media.download").times(1));
        let (first, second) = (picture(gateway).await, picture(gateway).await);
        // The slow one is on its way: its link has been asked for.
        let asked = || async {
            let requests = gateway.graph.requests();
            let asked = requests.iter().any(|request| request.call == "media.get");
            asked.then_some(())
        };
        eventually(WAIT, asked).await.unwrap();
        let number = gateway.graph.config().numbers[1].clone();
        let bytes = Bytes::from_static(PICTURE);
        gateway
            .graph
            .receive_medium_at(&number, SENDER, ("image", "image/png", bytes), None);
        let theirs = || async {
            let page = gateway.call("GET", "/v1/messages").by(GLOBEX).empty().await;
            (page.body["data"][0]["media"]["status"] == "stored").then_some(())
        };
        eventually(WAIT, theirs).await.unwrap();
        for id in [&first, &second] {
            let message = gateway.message(id).await;
            assert_eq!(message["media"]["status"], "waiting", "{message:#}");
        }
        for id in [&first, &second] {
            wait_media(gateway, id, "stored").await;
        }
    })
    .await;
}
