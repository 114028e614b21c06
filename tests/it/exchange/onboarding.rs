//! Flows that need a person: questions, a browser's visit, waits, secrets nobody sees.

mod trust;

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use wharf::flows::FlowError;
use wharf::flows::onboarding::{self, Next, Onboarded, Party, Return, Turn};
use wharf_core::TenantId;
use wharf_egress::Secrets;
use wharf_runtime::Plugin;
use wharf_store::{AccountKey, Owner};

use super::script::{capturing, get, step, with_token};
use super::{ECHO, Provider, each_echo};
use crate::harness::{ACME, GLOBEX, Setup, TestGateway, logged};

const CAPTURED: &str = "onboarded-token-99120";

struct Nothing;

impl Secrets for Nothing {
    fn get(&self, _: &str) -> Option<SecretString> {
        None
    }
}

fn party(tenant: &str, answers: &[Value]) -> Party {
    let tenant: TenantId = tenant.parse().unwrap();
    Party {
        owner: Owner::Account(tenant.clone(), AccountKey::new(ECHO, "new")),
        tenant: Some(tenant),
        settings: vec![(
            "answers".to_owned(),
            Value::from(answers.to_vec()).to_string(),
        )],
        secrets: Arc::new(Nothing),
        webhook_urls: HashMap::new(),
        return_url: Some(Return {
            url: "https://wharf.example.com/onboarding/return".to_owned(),
            token: "abc".to_owned().into(),
            by_path: false,
        }),
    }
}

fn plugin(gateway: &TestGateway) -> Arc<Plugin> {
    gateway.app().plugins.get(ECHO).unwrap()
}

fn progress(next: Value) -> Value {
    json!({ "Ok": { "settings": [], "findings": [], "next": next } })
}

fn flow_step(exchange: Value) -> Value {
    progress(step(exchange)["Ok"].clone())
}

fn finished() -> Value {
    progress(json!({ "Done": {
        "settings": [["waba", "W9"]],
        "channels": [{ "slot": "a", "sender": "491", "title": "A", "settings": [] }],
    } }))
}

fn mint(next: usize) -> Value {
    progress(json!({ "Mint": {
        "secret": "token/a", "alphabet": "Digits", "length": 6, "state": vec![0; next],
    } }))
}

fn ask(next: usize) -> Value {
    progress(json!({ "Ask": {
        "title": "Which number?",
        "questions": [
            { "input": "number", "choices": [["1", "One"], ["2", "Two"]], "many": false },
            { "input": "code", "choices": [], "many": false },
        ],
        "state": vec![0; next],
    } }))
}

fn visit(next: usize) -> Value {
    progress(json!({ "Visit": {
        "url": "https://www.login.example.com/oauth",
        "query": [
            { "name": "client", "value": [{ "Text": "a b&c" }] },
            { "name": "back", "value": ["ReturnUrl"] },
        ],
        "returns": ["code"],
        "state": vec![0; next],
    } }))
}

async fn provider() -> Provider {
    Provider::answering(|_| {
        let body = format!("{{\"access_token\":\"{CAPTURED}\",\"expires_in\":60}}");
        (StatusCode::OK, body)
    })
    .await
}

fn onboarded(turn: Turn) -> Onboarded {
    match turn.next {
        Next::Done(onboarded) => *onboarded,
        _ => panic!("the flow is not done"),
    }
}

async fn start(gateway: &TestGateway, answers: &[Value]) -> Result<Turn, FlowError> {
    let (app, plugin) = (gateway.app(), plugin(gateway));
    onboarding::start(app, &plugin, party(ACME, answers), "connect", Vec::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_captures_mints_and_ends_with_what_it_produced() {
    let provider = provider().await;
    each_echo(
        &provider,
        |_: &mut Setup| {},
        async |gateway| {
            let answers = [
                flow_step(capturing(get("oauth", 1), "/access_token", "token")),
                mint(2),
                flow_step(with_token(get("numbers", 3))),
                finished(),
            ];
            let turn = start(gateway, &answers).await.unwrap();
            let onboarded = onboarded(turn);
            assert_eq!(onboarded.finished.channels[0].slot, "a");
            assert_eq!(
                provider.seen()[1].headers["authorization"],
                format!("Bearer {CAPTURED}")
            );
            let secrets: HashMap<_, _> = onboarded.secrets.into_iter().collect();
            assert_eq!(secrets["token"].value.expose_secret(), CAPTURED);
            assert!(secrets["token"].expires_at.is_some());
            let pin = secrets["token/a"].value.expose_secret();
            assert!(
                pin.len() == 6 && pin.bytes().all(|b| b.is_ascii_digit()),
                "{pin}"
            );
            assert!(!logged().contains(CAPTURED));
            // They are the caller's to keep, with the channels they belong to.
            assert_eq!(gateway.rows("credential where slot = -1").await, 0);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_answers_and_secrets_stay_with_the_host() {
    let provider = provider().await;
    each_echo(
        &provider,
        |_: &mut Setup| {},
        async |gateway| {
            let (app, plugin) = (gateway.app(), plugin(gateway));
            let mut sending = get("register", 2);
            sending["request"]["headers"] =
                json!([{ "name": "x-code", "value": [{ "Secret": "code" }] }]);
            let answers = [ask(1), flow_step(sending), finished()];
            let turn = start(gateway, &answers).await.unwrap();
            let Next::Ask {
                questions, saved, ..
            } = turn.next
            else {
                panic!("a question");
            };
            assert_eq!(questions.len(), 2);
            let go_on = async |inputs: &[(&str, &str)]| {
                let inputs = inputs.iter();
                let inputs =
                    inputs.map(|(name, value)| (name.to_string(), vec![value.to_string()]));
                let inputs = inputs.collect();
                let party = party(ACME, &answers);
                onboarding::answer(app, &plugin, party, "connect", &saved, inputs).await
            };
            for wrong in [
                &[("number", "3"), ("code", "c")][..],
                &[("sender", "1")],
                &[("number", "1"), ("number", "2")],
                &[("code", "a\u{0}b")],
            ] {
                let refused = go_on(wrong).await;
                assert!(
                    matches!(refused, Err(FlowError::Answer { .. })),
                    "{wrong:?}"
                );
            }
            assert_eq!(provider.seen().len(), 0);
            let turn = go_on(&[("number", "2"), ("code", "typed-code-5512")])
                .await
                .unwrap();
            assert_eq!(provider.seen()[0].headers["x-code"], "typed-code-5512");
            // A flow's own secret ends with the flow.
            assert!(onboarded(turn).secrets.is_empty());
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_sent_away_and_comes_back() {
    let provider = provider().await;
    each_echo(&provider, |_: &mut Setup| {}, async |gateway| {
        let (app, plugin) = (gateway.app(), plugin(gateway));
        let answers = [visit(1), progress(json!({ "Wait": { "ms": 5, "state": [0, 0] } })), finished()];
        let turn = start(gateway, &answers).await.unwrap();
        let Next::Visit {
            url,
            returns,
            saved,
            by_path: false,
        } = turn.next
        else {
            panic!("a visit");
        };
        assert_eq!(
            url.as_str(),
            "https://www.login.example.com/oauth?client=a+b%26c&back=https%3A%2F%2Fwharf.example.com%2Fonboarding%2Freturn&state=abc"
        );
        assert_eq!(returns, ["code"]);
        let inputs = ["code", "state"].map(|n| (n.to_owned(), vec!["x".to_owned()])).to_vec();
        let turn =
            onboarding::answer(app, &plugin, party(ACME, &answers), "connect", &saved, inputs);
        let Next::Wait { ms: 5, saved } = turn.await.unwrap().next else {
            panic!("a wait");
        };
        let turn =
            onboarding::answer(app, &plugin, party(ACME, &answers), "connect", &saved, Vec::new());
        assert_eq!(onboarded(turn.await.unwrap()).finished.channels.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_saved_is_one_tenants_one_flows_and_unreadable() {
    let provider = provider().await;
    each_echo(
        &provider,
        |_: &mut Setup| {},
        async |gateway| {
            let (app, plugin) = (gateway.app(), plugin(gateway));
            let answers = [
                flow_step(capturing(get("oauth", 1), "/access_token", "token")),
                ask(2),
                finished(),
            ];
            let turn = start(gateway, &answers).await.unwrap();
            let Next::Ask { saved, .. } = turn.next else {
                panic!("a question");
            };
            let needle = CAPTURED.as_bytes();
            assert!(!saved.windows(needle.len()).any(|part| part == needle));
            let mut changed = saved.clone();
            *changed.last_mut().unwrap() ^= 1;
            for (tenant, flow, saved) in [
                (GLOBEX, "connect", &saved),
                (ACME, "signup", &saved),
                (ACME, "connect", &changed),
                (ACME, "connect", &Vec::new()),
                (ACME, "connect", &saved[..31].to_vec()),
            ] {
                let party = party(tenant, &answers);
                let turn = onboarding::answer(app, &plugin, party, flow, saved, Vec::new()).await;
                assert!(
                    matches!(turn, Err(FlowError::State { .. })),
                    "{tenant} {flow}"
                );
            }
            let mut stranger = party(ACME, &answers);
            let tenant: TenantId = ACME.parse().unwrap();
            stranger.owner = Owner::Account(tenant, AccountKey::new(ECHO, "other"));
            let turn =
                onboarding::answer(app, &plugin, stranger, "connect", &saved, Vec::new()).await;
            assert!(
                matches!(turn, Err(FlowError::State { .. })),
                "of another owner"
            );
            let turn = onboarding::answer(
                app,
                &plugin,
                party(ACME, &answers),
                "connect",
                &saved,
                Vec::new(),
            );
            let onboarded = onboarded(turn.await.unwrap());
            assert_eq!(onboarded.secrets[0].1.value.expose_secret(), CAPTURED);
            let unknown =
                onboarding::start(app, &plugin, party(ACME, &[]), "nothing", Vec::new()).await;
            assert!(matches!(unknown, Err(FlowError::FlowUnknown { .. })));
        },
    )
    .await;
}
