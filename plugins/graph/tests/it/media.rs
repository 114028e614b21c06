//! Media at Meta: where the token may go, and a typed end whatever is answered.

use serde_json::json;
use wharf_plugin::media::{self, Request};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Body, MediaRef};
use wharf_plugin::{MediaProvider, testing};
use wharf_plugin_graph::Graph;

use crate::fixture::{PHONE_NUMBER_ID, context};

#[test]
fn media_fetches_keep_the_token_to_metas_hosts() {
    let request = Request::Fetch("1".to_owned());
    let located = |url: &str| {
        let Ok(media::Progress::Exchange(exchange)) = Graph::media_start(&settings(), &request)
        else {
            panic!("an exchange")
        };
        assert!(matches!(exchange.request.body, Body::Empty));
        let body = json!({ "url": url }).to_string();
        Graph::media_resume(
            &settings(),
            &request,
            &exchange.state,
            testing::answer(200, &body),
        )
    };
    assert!(located("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1").is_ok());
    for url in [
        "http://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
        "https://lookaside.fbsbx.com.evil.example/whatsapp_business/attachments/",
        "https://lookaside.fbsbx.com/elsewhere/?mid=1",
        "https://evil.example/whatsapp_business/attachments/?mid=1",
        "https://lookaside.fbsbx.com@evil.example/whatsapp_business/attachments/",
        "//lookaside.fbsbx.com/whatsapp_business/attachments/",
        "",
    ] {
        let error = located(url).unwrap_err();
        assert_eq!(error.code, Code::MalformedResponse, "{url}");
    }
}

#[test]
fn media_end_in_a_typed_error_whatever_is_answered() {
    for request in [
        Request::Fetch("1".to_owned()),
        Request::Delete("1".to_owned()),
        Request::Upload(MediaRef {
            handle: "h".to_owned(),
            content_type: "image/png".to_owned(),
            size: 1,
            sha256: vec![0; 32],
            filename: None,
        }),
    ] {
        let exchange = testing::exchange(Graph::media_start(&settings(), &request));
        for (failure, _) in testing::failures() {
            let outcome = Outcome::Failed(failure);
            let ended = Graph::media_resume(&settings(), &request, &exchange.state, outcome);
            assert_ne!(ended.unwrap_err().retry, Retry::Uncertain, "{request:?}");
        }
        for id in ["", "a b", "../1", "1/2", "1?x", "%2e", &"1".repeat(129)] {
            let request = match &request {
                Request::Fetch(_) => Request::Fetch(id.to_owned()),
                _ => Request::Delete(id.to_owned()),
            };
            let error = Graph::media_start(&settings(), &request).unwrap_err();
            assert_eq!(error.code, Code::InvalidMessage, "{id}");
        }
    }
}

fn settings() -> Context {
    context(&[("phone_number_id", PHONE_NUMBER_ID)])
}

/// The host takes 8 KiB, and refuses a longer one as if the plugin were broken.
#[test]
fn a_link_that_is_longer_than_the_host_takes_is_a_broken_answer() {
    let request = Request::Fetch("1".to_owned());
    let first = testing::exchange(Graph::media_start(&settings(), &request));
    let url = format!(
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={}",
        "7".repeat(9_000)
    );
    let body = serde_json::json!({ "url": url }).to_string();
    let ended = Graph::media_resume(
        &settings(),
        &request,
        &first.state,
        testing::answer(200, &body),
    );
    assert_eq!(ended.unwrap_err().code, Code::MalformedResponse);
}
