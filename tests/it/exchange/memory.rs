//! Remembered answers: asked once for many, of one tenant, and only while they are good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use axum::response::IntoResponse;
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Notify;
use wharf::flows::{self, FlowError};
use wharf_core::provider::{MediaAnswer, MediaRequest};

use super::script::{accepted, done, failed, get, post, refreshed, remembered, step};
use super::{Provider, answering, channel, each_echo, send_by, some_media};
use crate::harness::{GLOBEX, Setup, TO, timeline};
use serde_json::{Value, json};

/// Uploads once, then sends.
fn uploading(scope: &str) -> [Value; 3] {
    [
        step(remembered(post("upload", 1), "picture-1", scope)),
        step(post("messages", 2)),
        accepted("m-1"),
    ]
}

async fn quiet_provider() -> Provider {
    Provider::answering(|_| (StatusCode::OK, "{\"id\":\"77\"}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_made_once_and_the_timeline_says_what_was_remembered() {
    let provider = quiet_provider().await;
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &uploading("Channel"));
    each_echo(&provider, adjust, async |gateway| {
        let first = send_by(gateway, "echo").await;
        let first = gateway.wait_status(&first, "sent").await;
        assert!(timeline(&first, "exchange").all(|e| e["from_memory"].is_null()));
        let second = send_by(gateway, "echo").await;
        let second = gateway.wait_status(&second, "sent").await;
        let exchanges: Vec<_> = timeline(&second, "exchange").collect();
        assert_eq!(exchanges.len(), 2);
        assert_eq!(exchanges[0]["from_memory"], true);
        assert_eq!(
            exchanges[0]["answer"]["response"]["body"],
            "{\"id\":\"77\"}"
        );
        assert!(exchanges[1]["from_memory"].is_null());
        assert_eq!(
            (provider.count("/v1/upload"), provider.count("/v1/messages")),
            (1, 2)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_only_remembered_does_not_count_as_having_acted() {
    let provider = Provider::answering(|seen| match seen.path.as_str() {
        "/v1/upload" => (StatusCode::OK, "{}"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    })
    .await;
    let answers = [
        step(remembered(post("upload", 1), "picture-1", "Channel")),
        step(get("messages", 2)),
        failed(),
    ];
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &answers);
    each_echo(&provider, adjust, async |gateway| {
        let first = send_by(gateway, "echo").await;
        gateway.wait_status(&first, "unknown").await;
        gateway.wait_idle().await;
        provider.forget();
        // This one uploads nothing, so its failure is one that may be tried again.
        let second = send_by(gateway, "echo").await;
        let message = gateway.wait_status(&second, "failed").await;
        let ended = timeline(&message, "attempt_ended").next().unwrap();
        assert_eq!(ended["outcome"], "retry");
        assert_eq!(provider.count("/v1/upload"), 0);
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenants_answer_is_nothing_to_another_at_any_scope() {
    let provider = quiet_provider().await;
    for scope in ["App", "Account", "Channel"] {
        let adjust = |setup: &mut Setup| {
            let answers = uploading(scope);
            setup.acme += &channel("echo", "w", &answers);
            setup.acme += &channel("twin", "w", &answers);
            setup.globex += &channel("echo", "w", &answers);
        };
        each_echo(&provider, adjust, async |gateway| {
            for _ in 0..2 {
                let id = send_by(gateway, "echo").await;
                gateway.wait_status(&id, "sent").await;
            }
            assert_eq!(provider.count("/v1/upload"), 1, "{scope}");
            let body = json!({ "channel": "echo", "to": TO, "text": { "body": "Hello" } });
            let answer = gateway.call("POST", "/v1/messages").by(GLOBEX);
            assert_eq!(answer.json(&body).await.status, 202);
            gateway.wait_idle().await;
            assert_eq!(provider.count("/v1/upload"), 2, "{scope}");
            let id = send_by(gateway, "twin").await;
            gateway.wait_status(&id, "sent").await;
            // The twin is another channel of the same account, and no app is between them.
            let wanted = if scope == "Account" { 2 } else { 3 };
            assert_eq!(provider.count("/v1/upload"), wanted, "{scope}");
        })
        .await;
    }
}

fn media_flow(exchange: Value) -> [Value; 2] {
    [step(exchange), done(json!({ "Uploaded": "77" }))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_exchanges_under_way_wait_for_the_first() {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let provider = Provider::start({
        let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
        move |_| {
            let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
            async move {
                arrived.notify_one();
                go_on.notified().await;
                "{}".into_response()
            }
            .boxed()
        }
    })
    .await;
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &[]);
    each_echo(&provider, adjust, async |gateway| {
        let app = gateway.app();
        let exchange = remembered(post("upload", 1), "picture-1", "Account");
        let (actor, plugin) = answering(gateway, &media_flow(exchange)).await;
        let request = MediaRequest::Upload(some_media());
        let uploads = join_all((0..20).map(|_| flows::media(app, &plugin, &actor, &request)));
        let release = async {
            arrived.notified().await;
            go_on.notify_one();
        };
        let (uploads, ()) = tokio::join!(uploads, release);
        for upload in uploads {
            assert_eq!(upload.unwrap(), MediaAnswer::Uploaded("77".to_owned()));
        }
        assert_eq!(provider.count("/v1/upload"), 1);
        assert_eq!(app.flights.count(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_not_remembered_and_a_refresh_replaces_what_was() {
    let turn = Arc::new(AtomicUsize::new(0));
    let provider = Provider::answering({
        let turn = Arc::clone(&turn);
        move |_| match turn.fetch_add(1, Ordering::Relaxed) {
            0 => (StatusCode::BAD_GATEWAY, "down".to_owned()),
            number => (StatusCode::OK, format!("{{\"id\":{number}}}")),
        }
    })
    .await;
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &[]);
    each_echo(&provider, adjust, async |gateway| {
        turn.store(0, Ordering::Relaxed);
        let app = gateway.app();
        let exchange = remembered(get("upload", 1), "picture-1", "Account");
        let request = MediaRequest::Upload(some_media());
        let ask = async |exchange: &Value| -> Result<MediaAnswer, FlowError> {
            let (actor, plugin) = answering(gateway, &media_flow(exchange.clone())).await;
            flows::media(app, &plugin, &actor, &request).await
        };
        for wanted in [1, 2, 2, 2] {
            ask(&exchange).await.unwrap();
            assert_eq!(turn.load(Ordering::Relaxed), wanted);
        }
        ask(&refreshed(exchange.clone())).await.unwrap();
        assert_eq!(turn.load(Ordering::Relaxed), 3);
        ask(&exchange).await.unwrap();
        assert_eq!(turn.load(Ordering::Relaxed), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_answer_is_remembered_while_its_object_lives() {
    let provider = Provider::answering(|_| {
        let headers = [("content-type", "image/png")];
        (StatusCode::OK, headers, "the picture's bytes")
    })
    .await;
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &[]);
    each_echo(&provider, adjust, async |gateway| {
        let app = gateway.app();
        let mut exchange = remembered(get("picture", 1), "picture-1", "Account");
        exchange["sink"] = "Store".into();
        let request = MediaRequest::Upload(some_media());
        let ask = async || {
            let (actor, plugin) = answering(gateway, &media_flow(exchange.clone())).await;
            flows::media(app, &plugin, &actor, &request).await.unwrap()
        };
        ask().await;
        ask().await;
        assert_eq!(provider.count("/v1/picture"), 1);
        let kept = "media where tenant_id = 'acme' and size = 19 and origin = 'provider'";
        assert_eq!(gateway.rows(kept).await, 1);
        // The object is gone, so the answer that names it stands no more.
        let now = i64::MAX;
        let purged = gateway
            .db()
            .write(move |tx| Box::pin(async move { wharf_store::media::purge(tx, now, 10).await }));
        assert_eq!(purged.await.unwrap().len(), 1);
        ask().await;
        assert_eq!(provider.count("/v1/picture"), 2);
        assert_eq!(gateway.rows(kept).await, 1);
    })
    .await;
}
