//! One page for each error code, so that a problem's `type` leads somewhere.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use wharf_core::Code;

use super::Problem;

pub(super) async fn show(Path(slug): Path<String>) -> Response {
    match Code::parse(&slug) {
        Some(code) => describe(code).into_response(),
        None => Problem::new(Code::NotFound).into_response(),
    }
}

/// The page, also printed by `wharf errors CODE`.
pub(crate) fn describe(code: Code) -> String {
    format!(
        "{}\nHTTP status {}\n\n{}.\n\nWhat to do: {}\n",
        code.as_str(),
        code.http_status(),
        code.title(),
        code.remedy()
    )
}
