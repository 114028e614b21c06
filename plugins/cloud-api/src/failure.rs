//! From an answer or a webhook's error object to the gateway's error. Meta's code decides; the HTTP
//! status only where there is none, because Meta sends throttling as 400 as well as 429.
//!
//! Whoever passes Meta's API through in other outer shapes finds the code by itself and asks
//! [`from_code`], or [`from_status`] where there is none, and then [`with_wait`].

use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, Level};

use crate::codes::{self, Row, Slow};
use crate::json::Object;

/// An operator reads this; Meta's longest are a few sentences.
const DETAIL_CHARS_MAX: usize = 600;
/// The usage header's wait is in minutes; a longer one than a day is not believed.
const REGAIN_MINUTES_MAX: u64 = 24 * 60;
/// A throttle without a code says nothing of what it counts: the number rests for a second.
const THROTTLED_MS: u64 = 1_000;

/// What an answer to a send means that has no message id. A 2xx among them is the worst kind: it may
/// well have been sent, so it is never repeated.
pub fn from_response(response: &HttpResponse) -> Error {
    from_answer(response, Replay::Unsafe)
}

/// What an answer means that is not the one hoped for. `replay`: whether the request may be sent twice.
pub fn from_answer(response: &HttpResponse, replay: Replay) -> Error {
    let body = std::str::from_utf8(&response.body)
        .ok()
        .and_then(Object::read);
    let object = body.as_ref().and_then(|body| body.object("error"));
    let trace = object
        .as_ref()
        .and_then(|error| error.text("fbtrace_id"))
        .or_else(|| response.header("x-fb-trace-id").map(str::to_owned));
    let error = match object {
        Some(object) => from_object(&object, response.status, replay),
        None => from_status(response, replay),
    };
    with_wait(error, response).trace(trace)
}

/// Meta's error object, as it stands in the member `error` of an answer.
pub fn from_object(error: &Object<'_>, status: u16, replay: Replay) -> Error {
    let (code, subcode) = (error.code("code"), error.code("error_subcode"));
    let row = code.and_then(|code| codes::find(code, subcode));
    let mut detail = detail(error, &["message"]);
    // A subcode that the table knows says what it means in the remedy.
    if let Some(subcode) = subcode
        && row.is_none_or(|row| row.subcode.is_none() && row.first != subcode)
    {
        detail = format!("{detail} (subcode {subcode})");
    }
    let is_transient = error.flag("is_transient") == Some(true);
    let error = match row {
        Some(row) => from_row(row, detail),
        None if is_transient => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail),
        None => unknown(status, detail, replay),
    };
    coded(error, code)
}

/// An entry of a webhook's `errors`: same codes, other member names, no HTTP status.
pub fn from_webhook(raw: &str) -> Error {
    let Some(error) = Object::read(raw) else {
        return Error::new(Code::Other, Retry::Never, NO_REASON);
    };
    let detail = detail(&error, &["title", "message"]);
    match error.code("code") {
        Some(code) => from_code(code, None, None, detail),
        None => Error::new(Code::Other, Retry::Never, detail),
    }
}

/// What one of Meta's codes means: the table first, then the HTTP status that came with it.
pub fn from_code(code: u32, subcode: Option<u32>, status: Option<u16>, detail: String) -> Error {
    let error = match (codes::find(code, subcode), status) {
        (Some(row), _) => from_row(row, detail),
        (None, Some(status)) => unknown(status, detail, Replay::Unsafe),
        (None, None) => Error::new(Code::Other, Retry::Never, detail).remedy(LOOK_UP),
    };
    coded(error, Some(code))
}

/// No error object: an empty body, a proxy's page, cut-off JSON. Whoever wrote it, a 5xx other than 503
/// does not say that Meta has not taken the message.
pub fn from_status(response: &HttpResponse, replay: Replay) -> Error {
    let status = response.status;
    let kind = response.header("content-type").unwrap_or("no content type");
    let detail = format!(
        "HTTP {status} without Meta's error object ({kind}, {} bytes)",
        response.body.len()
    );
    let lost = match replay {
        Replay::Unsafe => Retry::Uncertain,
        Replay::Safe | Replay::Keyed => Retry::Backoff,
    };
    let wait = match replay {
        Replay::Unsafe => "Wait for a status: Meta may have accepted the message.",
        Replay::Safe | Replay::Keyed => "Nothing to do: it is tried again.",
    };
    match status {
        200..=299 => Error::new(Code::MalformedResponse, lost, detail).remedy(wait),
        401 | 403 => Error::new(Code::AuthFailed, Retry::Never, detail)
            .remedy("Check the access token and its permissions."),
        404 => Error::new(Code::Misconfigured, Retry::Never, detail)
            .remedy("Check the phone number ID and the API version."),
        408 | 503 => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail),
        413 => Error::new(Code::MediaRejected, Retry::Never, detail)
            .remedy("Send a smaller file or a shorter message."),
        429 => Error::new(Code::RateLimited, Retry::Backoff, detail)
            .pause(Bucket::Level(Level::Channel), THROTTLED_MS),
        500..=599 => Error::new(Code::ProviderUnavailable, lost, detail).remedy(wait),
        _ => Error::new(Code::MalformedResponse, Retry::Never, detail)
            .remedy("Check that nothing between the gateway and Meta answers in its place."),
    }
}

/// How long a throttle lasts, where the answer's headers say so: Meta's usage header, or `retry-after`.
pub fn with_wait(mut error: Error, response: &HttpResponse) -> Error {
    let is_open = error.code == Code::RateLimited && error.retry == Retry::Backoff;
    let wait = if is_open {
        regain_ms(response).or_else(|| response.retry_after_ms().filter(|wait| *wait > 0))
    } else {
        None
    };
    let Some(wait) = wait else {
        return error;
    };
    let bucket = match error.pace.first() {
        Some(pace) => pace.bucket.clone(),
        None => Bucket::Level(Level::Account),
    };
    error.retry = Retry::AfterMs(wait);
    error.pace.clear();
    error.pause(bucket, wait)
}

const NO_REASON: &str = "Meta gave no reason";
const LOOK_UP: &str = "Look the code up in Meta's error reference.";

fn coded(mut error: Error, code: Option<u32>) -> Error {
    error.provider_code = code.map(|code| code.to_string());
    error
}

fn from_row(row: &Row, detail: String) -> Error {
    let error = Error::new(row.code, row.retry, detail).remedy(row.remedy);
    match row.slow {
        Slow::No => error,
        Slow::App(ms) => error.pause(Bucket::Level(Level::App), ms),
        Slow::Account(ms) => error.pause(Bucket::Level(Level::Account), ms),
        Slow::Channel(ms) => error.pause(Bucket::Level(Level::Channel), ms),
        Slow::Recipient(ms) => error.pause(Bucket::Recipient, ms),
    }
}

/// Meta's own refusal, so nothing was done, but with a code that the table does not know.
fn unknown(status: u16, detail: String, replay: Replay) -> Error {
    let error = match status {
        200..=299 => Error::malformed(detail, replay),
        401 | 403 => Error::new(Code::AuthFailed, Retry::Never, detail),
        404 => Error::new(Code::Misconfigured, Retry::Never, detail),
        408 | 500..=599 => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail),
        429 => Error::new(Code::RateLimited, Retry::Backoff, detail)
            .pause(Bucket::Level(Level::Channel), THROTTLED_MS),
        _ => Error::new(Code::Other, Retry::Never, detail),
    };
    error.remedy(LOOK_UP)
}

/// The longest wait that the usage header names, in milliseconds.
fn regain_ms(response: &HttpResponse) -> Option<u64> {
    let usage = Object::read(response.header("x-business-use-case-usage")?)?;
    let minutes = usage
        .members()
        .filter_map(|(_, entries)| crate::json::list(entries))
        .flatten()
        .filter_map(Object::read)
        .filter_map(|entry| {
            entry
                .text("estimated_time_to_regain_access")?
                .parse::<u64>()
                .ok()
        })
        .max()?;
    (1..=REGAIN_MINUTES_MAX)
        .contains(&minutes)
        .then(|| minutes * 60_000)
}

/// Meta's sentences: the named members, `error_data.details` and what is meant for a user, each once.
fn detail(error: &Object<'_>, members: &[&str]) -> String {
    let named = members.iter().map(|member| error.text(member));
    let details = match error.object("error_data") {
        Some(data) => data.text("details"),
        None => error.text("error_data"),
    };
    let mut parts: Vec<String> = Vec::new();
    for part in named
        .chain([details, error.text("error_user_msg")])
        .flatten()
    {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return NO_REASON.to_owned();
    }
    parts.join(": ").chars().take(DETAIL_CHARS_MAX).collect()
}
