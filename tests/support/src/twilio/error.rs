//! Twilio's errors: codes, their HTTP status and the shape of the answer.

use serde_json::{Value, json};

/// What a call is answered with when it has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioError {
    pub status: u16,
    pub code: u32,
    pub message: String,
    pub retry_after_s: Option<u32>,
}

/// Of a request that breaks a rule for which the reference names no code of its own.
pub(crate) const INVALID: u32 = 20_001;

/// Code and text, as <https://www.twilio.com/docs/api/errors> has them, shortened.
const TEXTS: &[(u32, &str)] = &[
    (20_001, "Invalid request"),
    (20_003, "Authenticate"),
    (20_404, "The requested resource was not found"),
    (20_429, "Too many requests"),
    (20_500, "Internal server error"),
    (20_503, "Service unavailable"),
    (21_211, "Invalid 'To' phone number"),
    (21_212, "Invalid 'From' phone number"),
    (21_408, "Permission to send to this region is not enabled"),
    (21_602, "Message body is required"),
    (
        21_603,
        "A 'From' phone number or a Messaging Service is required",
    ),
    (21_604, "A 'To' phone number is required"),
    (
        21_606,
        "The 'From' phone number is not usable for this message",
    ),
    (
        21_608,
        "The number is unverified; trial accounts cannot send to it",
    ),
    (21_609, "Invalid 'StatusCallback' URL"),
    (21_610, "Attempt to send to an unsubscribed recipient"),
    (21_611, "This 'From' number has too many queued messages"),
    (
        21_612,
        "Message cannot be sent with this combination of 'To' and 'From'",
    ),
    (21_614, "'To' number is not a valid mobile number"),
    (
        21_617,
        "The message body exceeds the limit of 1600 characters",
    ),
    (21_620, "Invalid media URL"),
    (21_623, "Number of media files exceeds the limit"),
    (21_654, "ContentSid is required"),
    (21_655, "The ContentSid is invalid"),
    (21_656, "The ContentVariables parameter is invalid"),
    (21_658, "A variable exceeds the limit of 1600 characters"),
    (21_701, "The Messaging Service is missing or unknown"),
    (21_703, "The Messaging Service has no sender"),
    (21_705, "The Messaging Service SID is invalid"),
    (30_001, "Queue overflow"),
    (30_002, "Account suspended"),
    (30_008, "Unknown error"),
    (63_001, "Channel could not authenticate the request"),
    (63_003, "Channel could not find the To address"),
    (63_005, "Channel did not accept the content"),
    (
        63_007,
        "Twilio could not find a Channel with the specified From address",
    ),
    (63_009, "Channel provider returned an error"),
    (63_010, "Channels: Twilio internal error"),
    (
        63_012,
        "Channel provider returned an internal service error",
    ),
    (63_013, "Channel policy violation"),
    (63_015, "The recipient has not joined the sandbox"),
    (
        63_016,
        "Failed to send freeform message because you are outside the allowed window",
    ),
    (63_017, "Rate limit exceeded for the account"),
    (63_018, "Rate limit exceeded for Channel"),
    (63_019, "Media failed to download"),
    (63_020, "The Business Manager account has a problem"),
    (63_021, "Channel invalid content error"),
    (63_024, "Invalid message recipient"),
    (63_026, "Message was flagged as spam"),
    (63_027, "Template does not exist for a language and locale"),
    (63_028, "Number of parameters does not match the template"),
    (63_031, "Channels message cannot have same From and To"),
    (
        63_032,
        "User cannot receive this message because of a limitation of WhatsApp",
    ),
    (63_034, "Media exceeds the size limit of the channel"),
    (63_038, "Account exceeded the daily messages limit"),
    (63_041, "Template is paused"),
    (63_049, "Meta chose not to deliver this marketing message"),
    (
        63_059,
        "The number has moved to another WhatsApp business account",
    ),
    (
        63_101,
        "The WhatsApp business account is invalid or not shared with Twilio",
    ),
    (
        63_119,
        "Meta's rate limit for operations on this account was exceeded",
    ),
    (92_001, "Content types are required"),
    (92_002, "Content has too many variables"),
    (92_003, "Content language is required"),
    (92_004, "Content language is invalid"),
    (92_008, "Content type is not supported"),
];

/// The text of a code, also of those that come only in statuses.
pub(crate) fn text_of(code: u32) -> &'static str {
    TEXTS
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("Unknown error", |(_, text)| text)
}

impl TwilioError {
    pub(crate) fn of_code(code: u32) -> Self {
        let status = match code {
            20_003 => 401,
            20_404 => 404,
            20_429 | 63_018 | 63_017 | 63_038 => 429,
            20_500 => 500,
            20_503 => 503,
            _ => 400,
        };
        Self {
            status,
            code,
            message: text_of(code).to_owned(),
            retry_after_s: None,
        }
    }

    /// With what is wrong here.
    pub(crate) fn because(code: u32, details: impl std::fmt::Display) -> Self {
        let mut error = Self::of_code(code);
        error.message = format!("{}: {details}", error.message);
        error
    }

    pub(crate) fn invalid(details: impl std::fmt::Display) -> Self {
        Self::because(INVALID, details)
    }

    /// The right credentials, but not for this.
    pub(crate) fn forbidden(details: impl std::fmt::Display) -> Self {
        Self {
            status: 403,
            ..Self::because(20_003, details)
        }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self {
            message: format!("The requested resource {what} was not found"),
            ..Self::of_code(20_404)
        }
    }

    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    pub(crate) fn more_info(code: u32) -> String {
        format!("https://www.twilio.com/docs/errors/{code}")
    }

    pub(crate) fn body(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "more_info": Self::more_info(self.code),
            "status": self.status,
        })
    }
}
