//! The provider's errors in the gateway's words. What the table does not know is read by the status.

use serde::Deserialize;
use wharf_plugin::prelude::*;

/// From the provider's list of errors: its code, ours, and whether trying again helps.
const CODES: [(&str, Code, Retry); 4] = [
    ("unknown_number", Code::RecipientUnknown, Retry::Never),
    ("opted_out", Code::RecipientOptedOut, Retry::Never),
    ("window_closed", Code::WindowClosed, Retry::Never),
    ("slow_down", Code::RateLimited, Retry::AfterMs(1_000)),
];

#[derive(Deserialize)]
struct Body {
    error: Failure,
}

/// As the provider reports it, in answers and in statuses.
#[derive(Deserialize)]
pub(crate) struct Failure {
    code: String,
    #[serde(default)]
    message: String,
}

pub(crate) fn from_response(response: &HttpResponse, replay: Replay) -> Error {
    let usual = Error::status(response, replay);
    match response.json::<Body>() {
        Some(body) => from_failure(&body.error, usual),
        None => usual,
    }
}

pub(crate) fn from_failure(failure: &Failure, unknown: Error) -> Error {
    let row = CODES.iter().find(|(code, _, _)| *code == failure.code);
    let error = match row {
        Some((_, code, retry)) => Error::new(*code, *retry, failure.message.clone()),
        None => unknown,
    };
    error.provider_code(failure.code.clone())
}
