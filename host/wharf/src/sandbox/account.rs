//! The sandbox's side of the optional interfaces: answers that are always the same, so that media, templates,
//! health, profile and catch-up can be tried without an account. It keeps nothing and sends nothing.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{refuse, respond};

/// The smallest PNG: one transparent pixel.
const PICTURE: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1, 0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

/// The answer of everything but a message; `None` for a path that is not here.
pub(super) fn answer(request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let path = request.uri().path().strip_prefix("/v1/")?;
    let (place, id) = path
        .split_once('/')
        .map_or((path, None), |(place, id)| (place, Some(id)));
    let known = matches!(
        place,
        "health" | "profile" | "templates" | "media" | "events"
    );
    if !known && (place != "messages" || id.is_none()) {
        return None;
    }
    if request.headers().get(http::header::AUTHORIZATION).is_none() {
        return Some(refuse(
            StatusCode::UNAUTHORIZED,
            "auth-failed",
            "the sandbox_key is missing",
        ));
    }
    Some(match (request.method().clone(), place, id) {
        (Method::GET, "health", None) => respond(
            StatusCode::OK,
            &json!({ "detail": "Nothing is sent anywhere.", "messages_per_second": 80 }),
        ),
        (Method::GET, "profile", None) => respond(StatusCode::OK, &json!({ "about": "A sandbox" })),
        (Method::PUT, "profile", None) => echo(request.body()),
        (Method::GET, "templates", None) => respond(
            StatusCode::OK,
            &json!({ "templates": [template(&json!({ "name": "hello_world" }))] }),
        ),
        (Method::POST, "templates", _) => match serde_json::from_slice(request.body()) {
            Ok(draft) => respond(StatusCode::OK, &template(&draft)),
            Err(error) => refuse(StatusCode::BAD_REQUEST, "invalid-json", &error.to_string()),
        },
        (Method::GET, "media", Some(_)) => picture(),
        (Method::POST, "media", None) => respond(StatusCode::OK, &json!({ "id": "sbxm_picture" })),
        (Method::DELETE, "media" | "templates", Some(_)) => respond(StatusCode::OK, &json!({})),
        // It remembers nothing, so nothing was lost.
        (Method::GET, "messages", Some(_)) => respond(StatusCode::OK, &json!({ "id": null })),
        (Method::GET, "events", None) => {
            respond(StatusCode::OK, &json!({ "statuses": [], "messages": [] }))
        }
        _ => refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "unsupported",
            "the sandbox has no such request",
        ),
    })
}

fn echo(body: &Bytes) -> Response<Bytes> {
    match serde_json::from_slice::<Value>(body) {
        Ok(document @ Value::Object(_)) => respond(StatusCode::OK, &document),
        _ => refuse(
            StatusCode::BAD_REQUEST,
            "invalid-json",
            "a profile is a JSON object",
        ),
    }
}

fn template(draft: &Value) -> Value {
    let text = |name: &str, fallback: &str| draft[name].as_str().unwrap_or(fallback).to_owned();
    let name = text("name", "unnamed");
    json!({
        "id": format!("sbxt_{name}"),
        "name": name,
        "language": text("language", "en_US"),
        "category": text("category", "UTILITY"),
        "status": "APPROVED",
        "components": draft["components"].as_array().cloned().unwrap_or_else(|| {
            vec![json!({ "type": "BODY", "text": "Hello World" })]
        }),
    })
}

fn picture() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(PICTURE));
    let png = http::HeaderValue::from_static("image/png");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, png);
    response
}
