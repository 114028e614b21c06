//! Refusals.

use serde::Deserialize;
use utoipa::ToSchema;

/// A refusal (RFC 9457). Further members tell more of single codes.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Problem {
    /// A page that says what the code means and what to do.
    #[schema(example = "/errors/invalid-request")]
    r#type: String,
    /// What the code means, the same for every occurrence.
    title: String,
    status: u16,
    /// Stable: never renamed, never reused.
    #[schema(example = "invalid-request")]
    code: String,
    /// What to do.
    remedy: String,
    /// For questions to the operator.
    request_id: String,
    /// What is special about this occurrence.
    #[schema(nullable = false)]
    detail: Option<String>,
    /// Every field that is wrong.
    #[schema(nullable = false)]
    errors: Option<Vec<WrongField>>,
}

/// A field to correct.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct WrongField {
    /// RFC 6901 pointer into the body; empty for a header or a parameter.
    #[schema(example = "/text/body")]
    pointer: String,
    /// `missing`, `unknown`, `wrong-type`, `invalid`, `too-long`, `too-many`, `duplicate`, `unsupported`; more may come.
    code: String,
    detail: String,
}
