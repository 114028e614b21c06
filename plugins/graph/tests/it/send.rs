//! From a message to the exact exchange, and from Meta's acceptance to ours.

use serde_json::{Value, json};
use wharf_plugin::messages::Text;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Body, Encoding, Hash, Hmac, HmacInput, HttpMethod, Query};
use wharf_plugin_graph::Graph;

use crate::fixture::{PHONE_NUMBER_ID, context, response, resume, text_message};

fn exchange(settings: &[(&str, &str)], message: &Message) -> Exchange {
    match Graph::start(&context(settings), message).unwrap() {
        Progress::Exchange(exchange) => exchange,
        Progress::Done(accepted) => panic!("done before anything was sent: {accepted:?}"),
    }
}

fn document(message: &Message) -> Value {
    let Body::Json(body) = exchange(&[], message).request.body else {
        panic!("a JSON body")
    };
    assert!(body.insert.is_empty());
    serde_json::from_str(&body.document).unwrap()
}

/// The document of a text to the fixture's number.
fn text_document(body: &str, more: Value) -> Value {
    let mut document = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+16505551234",
        "type": "text",
        "text": { "body": body, "preview_url": false },
        "biz_opaque_callback_data": "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M",
    });
    let (Value::Object(members), Value::Object(more)) = (&mut document, more) else {
        panic!("objects")
    };
    members.extend(more);
    document
}

fn refusal(settings: &[(&str, &str)], message: &Message) -> Error {
    Graph::start(&context(settings), message).unwrap_err()
}

#[test]
fn a_text_becomes_one_post_with_the_token_named_not_known() {
    let exchange = exchange(&[], &text_message("Hello"));
    assert_eq!(exchange.label, "send");
    assert_eq!(exchange.replay, Replay::Unsafe);
    assert_eq!(exchange.request.method, HttpMethod::Post);
    assert_eq!(
        exchange.request.url,
        format!("https://graph.facebook.com/v26.0/{PHONE_NUMBER_ID}/messages")
    );
    assert_eq!(exchange.request.query, Query::Fields(Vec::new()));
    let [header] = exchange.request.headers.as_slice() else {
        panic!("one header")
    };
    assert_eq!(header.name, "authorization");
    assert_eq!(
        header.value,
        [piece::text("Bearer "), piece::secret("access_token")]
    );
}

#[test]
fn the_document_of_a_text_says_what_was_written() {
    let body = "Hello \"you\" \u{1f600}\n{{secret}}";
    assert_eq!(
        document(&text_message(body)),
        text_document(body, json!({}))
    );
}

#[test]
fn the_document_of_a_reply_with_a_preview() {
    let mut message = text_message("");
    message.content = Content::Text(Text {
        body: "See https://example.com".to_owned(),
        preview_url: true,
    });
    message.reply_to = Some("wamid.HBgL".to_owned());
    let more = json!({
        "text": { "body": "See https://example.com", "preview_url": true },
        "context": { "message_id": "wamid.HBgL" },
    });
    assert_eq!(document(&message), text_document("", more));
}

#[test]
fn allowed_options_pass_through_and_others_are_refused_by_name() {
    let mut message = text_message("Hello");
    message.options =
        r#"{"recipient_identity_key_hash":"abc=","category":"utility","ttl_seconds":600}"#
            .to_owned();
    let more =
        json!({ "recipient_identity_key_hash": "abc=", "category": "utility", "ttl_seconds": 600 });
    assert_eq!(document(&message), text_document("Hello", more));
    for (options, named) in [
        (r#"{"messaging_product":"x"}"#, "messaging_product"),
        (
            r#"{"biz_opaque_callback_data":"theirs"}"#,
            "biz_opaque_callback_data",
        ),
        (r#"{"to":"+1"}"#, "`to`"),
        ("[", "options"),
    ] {
        message.options = options.to_owned();
        let error = refusal(&[], &message);
        assert_eq!(
            (error.code, error.retry),
            (Code::InvalidMessage, Retry::Never)
        );
        assert!(error.detail.contains(named), "{}", error.detail);
        assert!(error.remedy.is_some());
    }
    for none in ["{}", "null", ""] {
        message.options = none.to_owned();
        assert_eq!(document(&message), text_document("Hello", json!({})));
    }
}

#[test]
fn the_version_is_a_setting_and_cannot_leave_its_segment() {
    let exchange = exchange(&[("graph_version", "v27.1")], &text_message("Hello"));
    assert!(
        exchange
            .request
            .url
            .starts_with("https://graph.facebook.com/v27.1/")
    );
    for wrong in [
        "26.0", "v26", "v26.", "v.0", "v26.0/..", "v26.0?x=", "v2a.0", "v26.0.0",
    ] {
        let error = refusal(&[("graph_version", wrong)], &text_message("Hello"));
        assert_eq!(error.code, Code::Misconfigured, "{wrong}");
        assert!(error.detail.contains("graph_version"));
    }
}

#[test]
fn the_sender_must_be_an_id() {
    for wrong in ["", "+15550783881", "1/2", "me"] {
        let mut message = text_message("Hello");
        message.sender = wrong.to_owned();
        let error = refusal(&[], &message);
        assert_eq!(error.code, Code::Misconfigured, "{wrong}");
        assert!(error.detail.contains("phone_number_id"));
    }
}

#[test]
fn the_proof_of_the_app_secret_is_sent_only_when_asked_for() {
    let proof = Piece::Hmac(Hmac {
        key: "app_secret".to_owned(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        over: vec![HmacInput::Secret("access_token".to_owned())],
    });
    let exchange = exchange(&[("appsecret_proof", "true")], &text_message("Hello"));
    let Query::Fields(fields) = &exchange.request.query else {
        panic!("fields")
    };
    assert_eq!(fields.len(), 1);
    assert_eq!(
        (fields[0].name.as_str(), &fields[0].value),
        ("appsecret_proof", &vec![proof])
    );

    let without = self::exchange(&[("appsecret_proof", "false")], &text_message("Hello"));
    assert_eq!(without.request.query, Query::Fields(Vec::new()));
    let error = refusal(&[("appsecret_proof", "yes")], &text_message("Hello"));
    assert_eq!(error.code, Code::Misconfigured);
}

#[test]
fn texts_have_1_to_4096_characters_not_bytes() {
    document(&text_message(&"\u{1f600}".repeat(4_096)));
    for wrong in [String::new(), "x".repeat(4_097), "\u{1f600}".repeat(4_097)] {
        let error = refusal(&[], &text_message(&wrong));
        assert_eq!(
            (error.code, error.retry),
            (Code::InvalidMessage, Retry::Never)
        );
        assert!(error.remedy.is_some());
    }
}

#[test]
fn an_accepted_message_has_metas_id_and_its_reading_of_the_recipient() {
    let body = r#"{"messaging_product":"whatsapp","contacts":[{"input":"+5511987654321","wa_id":"551187654321","user_id":"BR.1"}],"messages":[{"id":"wamid.HBgL","message_status":"accepted"}]}"#;
    let Progress::Done(accepted) = resume(Outcome::Response(response(200, body))).unwrap() else {
        panic!("done")
    };
    assert_eq!(accepted.provider_message_id.as_deref(), Some("wamid.HBgL"));
    assert!(!accepted.pending);
    let recipient = accepted.recipient.unwrap();
    assert_eq!(
        (recipient.phone.as_deref(), recipient.user_id.as_deref()),
        (Some("551187654321"), Some("BR.1"))
    );
}

#[test]
fn an_acceptance_needs_no_contact() {
    for contacts in ["", r#","contacts":[]"#, r#","contacts":[{"input":"US.1"}]"#] {
        let body = format!(r#"{{"messages":[{{"id":"wamid.1"}}]{contacts}}}"#);
        let Progress::Done(accepted) = resume(Outcome::Response(response(200, &body))).unwrap()
        else {
            panic!("done")
        };
        assert_eq!(accepted.recipient, None);
    }
}

#[test]
fn a_message_that_meta_holds_back_is_not_sent_yet() {
    for (status, pending) in [
        ("accepted", false),
        ("held_for_quality_assessment", true),
        ("paused", true),
    ] {
        let body = format!(r#"{{"messages":[{{"id":"wamid.1","message_status":"{status}"}}]}}"#);
        let Progress::Done(accepted) = resume(Outcome::Response(response(200, &body))).unwrap()
        else {
            panic!("done")
        };
        assert_eq!(accepted.pending, pending, "{status}");
    }
}
