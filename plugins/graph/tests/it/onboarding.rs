//! What holds of flows beyond single cases: nothing traps, states stay small, secrets stay out.

use serde_json::{Value, json};
use wharf_plugin::OnboardingProvider;
use wharf_plugin::flow::STATE_BYTES_MAX;
use wharf_plugin::manifest::Launch;
use wharf_plugin::onboarding::{Next, Progress};
use wharf_plugin::prelude::*;
use wharf_plugin::testing::{answer, broken_answers, failures};
use wharf_plugin_graph::Graph;

use crate::fixture::{WABA_ID, context};

const APP_ID: &str = "670843887433847";
/// More than one flow connects.
const NUMBERS: usize = 120;

fn ctx() -> Context {
    context(&[("app_id", APP_ID), ("signup_config_id", "998877665544")])
}

fn begin() -> Progress {
    let inputs = [("event", "FINISH"), ("waba_id", WABA_ID)];
    let inputs = inputs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Graph::onboarding_start(&ctx(), "signup", &inputs).unwrap()
}

fn state(progress: &Progress) -> Vec<u8> {
    match &progress.next {
        Next::Exchange(exchange) => exchange.state.clone(),
        Next::Ask(prompt) => prompt.state.clone(),
        Next::Visit(visit) => visit.state.clone(),
        Next::Wait(pause) => pause.state.clone(),
        Next::Mint(mint) => mint.state.clone(),
        Next::Done(_) => panic!("the flow is done"),
    }
}

fn go_on(progress: &Progress, body: &Value) -> Progress {
    let outcome = answer(200, &body.to_string());
    Graph::onboarding_resume(&ctx(), "signup", &state(progress), outcome).unwrap()
}

fn reply(progress: &Progress, inputs: &[(&str, &[String])]) -> Progress {
    let own = |(name, values): &(&str, &[String])| ((*name).to_owned(), values.to_vec());
    let inputs: Vec<_> = inputs.iter().map(own).collect();
    Graph::onboarding_answer(&ctx(), "signup", &state(progress), &inputs).unwrap()
}

fn token() -> Value {
    json!({ "data": {
        "app_id": APP_ID, "type": "SYSTEM_USER", "is_valid": true, "expires_at": 0,
        "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"],
        "granular_scopes": [{ "scope": "whatsapp_business_management", "target_ids": [WABA_ID] }],
    } })
}

fn number(index: usize) -> Value {
    let id = (106_540_352_240_000_u64 + index as u64).to_string();
    json!({
        "id": id, "display_phone_number": format!("+49 1511 {index:07}"),
        "verified_name": "\u{1f6d2} \"A shop\" with a very long name \\ indeed",
        "code_verification_status": "VERIFIED", "platform_type": "CLOUD_API", "status": "CONNECTED",
    })
}

/// Up to the question which numbers.
fn asked_for_numbers() -> Progress {
    let inspect = go_on(&begin(), &json!({ "access_token": "[captured]" }));
    let subscribed = go_on(&inspect, &token());
    let subscribe = go_on(&subscribed, &json!({ "data": [] }));
    let numbers = go_on(&subscribe, &json!({ "success": true }));
    let all: Vec<Value> = (0..NUMBERS).map(number).collect();
    go_on(&numbers, &json!({ "data": all }))
}

#[test]
fn a_hundred_numbers_are_connected_with_small_states() {
    let asked = asked_for_numbers();
    let Next::Ask(prompt) = &asked.next else {
        panic!("a question")
    };
    let all: Vec<String> = prompt.questions[0]
        .choices
        .iter()
        .map(|choice| choice.0.clone())
        .collect();
    assert_eq!(all.len(), NUMBERS);
    let mut progress = reply(&asked, &[("phone_number_id", &all)]);
    let mut steps = 0;
    let finished = loop {
        progress = match progress.next {
            Next::Done(finished) => break finished,
            Next::Wait(_) => reply(&progress, &[]),
            Next::Exchange(_) => go_on(&progress, &number(steps)),
            other => panic!("{other:?}"),
        };
        if let Next::Done(_) = &progress.next {
            continue;
        }
        assert!(
            state(&progress).len() <= STATE_BYTES_MAX,
            "{}",
            state(&progress).len()
        );
        steps += usize::from(matches!(progress.next, Next::Wait(_)));
    };
    assert_eq!(finished.channels.len(), 100);
    let names: std::collections::BTreeSet<_> = finished
        .channels
        .iter()
        .map(|channel| &channel.slot)
        .collect();
    assert_eq!(names.len(), 100);
}

/// Everything that nobody documents and all have sent, at each step of a flow that a person needs: a
/// finding with a remedy and a way to go on, never an end.
#[test]
fn each_failure_of_each_step_can_be_gone_on_from() {
    let mut steps = vec![begin()];
    for body in [
        json!({ "access_token": "[captured]" }),
        token(),
        json!({ "data": [] }),
        json!({ "success": true }),
        json!({ "data": [{ "id": "106540352242922", "display_phone_number": "+49 1" }] }),
    ] {
        steps.push(go_on(steps.last().unwrap(), &body));
    }
    let mint = go_on(
        steps.last().unwrap(),
        &json!({ "id": "106540352242922", "status": "PENDING" }),
    );
    steps.push(reply(&mint, &[]));
    let outcomes = || {
        let lost = failures()
            .into_iter()
            .map(|(failure, _)| Outcome::Failed(failure));
        let refused = [400, 401, 403, 404, 429, 500, 503].map(|status| answer(status, "{}"));
        lost.chain(refused).chain(broken_answers())
    };
    for step in &steps {
        let Next::Exchange(exchange) = &step.next else {
            panic!("an exchange")
        };
        for outcome in outcomes() {
            let shown = format!("{} {outcome:?}", exchange.label);
            let progress = Graph::onboarding_resume(&ctx(), "signup", &exchange.state, outcome);
            let progress = progress.unwrap_or_else(|error| panic!("{shown}: {error:?}"));
            match &progress.next {
                Next::Ask(_) => {
                    let failed = progress.findings.last().unwrap();
                    assert!(failed.remedy.is_some(), "{shown}: {failed:?}");
                }
                // It is looked into, or goes on with what an answer lacks.
                Next::Exchange(_) | Next::Mint(_) => {}
                other => panic!("{shown}: {other:?}"),
            }
        }
    }
}

#[test]
fn strange_answers_and_states_are_typed_errors_or_asked_again() {
    let asked = asked_for_numbers();
    let again = reply(
        &asked,
        &[("phone_number_id", &["1".to_owned()]), ("decision", &[])],
    );
    assert!(matches!(again.next, Next::Ask(_)));
    for flow in [
        "signup",
        "signup-app",
        "signup-browser",
        "manual",
        "webhooks",
        "disconnect",
        "x",
    ] {
        for state in [
            &b""[..],
            b"connect:1:",
            b"connect:2:{}",
            b"connect:1:[{},\"Away\"]",
            &[0xff; 64],
        ] {
            assert!(Graph::onboarding_resume(&ctx(), flow, state, answer(200, "{}")).is_err());
            assert!(Graph::onboarding_answer(&ctx(), flow, state, &[]).is_err());
        }
    }
    // An outcome where an answer was due, and the other way round.
    assert!(Graph::onboarding_resume(&ctx(), "signup", &state(&asked), answer(200, "{}")).is_err());
    assert!(Graph::onboarding_answer(&ctx(), "signup", &state(&begin()), &[]).is_err());
}

#[test]
fn the_same_call_gives_the_same_answer() {
    assert_eq!(begin(), begin());
    assert_eq!(asked_for_numbers(), asked_for_numbers());
}

#[test]
fn meta_s_window_is_declared_with_its_settings() {
    let flows = Graph::describe().flows;
    let features: Vec<Option<String>> = flows
        .iter()
        .filter_map(|flow| match &flow.launch {
            Launch::EmbeddedSignup(signup) => {
                assert_eq!(signup.app_id_setting, "app_id");
                assert_eq!(signup.config_setting, "signup_config_id");
                Some(signup.feature.clone())
            }
            Launch::Form => None,
        })
        .collect();
    assert_eq!(
        features,
        [None, Some("whatsapp_business_app_onboarding".to_owned())]
    );
}

/// Each flow has its own secrets, so what one asks for the other has not got.
#[test]
fn a_state_of_another_flow_is_refused() {
    let visit = Graph::onboarding_start(&ctx(), "signup-browser", &[]).unwrap();
    let inputs = [("code".to_owned(), vec!["[captured]".to_owned()])];
    let answered = |flow| Graph::onboarding_answer(&ctx(), flow, &state(&visit), &inputs);
    assert!(answered("signup-browser").is_ok());
    assert_eq!(answered("manual").unwrap_err().code, Code::Misconfigured);
    let asked = Graph::onboarding_start(&ctx(), "manual", &[]).unwrap();
    for flow in ["signup", "signup-browser"] {
        let taken = Graph::onboarding_answer(&ctx(), flow, &state(&asked), &inputs);
        assert_eq!(taken.unwrap_err().code, Code::Misconfigured);
    }
}
