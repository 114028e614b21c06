//! Plugins that harm: their own messages fail with a named reason, and nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use serde_json::json;
use tokio::net::TcpListener;
use wharf_hostile::Guest;

use crate::harness::{Setup, TO, TestGateway, each_with, timeline, told, with_own_digest};

const ENDLESS: &str = "(loop $again (br $again)) unreachable";
const GREEDY: &str = "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) unreachable";

/// A guest whose first exchange is this one and must not be repeated.
fn asking(url: &str) -> Guest {
    let exchange = json!({
        "label": "send", "replay": "unsafe", "sink": { "buffer": 1 << 16 },
        "request": { "method": "get", "url": url },
    });
    Guest::new().returning("outbound.start", &json!({ "ok": { "exchange": exchange } }))
}

/// Gives `acme` a channel of this plugin, by the same name.
fn add(setup: &mut Setup, name: &'static str, guest: Guest) {
    setup.plugins.push((name, with_own_digest(guest.build())));
    setup.acme +=
        &format!("[channels.{name}]\nplugin = \"{name}\"\nsettings = {{ sender = \"x\" }}\n");
}

async fn send_through(gateway: &TestGateway, channel: &str) -> String {
    let body = json!({ "channel": channel, "to": TO, "text": { "body": "Hello" } });
    let answer = gateway.send(body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.id()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_plugin_fails_its_own_messages_only() {
    let hostile = |setup: &mut Setup| {
        add(setup, "traps", Guest::starting("unreachable"));
        add(setup, "loops", Guest::starting(ENDLESS));
        add(setup, "eats", Guest::starting(GREEDY));
        add(
            setup,
            "strays",
            asking("https://graph.facebook.com/v26.0/106540352242922/messages"),
        );
    };
    each_with(hostile, async |gateway| {
        let (harmed, fine) = tokio::join!(
            futures_util::future::join_all(
                ["traps", "loops", "eats", "strays"].map(|name| send_through(gateway, name))
            ),
            futures_util::future::join_all((0..10).map(|_| send_through(gateway, "main"))),
        );
        for id in fine {
            gateway.wait_status(&id, "read").await;
        }
        let reasons = [
            "plugin-trap",
            "plugin-cpu-limit",
            "plugin-memory-limit",
            "egress-host",
        ];
        for (id, reason) in harmed.iter().zip(reasons) {
            let message = gateway.wait_status(id, "failed").await;
            assert_eq!(message["error"]["code"], reason, "{message:#}");
            assert!(!message["error"]["detail"].as_str().unwrap().is_empty());
            assert_eq!(told(&message), ["failed"]);
            assert_eq!(gateway.arrivals(id), 0);
        }
        assert_eq!(gateway.graph.requests_count(), 10);
        gateway.expect_dead_letters(4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_waits_for_a_hostile_plugin_is_told_its_fault() {
    let hostile = |setup: &mut Setup| add(setup, "traps", Guest::starting("unreachable"));
    each_with(hostile, async |gateway| {
        let body = json!({ "channel": "traps", "to": TO, "message": "Hello" });
        let path = "/api/whatsapp/official/send/immediate";
        let answer = gateway.call("POST", path).json(&body).await;
        answer.assert_problem(502, "plugin-failed");
        assert_eq!(answer.body["reason"], "plugin-trap");
        assert_eq!(answer.body["message"]["status"], "failed");
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_wait_is_told_that_the_plugin_rests() {
    /// More than the circuit allows: each failed call counts, and each send makes two.
    const SENDS_MAX: i64 = 20;
    let hostile = |setup: &mut Setup| add(setup, "traps", Guest::starting("unreachable"));
    each_with(hostile, async |gateway| {
        let body = json!({ "channel": "traps", "to": TO, "message": "Hello" });
        let path = "/api/whatsapp/official/send/immediate";
        let mut failed = 0;
        let answer = loop {
            let answer = gateway.call("POST", path).json(&body).await;
            if answer.status == 503 {
                break answer;
            }
            answer.assert_problem(502, "plugin-failed");
            failed += 1;
            assert!(failed < SENDS_MAX, "its circuit never opens");
        };
        answer.assert_problem(503, "overloaded");
        let after: u64 = answer.headers["retry-after"].parse().unwrap();
        assert!(after > 0, "{answer:?}");
        assert!(
            answer.body["detail"].as_str().unwrap().contains("traps"),
            "{answer:?}"
        );
        assert_eq!(
            gateway.rows("message").await,
            failed,
            "nothing of it is stored"
        );
        gateway.expect_dead_letters(failed);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_the_request_left_makes_the_send_unknown() {
    let (url, calls) = counting_server().await;
    let hostile = |setup: &mut Setup| {
        let guest =
            asking("https://api.example.com/v1/send").body("outbound.resume", "unreachable");
        add(setup, "forgets", guest);
        setup.connect("api.example.com", &url);
    };
    each_with(hostile, async |gateway| {
        let before = calls.load(Ordering::Relaxed);
        let id = send_through(gateway, "forgets").await;
        let message = gateway.wait_status(&id, "unknown").await;
        assert_eq!(message["error"]["code"], "plugin-trap");
        assert_eq!(timeline(&message, "exchange").count(), 1);
        gateway.wait_idle().await;
        assert_eq!(
            calls.load(Ordering::Relaxed) - before,
            1,
            "it is never sent again"
        );
        assert_eq!(gateway.message(&id).await["status"], "unknown");
    })
    .await;
}

/// Takes everything, and counts it.
async fn counting_server() -> (String, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let router = Router::new().fallback(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { "{}" }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, calls)
}
