//! Errors as Meta's Graph API words them: HTTP status, code and body.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// One refusal, in the shape that Graph answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphError {
    pub status: StatusCode,
    pub code: u32,
    pub subcode: Option<u32>,
    pub message: String,
    pub details: Option<String>,
}

/// Code, HTTP status and wording of the errors that a sender meets. The statuses are those of the
/// documentation of November 2025, where throttling is 400 and not 429; codes that are not listed
/// answer 400.
const KNOWN: &[(u32, u16, &str)] = &[
    (0, 401, "We were unable to authenticate the app user"),
    (1, 400, "Invalid request or possible server error"),
    (
        2,
        503,
        "Temporary due to downtime or due to being overloaded",
    ),
    (3, 500, "Capability or permissions issue"),
    (4, 400, "Application request limit reached"),
    (
        10,
        403,
        "Permission is either not granted or has been removed",
    ),
    (
        33,
        400,
        "Parameter value is not valid: the business phone number has been deleted",
    ),
    (100, 400, "Invalid parameter"),
    (
        104,
        401,
        "An access token is required to request this resource",
    ),
    (
        190,
        401,
        "Error validating access token: Session has expired",
    ),
    (
        200,
        403,
        "Permission is either not granted or has been removed",
    ),
    (368, 403, "Temporarily blocked for policies violations"),
    (803, 404, "Some of the aliases you requested do not exist"),
    (80007, 400, "Rate limit issues"),
    (130_429, 400, "Rate limit hit"),
    (130_472, 400, "User's number is part of an experiment"),
    (
        130_497,
        403,
        "Business account is restricted from messaging users in this country",
    ),
    (131_000, 500, "Something went wrong"),
    (131_005, 403, "Access denied"),
    (131_008, 400, "Required parameter is missing"),
    (131_009, 400, "Parameter value is not valid"),
    (131_016, 500, "Service unavailable"),
    (131_021, 400, "Recipient cannot be sender"),
    (131_026, 400, "Message undeliverable"),
    (131_030, 400, "Recipient phone number not in allowed list"),
    (131_031, 403, "Account has been locked"),
    (
        131_041,
        400,
        "Group is unknown or the sender is not a member",
    ),
    (131_042, 400, "Business eligibility payment issue"),
    (131_045, 500, "Incorrect certificate"),
    (131_047, 400, "Re-engagement message"),
    (131_048, 400, "Spam rate limit hit"),
    (
        131_049,
        400,
        "This message was not delivered to maintain healthy ecosystem engagement",
    ),
    (131_050, 400, "User has stopped marketing messages"),
    (131_051, 400, "Unsupported message type"),
    (131_053, 400, "Media upload error"),
    (
        131_056,
        400,
        "(Business Account, Consumer Account) pair rate limit hit",
    ),
    (131_057, 500, "Account in maintenance mode"),
    (
        132_001,
        404,
        "Template name does not exist in the translation",
    ),
    (133_004, 503, "Server temporarily unavailable"),
    (
        80_008,
        400,
        "There have been too many calls to this WhatsApp Business account",
    ),
    (102, 401, "Session key invalid or no longer valid"),
    (131_020, 400, "The group has one member only"),
    (
        131_037,
        400,
        "The display name of this number is not approved",
    ),
    (131_052, 400, "Media download error"),
    (131_055, 400, "Method not allowed"),
    (131_059, 400, "Invalid paging cursor"),
    (
        131_062,
        400,
        "Business-scoped user id is not valid for this message",
    ),
    (
        131_063,
        400,
        "Marketing templates are not available on Cloud API",
    ),
    (
        132_000,
        400,
        "Number of parameters does not match the expected number of params",
    ),
    (132_005, 400, "Translated text too long"),
    (132_007, 400, "Template format character policy violated"),
    (
        132_012,
        400,
        "Parameter format does not match format in the created template",
    ),
    (132_015, 400, "Template is paused"),
    (132_016, 400, "Template is disabled"),
    (132_068, 400, "Flow is in blocked state"),
    (132_069, 400, "Flow is in throttled state"),
    (133_005, 400, "Two step verification PIN mismatch"),
    (133_006, 400, "Phone number re-verification needed"),
    (133_008, 400, "Too many two step verification PIN guesses"),
    (133_009, 400, "Two step verification PIN guessed too fast"),
    (133_010, 400, "Phone number not registered"),
    (
        133_015,
        400,
        "Please wait a few minutes before attempting to register this phone number",
    ),
    (
        133_016,
        400,
        "Too many attempts to register or deregister this number",
    ),
    (134_100, 400, "Only marketing messages are supported"),
    (135_000, 400, "Generic user error"),
    (137_000, 400, "Recipient identity key hash mismatch"),
    (2_388_040, 400, "Character limit exceeded"),
    (2_388_047, 400, "Message header format incorrect"),
    (2_388_072, 400, "Message body format incorrect"),
    (2_593_107, 400, "Synchronisation was requested already"),
    (
        2_593_108,
        400,
        "Synchronisation must be requested within 24 hours",
    ),
    (17, 400, "User request limit reached"),
    (32, 400, "Page request limit reached"),
    (101, 400, "Missing or invalid client id"),
    (341, 400, "Application limit reached"),
    (506, 400, "Duplicate post"),
    (613, 400, "Calls to this API have exceeded the rate limit"),
    (130_403, 400, "The business has blocked this user"),
    (131_043, 400, "Message expired"),
    (131_044, 400, "Payment method is missing"),
    (131_060, 400, "This message is currently unavailable"),
    (
        131_064,
        400,
        "Limit reached because of template misclassification",
    ),
    (131_201, 206, "Group operation partially succeeded"),
    (131_207, 403, "Group is suspended"),
    (131_208, 429, "Group operations rate limit hit"),
    (132_018, 400, "Template parameters are not valid"),
    (133_000, 500, "Incomplete deregistration"),
    (
        134_011,
        400,
        "WhatsApp payments terms of service not accepted",
    ),
    (134_101, 400, "Template is still syncing"),
    (134_102, 500, "Template is unavailable for use"),
    (138_000, 401, "Calling is not enabled"),
    (138_002, 429, "Concurrent calls limit"),
    (138_005, 429, "Calls rate limit"),
    (138_006, 401, "No call permission"),
    (138_012, 400, "Business initiated calls limit"),
    (139_000, 400, "Flow is blocked by integrity"),
    (139_100, 400, "Failed to block some users"),
    (2200, 400, "Callback verification failed"),
    (2_388_019, 400, "Message template limit exceeded"),
    (2_494_100, 400, "The number is in maintenance"),
    (2_593_109, 400, "The user declined to share the history"),
];

/// Errors that say themselves that they pass.
const TRANSIENT: &[u32] = &[1, 2, 4, 17, 131_000, 131_016, 133_004];

impl GraphError {
    /// The error `code` as Graph usually answers it.
    #[must_use]
    pub fn of_code(code: u32) -> Self {
        let (status, title) = KNOWN
            .iter()
            .find(|known| known.0 == code)
            .map_or((400, "Unknown error"), |known| (known.1, known.2));
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            code,
            subcode: (code == 190).then_some(463),
            message: format!("(#{code}) {title}"),
            details: None,
        }
    }

    /// The error `code` with a sentence that says what was wrong this time.
    #[must_use]
    pub fn with_details(code: u32, details: impl Into<String>) -> Self {
        Self {
            details: Some(details.into()),
            ..Self::of_code(code)
        }
    }

    /// Code 100 with Meta's own way of putting the whole complaint into the message.
    pub(crate) fn parameter(complaint: impl std::fmt::Display) -> Self {
        Self {
            message: format!("(#100) {complaint}"),
            ..Self::of_code(100)
        }
    }

    /// The object does not exist, or this token may not see it: Graph does not say which.
    pub(crate) fn unknown_object(id: &str, method: &str) -> Self {
        Self {
            subcode: Some(33),
            message: format!(
                "Unsupported {} request. Object with ID '{id}' does not exist, cannot be loaded due to \
                 missing permissions, or does not support this operation",
                method.to_ascii_lowercase()
            ),
            ..Self::of_code(100)
        }
    }

    /// A token that is no longer, or never was, good; the subcode says why.
    pub(crate) fn token(subcode: u32, why: &str) -> Self {
        Self {
            subcode: Some(subcode),
            message: format!("Error validating access token: {why}"),
            ..Self::of_code(190)
        }
    }

    pub(crate) fn body(&self, trace_id: &str) -> Value {
        let mut error = json!({
            "message": self.message,
            "type": "OAuthException",
            "code": self.code,
            "fbtrace_id": trace_id,
        });
        if TRANSIENT.contains(&self.code) {
            error["is_transient"] = json!(true);
        }
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if let Some(details) = &self.details {
            error["error_data"] = json!({ "messaging_product": "whatsapp", "details": details });
        }
        json!({ "error": error })
    }

    /// The other shape of the same error, as it stands in a `failed` status.
    pub(crate) fn in_webhook(&self) -> Value {
        let title = self
            .message
            .split_once(") ")
            .map_or(self.message.as_str(), |(_, title)| title);
        json!({
            "code": self.code,
            "title": title,
            "message": title,
            "error_data": { "details": self.details.as_deref().unwrap_or(title) },
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_with_a_real_status() {
        let mut codes: Vec<u32> = KNOWN.iter().map(|known| known.0).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for (code, status, _) in KNOWN {
            assert_eq!(GraphError::of_code(*code).status.as_u16(), *status);
        }
    }

    #[test]
    fn the_answer_and_the_webhook_have_their_own_forms() {
        let error = GraphError::with_details(131_016, "later");
        let answer = error.body("A1");
        assert_eq!(answer["error"]["is_transient"], true);
        assert_eq!(
            answer["error"]["error_data"]["messaging_product"],
            "whatsapp"
        );
        assert_eq!(answer["error"]["fbtrace_id"], "A1");
        let webhook = error.in_webhook();
        assert_eq!(webhook["error_data"], json!({ "details": "later" }));
        assert_eq!(webhook["title"], "Service unavailable");
    }
}
