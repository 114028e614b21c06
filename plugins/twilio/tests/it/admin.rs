//! Every step of the golden cases' other interfaces against answers that no provider documents and states
//! that no flow wrote, and every webhook bent: nothing traps, nothing is believed that was not said.

use std::fs;

use serde_json::Value;
use wharf_plugin::inbound::{Event, Webhook};
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;
use wharf_plugin::{
    HealthProvider, OnboardingProvider, ProfileProvider, ReconcileProvider, TemplateProvider,
    health, onboarding, profile, reconcile, templates, testing,
};
use wharf_plugin_twilio::Twilio;

const SETTINGS: [(&str, &str); 2] = [
    ("account_sid", "AC00000000000000000000000000000001"),
    ("number", "+14155238886"),
];
/// A flow and the name that its states have.
const FLOWS: [(&str, &str); 4] = [
    ("connect", "Connect"),
    ("webhooks", "Webhooks"),
    ("register", "Register"),
    ("signup", "Subaccount"),
];

/// Golden cases whose names begin so.
fn cases(prefix: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(prefix)
        })
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
        .collect()
}

/// Every state that a case of these was resumed with, and two that nobody wrote.
fn states(prefix: &str) -> Vec<Vec<u8>> {
    fn walk(value: &Value, found: &mut Vec<Vec<u8>>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str() {
                        Some(state) if name == "state" => found.push(state.as_bytes().to_vec()),
                        _ => walk(member, found),
                    }
                }
            }
            Value::Array(elements) => elements.iter().for_each(|it| walk(it, found)),
            _ => {}
        }
    }
    let mut found = vec![Vec::new(), b"garbage".to_vec()];
    for case in cases(prefix) {
        walk(&case, &mut found);
    }
    found.sort();
    found.dedup();
    assert!(found.len() >= 4, "{prefix} has too few states");
    found
}

fn outcomes() -> Vec<Outcome> {
    let mut outcomes = testing::broken_answers();
    outcomes.extend(
        testing::failures()
            .into_iter()
            .map(|(failure, _)| Outcome::Failed(failure)),
    );
    outcomes
}

#[test]
fn health_says_nothing_good_of_a_broken_answer() {
    let context = testing::context(&SETTINGS);
    for state in states("health-") {
        for (number, outcome) in outcomes().into_iter().enumerate() {
            if let Ok(health::Progress::Done(report)) =
                Twilio::health_resume(&context, &state, outcome)
            {
                assert_ne!(report.verdict, health::Verdict::Ok, "outcome {number}");
            }
        }
    }
}

#[test]
fn no_broken_answer_settles_a_lost_message() {
    let context = testing::context(&SETTINGS);
    let message = testing::text("Hello");
    for state in states("reconcile-") {
        for (number, outcome) in outcomes().into_iter().enumerate() {
            match Twilio::reconcile_resume(&context, &message, 0, &state, outcome) {
                Ok(reconcile::Progress::Done(verdict)) => {
                    assert_eq!(verdict, reconcile::Verdict::Undecided, "outcome {number}");
                }
                Ok(reconcile::Progress::Exchange(_)) | Err(_) => {}
            }
        }
    }
    for state in states("catch-up-") {
        for outcome in outcomes() {
            let _ = Twilio::catch_up_resume(&context, 0, &state, outcome);
        }
    }
}

#[test]
fn no_broken_answer_is_a_profile_or_a_template() {
    let context = testing::context(&SETTINGS);
    for state in states("profile-") {
        for outcome in outcomes() {
            let request = profile::Request::Get;
            if let Ok(profile::Progress::Done(shown)) =
                Twilio::profile_resume(&context, &request, &state, outcome)
            {
                panic!("{shown}");
            }
        }
    }
    let draft = templates::Create {
        name: "a".to_owned(),
        language: "en".to_owned(),
        category: "UTILITY".to_owned(),
        definition: r#"[{"type":"BODY","text":"x"}]"#.to_owned(),
        examples: Vec::new(),
    };
    let requests = [
        templates::Request::List,
        templates::Request::Create(draft.clone()),
        templates::Request::Edit(("HX".to_owned(), draft)),
    ];
    for state in states("templates-") {
        for request in &requests {
            for outcome in outcomes() {
                // Only a step that deletes may take an answer without a body.
                let deletes = state.starts_with(br#"templates:1:{"Delete"#);
                if let Ok(templates::Progress::Done(entries)) =
                    Twilio::templates_resume(&context, request, &state, outcome)
                {
                    assert!(deletes && entries.is_empty(), "{entries:?}");
                }
            }
        }
    }
}

#[test]
fn no_flow_ends_in_a_channel_by_a_broken_answer() {
    let context = testing::context(&SETTINGS);
    for state in states("onboarding-") {
        // The webhooks' step is the one that a refusal does not hold up.
        let text = String::from_utf8_lossy(&state).into_owned();
        let is_told = text.contains(r#""step":"Webhooks""#);
        let of = |(_, kind): &&(&str, &str)| text.contains(&format!(r#""kind":"{kind}""#));
        // A state that is nobody's goes to one flow, a flow's own to it.
        let (flow, _) = FLOWS.iter().find(of).unwrap_or(&FLOWS[0]);
        for (number, outcome) in outcomes().into_iter().enumerate() {
            let resumed = Twilio::onboarding_resume(&context, flow, &state, outcome);
            if let Ok(onboarding::Progress {
                next: onboarding::Next::Done(finished),
                ..
            }) = resumed
            {
                assert!(is_told || finished.channels.is_empty(), "outcome {number}");
            }
        }
        for inputs in [
            Vec::new(),
            vec![("number".to_owned(), vec![String::new(), "+1".to_owned()])],
            vec![("account_sid".to_owned(), vec!["AC/../x".to_owned()])],
        ] {
            let _ = Twilio::onboarding_answer(&context, flow, &state, &inputs);
        }
    }
}

fn webhook(body: Vec<u8>) -> Webhook {
    Webhook {
        name: "main".to_owned(),
        method: HttpMethod::Post,
        query: vec![("message".to_owned(), "\u{7}".to_owned())],
        headers: Vec::new(),
        body,
        received_at: testing::NOW_MS,
    }
}

#[test]
fn bent_webhooks_are_read_or_refused_and_keys_stay() {
    let context = testing::context(&[]);
    let mut read = 0;
    for case in cases("inbound-") {
        let body = case["inbound"]["body"]
            .as_str()
            .map_or_else(|| case["inbound"]["body"].to_string(), str::to_owned);
        // Places of every kind, as the step shares no factor with what repeats.
        for at in (0..body.len()).step_by(41) {
            let mut cut = body.as_bytes().to_vec();
            cut.truncate(at);
            let mut swapped = body.as_bytes().to_vec();
            swapped[at] ^= 0xa5;
            for bytes in [cut, swapped] {
                let call = webhook(bytes);
                let first = Twilio::parse(&context, &call, 0);
                if at % 2 == 0 {
                    assert_eq!(first, Twilio::parse(&context, &call, 0));
                }
                let Ok(parsed) = first else { continue };
                for item in parsed.items {
                    read += 1;
                    assert!(!item.dedupe_key.chars().any(char::is_control), "{item:?}");
                    if let Event::Message(message) = &item.event {
                        let id = &message.provider_message_id;
                        assert!(!id.is_empty() && !id.chars().any(char::is_control));
                    }
                }
            }
        }
    }
    assert!(read > 500, "only {read} items were read");
}

/// The host refuses a document that could not become a tree, and with it every item beside it. A member
/// that comes twice hides the first one from whoever reads only the tree.
#[test]
fn events_that_no_tree_can_hold_come_as_one_string() {
    let context = testing::context(&[]);
    let deep = format!("{}{}", "[".repeat(80), "]".repeat(80));
    let hidden = format!(r#"{{"type":"com.example.new","data":{deep},"data":1}}"#);
    let reserved = r#"{"type":"com.example.new","data":{"$serde_json::private::RawValue":1}}"#;
    let logged = r#"{"type":"com.twilio.error-logs.error.logged","data":{"$serde_json::private::RawValue":1}}"#;
    for event in [hidden.as_str(), reserved, logged] {
        let parsed = Twilio::parse(&context, &webhook(format!("[{event}]").into_bytes()), 0);
        let items = parsed.unwrap().items;
        let (Event::Other(raw) | Event::Account(raw)) = &items[0].event else {
            panic!("{items:?}")
        };
        assert!(raw.starts_with('"'), "{raw}");
    }
}

#[test]
fn a_page_of_more_contents_than_the_host_takes_is_a_broken_answer() {
    let context = testing::context(&SETTINGS);
    let list = templates::Request::List;
    let first = testing::exchange(Twilio::templates_start(&context, &list));
    let body = serde_json::json!({ "contents": vec![serde_json::json!({}); 1_001], "meta": {} });
    let answer = testing::answer(200, &body.to_string());
    let listed = Twilio::templates_resume(&context, &list, &first.state, answer);
    assert_eq!(listed.unwrap_err().code, Code::MalformedResponse);
}

/// A state may have 16 KiB.
#[test]
fn an_account_with_long_words_still_fits_into_a_state() {
    let context = testing::context(&SETTINGS);
    let first = testing::exchange(Twilio::health_start(&context));
    let body = serde_json::json!({
        "sid": SETTINGS[0].1, "owner_account_sid": SETTINGS[0].1, "type": "Full",
        "status": "7".repeat(20_000), "friendly_name": "n".repeat(20_000),
    });
    let answer = testing::answer(200, &body.to_string());
    let next = Twilio::health_resume(&context, &first.state, answer);
    assert!(testing::exchange(next).state.len() < 1_000);
}

/// A channel is named after its number.
#[test]
fn senders_that_are_no_phone_numbers_are_none() {
    let context = testing::context(&SETTINGS);
    let sender = |number: &str| {
        serde_json::json!({
            "sid": "XE00000000000000000000000000000001", "sender_id": format!("whatsapp:{number}"),
            "status": "ONLINE", "profile": { "name": "Acme" },
        })
    };
    let page = |numbers: &[&str]| {
        let senders: Vec<_> = numbers.iter().map(|number| sender(number)).collect();
        serde_json::json!({ "senders": senders, "meta": { "next_page_url": null } }).to_string()
    };
    let listing = states("onboarding-")
        .into_iter()
        .filter_map(|state| String::from_utf8(state).ok())
        .find(|state| state.contains(r#""kind":"Connect","step":"Senders""#))
        .expect("a case lists the senders");
    let answer = testing::answer(
        200,
        &page(&["+14155238886", "+14}55238886", &"7".repeat(5_000)]),
    );
    let next = Twilio::onboarding_resume(&context, "connect", listing.as_bytes(), answer).unwrap();
    assert_eq!(next.findings[0].title, "There is one number");
}
