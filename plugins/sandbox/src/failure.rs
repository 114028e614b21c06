//! The sandbox's refusals. Its codes are the gateway's own names, so that a script can play any failure.

use serde_json::Value;
use wharf_plugin::prelude::*;

/// Every class a script may name, and the player's own refusals.
const CODES: [(&str, Code); 22] = [
    ("invalid-script", Code::Misconfigured),
    ("invalid-json", Code::InvalidMessage),
    ("invalid-id", Code::InvalidMessage),
    ("invalid-message", Code::InvalidMessage),
    ("unsupported", Code::Unsupported),
    ("recipient-unknown", Code::RecipientUnknown),
    ("recipient-opted-out", Code::RecipientOptedOut),
    ("window-closed", Code::WindowClosed),
    ("template-unknown", Code::TemplateUnknown),
    ("template-paused", Code::TemplatePaused),
    ("template-mismatch", Code::TemplateMismatch),
    ("media-rejected", Code::MediaRejected),
    ("policy-blocked", Code::PolicyBlocked),
    ("auth-failed", Code::AuthFailed),
    ("account-restricted", Code::AccountRestricted),
    ("payment-required", Code::PaymentRequired),
    ("rate-limited", Code::RateLimited),
    ("pair-rate-limited", Code::PairRateLimited),
    ("provider-unavailable", Code::ProviderUnavailable),
    ("malformed-response", Code::MalformedResponse),
    ("misconfigured", Code::Misconfigured),
    ("other", Code::Other),
];

/// An answer that is not 2xx.
pub(crate) fn from_response(response: &HttpResponse) -> Error {
    let body: Value = response.json().unwrap_or_default();
    let retry = match response.status {
        429 | 500..=599 => Retry::Backoff,
        _ => Retry::Never,
    };
    let fallback = match response.status {
        401 | 403 => Code::AuthFailed,
        429 => Code::RateLimited,
        500..=599 => Code::ProviderUnavailable,
        _ if body["error"].is_object() => Code::Other,
        _ => Code::MalformedResponse,
    };
    let no_reason = format!("HTTP {} without a reason", response.status);
    build(&body["error"], fallback, retry, &no_reason)
}

/// The error of a failed status: final for this message.
pub(crate) fn from_status(error: &Value) -> Error {
    build(
        error,
        Code::Other,
        Retry::Never,
        "the script gives no reason",
    )
}

fn build(error: &Value, fallback: Code, retry: Retry, no_reason: &str) -> Error {
    let name = error["code"].as_str();
    let code = CODES
        .iter()
        .find(|(known, _)| Some(*known) == name)
        .map_or(fallback, |(_, code)| *code);
    let remedy = match code {
        Code::AuthFailed => "Use the channel's own sandbox_key.",
        Code::Misconfigured => {
            "Correct the channel's script; its form is a status, `+` and milliseconds, as in `sent+100`."
        }
        Code::ProviderUnavailable => "Nothing to do: it passes by itself.",
        _ => {
            "Nothing is wrong with the gateway: the sandbox was told to fail; change the channel's script."
        }
    };
    let detail = error["message"].as_str().unwrap_or(no_reason);
    let built = Error::new(code, retry, detail).remedy(remedy);
    match name {
        Some(name) => built.provider_code(name),
        None => built,
    }
}
