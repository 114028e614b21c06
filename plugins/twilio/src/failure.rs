//! From an answer or a status callback's `ErrorCode` to the gateway's error. Twilio's code decides; the HTTP
//! status only where there is none.

use serde_json::Value;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, Level};

use crate::codes;

/// An operator reads this; Twilio's longest are a few sentences.
const DETAIL_CHARS_MAX: usize = 600;
const LOOK_IT_UP: &str = "Look the code up at https://www.twilio.com/docs/api/errors.";
const NO_REASON: &str = "Twilio gave no reason";

/// What an answer that is not 2xx means. Twilio says `{code, message, more_info, status}`.
pub(crate) fn from_response(response: &HttpResponse, replay: Replay) -> Error {
    let body: Value = response.json().unwrap_or_default();
    let trace = response.header("twilio-request-id");
    let Some(code) = number(&body["code"]) else {
        return without_code(response, replay).trace(trace);
    };
    let detail = detail(body["message"].as_str());
    let mut error = match codes::find(code) {
        Some(row) => codes::error(row, replay, detail),
        None => unknown(response, replay, detail),
    };
    if error.code == Code::RateLimited
        && let Some(wait_ms) = response.retry_after_ms()
    {
        error.retry = Retry::AfterMs(wait_ms);
        error.pace.clear();
        error = error.pause(Bucket::Level(Level::Account), wait_ms);
    }
    error.provider_code(code.to_string()).trace(trace)
}

/// The `ErrorCode` of a status callback or of a message resource, with its text where there is one: what
/// became of a message that Twilio had taken. Sending it again is a new message, so nothing is uncertain.
pub(crate) fn from_status(code: &str, message: Option<&str>) -> Error {
    let detail = detail(message.filter(|text| !text.trim().is_empty()));
    let row = code.trim().parse().ok().and_then(codes::find);
    let error = match row {
        Some(row) => codes::error(row, Replay::Safe, detail),
        None => Error::new(Code::Other, Retry::Never, detail).remedy(LOOK_IT_UP),
    };
    match code.trim() {
        "" => error,
        code => error.provider_code(code),
    }
}

/// The code of a refusal, where it has one.
pub(crate) fn code_of(response: &HttpResponse) -> Option<u32> {
    number(&response.json::<Value>()?["code"])
}

/// No error object: an empty body, a proxy's page. A server's trouble does not say that the message was not
/// taken, and Twilio's own 503 may have taken it too.
fn without_code(response: &HttpResponse, replay: Replay) -> Error {
    let mut error = Error::status(response, replay);
    if replay == Replay::Unsafe && response.status == 503 {
        error.retry = Retry::Uncertain;
    }
    error
}

fn unknown(response: &HttpResponse, replay: Replay, detail: String) -> Error {
    let mut error = without_code(response, replay).remedy(LOOK_IT_UP);
    error.detail = detail;
    error
}

fn detail(message: Option<&str>) -> String {
    let text = message.unwrap_or(NO_REASON);
    text.chars().take(DETAIL_CHARS_MAX).collect()
}

/// Twilio sends codes as numbers; a string of digits is understood too.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
