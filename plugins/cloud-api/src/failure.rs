//! From an answer or a webhook's error object to the gateway's error. Meta's code decides; the HTTP
//! status only where there is none, because Meta sends throttling as 400 as well as 429.

use serde_json::Value;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, Level};

use crate::codes::{self, Row, Slow};

/// An operator reads this; Meta's longest are a few sentences.
const DETAIL_CHARS_MAX: usize = 600;
/// The usage header's wait is in minutes; a longer one than a day is not believed.
const REGAIN_MINUTES_MAX: u64 = 24 * 60;

/// What an answer without a message id means. A 2xx among them is the worst kind: it may well have been
/// sent, so it is never repeated.
pub fn from_response(response: &HttpResponse) -> Error {
    let body: Option<Value> = response.json();
    let error = body
        .as_ref()
        .map(|body| &body["error"])
        .filter(|error| error.is_object());
    let trace = |error: Option<&Value>| {
        error
            .and_then(|error| error["fbtrace_id"].as_str())
            .or_else(|| response.header("x-fb-trace-id"))
            .map(str::to_owned)
    };
    let Some(error) = error else {
        return without_error(response).trace(trace(None));
    };
    let detail = detail(error, &["message"]);
    let mut built = match number(&error["code"]) {
        Some(code) => match codes::find(code, number(&error["error_subcode"])) {
            Some(row) => from_row(row, code, detail),
            None => unknown(response.status, error, detail).provider_code(code.to_string()),
        },
        None => unknown(response.status, error, detail),
    };
    if built.code == Code::RateLimited
        && built.retry == Retry::Backoff
        && let Some(wait) = regain_ms(response)
    {
        built.retry = Retry::AfterMs(wait);
        built.pace.clear();
        built = built.pause(Bucket::Level(Level::Account), wait);
    }
    built.trace(trace(Some(error)))
}

/// An entry of a status's `errors`: same codes, other member names, no HTTP status.
pub fn from_webhook(error: &Value) -> Error {
    let detail = detail(error, &["title", "message"]);
    match number(&error["code"]) {
        Some(code) => match codes::find(code, None) {
            Some(row) => from_row(row, code, detail),
            None => Error::new(Code::Other, Retry::Never, detail).provider_code(code.to_string()),
        },
        None => Error::new(Code::Other, Retry::Never, detail),
    }
}

fn from_row(row: &Row, code: u32, detail: String) -> Error {
    let error = Error::new(row.code, row.retry, detail)
        .provider_code(code.to_string())
        .remedy(row.remedy);
    match row.slow {
        Slow::No => error,
        Slow::App(ms) => error.pause(Bucket::Level(Level::App), ms),
        Slow::Account(ms) => error.pause(Bucket::Level(Level::Account), ms),
        Slow::Channel(ms) => error.pause(Bucket::Level(Level::Channel), ms),
        Slow::Recipient(ms) => error.pause(Bucket::Recipient, ms),
    }
}

/// Meta's own error object, but a code that the table does not know.
fn unknown(status: u16, error: &Value, detail: String) -> Error {
    if error["is_transient"].as_bool() == Some(true) {
        return Error::new(Code::ProviderUnavailable, Retry::Backoff, detail);
    }
    match status {
        401 => Error::new(Code::AuthFailed, Retry::Never, detail),
        429 => Error::new(Code::RateLimited, Retry::Backoff, detail),
        200..=299 => Error::new(Code::MalformedResponse, Retry::Uncertain, detail),
        500..=599 => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail),
        _ => Error::new(Code::Other, Retry::Never, detail),
    }
    .remedy("Look the code up in Meta's error reference.")
}

/// No error object: an empty body, a proxy's page, cut-off JSON. Whoever wrote it, a 5xx other than 503
/// does not say that Meta has not taken the message.
fn without_error(response: &HttpResponse) -> Error {
    let status = response.status;
    let kind = response.header("content-type").unwrap_or("no content type");
    let detail = format!(
        "HTTP {status} without Meta's error object ({kind}, {} bytes)",
        response.body.len()
    );
    match status {
        200..=299 => Error::new(Code::MalformedResponse, Retry::Uncertain, detail)
            .remedy("Wait for a status: Meta may have accepted the message."),
        401 | 403 => Error::new(Code::AuthFailed, Retry::Never, detail)
            .remedy("Check the access token and its permissions."),
        404 => Error::new(Code::Misconfigured, Retry::Never, detail)
            .remedy("Check the phone number ID and the Graph API version."),
        408 => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail),
        429 => Error::new(Code::RateLimited, Retry::Backoff, detail)
            .pause(Bucket::Level(Level::Channel), 1_000),
        503 => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail),
        500..=599 => Error::new(Code::ProviderUnavailable, Retry::Uncertain, detail)
            .remedy("Wait for a status: Meta may have accepted the message."),
        _ => Error::new(Code::MalformedResponse, Retry::Never, detail)
            .remedy("Check that nothing between the gateway and Meta answers in its place."),
    }
}

/// The longest wait that the usage header names, in milliseconds.
fn regain_ms(response: &HttpResponse) -> Option<u64> {
    let usage: Value = serde_json::from_str(response.header("x-business-use-case-usage")?).ok()?;
    let minutes = usage
        .as_object()?
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|entry| entry["estimated_time_to_regain_access"].as_u64())
        .max()?;
    (1..=REGAIN_MINUTES_MAX)
        .contains(&minutes)
        .then(|| minutes * 60_000)
}

/// Meta's sentences: the named members and `error_data.details`, each once.
fn detail(error: &Value, members: &[&str]) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let named = members.iter().map(|member| &error[*member]);
    for part in named
        .chain([&error["error_data"]["details"]])
        .filter_map(Value::as_str)
    {
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return "Meta gave no reason".to_owned();
    }
    parts.join(": ").chars().take(DETAIL_CHARS_MAX).collect()
}

/// Meta sends codes as numbers; a string of digits is understood too.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
