//! From a refusal to the gateway's error. 360dialog refuses in three shapes: Meta's error object, passed
//! through; its own `{"error":"text"}`; and the older `{"meta":...}`, whose own status may differ from
//! the HTTP status. Meta's codes are `wharf-cloud-api`'s to know, 360dialog's texts are known here.
//! Source: https://docs.360dialog.com/docs/support/api-error-message-list

use serde_json::Value;
use wharf_cloud_api::failure as cloud;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, Level};

/// An operator reads this; 360dialog's longest text has some 200 characters.
const DETAIL_CHARS_MAX: usize = 600;
/// 360dialog names no time; its counters are said to run by the minute.
const RATE_LIMITED_MS: u64 = 5_000;

/// What an answer that is not the wanted one means. `replay` is the exchange's: of one that may be
/// repeated nothing stays uncertain.
pub(crate) fn of(response: &HttpResponse, replay: Replay) -> Error {
    // A 2xx that refuses is none that 360dialog documents: the request may have been carried out.
    if response.is_success() {
        return cloud::from_answer(response, replay);
    }
    let body: Value = response.json().unwrap_or_default();
    if let Some(text) = body["error"].as_str() {
        return own(response, text, None);
    }
    if body["meta"].is_object() || body["errors"].is_array() {
        return legacy(response, &body);
    }
    // Meta's words would name settings that a customer of 360dialog does not have.
    match (response.status, body["error"].is_object()) {
        (401 | 403 | 404, false) => own(response, NO_REASON, None),
        _ => passed_on(cloud::from_answer(response, replay)),
    }
}

/// Meta's own refusal of a credential is of 360dialog's, which no customer can replace.
fn passed_on(error: Error) -> Error {
    match error.code {
        Code::AuthFailed => error.remedy(
            "Ask 360dialog's support: Meta refuses 360dialog's access to the account or the number.",
        ),
        _ => error,
    }
}

/// The same of an answer of the partner API, where it is the partner's key that is refused.
pub(crate) fn of_hub(response: &HttpResponse, replay: Replay) -> Error {
    let mut error = of(response, replay);
    if error.code == Code::AuthFailed {
        error.remedy = Some(PARTNER_REMEDY.to_owned());
    }
    error
}

const NO_REASON: &str = "no reason given";

/// What 360dialog says in words: parts that are all there, in lower case. The first row that fits holds; it
/// comes before the status, for throttling and debts are told with 400.
#[rustfmt::skip]
const TEXTS: &[(&[&str], Code, Retry, &str)] = &[
    (&["rate limit"], Code::RateLimited, Retry::Backoff, SLOW_DOWN),
    (&["too many requests"], Code::RateLimited, Retry::Backoff, SLOW_DOWN),
    (&["lack of payment"], Code::PaymentRequired, Retry::Never, "Settle the overdue invoices at 360dialog, or ask the partner who pays for the number."),
    (&["api has been disabled"], Code::AccountRestricted, Retry::Never, "Ask 360dialog's support why the number's API access is disabled."),
    (&["invalid", "api key"], Code::AuthFailed, Retry::Never, API_KEY_REMEDY),
    (&["invalid", "api_key"], Code::AuthFailed, Retry::Never, API_KEY_REMEDY),
    (&["endpoint is blocked"], Code::AccountRestricted, Retry::Never, "Ask 360dialog's support to open this endpoint for the number."),
    (&["permission denied for partner"], Code::AuthFailed, Retry::Never, PARTNER_REMEDY),
    (&["business api not available"], Code::ProviderUnavailable, Retry::Backoff, PASSES),
];

const SLOW_DOWN: &str = "Send more slowly, or ask 360dialog for a higher limit.";
const PASSES: &str =
    "Nothing to do: it passes by itself; ask 360dialog's support when it does not.";
const API_KEY_REMEDY: &str = "Put in the number's present API key: creating a new one in the 360dialog Hub revokes all earlier ones.";
const PARTNER_REMEDY: &str = "Check the partner ID and the partner API key, and that the customer, where they pay 360dialog themselves, lets the partner create API keys in the 360dialog Hub.";

/// 360dialog's own refusal. It says that nothing was sent, whatever its status.
fn own(response: &HttpResponse, text: &str, inner: Option<u16>) -> Error {
    let mut detail = format!("HTTP {} from 360dialog: {text}", response.status);
    if let Some(inner) = inner.filter(|inner| *inner != response.status) {
        detail.push_str(&format!(" (in its body: {inner})"));
    }
    let detail: String = detail.chars().take(DETAIL_CHARS_MAX).collect();
    let lower = text.to_lowercase();
    let known = TEXTS
        .iter()
        .find(|(parts, ..)| parts.iter().all(|part| lower.contains(part)));
    let error = match known {
        Some((_, code, retry, remedy)) => Error::new(*code, *retry, detail).remedy(remedy),
        None => by_status(response.status, detail, inner),
    };
    paced(error, response)
}

/// A text that is not known. Where the HTTP status says nothing definite, the body's own may.
fn by_status(status: u16, detail: String, inner: Option<u16>) -> Error {
    let status = match status {
        400 | 500 => inner.unwrap_or(status),
        status => status,
    };
    let (code, retry, remedy) = match status {
        401 => (Code::AuthFailed, Retry::Never, API_KEY_REMEDY),
        402 => (
            Code::PaymentRequired,
            Retry::Never,
            "Settle what is owed to 360dialog.",
        ),
        403 => (
            Code::AuthFailed,
            Retry::Never,
            "Ask 360dialog's support what the key is allowed to do.",
        ),
        404 => (
            Code::Misconfigured,
            Retry::Never,
            "Check that the number is on 360dialog's Cloud API and that what is named exists there.",
        ),
        408 => (Code::ProviderUnavailable, Retry::Backoff, PASSES),
        429 => (Code::RateLimited, Retry::Backoff, SLOW_DOWN),
        500..=599 => (Code::ProviderUnavailable, Retry::Backoff, PASSES),
        400 | 422 => (
            Code::InvalidMessage,
            Retry::Never,
            "Correct the request; the detail says why.",
        ),
        _ => (
            Code::Other,
            Retry::Never,
            "Look the text up in 360dialog's error reference.",
        ),
    };
    Error::new(code, retry, detail).remedy(remedy)
}

/// What is throttled rests: as long as the answer says, or a little.
fn paced(mut error: Error, response: &HttpResponse) -> Error {
    let wait_ms = response.retry_after_ms();
    if let (Retry::Backoff, Some(wait_ms)) = (error.retry, wait_ms) {
        error.retry = Retry::AfterMs(wait_ms);
    }
    match error.code {
        Code::RateLimited => error.pause(
            Bucket::Level(Level::Channel),
            wait_ms.unwrap_or(RATE_LIMITED_MS),
        ),
        _ => error,
    }
}

/// `meta` with a text, or `meta` beside a list of `errors`.
fn legacy(response: &HttpResponse, body: &Value) -> Error {
    let meta = &body["meta"];
    let first = &body["errors"][0];
    if first.is_object() {
        return listed(response, first);
    }
    let inner = ["http_code", "httpCode"]
        .iter()
        .find_map(|name| meta[*name].as_u64())
        .and_then(|status| u16::try_from(status).ok());
    let text = ["developer_message", "developerMessage"]
        .iter()
        .find_map(|name| meta[*name].as_str())
        .or_else(|| meta["error_data"]["message"].as_str())
        .filter(|text| !text.is_empty())
        .unwrap_or(NO_REASON);
    let error = own(response, text, inner);
    match code(&meta["error_data"]["code"]) {
        Some(code) => error.provider_code(code),
        None => error,
    }
}

/// An entry of `errors`: `code`, `title`, `details`. Six digits are Meta's codes of today, fewer those of
/// the earlier API, which mean other things than Meta's.
fn listed(response: &HttpResponse, first: &Value) -> Error {
    let texts: Vec<&str> = ["title", "details"]
        .iter()
        .filter_map(|name| first[*name].as_str())
        .filter(|text| !text.is_empty())
        .collect();
    let text = match texts.is_empty() {
        true => NO_REASON.to_owned(),
        false => texts.join(": "),
    };
    let Some(number) = code(&first["code"]) else {
        return own(response, &text, None);
    };
    let detail: String = format!("HTTP {} from 360dialog: {text}", response.status)
        .chars()
        .take(DETAIL_CHARS_MAX)
        .collect();
    let is_metas = number.len() >= 6;
    if let Some(meta) = number.parse().ok().filter(|_| is_metas) {
        return cloud::from_code(meta, None, Some(response.status), detail);
    }
    let known = LEGACY
        .iter()
        .find(|(codes, ..)| codes.contains(&number.as_str()));
    let error = match known {
        Some((_, code, retry, remedy)) => {
            paced(Error::new(*code, *retry, detail).remedy(remedy), response)
        }
        None => own(response, &text, None),
    };
    error.provider_code(number)
}

/// Codes of the API before the Cloud API, as 360dialog still words some of its own refusals. Meaning by
/// Twilio's table of them, https://www.twilio.com/docs/whatsapp/api/error-code-mapping.
#[rustfmt::skip]
const LEGACY: &[(&[&str], Code, Retry, &str)] = &[
    (&["429", "471", "1015"], Code::RateLimited, Retry::Backoff, "Send more slowly."),
    (&["402"], Code::PaymentRequired, Retry::Never, "Repair the account's payment in Meta's Business Manager."),
    (&["430", "432", "433"], Code::Misconfigured, Retry::Never, "Ask 360dialog's support to renew the number's certificate."),
    (&["470"], Code::WindowClosed, Retry::Never, "Send an approved template: the recipient last wrote more than 24 hours ago."),
    (&["472"], Code::PolicyBlocked, Retry::Never, "Do not resend: Meta withholds marketing messages from this user for an experiment."),
    (&["500", "1011", "1014", "1022", "1023", "1025"], Code::ProviderUnavailable, Retry::Backoff, "Nothing to do: it passes by itself."),
    (&["1002", "1006", "1013", "1021", "1026"], Code::RecipientUnknown, Retry::Never, "Check that the recipient uses WhatsApp in a current version."),
    (&["1005"], Code::AuthFailed, Retry::Never, API_KEY_REMEDY),
    (&["1008", "1009", "1010"], Code::InvalidMessage, Retry::Never, "Correct the message; the detail names the parameter."),
    (&["2000"], Code::TemplateMismatch, Retry::Never, "Compare the message's parameters with the approved template."),
    (&["2001", "2003"], Code::TemplateUnknown, Retry::Never, "Check the template's name and language, and that it is approved."),
];

/// A number or a text of digits.
fn code(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}
