//! One page for each error code, so that a problem's `type` leads somewhere, and a list of them.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wharf_core::Code;

use super::Problem;
use super::docs::CSP_TEXT;
use super::openapi::{Access, Operation, Shape};
use super::routes::Routes;

pub(super) fn routes() -> Routes {
    let slugs: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    Routes::new()
        .on(
            Operation::get("/errors", "list_errors")
                .about("gateway", "Every error code")
                .access(Access::Open)
                .answers_as(200, "A page for people", "text/html", Shape::text()),
            list,
        )
        .on(
            Operation::get("/errors/{code}", "get_error")
                .about("gateway", "What an error code means and what to do")
                .more("For people as text/html, otherwise as text/plain.")
                .access(Access::Open)
                .path_parameter("code", "The code", json!({"type": "string", "enum": slugs}))
                .answers_as(200, "The page", "text/plain", Shape::text()),
            show,
        )
}

async fn list() -> Response {
    let mut rows = String::new();
    for code in Code::ALL {
        let _ = writeln!(
            rows,
            "<tr><td><a href=\"/errors/{slug}\"><code>{slug}</code></a></td><td>{}</td><td>{}</td></tr>",
            code.http_status(),
            escaped(code.title()),
            slug = code.as_str(),
        );
    }
    html(
        "Error codes",
        &format!(
            "<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead><tbody>\n{rows}</tbody></table>"
        ),
    )
}

async fn show(Path(slug): Path<String>, headers: HeaderMap) -> Response {
    let Some(code) = Code::parse(&slug) else {
        return Problem::new(Code::NotFound).into_response();
    };
    let asked = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    if !asked.unwrap_or_default().contains("text/html") {
        return describe(code).into_response();
    }
    html(
        code.as_str(),
        &format!(
            "<p>HTTP status {}</p>\n<p>{}.</p>\n<p><strong>What to do:</strong> {}</p>\n<p><a href=\"/errors\">All codes</a></p>",
            code.http_status(),
            escaped(code.title()),
            escaped(code.remedy()),
        ),
    )
}

/// The page as text, also printed by `wharf errors CODE`.
pub(crate) fn describe(code: Code) -> String {
    format!(
        "{}\nHTTP status {}\n\n{}.\n\nWhat to do: {}\n",
        code.as_str(),
        code.http_status(),
        code.title(),
        code.remedy()
    )
}

fn html(title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - Wharf</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\n<body><main><h1>{title}</h1>\n{body}\n</main></body></html>\n"
    );
    let mut response = page.into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CSP_TEXT),
    );
    response
}

/// Of our own catalogue, which holds back-quotes and angle brackets at most.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
