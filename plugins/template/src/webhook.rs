//! What the provider posts: statuses of our messages, and messages from people. Total: what is not
//! understood is kept as `other`, so that a later version of the plugin can read it.

use serde_json::Value;
use wharf_plugin::inbound::{Content, Message, State, Status};
use wharf_plugin::prelude::*;

use crate::failure;

pub(crate) fn parse(webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|problem| {
        let detail = format!("the webhook's body is not JSON: {problem}");
        Error::new(Code::MalformedResponse, Retry::Never, detail)
    })?;
    let route = match body["number"].as_str() {
        Some(number) if !number.is_empty() => Route::Sender(number.to_owned()),
        _ => Route::App,
    };
    let mut page = Page::new(skip);
    match body["events"].as_array() {
        Some(events) => {
            for (index, atom) in events.iter().enumerate() {
                offer(
                    &mut page,
                    &route,
                    &format!("/events/{index}"),
                    atom,
                    webhook.received_at,
                );
            }
        }
        None => offer(&mut page, &route, "", &body, webhook.received_at),
    }
    Ok(page.finish())
}

fn offer(page: &mut Page, route: &Route, pointer: &str, atom: &Value, received_at: u64) {
    let raw = atom.to_string();
    page.offer(raw.len(), || {
        let known = match atom["type"].as_str() {
            Some("status") => status(atom, received_at),
            Some("message") => message(atom, received_at),
            _ => None,
        };
        let (key, event) = known.unwrap_or_else(|| {
            (
                format!("other:{}", fingerprint(&[pointer, &raw])),
                Event::Other(raw.clone()),
            )
        });
        Item::new(route.clone(), key, event).pointer(pointer)
    });
}

/// The key is made of what tells this atom from every other: the same in every version of the plugin.
fn status(atom: &Value, received_at: u64) -> Option<(String, Event)> {
    let id = text(atom, "id")?;
    let name = text(atom, "status")?;
    let state = match name {
        "sent" => State::Sent,
        "delivered" => State::Delivered,
        "read" => State::Read,
        "failed" => State::Failed,
        _ => return None,
    };
    let mut status =
        Status::new(id, state, time(atom, received_at)).message_id(text(atom, "client_ref"));
    if state == State::Failed {
        let unknown = Error::new(Code::Other, Retry::Never, "the provider gives no reason");
        status = status.error(match serde_json::from_value(atom["error"].clone()) {
            Ok(failure) => failure::from_failure(&failure, unknown),
            Err(_) => unknown,
        });
    }
    Some((
        format!("status:{}", fingerprint(&[id, name])),
        Event::Status(status),
    ))
}

fn message(atom: &Value, received_at: u64) -> Option<(String, Event)> {
    let id = text(atom, "id")?;
    let sender = Party::phone(text(atom, "from")?);
    let content = Content::Text(atom["text"].as_str()?.to_owned());
    let message = Message::new(id, sender, time(atom, received_at), content);
    Some((
        format!("message:{}", fingerprint(&[id])),
        Event::Message(message),
    ))
}

fn text<'a>(atom: &'a Value, name: &str) -> Option<&'a str> {
    atom[name]
        .as_str()
        .filter(|text| !text.is_empty() && text.len() <= ID_BYTES_MAX)
}

/// No id of the provider is longer, and the host takes none that is.
const ID_BYTES_MAX: usize = 256;
/// The end of the year 9999: what lies beyond is no time.
const AT_MS_MAX: u64 = 253_402_300_799_999;

/// The provider counts seconds.
fn time(atom: &Value, received_at: u64) -> u64 {
    let time = atom["at"]
        .as_u64()
        .and_then(|seconds| seconds.checked_mul(1_000));
    time.filter(|time| *time <= AT_MS_MAX)
        .unwrap_or(received_at)
}
