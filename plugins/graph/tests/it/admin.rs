//! Templates, profile and health: what is broken on the way is a typed error, and the same twice is the
//! same.

use serde_json::json;
use wharf_plugin::prelude::*;
use wharf_plugin::templates::{Create, Request};
use wharf_plugin::testing::{answer, broken_answers, exchange, failures};
use wharf_plugin::{HealthProvider, ProfileProvider, TemplateProvider, health, profile, templates};
use wharf_plugin_graph::Graph;

use crate::fixture::{PHONE_NUMBER_ID, WABA_ID, context};

fn ctx() -> Context {
    context(&[
        ("app_id", "670843887433847"),
        ("waba_id", WABA_ID),
        ("phone_number_id", PHONE_NUMBER_ID),
    ])
}

fn draft() -> Create {
    Create {
        name: "order_sent".to_owned(),
        language: "en_US".to_owned(),
        category: "UTILITY".to_owned(),
        definition: json!([{ "type": "BODY", "text": "Hello" }]).to_string(),
        examples: Vec::new(),
    }
}

fn requests() -> [Request; 4] {
    [
        Request::List,
        Request::Create(draft()),
        Request::Edit(("7".to_owned(), draft())),
        Request::Delete(("order_sent".to_owned(), None)),
    ]
}

/// No answer that is broken counts as success: a refusal has its class, and a request that must not be
/// repeated says that nobody knows.
#[test]
fn broken_answers_about_templates_are_typed_errors() {
    for request in requests() {
        let first = exchange(Graph::templates_start(&ctx(), &request));
        for outcome in broken_answers() {
            let shown = format!("{} {outcome:?}", first.label);
            match Graph::templates_resume(&ctx(), &request, &first.state, outcome) {
                Err(error) => assert!(
                    error.retry != Retry::Uncertain || first.replay == Replay::Unsafe,
                    "{shown}: {error:?}"
                ),
                Ok(templates::Progress::Done(entries)) => {
                    // An id may be a number too.
                    let has_id = |entry: &templates::Entry| entry.id.is_some();
                    assert!(entries.iter().all(has_id), "{shown}: {entries:?}");
                }
                Ok(other) => panic!("{shown}: {other:?}"),
            }
        }
        for (failure, sent) in failures() {
            let outcome = Outcome::Failed(failure);
            let error =
                Graph::templates_resume(&ctx(), &request, &first.state, outcome).unwrap_err();
            let uncertain = sent && first.replay == Replay::Unsafe;
            assert_eq!(
                error.retry == Retry::Uncertain,
                uncertain,
                "{} {error:?}",
                first.label
            );
        }
    }
}

#[test]
fn broken_answers_about_the_profile_are_typed_errors() {
    for request in [
        profile::Request::Get,
        profile::Request::Set(r#"{"about":"Hi"}"#.to_owned()),
    ] {
        let first = exchange(Graph::profile_start(&ctx(), &request));
        for outcome in broken_answers() {
            let shown = format!("{} {outcome:?}", first.label);
            let error = Graph::profile_resume(&ctx(), &request, &first.state, outcome);
            assert_ne!(error.expect_err(&shown).retry, Retry::Uncertain, "{shown}");
        }
    }
}

/// Health goes on where a refusal is news of the account, and asks again where it is none.
#[test]
fn broken_answers_about_health_end_in_a_report_or_a_typed_error() {
    for outcome in broken_answers() {
        let mut progress = Graph::health_start(&ctx());
        for _ in 0..3 {
            let Ok(health::Progress::Exchange(asked)) = &progress else {
                break;
            };
            progress = Graph::health_resume(&ctx(), &asked.state, outcome.clone());
        }
        match progress {
            Ok(health::Progress::Done(report)) => {
                assert_ne!(
                    report.verdict,
                    health::Verdict::Ok,
                    "{outcome:?} {report:?}"
                );
            }
            Ok(health::Progress::Exchange(asked)) => panic!("{outcome:?} {}", asked.label),
            Err(error) => assert_ne!(error.retry, Retry::Uncertain, "{outcome:?}"),
        }
    }
}

/// Meta's words are open; however many and however long, the report is one that the host takes.
#[test]
fn a_report_has_at_most_64_findings() {
    let error = json!({ "error_code": 1, "error_description": "x".repeat(5_000), "possible_solution": "y" });
    let entity =
        json!({ "entity_type": "WABA", "can_send_message": "BLOCKED", "errors": vec![error; 30] });
    let number = json!({
        "status": "FLAGGED\n", "quality_rating": "\u{7}", "throughput": { "level": "x".repeat(900) },
        "whatsapp_business_manager_messaging_limit": "z".repeat(900),
        "health_status": { "can_send_message": "BLOCKED", "entities": vec![entity; 30] },
    });
    let mut progress = Graph::health_start(&ctx());
    for body in [
        json!({ "data": { "is_valid": true, "scopes": [] } }),
        json!({ "id": WABA_ID }),
        number,
    ] {
        let asked = exchange(progress);
        progress = Graph::health_resume(&ctx(), &asked.state, answer(200, &body.to_string()));
    }
    let Ok(health::Progress::Done(report)) = progress else {
        panic!("a report: {progress:?}")
    };
    assert!(
        (41..=64).contains(&report.findings.len()),
        "{}",
        report.findings.len()
    );
    assert_eq!(report.quality, None);
    assert!(report.messaging_limit.unwrap().len() <= 255);
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.detail.len() <= 2_048)
    );
}

#[test]
fn states_of_other_requests_are_refused() {
    for state in [
        &b""[..],
        b"templates:1:",
        b"templates:9:\"After\"",
        b"health:1:{}",
        b"profile:1:7",
    ] {
        for request in requests() {
            let outcome = answer(200, r#"{"success":true}"#);
            assert!(Graph::templates_resume(&ctx(), &request, state, outcome).is_err());
        }
        assert!(Graph::health_resume(&ctx(), state, answer(200, "{}")).is_err());
        let get = profile::Request::Get;
        assert!(Graph::profile_resume(&ctx(), &get, state, answer(200, "{}")).is_err());
    }
    // A step of another request, in a state that can be read.
    let state = b"templates:1:{\"Post\":{\"handles\":[],\"category_now\":\"\"}}";
    let progress = Graph::templates_resume(&ctx(), &Request::List, state, answer(200, "{}"));
    assert_eq!(progress.unwrap_err().code, Code::Misconfigured);
}

/// The host takes a thousand at a time and refuses the whole answer otherwise, as if the plugin were broken.
#[test]
fn a_page_of_more_templates_than_the_host_takes_is_a_broken_answer() {
    let entry = json!({ "id": "1", "name": "n", "language": "en", "category": "UTILITY" });
    for (count, is_taken) in [(1_000, true), (1_001, false)] {
        let first = exchange(Graph::templates_start(&ctx(), &Request::List));
        let body = json!({ "data": vec![&entry; count] }).to_string();
        let listed =
            Graph::templates_resume(&ctx(), &Request::List, &first.state, answer(200, &body));
        match listed {
            Ok(templates::Progress::Done(entries)) => assert!(is_taken && entries.len() == count),
            Err(error) => {
                assert!(!is_taken);
                assert_eq!(error.code, Code::MalformedResponse);
            }
            Ok(other) => panic!("{other:?}"),
        }
    }
}
