//! The whole catalogue in one gateway at once: its tenant reads the named reasons, and two other
//! tenants send as if nothing were.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wharf_hostile::{Contained, HOST, Hostile, REDIRECTING, SENDER};
use wharf_test_support::eventually;

use crate::harness::{
    GLOBEX, PLAYGROUND, Setup, TO, TestGateway, WAIT, each_with, logged, timeline, with_own_digest,
};

/// Messages of each tenant that has no hostile plugin.
const HONEST: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_catalogue_harms_nobody_but_itself() {
    let peer = Provider::start().await;
    let in_service = || -> Vec<Hostile> {
        let all = wharf_hostile::all().into_iter();
        all.filter(|hostile| hostile.contained.is_in_service())
            .collect()
    };
    let adjust = |setup: &mut Setup| {
        setup.connect(HOST, &peer.url);
        for hostile in in_service() {
            take_in(setup, &hostile);
        }
    };
    each_with(adjust, async |gateway| {
        let before = peer.requests().len();
        let entries = in_service();
        let (webhooks, messages): (Vec<_>, Vec<_>) = entries
            .iter()
            .partition(|hostile| hostile.contained.is_by_webhook());
        let (honest, sent, hooked) = tokio::join!(
            honest(gateway),
            send_through_all(gateway, &messages),
            post_to_all(gateway, &webhooks),
        );
        let mut dead = 0;
        let mut exchanges = 0;
        for (hostile, id) in messages.iter().zip(&sent) {
            let message = met_its_end(gateway, hostile, id).await;
            exchanges += timeline(&message, "exchange").count();
            dead += i64::from(matches!(hostile.contained, Contained::Failed(_)));
        }
        for (hostile, path) in webhooks.iter().zip(&hooked) {
            was_read_or_not(gateway, hostile, path).await;
        }
        honest_ones_came_through(gateway, &honest).await;
        let requests = peer.requests().split_off(before);
        assert_eq!(requests.len(), exchanges, "{requests:?}");
        let allowed = ["GET /v1/send".to_owned(), format!("GET {REDIRECTING}")];
        let strays = requests.iter().filter(|request| !allowed.contains(request));
        assert_eq!(strays.count(), 0, "{requests:?}");
        nobody_was_fooled_by_the_log();
        gateway.expect_dead_letters(dead);
        forget_what_waits(gateway).await;
    })
    .await;
}

/// A channel of `acme` with its secret, by the plugin's own name.
fn take_in(setup: &mut Setup, hostile: &Hostile) {
    let name = hostile.name;
    setup
        .plugins
        .push((name, with_own_digest(hostile.component())));
    let token = &setup.credentials.hostile_token;
    setup.acme += &format!(
        "[channels.{name}]\nplugin = \"{name}\"\nsettings = {{ sender = \"{SENDER}\" }}\n\
         secrets = {{ token = \"{token}\" }}\n"
    );
}

async fn send_through_all(gateway: &TestGateway, entries: &[&Hostile]) -> Vec<String> {
    let sends = entries.iter().map(async |hostile| {
        let text = json!({ "channel": hostile.name, "to": TO, "text": { "body": "Hello" } });
        let answer = gateway.send(text).await;
        assert_eq!(answer.status, 202, "{}: {answer:?}", hostile.name);
        answer.id()
    });
    futures_util::future::join_all(sends).await
}

/// Posts one webhook to each, at the address that the tenant reads from the API.
async fn post_to_all(gateway: &TestGateway, entries: &[&Hostile]) -> Vec<String> {
    let channels = gateway.call("GET", "/v1/channels").empty().await;
    let channels = channels.body["data"].as_array().unwrap().clone();
    // The message of another tenant that one of them reports on.
    let victim = gateway
        .call("POST", "/v1/messages")
        .by(GLOBEX)
        .json(&json!({ "to": TO, "text": { "body": "the victim" } }))
        .await
        .id();
    let posts = entries.iter().map(async |hostile| {
        let mut of = channels.iter();
        let channel = of.find(|channel| channel["id"] == hostile.name).unwrap();
        let url = channel["webhook_urls"]["main"].as_str().unwrap();
        let path = url.strip_prefix("https://wharf.example.com").unwrap();
        let body = crate::harness::bare(&victim).into_bytes();
        let call = gateway.call("POST", path).without_key();
        let answer = call.bytes("application/json", body).await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", hostile.name);
        hostile.name.to_owned()
    });
    futures_util::future::join_all(posts).await
}

async fn met_its_end(gateway: &TestGateway, hostile: &Hostile, id: &str) -> Value {
    let (status, code) = match hostile.contained {
        Contained::Failed(code) => ("failed", code),
        Contained::Unknown(code) => ("unknown", code),
        _ => ("sent", ""),
    };
    let message = gateway.wait_status(id, status).await;
    let error = &message["error"];
    let name = hostile.name;
    assert_eq!(
        error["code"].as_str().unwrap_or_default(),
        code,
        "{name}: {message:#}"
    );
    let detail = error["detail"].as_str().unwrap_or_default();
    assert!(
        detail.len() <= 2100 && !detail.contains(|c: char| c.is_control()),
        "{name}: {detail}"
    );
    if status == "unknown" {
        assert_eq!(timeline(&message, "exchange").count(), 1, "{name}");
    }
    message
}

async fn was_read_or_not(gateway: &TestGateway, hostile: &Hostile, plugin: &str) {
    let name = hostile.name;
    let found = match hostile.contained {
        Contained::Unread(_) => format!(
            "webhook where plugin = '{plugin}' and parsed_at is not null and error is not null and items = 0"
        ),
        // Nothing of it is anybody's: it waits for a channel or a message that may yet appear.
        _ if name.starts_with("anothers-") => format!(
            "webhook w where plugin = '{plugin}' and parsed_at is null and exists \
             (select 1 from job where queue = 'webhook' and attempt > 0 and payload like '%' || w.id || '%')"
        ),
        _ => {
            format!("webhook where plugin = '{plugin}' and parsed_at is not null and error is null")
        }
    };
    // Five tries with growing pauses, each of them in line with others of its kind.
    let held = eventually(WAIT * 3, || async {
        (gateway.rows(&found).await == 1).then_some(())
    });
    if let Err(error) = held.await {
        let all = "select count(*) from webhook where error is null";
        panic!(
            "{name}: {error}; {} without an error",
            gateway.number(all).await
        );
    }
}

/// Ids of the messages of two tenants, who send while all of that goes on.
async fn honest(gateway: &TestGateway) -> Vec<(&'static str, String)> {
    let sends = (0..HONEST).flat_map(|_| [GLOBEX, PLAYGROUND]);
    let sends = sends.map(async |tenant| {
        let body = json!({ "to": TO, "text": { "body": "Hello" } });
        let call = gateway.call("POST", "/v1/messages").by(tenant);
        let answer = call.json(&body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        (tenant, answer.id())
    });
    futures_util::future::join_all(sends).await
}

async fn honest_ones_came_through(gateway: &TestGateway, sent: &[(&'static str, String)]) {
    for (tenant, id) in sent {
        let path = format!("/v1/messages/{id}");
        let read = eventually(WAIT, || async {
            let answer = gateway.call("GET", &path).by(tenant).empty().await;
            (answer.body["status"] == "read").then_some(())
        });
        read.await
            .unwrap_or_else(|error| panic!("{tenant}: {error}"));
    }
    let mut seen = BTreeMap::new();
    for tenant in [GLOBEX, PLAYGROUND] {
        let page = gateway
            .call("GET", "/v1/messages?limit=100")
            .by(tenant)
            .empty()
            .await;
        for message in page.body["data"].as_array().unwrap() {
            assert_ne!(message["status"], "failed", "{tenant}: {message:#}");
            assert_eq!(message["direction"], "outbound", "{tenant}: {message:#}");
            *seen.entry(tenant).or_insert(0) += 1;
        }
    }
    // One more of globex: the victim of `anothers-message`.
    assert_eq!(
        seen,
        BTreeMap::from([(GLOBEX, HONEST + 1), (PLAYGROUND, HONEST)])
    );
}

/// Every line is a document of the gateway's making, and what a plugin wrote says so.
fn nobody_was_fooled_by_the_log() {
    for line in logged().lines() {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let forged = line["fields"].to_string().contains("forged");
        assert!(!forged || line["level"] != "ERROR", "{line:#}");
        let text = line["fields"]["message"].as_str().unwrap_or_default();
        assert!(!text.contains('\u{1b}') && !text.contains('\n'), "{line:#}");
    }
}

/// Webhooks that wait for days are right to do so; this gateway is stopped before.
async fn forget_what_waits(gateway: &TestGateway) {
    let forgotten = gateway.db().write(|tx| {
        Box::pin(async move {
            let sql = "delete from job where queue = 'webhook' and state = 0 and attempt > 0";
            wharf_store::on_db!(&mut **tx, |c| sqlx::query(sql).execute(c).await.map(drop))
                .map_err(|error| wharf_store::StoreError::Refused(error.to_string()))
        })
    });
    forgotten.await.unwrap();
}

/// What plays the provider of all hostile plugins, and counts.
struct Provider {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    async fn start() -> Self {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&requests));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer(
    State(requests): State<Arc<Mutex<Vec<String>>>>,
    request: Request<axum::body::Body>,
) -> impl IntoResponse {
    let path = request.uri().path().to_owned();
    let line = format!("{} {path}", request.method());
    requests.lock().unwrap().push(line);
    let metadata = "http://169.254.169.254/latest/meta-data/";
    match path == REDIRECTING {
        true => (StatusCode::FOUND, [(LOCATION, metadata)], "").into_response(),
        false => "{}".into_response(),
    }
}
