//! One message of each kind through every provider that ships, and what comes back through each of them: the
//! same results and the same events, or a capability that is not declared.
//!
//! The plugins are called without a gateway; what a provider answers and posts is written here, in its own
//! words, for each of them.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod dialects;

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::provider::{
    Accepted, CallContext, Content, ErrorClass, InboundContent, InboundEvent, InboundMessage,
    OutboundMessage, Outcome, Progress, StatusState,
};
use wharf_core::request::parse_message;
use wharf_runtime::{CallError, Plugin};

use crate::canonical::{self, Canonical};
use crate::harness::{SENDER, TO, shipped};
use dialects::{Dialect, Said};

/// Exchanges of one message, as `provider.wit` bounds them.
const EXCHANGES_MAX: usize = 6;

/// Every plugin with its dialect. One without is new here, and only its capabilities are held against it.
async fn each_plugin(test: impl AsyncFn(&Arc<Plugin>, Option<Dialect>)) {
    let Some(plugins) = shipped().await else {
        return;
    };
    for plugin in plugins {
        test(plugin, dialects::of(plugin.name())).await;
    }
}

fn declares(plugin: &Plugin, canonical: &Canonical) -> bool {
    let declared = &plugin.descriptor().capabilities;
    canonical
        .capabilities
        .iter()
        .any(|name| declared.iter().any(|it| it.name == *name))
}

fn context(dialect: Option<&Dialect>) -> CallContext {
    CallContext {
        settings: dialect.map_or_else(Vec::new, Dialect::settings),
        now_ms: 1_790_000_000_000,
        seed: [7; 32],
        locale: None,
    }
}

fn message(canonical: &Canonical, dialect: Option<&Dialect>) -> OutboundMessage {
    let mut body = canonical::to(TO, canonical);
    // Each provider names messages in its own way.
    if let Some(dialect) = dialect {
        for kind in ["read", "reaction"] {
            if let Some(named) = body.pointer_mut(&format!("/{kind}/message_id")) {
                *named = dialect.inbound_id().into();
            }
        }
    }
    let request = parse_message(&body).unwrap();
    OutboundMessage {
        id: "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M".to_owned(),
        to: request.to.unwrap(),
        sender: dialect.map_or_else(|| "x".to_owned(), Dialect::sender),
        content: request.content,
        reply_to: None,
        options: "{}".to_owned(),
    }
}

/// Calls the plugin until it is done, answered as its provider would.
async fn sent(
    plugin: &Plugin,
    dialect: &Dialect,
    message: &OutboundMessage,
) -> Result<Accepted, CallError> {
    let context = context(Some(dialect));
    let mut progress = plugin.start(&context, message).await?;
    for _ in 0..EXCHANGES_MAX {
        let exchange = match progress {
            Progress::Done(accepted) => return Ok(accepted),
            Progress::Exchange(exchange) => exchange,
        };
        plugin.check_exchange(&exchange).unwrap();
        let answer = Outcome::Response(dialect.answer(&exchange));
        progress = plugin
            .resume(&context, message, &exchange.state, &answer)
            .await?;
    }
    panic!("{} asks for ever", plugin.name());
}

#[tokio::test]
async fn each_kind_is_taken_as_declared_or_refused_by_name() {
    each_plugin(async |plugin, dialect| {
        for canonical in canonical::messages() {
            let what = format!("{}: {}", plugin.name(), canonical.name);
            let message = message(&canonical, dialect.as_ref());
            if !declares(plugin, &canonical) {
                let context = context(dialect.as_ref());
                match plugin.start(&context, &message).await {
                    Err(CallError::Guest(error)) => {
                        assert_eq!(error.class, ErrorClass::Unsupported, "{what}: {error:?}");
                    }
                    other => panic!("{what} is not declared: {other:?}"),
                }
                continue;
            }
            let Some(dialect) = &dialect else { continue };
            let accepted = sent(plugin, dialect, &message).await;
            let accepted = accepted.unwrap_or_else(|error| panic!("{what}: {error}"));
            // A receipt is no message, and not every provider gives it an id.
            if !matches!(message.content, Content::Read { .. }) {
                let wanted = Some(dialect.outbound_id());
                assert_eq!(accepted.provider_message_id, wanted, "{what}");
            }
        }
    })
    .await;
}

/// The only event that this call brings.
async fn event(plugin: &Plugin, dialect: &Dialect, call: (String, Vec<u8>)) -> InboundEvent {
    let mut webhook = crate::runtime::webhook(&call.1);
    webhook
        .name
        .clone_from(&plugin.descriptor().webhooks[0].name);
    webhook.headers = vec![("content-type".to_owned(), call.0)];
    let context = CallContext {
        settings: Vec::new(),
        ..context(Some(dialect))
    };
    let mut parsed = plugin.parse(&context, &webhook, 0).await.unwrap();
    assert_eq!(parsed.items.len(), 1, "{}: {parsed:?}", plugin.name());
    parsed.items.remove(0).event
}

#[tokio::test]
async fn statuses_read_the_same_from_every_provider() {
    each_plugin(async |plugin, dialect| {
        let Some(dialect) = dialect else { return };
        for state in [
            StatusState::Sent,
            StatusState::Delivered,
            StatusState::Read,
            StatusState::Failed,
        ] {
            let what = format!("{}: {state:?}", plugin.name());
            match event(plugin, &dialect, dialect.status(state)).await {
                InboundEvent::Status(status) => {
                    assert_eq!(status.state, state, "{what}");
                    assert_eq!(status.provider_message_id, dialect.outbound_id(), "{what}");
                    let failed = state == StatusState::Failed;
                    assert_eq!(status.error.is_some(), failed, "{what}: {status:?}");
                }
                other => panic!("{what}: {other:?}"),
            }
        }
    })
    .await;
}

/// What a tenant can rely on, whichever provider it came from.
fn normalised(message: &InboundMessage) -> Value {
    let content = match &message.content {
        InboundContent::Text { body } => json!({ "text": body }),
        InboundContent::Media(medium) => {
            assert!(!medium.locator.is_empty());
            json!({ "media": medium.kind, "content_type": medium.content_type, "caption": medium.caption })
        }
        InboundContent::Location(it) => json!({ "location": [it.latitude, it.longitude] }),
        InboundContent::Button(choice) => json!({ "button": [choice.id, choice.title] }),
        other => json!({ "other": other }),
    };
    json!({ "from": message.sender.phone, "id": message.provider_message_id, "content": content })
}

#[tokio::test]
async fn what_people_write_reads_the_same_from_every_provider() {
    each_plugin(async |plugin, dialect| {
        let Some(dialect) = dialect else { return };
        for (said, content) in [
            (Said::Text, json!({ "text": "Grüße 😀" })),
            (
                Said::Image,
                json!({ "media": "image", "content_type": "image/jpeg", "caption": "Look" }),
            ),
            (Said::Location, json!({ "location": [48.2, 11.5] })),
            (Said::Button, json!({ "button": ["yes-1", "Yes"] })),
        ] {
            let Some(call) = dialect.says(said) else {
                continue;
            };
            let what = format!("{}: {said:?}", plugin.name());
            match event(plugin, &dialect, call).await {
                InboundEvent::Message(message) => {
                    let wanted =
                        json!({ "from": SENDER, "id": dialect.inbound_id(), "content": content });
                    assert_eq!(normalised(&message), wanted, "{what}");
                }
                other => panic!("{what}: {other:?}"),
            }
        }
    })
    .await;
}
