//! From an answer or a status callback's `ErrorCode` to the gateway's error. Twilio's code decides; the HTTP
//! status only where there is none.

use serde_json::Value;
use wharf_plugin::prelude::*;

use crate::codes;

/// An operator reads this; Twilio's longest are a few sentences.
const DETAIL_CHARS_MAX: usize = 600;

/// What an answer that is not 2xx means.
pub(crate) fn from_response(response: &HttpResponse, replay: Replay) -> Error {
    let body: Value = response.json().unwrap_or_default();
    let trace = response.header("twilio-request-id");
    let Some(code) = number(&body["code"]) else {
        return Error::status(response, replay).trace(trace);
    };
    let detail = detail(body["message"].as_str());
    let error = match codes::find(code) {
        Some(row) => codes::error(row, detail),
        None => {
            let mut error = Error::status(response, replay);
            error.detail = detail;
            error
        }
    };
    error.provider_code(code.to_string()).trace(trace)
}

/// The `ErrorCode` of a failed status: final for this message.
pub(crate) fn from_status(code: &str, message: Option<&str>) -> Error {
    let detail = detail(message.filter(|text| !text.is_empty()));
    let row = code.trim().parse().ok().and_then(codes::find);
    match row {
        Some(row) => codes::error(row, detail),
        None => Error::new(Code::Other, Retry::Never, detail)
            .remedy("Look the code up in Twilio's error dictionary."),
    }
    .provider_code(code)
}

fn detail(message: Option<&str>) -> String {
    message
        .unwrap_or("Twilio gave no reason")
        .chars()
        .take(DETAIL_CHARS_MAX)
        .collect()
}

/// Twilio sends codes as numbers; a string of digits is understood too.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
