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
    let mut error = read(response);
    if replay != Replay::Unsafe && error.retry == Retry::Uncertain {
        error.retry = Retry::Backoff;
    }
    error
}

/// The same of an answer of the partner API, where it is the partner's key that is refused.
pub(crate) fn of_hub(response: &HttpResponse, replay: Replay) -> Error {
    let mut error = of(response, replay);
    if error.code == Code::AuthFailed {
        error.remedy = Some(PARTNER_REMEDY.to_owned());
    }
    error
}

fn read(response: &HttpResponse) -> Error {
    let body: Value = response.json().unwrap_or_default();
    // A 2xx that refuses is none that 360dialog documents: it may have been sent.
    if response.is_success() || body["error"].is_object() {
        return cloud::from_response(response);
    }
    if let Some(text) = body["error"].as_str() {
        return own(response, text, None);
    }
    if body["meta"].is_object() {
        return legacy(response, &body);
    }
    match response.status {
        // Cloud API's words would name Meta's settings, which a customer of 360dialog does not have.
        401 => own(response, "no reason given", None),
        403 => own(response, "no reason given", None),
        404 => Error::new(
            Code::Misconfigured,
            Retry::Never,
            "HTTP 404 without a reason",
        )
        .remedy("Check that the API key belongs to a number on 360dialog's Cloud API."),
        _ => cloud::from_response(response),
    }
}

/// What 360dialog says in words. All its own texts that mean something else than their status are here.
struct Text {
    /// Lower case; each must be there.
    holds: &'static [&'static str],
    code: Code,
    retry: Retry,
    slow: bool,
    remedy: &'static str,
}

/// A row a text; the first that fits holds.
const TEXTS: &[Text] = &[
    // 400, though it is throttling.
    Text {
        holds: &["rate limit"],
        code: Code::RateLimited,
        retry: Retry::Backoff,
        slow: true,
        remedy: "Send more slowly, or ask 360dialog for a higher limit.",
    },
    Text {
        holds: &["too many requests"],
        code: Code::RateLimited,
        retry: Retry::Backoff,
        slow: true,
        remedy: "Send more slowly, or ask 360dialog for a higher limit.",
    },
    Text {
        holds: &["lack of payment"],
        code: Code::PaymentRequired,
        retry: Retry::Never,
        slow: false,
        remedy: "Settle the overdue invoices at 360dialog, or ask the partner who pays for the number.",
    },
    Text {
        holds: &["api has been disabled"],
        code: Code::AccountRestricted,
        retry: Retry::Never,
        slow: false,
        remedy: "Ask 360dialog's support why the number's API access is disabled.",
    },
    Text {
        holds: &["invalid", "api key"],
        code: Code::AuthFailed,
        retry: Retry::Never,
        slow: false,
        remedy: API_KEY_REMEDY,
    },
    Text {
        holds: &["invalid", "api_key"],
        code: Code::AuthFailed,
        retry: Retry::Never,
        slow: false,
        remedy: API_KEY_REMEDY,
    },
    Text {
        holds: &["endpoint is blocked"],
        code: Code::AccountRestricted,
        retry: Retry::Never,
        slow: false,
        remedy: "Ask 360dialog's support to open this endpoint for the number.",
    },
    Text {
        holds: &["permission denied for partner"],
        code: Code::AuthFailed,
        retry: Retry::Never,
        slow: false,
        remedy: PARTNER_REMEDY,
    },
    Text {
        holds: &["business api not available"],
        code: Code::ProviderUnavailable,
        retry: Retry::Backoff,
        slow: false,
        remedy: "Nothing to do: it passes by itself; ask 360dialog's support when it does not.",
    },
];

const API_KEY_REMEDY: &str = "Put in the number's present API key: creating a new one in the 360dialog Hub revokes all earlier ones.";
const PARTNER_REMEDY: &str = "Check the partner ID and the partner API key, and that the customer, where they pay 360dialog themselves, lets the partner create API keys in the 360dialog Hub.";

/// 360dialog's own refusal. It says that nothing was sent, whatever its status.
fn own(response: &HttpResponse, text: &str, inner: Option<u16>) -> Error {
    let mut detail: String = format!("HTTP {} from 360dialog: {text}", response.status);
    if let Some(inner) = inner.filter(|inner| *inner != response.status) {
        detail.push_str(&format!(" (in its body: {inner})"));
    }
    let detail: String = detail.chars().take(DETAIL_CHARS_MAX).collect();
    let lower = text.to_lowercase();
    let known = TEXTS
        .iter()
        .find(|row| row.holds.iter().all(|part| lower.contains(part)));
    if let Some(row) = known {
        let wait_ms = response.retry_after_ms();
        let retry = match (row.retry, wait_ms) {
            (Retry::Backoff, Some(wait_ms)) => Retry::AfterMs(wait_ms),
            (retry, _) => retry,
        };
        let error = Error::new(row.code, retry, detail).remedy(row.remedy);
        return match row.slow {
            true => error.pause(
                Bucket::Level(Level::Channel),
                wait_ms.unwrap_or(RATE_LIMITED_MS),
            ),
            false => error,
        };
    }
    by_status(response, detail, inner)
}

/// A text that is not known. Where the HTTP status says nothing definite, the body's own may.
fn by_status(response: &HttpResponse, detail: String, inner: Option<u16>) -> Error {
    let status = match response.status {
        400 | 500 => inner.unwrap_or(response.status),
        status => status,
    };
    match status {
        401 => Error::new(Code::AuthFailed, Retry::Never, detail).remedy(API_KEY_REMEDY),
        402 => Error::new(Code::PaymentRequired, Retry::Never, detail)
            .remedy("Settle what is owed to 360dialog."),
        403 => Error::new(Code::AuthFailed, Retry::Never, detail)
            .remedy("Check what the key is allowed to do, and ask 360dialog's support."),
        404 => Error::new(Code::Misconfigured, Retry::Never, detail)
            .remedy("Check that what is named exists on this number."),
        408 => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail),
        429 => {
            let wait_ms = response.retry_after_ms();
            let retry = wait_ms.map_or(Retry::Backoff, Retry::AfterMs);
            Error::new(Code::RateLimited, retry, detail)
                .remedy("Send more slowly, or ask 360dialog for a higher limit.")
                .pause(
                    Bucket::Level(Level::Channel),
                    wait_ms.unwrap_or(RATE_LIMITED_MS),
                )
        }
        500..=599 => Error::new(Code::ProviderUnavailable, Retry::Backoff, detail)
            .remedy("Nothing to do: it passes by itself; ask 360dialog's support when it does not."),
        400 | 422 => Error::new(Code::InvalidMessage, Retry::Never, detail)
            .remedy("Correct the request; the detail says why."),
        _ => Error::new(Code::Other, Retry::Never, detail)
            .remedy("Look the text up in 360dialog's error reference."),
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
        .unwrap_or("no reason given");
    let error = own(response, text, inner);
    match code(&meta["error_data"]["code"]) {
        Some(code) => error.provider_code(code),
        None => error,
    }
}

/// An entry of `errors`: `code`, `title`, `details`. Six digits are Meta's codes of today, fewer those of
/// the earlier API, which mean other things than Meta's.
fn listed(response: &HttpResponse, first: &Value) -> Error {
    let number = code(&first["code"]);
    let as_meta = serde_json::json!({
        "code": number, "title": first["title"], "error_data": { "details": first["details"] },
    });
    if number.as_ref().is_some_and(|digits| digits.len() >= 6) {
        return cloud::from_webhook(&as_meta);
    }
    let texts: Vec<&str> = ["title", "details"]
        .iter()
        .filter_map(|name| first[*name].as_str())
        .filter(|text| !text.is_empty())
        .collect();
    let text = match texts.is_empty() {
        true => "no reason given".to_owned(),
        false => texts.join(": "),
    };
    let Some(number) = number else {
        return own(response, &text, None);
    };
    let detail: String = format!("HTTP {} from 360dialog: {text}", response.status)
        .chars()
        .take(DETAIL_CHARS_MAX)
        .collect();
    let known = LEGACY
        .iter()
        .find(|(codes, ..)| codes.contains(&number.as_str()));
    let error = match known {
        Some((_, code, retry, remedy)) => Error::new(*code, *retry, detail).remedy(remedy),
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
