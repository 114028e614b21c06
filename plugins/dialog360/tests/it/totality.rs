//! Whatever comes back, every interface ends in a value or a typed error, and a question that only reads
//! is never left uncertain.

use wharf_plugin::media::Request as MediaRequest;
use wharf_plugin::prelude::*;
use wharf_plugin::profile::Request as ProfileRequest;
use wharf_plugin::templates::Request as TemplateRequest;
use wharf_plugin::testing::{answer, broken_answers, contents, failures};
use wharf_plugin::types::HttpMethod;
use wharf_plugin::{
    HealthProvider, MediaProvider, ProfileProvider, TemplateProvider, health, media,
};
use wharf_plugin::{profile, templates};
use wharf_plugin_dialog360::Dialog360;

fn context() -> Context {
    let settings = [("partner_id", "PA1"), ("channel_id", "CH1")];
    Context {
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        now: 1_790_000_000_000,
        seed: vec![7; 32],
        locale: None,
    }
}

fn ends(statuses: &[u16]) -> Vec<Outcome> {
    let mut ends: Vec<Outcome> = failures()
        .into_iter()
        .map(|(failure, _)| Outcome::Failed(failure))
        .collect();
    for broken in broken_answers() {
        if let Outcome::Response(response) = broken {
            for status in statuses.iter().copied() {
                ends.push(Outcome::Response(HttpResponse {
                    status,
                    ..response.clone()
                }));
            }
        }
    }
    for body in [
        r#"{"error":{}}"#,
        r#"{"error":[]}"#,
        r#"{"error":""}"#,
        r#"{"meta":[]}"#,
        r#"{"meta":{}}"#,
        r#"{"meta":{"http_code":-1,"developer_message":7}}"#,
        r#"{"errors":[null]}"#,
        r#"{"errors":[{"code":-1}]}"#,
        r#"{"errors":[{"code":99999999999999999999}]}"#,
    ] {
        for status in [200, 400, 500] {
            ends.push(answer(status, body));
        }
    }
    ends
}

fn certain(result: Result<(), Error>, end: &Outcome) {
    let Err(error) = result else { return };
    assert_ne!(error.retry, Retry::Uncertain, "{end:?}");
    assert!(!error.detail.is_empty(), "{end:?}");
}

#[test]
fn questions_end_in_typed_errors_that_are_certain() {
    let ctx = context();
    for end in ends(&[200, 404]) {
        let health::Progress::Exchange(first) = Dialog360::health_start(&ctx).unwrap() else {
            panic!("an exchange")
        };
        certain(
            Dialog360::health_resume(&ctx, &first.state, end.clone()).map(drop),
            &end,
        );
        let list = TemplateRequest::List;
        let templates::Progress::Exchange(first) = Dialog360::templates_start(&ctx, &list).unwrap()
        else {
            panic!("an exchange")
        };
        certain(
            Dialog360::templates_resume(&ctx, &list, &first.state, end.clone()).map(drop),
            &end,
        );
        let get = ProfileRequest::Get;
        let profile::Progress::Exchange(first) = Dialog360::profile_start(&ctx, &get).unwrap()
        else {
            panic!("an exchange")
        };
        certain(
            Dialog360::profile_resume(&ctx, &get, &first.state, end.clone()).map(drop),
            &end,
        );
        let fetch = MediaRequest::Fetch("1".to_owned());
        let media::Progress::Exchange(first) = Dialog360::media_start(&ctx, &fetch).unwrap() else {
            panic!("an exchange")
        };
        certain(
            Dialog360::media_resume(&ctx, &fetch, &first.state, end.clone()).map(drop),
            &end,
        );
    }
}

#[test]
fn every_kind_of_message_is_built_or_refused_and_ends() {
    let ctx = context();
    for content in contents() {
        let message = Message {
            id: "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M".to_owned(),
            to: Address::Phone("4915112345678".to_owned()),
            sender: "106540352242922".to_owned(),
            content,
            reply_to: None,
            options: String::new(),
        };
        let Ok(Progress::Exchange(first)) = Dialog360::start(&ctx, &message) else {
            continue;
        };
        assert!(
            first
                .request
                .url
                .starts_with("https://waba-v2.360dialog.io/")
        );
        for end in ends(&[200]) {
            if let Err(error) = Dialog360::resume(&ctx, &message, &first.state, end) {
                assert!(!error.detail.is_empty());
            }
        }
    }
}

#[test]
fn any_bytes_are_read_or_refused_by_both_webhooks() {
    for name in ["main", "partner"] {
        for end in ends(&[200]) {
            let Outcome::Response(response) = end else {
                continue;
            };
            let webhook = Webhook {
                name: name.to_owned(),
                method: HttpMethod::Post,
                query: Vec::new(),
                headers: Vec::new(),
                body: response.body,
                received_at: 1_790_000_000_000,
            };
            match Dialog360::parse(&context(), &webhook, 0) {
                Ok(parsed) => assert!(parsed.items.iter().all(|item| !item.dedupe_key.is_empty())),
                Err(error) => assert_eq!(error.code, Code::MalformedResponse),
            }
        }
    }
}

/// The host takes a thousand at a time and refuses the whole answer otherwise, as if the plugin were broken.
#[test]
fn a_page_of_more_templates_than_the_host_takes_is_a_broken_answer() {
    let ctx = context();
    let list = TemplateRequest::List;
    let Ok(templates::Progress::Exchange(first)) = Dialog360::templates_start(&ctx, &list) else {
        panic!("an exchange")
    };
    let entry = r#"{"id":"1","name":"n","language":"en"}"#;
    let body = format!(r#"{{"waba_templates":[{}]}}"#, vec![entry; 1_001].join(","));
    let listed = Dialog360::templates_resume(&ctx, &list, &first.state, answer(200, &body));
    assert_eq!(listed.unwrap_err().code, Code::MalformedResponse);
}
