//! Flows where a golden case would be too long: many numbers, long names, every way to write ids.

use serde_json::{Value, json};
use wharf_plugin::OnboardingProvider;
use wharf_plugin::onboarding::{Next, Progress};
use wharf_plugin::prelude::*;
use wharf_plugin_dialog360::Dialog360;

const STATE_BYTES_MAX: usize = 16 * 1024;

fn context() -> Context {
    Context {
        settings: vec![("partner_id".to_owned(), "PA1".to_owned())],
        now: 1_790_000_000_000,
        seed: vec![7; 32],
        locale: None,
    }
}

fn start(inputs: &[(&str, &str)]) -> Result<Progress, Error> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let inputs: Vec<_> = inputs.iter().map(owned).collect();
    Dialog360::onboarding_start(&context(), "partner", &inputs)
}

fn resume(state: &[u8], status: u16, body: &Value) -> Result<Progress, Error> {
    let response = HttpResponse {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    Dialog360::onboarding_resume(&context(), "partner", state, Outcome::Response(response))
}

fn answer(state: &[u8], name: &str, values: &[&str]) -> Result<Progress, Error> {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let inputs = [(name.to_owned(), values)];
    Dialog360::onboarding_answer(&context(), "partner", state, &inputs)
}

fn state(progress: &Progress) -> &[u8] {
    match &progress.next {
        Next::Exchange(exchange) => &exchange.state,
        Next::Ask(prompt) => &prompt.state,
        Next::Visit(visit) => &visit.state,
        Next::Wait(pause) => &pause.state,
        Next::Mint(mint) => &mint.state,
        Next::Done(_) => &[],
    }
}

/// A customer's channels whose ids and names are as long as they may be, in letters of three bytes.
fn long_channels(ids: &[String]) -> Value {
    let channels: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({
                "id": id, "client_id": "CL1", "status": "running",
                "setup_info": { "phone_number": "1".repeat(200), "phone_name": "न".repeat(200) },
            })
        })
        .collect();
    json!({ "partner_channels": channels, "total": ids.len() })
}

fn long_ids(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{at:0>128}")).collect()
}

/// Drives the flow to its end, and says how many channels were connected; each state is measured.
fn drive(ids: &[String]) -> (usize, usize) {
    let mut largest = 0;
    let mut progress = start(&[("client", "CL1"), ("numbers", &ids.join(","))]).unwrap();
    for _ in 0..1_000 {
        largest = largest.max(state(&progress).len());
        let kept = state(&progress).to_vec();
        progress = match &progress.next {
            Next::Exchange(exchange) => match exchange.label.as_str() {
                "onboarding.channels" => resume(&kept, 200, &long_channels(ids)),
                "onboarding.keys" => resume(&kept, 200, &json!({ "api_keys": [] })),
                "onboarding.key" => resume(&kept, 201, &json!({ "api_key": "[captured]" })),
                "health.status" => resume(
                    &kept,
                    200,
                    &json!({ "health_status": {
                        "can_send_message": "AVAILABLE",
                        "entities": [
                            { "entity_type": "PHONE_NUMBER", "id": "9".repeat(32) },
                            { "entity_type": "WABA", "id": "8".repeat(32) },
                        ],
                    } }),
                ),
                _ => resume(&kept, 200, &json!({})),
            }
            .unwrap(),
            Next::Mint(_) | Next::Wait(_) => {
                Dialog360::onboarding_answer(&context(), "partner", &kept, &[]).unwrap()
            }
            Next::Done(finished) => return (finished.channels.len(), largest),
            other => panic!("nobody is asked, but {other:?}"),
        };
    }
    panic!("the flow does not end")
}

#[test]
fn the_most_numbers_of_one_flow_keep_its_state_below_the_hosts_limit() {
    let (connected, largest) = drive(&long_ids(32));
    assert_eq!(connected, 32);
    assert!(largest <= STATE_BYTES_MAX, "{largest} bytes");
}

#[test]
fn more_numbers_are_refused_with_the_limit() {
    let error = start(&[("client", "CL1"), ("numbers", &long_ids(33).join(","))]).unwrap_err();
    assert!(error.detail.contains("at most 32"), "{}", error.detail);
    assert!(error.remedy.is_some());
}

#[test]
fn between_two_numbers_the_flow_rests_so_that_each_has_its_steps() {
    let ids = long_ids(2);
    let mut progress = start(&[("client", "CL1"), ("numbers", &ids.join(","))]).unwrap();
    let mut steps = 0;
    let mut longest = 0;
    while !matches!(progress.next, Next::Done(_)) {
        let kept = state(&progress).to_vec();
        steps = match &progress.next {
            Next::Wait(_) => 0,
            _ => steps + 1,
        };
        longest = longest.max(steps);
        let body = match &progress.next {
            Next::Exchange(exchange) => match exchange.label.as_str() {
                "onboarding.channels" => long_channels(&ids),
                "onboarding.keys" => json!([]),
                "health.status" => json!({ "health_status": {
                    "can_send_message": "AVAILABLE",
                    "entities": [{ "entity_type": "PHONE_NUMBER", "id": "9" }],
                } }),
                _ => json!({}),
            },
            _ => Value::Null,
        };
        progress = match &progress.next {
            Next::Exchange(_) => resume(&kept, 200, &body).unwrap(),
            _ => Dialog360::onboarding_answer(&context(), "partner", &kept, &[]).unwrap(),
        };
    }
    // The host allows 20 steps between two rests (`exchanges.flow_steps_max`).
    assert!(longest <= 10, "{longest} steps");
}

#[test]
fn ids_come_back_in_brackets_bare_or_in_several_values() {
    for values in [
        &["[A1,B2]"][..],
        &["A1,B2"],
        &[" [ A1 , B2 ] "],
        &["[\"A1\",\"B2\"]"],
        &["A1", "B2"],
        &["[A1]", "[B2,A1]"],
    ] {
        let visit = start(&[]).unwrap();
        let owned = values.iter().map(|value| (*value).to_owned()).collect();
        let inputs = [
            ("client".to_owned(), vec!["CL1".to_owned()]),
            ("channels".to_owned(), owned),
        ];
        let progress =
            Dialog360::onboarding_answer(&context(), "partner", state(&visit), &inputs).unwrap();
        let kept = String::from_utf8(state(&progress).to_vec()).unwrap();
        assert!(kept.contains("A1") && kept.contains("B2"), "{values:?}");
        assert_eq!(kept.matches("\"i\"").count(), 2, "{values:?}");
    }
}

#[test]
fn states_of_another_step_or_none_are_typed_errors() {
    let asked = start(&[("client", "CL1")]).unwrap();
    let visit = start(&[]).unwrap();
    assert!(answer(state(&asked), "numbers", &["CH1"]).is_err());
    assert!(resume(state(&visit), 200, &json!({})).is_err());
    for state in [&b""[..], b"connect:1:{}", b"connect:9:\"x\"", &[0xff; 40]] {
        let error = answer(state, "numbers", &[]).unwrap_err();
        assert_eq!(error.code, Code::Misconfigured);
        assert!(resume(state, 200, &json!({})).is_err());
    }
}
