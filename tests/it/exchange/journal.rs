//! The journal's promises, where a send takes several exchanges or the database fails in between.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use futures_util::FutureExt;
use tokio::sync::Notify;
use wharf_store::{Context, Db, on_db};
use wharf_test_support::eventually;

use super::script::{accepted, failed, get, post, step};
use super::{Provider, channel, each_echo, send_by};
use crate::harness::{Setup, WAIT, logged, timeline};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_after_an_exchange_that_acted_is_unknown_and_never_sent_again() {
    let provider = Provider::answering(|seen| match seen.path.as_str() {
        "/v1/content" => (StatusCode::OK, "{}"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    })
    .await;
    // The first must not be repeated and is answered; the second may be repeated, and fails.
    let answers = [step(post("content", 1)), step(get("messages", 2)), failed()];
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &answers);
    each_echo(&provider, adjust, async |gateway| {
        let id = send_by(gateway, "echo").await;
        let message = gateway.wait_status(&id, "unknown").await;
        assert_eq!(message["error"]["code"], "provider-unavailable");
        assert_eq!(timeline(&message, "exchange").count(), 2);
        gateway.wait_idle().await;
        assert_eq!(
            (
                provider.count("/v1/content"),
                provider.count("/v1/messages")
            ),
            (1, 1)
        );
        assert_eq!(gateway.message(&id).await["status"], "unknown");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_exchanges_that_harm_nobody_are_tried_again() {
    let provider = Provider::answering(|seen| match seen.path.as_str() {
        "/v1/content" => (StatusCode::OK, "{}"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    })
    .await;
    let answers = [step(get("content", 1)), step(get("messages", 2)), failed()];
    let adjust = |setup: &mut Setup| {
        setup.acme += &channel("echo", "w", &answers);
        setup.set("send.attempts_max", 2);
    };
    each_echo(&provider, adjust, async |gateway| {
        let id = send_by(gateway, "echo").await;
        gateway.wait_status(&id, "failed").await;
        gateway.wait_idle().await;
        assert_eq!(
            (
                provider.count("/v1/content"),
                provider.count("/v1/messages")
            ),
            (2, 2)
        );
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_kept_again_until_the_database_takes_it() {
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
    let answers = [step(post("messages", 1)), accepted("kept-1")];
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &answers);
    each_echo(&provider, adjust, async |gateway| {
        let id = send_by(gateway, "echo").await;
        arrived.notified().await;
        rename(gateway.db(), "alter table exchange rename to exchange_away").await;
        go_on.notify_one();
        let bare = crate::harness::bare(&id);
        let told = eventually(WAIT, || async {
            let lines = logged();
            let mut lines = lines.lines();
            lines
                .any(|line| line.contains("could not be kept yet") && line.contains(&bare))
                .then_some(())
        });
        told.await.unwrap();
        rename(gateway.db(), "alter table exchange_away rename to exchange").await;
        let message = gateway.wait_status(&id, "sent").await;
        assert_eq!(message["provider_message_id"], "kept-1");
        gateway.wait_idle().await;
        assert_eq!(provider.count("/v1/messages"), 1);
    })
    .await;
}

async fn rename(db: &Db, sql: &'static str) {
    db.write(move |tx| {
        Box::pin(async move {
            on_db!(&mut **tx, |c| sqlx::query(sql).execute(c).await.map(drop))
                .doing("rename a table")
        })
    })
    .await
    .unwrap();
}
