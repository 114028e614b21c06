//! The script player's webhook: statuses of our messages, and messages it makes up.

use serde_json::Value;
use wharf_plugin::inbound::{Content, Message, State, Status};
use wharf_plugin::prelude::*;

use crate::{bounded, failure};

pub(crate) fn parse(webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|problem| {
        let detail = format!("the webhook's body is not JSON: {problem}");
        Error::new(Code::MalformedResponse, Retry::Never, detail)
    })?;
    Ok(items(&body, webhook.received_at, skip))
}

/// The items of a body, whether it was posted or asked for.
pub(crate) fn items(body: &Value, received_at: u64, skip: u32) -> Parsed {
    let route = match bounded::id(&body["sender"]) {
        Some(sender) => Route::Sender(sender.to_owned()),
        None => Route::App,
    };
    let mut page = Page::new(skip);
    let mut offer = |name: &str, read: fn(&Value, u64) -> Option<(String, Event)>| {
        for (index, atom) in body[name].as_array().into_iter().flatten().enumerate() {
            let raw = atom.to_string();
            page.offer(raw.len(), || {
                let (dedupe_key, event) = read(atom, received_at).unwrap_or_else(|| {
                    (
                        format!("{name}:{}", fingerprint(&[&raw])),
                        Event::Other(bounded::document(atom)),
                    )
                });
                Item {
                    route: route.clone(),
                    pointer: Some(format!("/{name}/{index}")),
                    dedupe_key,
                    event,
                }
            });
        }
    };
    offer("statuses", status);
    offer("messages", message);
    if page.seen() == 0 {
        let raw = body.to_string();
        page.offer(raw.len(), || Item {
            route,
            pointer: Some(String::new()),
            dedupe_key: format!("body:{}", fingerprint(&[&raw])),
            event: Event::Other(bounded::document(body)),
        });
    }
    page.finish()
}

fn status(atom: &Value, received_at: u64) -> Option<(String, Event)> {
    let id = bounded::keyed(&atom["id"])?.to_owned();
    let name = atom["status"].as_str()?;
    let state = match name {
        "sent" => State::Sent,
        "delivered" => State::Delivered,
        "read" => State::Read,
        "failed" => State::Failed,
        _ => return None,
    };
    let error = (state == State::Failed).then(|| failure::from_status(&atom["error"]));
    let key = format!("status:{id}:{name}");
    let status = Status {
        provider_message_id: id,
        recipient: None,
        state,
        at: time(atom, received_at),
        error,
        pricing: None,
        conversation_id: None,
        message_id: bounded::id(&atom["message_id"]).map(str::to_owned),
        group: None,
    };
    Some((key, Event::Status(status)))
}

fn message(atom: &Value, received_at: u64) -> Option<(String, Event)> {
    let id = bounded::keyed(&atom["id"])?.to_owned();
    let phone = atom["from"].as_str()?.trim_start_matches('+');
    let phone = bounded::is_person(phone).then(|| phone.to_owned())?;
    let key = format!("message:{id}");
    let message = Message {
        provider_message_id: id,
        sender: Party {
            phone: Some(phone),
            user_id: None,
            username: None,
            name: None,
        },
        group: None,
        at: time(atom, received_at),
        reply_to: None,
        forwarded: false,
        content: Content::Text(atom["text"].as_str()?.to_owned()),
        referral: None,
    };
    Some((key, Event::Message(message)))
}

/// The last moment of the year 9999: what lies beyond is no time, and the host would refuse it.
const AT_MS_MAX: u64 = 253_402_300_799_999;

fn time(atom: &Value, received_at: u64) -> u64 {
    let time = atom["at_ms"].as_u64();
    time.filter(|at| *at <= AT_MS_MAX).unwrap_or(received_at)
}
