//! Event streams: a JSON list of CloudEvents. Statuses and templates are read, what else a subscription
//! brings is handed on whole. Messages come here without their media and without who wrote them, so they
//! are not taken as messages: the message webhook brings them.

use serde_json::Value;
use serde_json::value::RawValue;
use wharf_plugin::inbound::{State, Status, TemplateChange, TemplateUpdate};
use wharf_plugin::prelude::*;

use super::address::{End, account_route, is_name, route};
use super::content::document;
use super::status::{state_of, status_key};
use super::unreadable;
use crate::{failure, moment};

const STATUS: &str = "com.twilio.messaging.message.";
const TEMPLATE: &str = "com.twilio.messaging.template.approval.updated";
const ERROR_LOGS: &str = "com.twilio.error-logs.";
/// Every `messageSid` of an account and every event's id is shorter.
const ULID_CHARS: usize = 26;

pub(super) fn parse(body: &[u8], received_at: u64, skip: u32) -> Result<Parsed, Error> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable("is not UTF-8"))?;
    let mut page = Page::new(skip);
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(events) => {
            for (index, raw) in events.iter().enumerate() {
                if page.is_full() {
                    break;
                }
                let pointer = format!("/{index}");
                page.offer(raw.get().len(), || item(raw.get(), pointer, received_at));
            }
        }
        // One event alone.
        Err(_) if serde_json::from_str::<&RawValue>(text).is_ok() => {
            page.offer(text.len(), || item(text.trim(), String::new(), received_at));
        }
        Err(_) => return Err(unreadable("is not JSON")),
    }
    Ok(page.finish())
}

fn item(raw: &str, pointer: String, received_at: u64) -> Item {
    let event = document(raw);
    let read = event.as_ref().and_then(|event| known(event, received_at));
    let item = read.unwrap_or_else(|| unknown(raw, event.as_ref()));
    item.pointer(pointer)
}

fn known(event: &Value, received_at: u64) -> Option<Item> {
    let (kind, data) = (event["type"].as_str()?, &event["data"]);
    if kind == TEMPLATE {
        return template(event, data);
    }
    if kind.starts_with(STATUS) {
        return status(event, data, received_at);
    }
    let is_log = kind.starts_with(ERROR_LOGS);
    is_log.then(|| {
        Item::new(
            account_route(account(data)),
            key(event),
            Event::Account(wharf_plugin::document(&event.to_string())),
        )
    })
}

fn status(event: &Value, data: &Value, received_at: u64) -> Option<Item> {
    let id = data["messageSid"].as_str().filter(|id| is_name(id))?;
    let word = data["messageStatus"].as_str()?.to_ascii_lowercase();
    let state = state_of(&word)?;
    let at = [&data["timestamp"], &event["time"]]
        .into_iter()
        .find_map(|time| moment::of_iso(time.as_str()?));
    let code = match &data["errorCode"] {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) => Some(code.clone()).filter(|code| is_name(code)),
        _ => None,
    };
    let failed = state == State::Failed;
    let status = Status {
        recipient: data["to"].as_str().and_then(End::read).map(End::party),
        error: failed.then(|| failure::from_status(code.as_deref().unwrap_or("none"), None)),
        message_id: ours(data["statusCallBackUrl"].as_str()),
        ..Status::new(id, state, at.unwrap_or(received_at))
    };
    let route = route(data["from"].as_str(), account(data));
    Some(Item::new(
        route,
        status_key(id, &word),
        Event::Status(status),
    ))
}

/// Our id, from the callback's URL that the event repeats.
fn ours(url: Option<&str>) -> Option<String> {
    let (_, query) = url?.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, id) = pairs.find(|(name, _)| *name == crate::descriptor::MESSAGE_PARAM)?;
    let is_ulid = id.len() == ULID_CHARS && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_ulid.then(|| id.to_owned())
}

fn template(event: &Value, data: &Value) -> Option<Item> {
    let template = &data["template"];
    let name = ["friendlyName", "externalTemplateName"]
        .into_iter()
        .find_map(|name| template[name].as_str().filter(|name| is_name(name)))?;
    let now = template["currentValue"].as_str()?.to_owned();
    let change = match data["type"].as_str()? {
        "status_update" => TemplateChange::Status(now),
        "category_update" => TemplateChange::Category(now),
        _ => return None,
    };
    let reason = ["rejectionReason", "reason"]
        .into_iter()
        .find_map(|name| template[name].as_str().or_else(|| data[name].as_str()));
    let update = TemplateUpdate {
        id: template["sid"]
            .as_str()
            .filter(|id| is_name(id))
            .map(str::to_owned),
        name: name.to_owned(),
        language: template["language"]
            .as_str()
            .filter(|language| is_name(language))?
            .to_owned(),
        change,
        reason: reason
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
    };
    Some(Item::new(
        account_route(account(data)),
        key(event),
        Event::Template(update),
    ))
}

fn account(data: &Value) -> Option<&str> {
    ["accountSid", "AccountSid", "account_sid"]
        .into_iter()
        .find_map(|name| data[name].as_str())
}

/// An event that is sent again has the id and the time it had; ids alone are not always one event's.
fn key(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let parts = [text("id"), text("type"), text("time"), text("source")];
    match parts.iter().all(|part| part.is_empty()) {
        true => format!("event:{}", fingerprint(&[&event.to_string()])),
        false => format!("event:{}", fingerprint(&parts)),
    }
}

/// What is not understood, whole; as one string where no tree can hold it.
fn unknown(raw: &str, event: Option<&Value>) -> Item {
    match event {
        Some(event) => Item::new(
            account_route(account(&event["data"])),
            key(event),
            Event::Other(wharf_plugin::document(raw)),
        ),
        None => Item::new(
            Route::App,
            format!("event:{}", fingerprint(&[raw])),
            Event::Other(wharf_plugin::document(raw)),
        ),
    }
}
