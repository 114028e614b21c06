//! Exchanges beyond the network: stored media and their links, remembered answers, captured secrets, the
//! journal's promises over several exchanges, and the flows of the optional interfaces.
//!
//! The plugin is `tests/guests/echo`, which returns what a test wrote into its settings; the provider is
//! a server of the test's own.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod captures;
mod flows;
mod journal;
mod links;
mod media;
mod memory;
mod onboarding;
mod script;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wharf::exchange::Actor;
use wharf_core::TenantId;
use wharf_core::provider::MediaRef;
use wharf_runtime::Plugin;

use crate::harness::{ACME, Setup, TO, TestGateway, each_with, environment};

/// The name of the plugin and of the channel.
const ECHO: &str = "echo";
/// A secret of the channel.
const TOKEN: &str = "the-channels-own-token-7391";
/// Room for the description in the guest's data.
const DESCRIPTION_BYTES: usize = 16_384;
const DESCRIPTION: &str = include_str!("../guests/echo/src/description.json");

/// The guest, whose description takes the settings of these tests. Without the built guests it is
/// skipped loudly, which `CI=true` does not forgive.
fn guest() -> Option<Vec<u8>> {
    let folder = PathBuf::from(environment("WHARF_GUESTS_DIST")?);
    let path = folder.join("echo.wasm");
    let mut bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    for name in ["answers", "waba", "region"] {
        let mut input = description["inputs"][0].clone();
        input["name"] = name.into();
        input["required"] = false.into();
        description["inputs"].as_array_mut().unwrap().push(input);
    }
    description["account_setting"] = "waba".into();
    description["endpoints"][1]["host_setting"] = "region".into();
    // The flow's code may go to the provider, as its token may.
    description["flows"][0]["inputs"][0]["audience"] = json!(["api.example.com"]);
    let head = &DESCRIPTION.as_bytes()[..30];
    let at = bytes.windows(head.len()).position(|part| part == head);
    let at = at.expect("the guest holds its description");
    // A document does not heed a width; its text does.
    let text = format!("{:<DESCRIPTION_BYTES$}", description.to_string());
    bytes[at..at + DESCRIPTION_BYTES].copy_from_slice(text.as_bytes());
    Some(bytes)
}

/// The file of a channel that answers by this script.
fn channel(name: &str, account: &str, answers: &[Value]) -> String {
    let answers = Value::from(answers.to_vec());
    format!(
        "[channels.{name}]\nplugin = \"{ECHO}\"\nsettings = {{ sender = \"{name}\", waba = \"{account}\", answers = '{answers}' }}\n\
         secrets = {{ token = \"{TOKEN}\" }}\n"
    )
}

/// A gateway with the guest, whose provider is `provider`, on each database.
async fn each_echo(
    provider: &Provider,
    adjust: impl Fn(&mut Setup),
    test: impl AsyncFn(&TestGateway),
) {
    let Some(guest) = guest() else {
        return;
    };
    let with_guest = |setup: &mut Setup| {
        setup.plugins.push((ECHO, guest.clone()));
        setup.connect("api.example.com", &provider.url);
        adjust(setup);
    };
    each_with(with_guest, async |gateway| {
        provider.forget();
        test(gateway).await;
    })
    .await;
}

/// A channel of `acme`, by name, and the guest.
async fn actor_of(gateway: &TestGateway, channel: &str) -> (Actor, Arc<Plugin>) {
    let app = gateway.app();
    let tenant: TenantId = ACME.parse().unwrap();
    let id = channel.parse().unwrap();
    let found = app.directory.channel(&tenant, &id).await;
    let found = found.unwrap().unwrap();
    let plugin = app.plugins.get(ECHO).unwrap();
    (Actor::of_channel(&found, plugin.descriptor()), plugin)
}

/// The same with answers of one flow.
async fn answering(gateway: &TestGateway, answers: &[Value]) -> (Actor, Arc<Plugin>) {
    let (mut actor, plugin) = actor_of(gateway, ECHO).await;
    actor.settings.retain(|(name, _)| name != "answers");
    let answers = Value::from(answers.to_vec()).to_string();
    actor.settings.push(("answers".to_owned(), answers));
    (actor, plugin)
}

async fn send_by(gateway: &TestGateway, channel: &str) -> String {
    let body = json!({ "channel": channel, "to": TO, "text": { "body": "Hello" } });
    let answer = gateway.send(body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.id()
}

/// What a flow that uploads is given; the guest of these tests does not look at it.
fn some_media() -> MediaRef {
    MediaRef {
        handle: "med_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
        content_type: "image/png".to_owned(),
        size: 1,
        sha256: vec![0; 32],
        filename: None,
    }
}

/// One request as it arrived.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    headers: HeaderMap,
}

/// A provider of the test's own, which answers as the test says and keeps what it was asked.
struct Provider {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Provider {
    async fn start(
        answer: impl Fn(Seen) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap| {
            let request = Seen {
                path: uri.path().to_owned(),
                headers,
            };
            kept.lock().unwrap().push(request.clone());
            answer(request)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    /// Answers every request at once by this function.
    async fn answering<R: IntoResponse>(
        answer: impl Fn(&Seen) -> R + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |seen| {
            let response = answer(&seen).into_response();
            Box::pin(async move { response })
        })
        .await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How often this path was asked for.
    fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }

    fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}
