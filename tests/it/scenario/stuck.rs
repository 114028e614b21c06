//! A provider that does not answer holds up its own tenant's messages only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use wharf_hostile::Guest;
use wharf_test_support::eventually;

use crate::harness::{GLOBEX, Setup, TO, TestGateway, WAIT, each_with};

/// Sends at the same time, of which one channel has a fifth.
const WORKERS: usize = 10;
/// More than there are workers, several times over.
const STUCK: usize = 40;
const HOST: &str = "api.example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_hangs_delays_no_other_tenant() {
    let provider = Provider::start().await;
    let with_slow = |setup: &mut Setup| {
        let exchange = json!({
            "label": "send", "replay": "safe", "sink": { "buffer": 1 << 16 },
            "request": { "method": "get", "url": format!("https://{HOST}/v1/send") },
        });
        let answer = json!({ "ok": { "exchange": exchange } });
        let slow = Guest::new().returning("outbound.start", &answer).build();
        setup.plugins.push(("slow", slow));
        setup.acme += "[channels.slow]\nplugin = \"slow\"\nsettings = { sender = \"x\" }\n";
        setup.set("queue.send_concurrency", WORKERS);
        setup.connect(HOST, &provider.url);
    };
    each_with(with_slow, async |gateway| {
        let text = |to: &str| json!({ "channel": "slow", "to": to, "text": { "body": "Hello" } });
        let mut stuck = Vec::new();
        for number in 0..STUCK {
            let answer = gateway.send(text(&format!("+49151{number:08}"))).await;
            stuck.push(answer.id());
        }
        provider.until_asked(WORKERS / 5).await;
        for _ in 0..2 * WORKERS {
            others_message_is_read(gateway).await;
        }
        assert_eq!(provider.waiting(), WORKERS / 5);
        provider.answer(STUCK);
        for id in &stuck {
            gateway.wait_status(id, "sent").await;
        }
    })
    .await;
}

async fn others_message_is_read(gateway: &TestGateway) {
    let text = json!({ "to": TO, "text": { "body": "Hello" } });
    let call = gateway.call("POST", "/v1/messages").by(GLOBEX);
    let path = format!("/v1/messages/{}", call.json(&text).await.id());
    let read = eventually(WAIT, || async {
        let message = gateway.call("GET", &path).by(GLOBEX).empty().await;
        (message.body["status"] == "read").then_some(())
    });
    assert!(read.await.is_ok(), "the other tenant's message is held up");
}

/// Answers a request when the test lets it.
struct Provider {
    url: String,
    waiting: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Provider {
    async fn start() -> Self {
        let (waiting, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (count, answers) = (Arc::clone(&waiting), Arc::clone(&gate));
        let router = Router::new().fallback(move || {
            let (count, answers) = (Arc::clone(&count), Arc::clone(&answers));
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                answers.acquire().await.unwrap().forget();
                count.fetch_sub(1, Ordering::SeqCst);
                "{}"
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, waiting, gate }
    }

    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    async fn until_asked(&self, requests: usize) {
        let asked = eventually(WAIT, || async {
            (self.waiting() == requests).then_some(())
        });
        assert!(asked.await.is_ok(), "{} requests wait", self.waiting());
    }

    /// Answers this many requests, those to come included.
    fn answer(&self, requests: usize) {
        self.gate.add_permits(requests);
    }
}
