//! What a plugin may not learn, read or decide in a flow.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wharf::flows::FlowError;
use wharf::flows::onboarding::{self, Next};
use wharf_runtime::{Plugin, Runtime};

use super::super::{ECHO, Provider, each_echo, guest};
use super::{ask, finished, onboarded, party, plugin, progress, provider, start, visit};
use crate::harness::{ACME, Setup};

type Bodies = Arc<Mutex<Vec<Value>>>;

/// A provider that keeps the bodies: the guest sends what it was called with.
async fn listening() -> (Provider, Bodies) {
    let bodies = Bodies::default();
    let kept = Arc::clone(&bodies);
    let router = Router::new().fallback(move |body: Bytes| async move {
        kept.lock()
            .unwrap()
            .push(serde_json::from_slice(&body).unwrap());
        "{}"
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let seen = Arc::default();
    (Provider { url, seen }, bodies)
}

fn values(name: &str, values: &[&str]) -> (String, Vec<String>) {
    let values = values.iter().map(|value| (*value).to_owned());
    (name.to_owned(), values.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plugin_learns_that_a_secret_came_and_never_which() {
    let (provider, bodies) = listening().await;
    each_echo(
        &provider,
        |_: &mut Setup| {},
        async |gateway| {
            let (app, plugin) = (gateway.app(), plugin(gateway));
            let number = values("number", &["2"]);
            let code = values("code", &["secret-code-40017"]);
            for (waiting, inputs, seen) in [
                (
                    visit(1),
                    vec![code.clone()],
                    json!([["code", ["[captured]"]]]),
                ),
                (
                    visit(1),
                    vec![values("code", &[""])],
                    json!([["code", [""]]]),
                ),
                (
                    ask(1),
                    vec![number.clone(), code.clone()],
                    json!([["number", ["2"]], ["code", ["[captured]"]]]),
                ),
                (
                    ask(1),
                    vec![number],
                    json!([["number", ["2"]], ["code", []]]),
                ),
            ] {
                let answers = [waiting];
                bodies.lock().unwrap().clear();
                let turn = start(gateway, &answers).await.unwrap();
                let (Next::Visit { saved, .. } | Next::Ask { saved, .. }) = turn.next else {
                    panic!("a visit or a question");
                };
                let party = party(ACME, &answers);
                let turn = onboarding::answer(app, &plugin, party, "connect", &saved, inputs);
                turn.await.unwrap();
                let bodies = bodies.lock().unwrap();
                assert_eq!(bodies[0][3], seen);
                assert!(!bodies[0].to_string().contains("secret-code-40017"));
            }
            let answers = [visit(1)];
            let Next::Visit { saved, .. } = start(gateway, &answers).await.unwrap().next else {
                panic!("a visit");
            };
            for twice in [
                vec![values("code", &["a", "b"])],
                vec![values("code", &["a"]), values("code", &["b"])],
            ] {
                let party = party(ACME, &answers);
                let turn = onboarding::answer(app, &plugin, party, "connect", &saved, twice);
                assert!(matches!(turn.await, Err(FlowError::Answer { .. })));
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_that_began_a_flow_ends_it() {
    let Some(mut bytes) = guest() else { return };
    // A custom section `v` makes another version of the same.
    bytes.extend_from_slice(&[0, 2, 1, b'v']);
    let runtime = Runtime::new(crate::runtime::config()).unwrap();
    let other = runtime.load(ECHO, bytes).await.unwrap();
    let provider = provider().await;
    each_echo(
        &provider,
        |_: &mut Setup| {},
        async |gateway| {
            let (app, own) = (gateway.app(), plugin(gateway));
            assert_ne!(own.digest(), other.digest());
            let answers = [ask(1), finished()];
            let begin = async |plugin: &Plugin| {
                let party = party(ACME, &answers);
                let turn = onboarding::start(app, plugin, party, "connect", Vec::new()).await;
                match turn.unwrap().next {
                    Next::Ask { saved, .. } => saved,
                    _ => panic!("a question"),
                }
            };
            let go_on = async |plugin: &Plugin, saved: &[u8]| {
                let party = party(ACME, &answers);
                onboarding::answer(app, plugin, party, "connect", saved, Vec::new()).await
            };
            let mut saved = begin(&own).await;
            let calls = other.counts().calls;
            let turn = go_on(&other, &saved).await.unwrap();
            assert_eq!(onboarded(turn).finished.channels.len(), 1);
            assert_eq!(other.counts().calls, calls, "it was not this one");
            saved[..32].copy_from_slice(other.digest());
            let forged = go_on(&other, &saved).await;
            assert!(matches!(forged, Err(FlowError::State { .. })));
            let of_nobody = begin(&other).await;
            let Err(error) = go_on(&own, &of_nobody).await else {
                panic!("the gateway has no such version");
            };
            assert_eq!(error.slug(), "flow-version-gone");
            assert!(error.to_string().contains("begin the flow anew"), "{error}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_requests_go_is_set_to_what_a_person_said() {
    let provider = provider().await;
    each_echo(
        &provider,
        |_: &mut Setup| {},
        async |gateway| {
            let (app, plugin) = (gateway.app(), plugin(gateway));
            let question = |choices: Value| {
                progress(json!({ "Ask": {
                    "title": "Where?", "state": [0],
                    "questions": [{ "input": "region", "choices": choices, "many": false }],
                } }))
            };
            let end = |at: &str, host: &str| {
                let mut end = finished();
                *end.pointer_mut(at).unwrap() = json!([["region", host]]);
                end
            };
            let (said, other) = ("eu.login.example.com", "us.login.example.com");
            for at in [
                "/Ok/settings",
                "/Ok/next/Done/settings",
                "/Ok/next/Done/channels/0/settings",
            ] {
                let alone = start(gateway, &[end(at, said)]).await;
                assert!(matches!(alone, Err(FlowError::Guarded { .. })), "{at}");
                for (choices, host, passes) in [
                    (json!([]), said, true),
                    (json!([]), other, false),
                    (json!([[said, "Europe"]]), said, false),
                ] {
                    let answers = [question(choices.clone()), end(at, host)];
                    let turn = start(gateway, &answers).await.unwrap();
                    let Next::Ask { saved, .. } = turn.next else {
                        panic!("a question");
                    };
                    let party = party(ACME, &answers);
                    let inputs = vec![values("region", &[said])];
                    let turn =
                        onboarding::answer(app, &plugin, party, "connect", &saved, inputs).await;
                    let refused = matches!(turn, Err(FlowError::Guarded { .. }));
                    assert_eq!(refused, !passes, "{at} {choices} {host}");
                    assert_eq!(turn.is_ok(), passes, "{at} {choices} {host}");
                }
            }
        },
    )
    .await;
}
