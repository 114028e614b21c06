//! The API's document and a page to read it and to try it: served by the gateway itself, without any other host.
//!
//! The page is Swagger UI (Apache-2.0; its licence and notices lie beside it), as published, compressed.

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::OnceLock;
use wharf_core::Code;

use super::Problem;
use super::openapi::{Access, Operation, Shape};
use super::routes::Routes;

/// Of a page without scripts and pictures.
pub(super) const CSP_TEXT: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Scripts and styles of this gateway only, requests to this gateway only. Swagger UI draws its icons from
/// `data:` addresses.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("docs/page.html");

/// Name, type, content, and whether it is compressed.
const FILES: [(&str, &str, &[u8], bool); 3] = [
    (
        "swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
        include_bytes!("docs/swagger-ui-bundle.js.gz"),
        true,
    ),
    (
        "swagger-ui.css",
        "text/css; charset=utf-8",
        include_bytes!("docs/swagger-ui.css.gz"),
        true,
    ),
    (
        "start.js",
        "text/javascript; charset=utf-8",
        include_bytes!("docs/start.js"),
        false,
    ),
];

pub(super) fn routes() -> Routes {
    let names = FILES.map(|(name, ..)| name);
    Routes::new()
        .on(
            Operation::get("/openapi.json", "get_openapi")
                .about("gateway", "This document")
                .access(Access::Open)
                .answers(200, "OpenAPI 3.1", Shape::of(json!({"type": "object"}))),
            openapi,
        )
        .on(
            Operation::get("/docs", "get_docs")
                .about("gateway", "This document to read and to try")
                .access(Access::Open)
                .answers_as(200, "A page for people", "text/html", Shape::text()),
            page,
        )
        .on(
            Operation::get("/docs/{file}", "get_docs_file")
                .about("gateway", "What that page is made of")
                .access(Access::Open)
                .path_parameter("file", "The file", json!({"type": "string", "enum": names}))
                .answers_as(200, "The file", "*/*", Shape::bytes()),
            file,
        )
}

async fn openapi() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| described().to_string());
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], text.as_str()).into_response()
}

/// The document of all routes.
pub(super) fn described() -> Value {
    super::openapi::document(super::all_routes().operations())
}

async fn page() -> Response {
    answer("text/html; charset=utf-8", PAGE.as_bytes(), false)
}

async fn file(Path(name): Path<String>) -> Response {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    match found {
        Some((_, kind, bytes, compressed)) => answer(kind, bytes, *compressed),
        None => Problem::new(Code::NotFound).into_response(),
    }
}

fn answer(kind: &'static str, bytes: &'static [u8], compressed: bool) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // A new version of the gateway is seen within the hour.
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if compressed {
        // Every browser reads it.
        let gzip = HeaderValue::from_static("gzip");
        headers.insert(header::CONTENT_ENCODING, gzip);
    }
    response
}
