//! 360dialog's own refusals, in the forms that they come in.

use serde_json::{Value, json};

use super::config::OwnErrors;
use crate::cloud::serve::Refusal;

/// A refusal of the messaging API.
pub(super) fn own(form: OwnErrors, status: u16, text: &str) -> Refusal {
    let body = match form {
        OwnErrors::Text => json!({ "error": text }),
        OwnErrors::Meta => legacy(status, text),
        OwnErrors::List => json!({
            "meta": { "api_status": "stable", "version": "2.0" },
            "errors": [{ "code": status, "title": text, "details": text }],
        }),
    };
    Refusal::Own {
        status,
        body,
        reason: text.to_owned(),
    }
}

/// A refusal of the partner API, which has one form.
pub(super) fn partner(status: u16, text: &str) -> Refusal {
    Refusal::Own {
        status,
        body: legacy(status, text),
        reason: text.to_owned(),
    }
}

fn legacy(status: u16, text: &str) -> Value {
    json!({
        "meta": {
            "success": false,
            "http_code": status,
            "developer_message": text,
            "details": [],
        },
    })
}
