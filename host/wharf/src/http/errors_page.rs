//! One page for each error code and each reason, so that a problem's `type` and a message's `error.code` lead
//! somewhere, and a list of them.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wharf_core::{Code, Reason};

use super::Problem;
use super::docs::CSP_TEXT;
use super::openapi::{Access, Operation, Shape};
use super::routes::Routes;

pub(super) fn routes() -> Routes {
    let mut slugs: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    slugs.extend(Reason::ALL.iter().map(|reason| reason.as_str()));
    slugs.sort_unstable();
    slugs.dedup();
    Routes::new()
        .on(
            Operation::get("/errors", "list_errors")
                .about("gateway", "Every error code and every reason")
                .access(Access::Open)
                .answers_as(200, "A page for people", "text/html", Shape::text()),
            list,
        )
        .on(
            Operation::get("/errors/{code}", "get_error")
                .about(
                    "gateway",
                    "What an error code or a reason means and what to do",
                )
                .more("For people as text/html, otherwise as text/plain.")
                .access(Access::Open)
                .path_parameter(
                    "code",
                    "The code of an answer, or the reason of a failure",
                    json!({"type": "string", "enum": slugs}),
                )
                .answers_as(200, "The page", "text/plain", Shape::text()),
            show,
        )
}

async fn list() -> Response {
    let mut codes = String::new();
    for code in Code::ALL {
        let _ = writeln!(
            codes,
            "<tr><td><a href=\"/errors/{slug}\"><code>{slug}</code></a></td><td>{}</td><td>{}</td></tr>",
            code.http_status(),
            escaped(code.title()),
            slug = code.as_str(),
        );
    }
    let mut reasons = String::new();
    for reason in Reason::ALL {
        let _ = writeln!(
            reasons,
            "<tr><td><a href=\"/errors/{slug}\"><code>{slug}</code></a></td><td>{}</td></tr>",
            escaped(reason.title()),
            slug = reason.as_str(),
        );
    }
    html(
        "Error codes",
        &format!(
            "<h2>Of answers</h2>\n<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead><tbody>\n\
             {codes}</tbody></table>\n<h2>Of messages, timelines, deliveries and plugins</h2>\n\
             <table><thead><tr><th>Reason</th><th>Meaning</th></tr></thead><tbody>\n{reasons}</tbody></table>"
        ),
    )
}

async fn show(Path(slug): Path<String>, headers: HeaderMap) -> Response {
    let meanings = meanings(&slug);
    if meanings.is_empty() {
        return Problem::new(Code::NotFound).into_response();
    }
    let asked = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    if !asked.unwrap_or_default().contains("text/html") {
        return as_text(&slug, &meanings).into_response();
    }
    let mut body = String::new();
    for meaning in &meanings {
        let _ = writeln!(
            body,
            "<p>{}</p>\n<p>{}.</p>\n<p><strong>What to do:</strong> {}</p>",
            meaning.place,
            escaped(meaning.title),
            escaped(meaning.remedy),
        );
    }
    body.push_str("<p><a href=\"/errors\">All codes</a></p>");
    html(&slug, &body)
}

/// One of the two things that a slug can be: a request was answered with it, or something failed for it.
struct Meaning {
    place: String,
    title: &'static str,
    remedy: &'static str,
}

/// What the slug means, as an answer's code first; nothing when it is neither.
fn meanings(slug: &str) -> Vec<Meaning> {
    let code = Code::parse(slug).map(|code| Meaning {
        place: format!("HTTP status {}", code.http_status()),
        title: code.title(),
        remedy: code.remedy(),
    });
    let reason = Reason::parse(slug).map(|reason| Meaning {
        place: "Reason of a failure".to_owned(),
        title: reason.title(),
        remedy: reason.remedy(),
    });
    code.into_iter().chain(reason).collect()
}

/// The page as text, also printed by `wharf errors CODE`; nothing when there is no such code or reason.
pub(crate) fn describe(slug: &str) -> Option<String> {
    let meanings = meanings(slug);
    (!meanings.is_empty()).then(|| as_text(slug, &meanings))
}

fn as_text(slug: &str, meanings: &[Meaning]) -> String {
    let mut text = slug.to_owned();
    for Meaning {
        place,
        title,
        remedy,
    } in meanings
    {
        let _ = write!(text, "\n{place}\n\n{title}.\n\nWhat to do: {remedy}\n");
    }
    text
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
