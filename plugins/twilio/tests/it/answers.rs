//! Every step of a send against answers that no provider documents.

use wharf_plugin::messages::{
    Action, Component, Interactive, Parameter, ReplyButton, Slot, Template,
};
use wharf_plugin::prelude::*;
use wharf_plugin::testing;
use wharf_plugin_twilio::Twilio;

const SETTINGS: [(&str, &str); 2] = [
    ("account_sid", "AC00000000000000000000000000000001"),
    ("number", "+14155238886"),
];
const SENT: [&[u8]; 2] = [
    br#"send:1:{"send":{"fresh":true}}"#,
    br#"send:1:{"send":{"fresh":false}}"#,
];

fn message(content: Content) -> Message {
    Message {
        sender: "+14155238886".to_owned(),
        ..testing::message(content)
    }
}

fn buttons() -> Message {
    message(Content::Interactive(Interactive {
        header: None,
        body: Some("Sure?".to_owned()),
        footer: None,
        action: Action::Buttons(vec![ReplyButton {
            id: "y".to_owned(),
            title: "Yes".to_owned(),
        }]),
    }))
}

fn template() -> Message {
    message(Content::Template(Template {
        name: "order_update".to_owned(),
        language: "en".to_owned(),
        components: vec![Component {
            slot: Slot::Body,
            sub_type: None,
            index: None,
            parameters: vec![Parameter::Text("Ada".to_owned())],
        }],
        cards: Vec::new(),
        id: None,
        definition: None,
    }))
}

#[test]
fn no_broken_answer_ends_in_a_message_id() {
    let context = testing::context(&SETTINGS);
    let steps: [(Message, &[u8]); 6] = [
        (buttons(), br#"send:1:{"create":{"fresh":false}}"#),
        (template(), br#"send:1:{"read":{"fresh":false}}"#),
        (template(), br#"send:1:{"find":{"fresh":false,"page":1}}"#),
        (template(), br#"send:1:{"find":{"fresh":true,"page":2}}"#),
        (buttons(), SENT[0]),
        (template(), SENT[1]),
    ];
    for (message, state) in steps {
        for outcome in testing::broken_answers() {
            let shown = format!("{outcome:?}");
            match Twilio::resume(&context, &message, state, outcome) {
                Ok(Progress::Done(accepted)) => {
                    assert_eq!(accepted.provider_message_id, None, "{shown}");
                }
                Ok(Progress::Exchange(_)) | Err(_) => {}
            }
        }
    }
}

#[test]
fn only_the_message_itself_is_uncertain_after_a_lost_answer() {
    let context = testing::context(&SETTINGS);
    for (failure, may_have_acted) in testing::failures() {
        let of = |state: &[u8]| {
            let outcome = Outcome::Failed(failure);
            Twilio::resume(&context, &buttons(), state, outcome)
                .unwrap_err()
                .retry
        };
        let denied = failure == TransportFailure::Denied;
        let create = of(br#"send:1:{"create":{"fresh":false}}"#);
        assert_eq!(
            create,
            if denied { Retry::Never } else { Retry::Backoff },
            "{failure:?}"
        );
        for state in SENT {
            let expected = match (denied, may_have_acted) {
                (true, _) => Retry::Never,
                (_, true) => Retry::Uncertain,
                (_, false) => Retry::Backoff,
            };
            assert_eq!(of(state), expected, "{failure:?}");
        }
    }
}

#[test]
fn a_state_of_another_kind_of_message_is_refused() {
    let outcome = testing::answer(200, "{}");
    let state = br#"send:1:{"find":{"fresh":false,"page":1}}"#;
    let error =
        Twilio::resume(&testing::context(&SETTINGS), &buttons(), state, outcome).unwrap_err();
    assert_eq!(
        (error.code, error.retry),
        (Code::Misconfigured, Retry::Uncertain)
    );
}

/// Any text becomes values and nothing else: the content is the same for all texts of one shape.
#[test]
fn no_text_of_a_customer_stands_in_a_content() {
    let context = testing::context(&SETTINGS);
    let content_of = |body: &str, title: &str| {
        let mut message = buttons();
        if let Content::Interactive(interactive) = &mut message.content {
            interactive.body = Some(body.to_owned());
            interactive.action = Action::Buttons(vec![ReplyButton {
                id: title.to_owned(),
                title: title.to_owned(),
            }]);
        }
        let exchange = testing::exchange(Twilio::start(&context, &message));
        (testing::document(&exchange), exchange.memo.unwrap().key)
    };
    let plain = content_of("Hello", "Yes");
    for (body, title) in [
        ("{{1}} {{2}}", "{{1}}"),
        ("\"},{\"", "\\\""),
        ("שלום עולם", "مرحبا"),
        ("👩‍👩‍👧‍👦", "𝄞"),
        ("a\u{202e}b", "<script>"),
    ] {
        assert_eq!(content_of(body, title), plain, "{body:?}");
    }
    assert_ne!(content_of("two\nlines", "Yes").1, plain.1);
}
