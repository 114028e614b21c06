//! What the API shows of messages: the store's rows as JSON, in the Cloud API's words.

use serde_json::{Value, json};
use wharf_core::ChannelId;
use wharf_core::provider::{Address, Json, Party};
use wharf_core::request::show_content;
use wharf_store::media::MediaRow;
use wharf_store::messages::{Inbound, Message, Stored};
use wharf_store::timeline::Timeline;

use crate::clock::rfc3339;

/// A recipient as people write it.
pub(crate) fn address(to: &Address) -> String {
    match to {
        Address::Phone(digits) => format!("+{digits}"),
        Address::UserId(id) | Address::Group(id) => id.clone(),
    }
}

/// A person as the API shows them: a phone number as people write it.
pub(crate) fn party(party: &Party) -> Value {
    let mut shown = json!(party);
    if let Some(phone) = &party.phone {
        shown["phone"] = json!(format!("+{phone}"));
    }
    shown
}

/// One message, of either direction.
pub(crate) fn stored(stored: &Stored) -> Value {
    match stored {
        Stored::Outbound(out) => message(out),
        Stored::Inbound(received) => inbound(received),
    }
}

/// One outbound message.
pub(crate) fn message(message: &Message) -> Value {
    let mut shown = json!({
        "id": message.id,
        "direction": "outbound",
        "channel": message.channel,
        "to": address(&message.to),
        "type": message.content.kind(),
        "status": message.status,
        "error": message.error,
        "reference": message.reference,
        "reply_to": message.reply_to,
        "provider_message_id": message.provider_message_id,
        "priority": message.priority.as_str(),
        "policy": message.policy.as_str(),
        "try": message.try_number,
        "created_at": rfc3339(message.created_at),
        "updated_at": rfc3339(message.updated_at),
        "expires_at": rfc3339(message.expires_at),
    });
    // In the shape it was sent in.
    shown[message.content.kind()] = show_content(&message.content);
    if let Some(send_at) = message.send_at {
        shown["send_at"] = json!(rfc3339(send_at));
    }
    if !message.fallback.is_empty() {
        shown["fallback"] = json!(message.fallback);
    }
    if let Some(options) = &message.options {
        shown["options"] = options.to_value();
    }
    shown
}

/// Envelope members as plugins get them: always a JSON object.
pub(crate) fn options(options: Option<&Json>) -> String {
    options.map_or_else(|| "{}".to_owned(), |options| options.as_str().to_owned())
}

/// What is known of a stored object.
pub(crate) fn media(row: &MediaRow) -> Value {
    json!({
        "id": row.id,
        "content_type": row.content_type,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
        "filename": row.filename,
        "origin": row.origin.as_str(),
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
    })
}

fn inbound(received: &Inbound) -> Value {
    json!({
        "id": received.id,
        "direction": "inbound",
        "channel": received.channel,
        "from": party(&received.from),
        "type": received.kind,
        "content": received.content,
        "group": received.group,
        "forwarded": received.forwarded,
        "referral": received.referral,
        "reply_to": received.reply_to,
        "provider_message_id": received.provider_message_id,
        "at": rfc3339(received.at),
        "created_at": rfc3339(received.created_at),
    })
}

/// One entry of a timeline: when, what, and what is known of it.
struct Entry {
    at_ms: i64,
    what: &'static str,
    more: Value,
}

/// A message with everything the gateway did with it, oldest first.
pub(crate) fn message_with_timeline(found: &Timeline) -> Value {
    let (at_ms, what) = match &found.message {
        Stored::Outbound(out) => (out.created_at, "queued"),
        Stored::Inbound(received) => (received.created_at, "received"),
    };
    let mut entries = vec![Entry {
        at_ms,
        what,
        more: json!({}),
    }];
    entries.extend(attempts(found));
    entries.extend(exchanges(found));
    entries.extend(found.statuses.iter().map(|status| Entry {
        at_ms: status.recorded_at,
        what: "status",
        more: json!({
            "status": status.status, "try": status.try_number, "reported_at": rfc3339(status.at), "detail": status.detail,
        }),
    }));
    entries.extend(events(found));
    entries.extend(found.media.as_ref().map(|media| Entry {
        at_ms: media.updated_at,
        what: "media",
        more: json!({
            "status": media.state.as_str(), "media_id": media.media, "attempts": media.attempts,
            "error": media.error,
        }),
    }));
    // Stable: what happened in the same millisecond keeps the order of the flow.
    entries.sort_by_key(|entry| entry.at_ms);
    let mut shown = stored(&found.message);
    if let Some(media) = &found.media {
        shown["media"] = crate::upkeep::media::view_of(media);
    }
    let timeline = entries.into_iter().map(|entry| {
        let mut item = json!({ "at": rfc3339(entry.at_ms), "what": entry.what });
        if let (Some(item), Value::Object(more)) = (item.as_object_mut(), entry.more) {
            item.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        item
    });
    let timeline: Vec<_> = timeline.collect();
    if let Some(object) = shown.as_object_mut() {
        object.insert("timeline".to_owned(), Value::Array(timeline));
    }
    shown
}

fn attempts(found: &Timeline) -> impl Iterator<Item = Entry> {
    found.attempts.iter().flat_map(|attempt| {
        let begun = Entry {
            at_ms: attempt.started_at,
            what: "attempt_started",
            more: json!({
                "try": attempt.try_number,
                "attempt": attempt.number,
                "channel": channel_of(found, attempt.try_number),
            }),
        };
        let ended = attempt.ended_at.map(|at_ms| Entry {
            at_ms,
            what: "attempt_ended",
            more: json!({
                "try": attempt.try_number,
                "attempt": attempt.number,
                "outcome": attempt.outcome.map(|outcome| outcome.as_str()),
                "error": attempt.error,
                "retry_at": attempt.retry_at.map(rfc3339),
            }),
        });
        std::iter::once(begun).chain(ended)
    })
}

fn channel_of(found: &Timeline, try_number: u32) -> Option<&ChannelId> {
    let of_try = found.tries.iter().find(|it| it.number == try_number);
    of_try.map(|it| &it.channel)
}

fn exchanges(found: &Timeline) -> impl Iterator<Item = Entry> {
    found.exchanges.iter().map(|exchange| Entry {
        at_ms: exchange.started_at,
        what: "exchange",
        more: json!({
            "try": exchange.try_number,
            "attempt": exchange.attempt,
            "seq": exchange.seq,
            "label": exchange.label,
            "request": exchange.request,
            "answer": exchange.outcome,
            // Absent unless it is so.
            "from_memory": exchange.from_memo.then_some(true),
            "duration_ms": exchange.ended_at.map(|ended| ended - exchange.started_at),
        }),
    })
}

fn events(found: &Timeline) -> impl Iterator<Item = Entry> {
    let told = found.events.iter().map(|event| Entry {
        at_ms: event.created_at,
        what: "event",
        more: json!({ "event_id": event.id, "type": event.kind, "status": event.data.get("status") }),
    });
    let delivered = found.delivery_attempts.iter().map(|attempt| Entry {
        at_ms: attempt.started_at,
        what: "delivery_attempt",
        more: json!({
            "delivery_id": attempt.delivery,
            "number": attempt.number,
            "status": attempt.status,
            "error": attempt.error,
            "duration_ms": attempt.duration_ms,
        }),
    });
    told.chain(delivered)
}
