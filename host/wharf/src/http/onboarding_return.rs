//! Where a browser comes back to from a provider: a page for people, which shows nothing of what it was called
//! with.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wharf_core::Code;

use super::openapi::{Access, Operation, Shape};
use super::routes::Routes;
use super::{ForPeople, Problem};
use crate::app::App;
use crate::onboarding::{self, Return};

/// What a browser brings back: a code of some hundred bytes, and a provider's own words.
const RETURN_QUERY_BYTES_MAX: usize = 16 * 1024;
const RETURN_PARAMS_MAX: usize = 64;

/// Browsers call these, so whatever becomes of it is a page.
pub(super) fn routes() -> Routes {
    let page = |operation: Operation| {
        let text = Shape::text;
        operation
            .access(Access::Open)
            .answers_as(200, "The session goes on", "text/html", text())
            .answers_as(400, "Longer than any answer", "text/html", text())
            .answers_as(404, "Nobody waits for it", "text/html", text())
            .answers_as(410, "Taken already, or too late", "text/html", text())
            .answers_as(500, "It could not be kept", "text/html", text())
            .answers_as(503, "It could not be kept now", "text/html", text())
    };
    Routes::new()
        .on(
            page(
                Operation::get("/onboarding/return", "return_from_provider").about(
                    "onboarding",
                    "Where a provider sends the browser back, with the session's token in `state`",
                ),
            ),
            returned,
        )
        .on(
            page(
                Operation::get("/onboarding/return/{token}", "return_from_provider_by_path").about(
                    "onboarding",
                    "The same, for providers that append a query of their own",
                ),
            ),
            returned_by_path,
        )
}

/// `GET /onboarding/return?state=TOKEN`: a browser comes back to the one address that providers know.
async fn returned(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let mut params = match params(query.as_deref()) {
        Some(params) => params,
        None => return page(StatusCode::BAD_REQUEST, UNREADABLE),
    };
    let token = params.iter().find(|(name, _)| name == "state");
    let token = token.and_then(|(_, values)| match values.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    });
    params.retain(|(name, _)| name != "state");
    match token {
        Some(token) => come_back(&app, &token, params).await,
        None => page(StatusCode::NOT_FOUND, UNKNOWN),
    }
}

/// `GET /onboarding/return/{token}`: for providers that append a query of their own.
async fn returned_by_path(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    match params(query.as_deref()) {
        Some(params) => come_back(&app, &token, params).await,
        None => page(StatusCode::BAD_REQUEST, UNREADABLE),
    }
}

async fn come_back(app: &Arc<App>, token: &str, params: Vec<(String, Vec<String>)>) -> Response {
    match onboarding::returned(app, token, params).await {
        Ok(Return::Taken) => page(StatusCode::OK, TAKEN),
        Ok(Return::TooLate) => page(StatusCode::GONE, TOO_LATE),
        Ok(Return::Unknown) => page(StatusCode::NOT_FOUND, UNKNOWN),
        Err(error) => {
            // Logged as any failing request; the person reads a page.
            let problem = Problem::from(error);
            let busy = problem.code() == Code::Overloaded;
            page(
                match busy {
                    true => StatusCode::SERVICE_UNAVAILABLE,
                    false => StatusCode::INTERNAL_SERVER_ERROR,
                },
                FAILED,
            )
        }
    }
}

/// The parameters with all their values. None for more than any provider brings.
fn params(query: Option<&str>) -> Option<Vec<(String, Vec<String>)>> {
    let query = query.unwrap_or_default();
    if query.len() > RETURN_QUERY_BYTES_MAX {
        return None;
    }
    let mut params: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value.into_owned()),
            None => params.push((name.into_owned(), vec![value.into_owned()])),
        }
    }
    (params.len() <= RETURN_PARAMS_MAX).then_some(params)
}

const TAKEN: &str = "You can close this window. The connection goes on where you began it.";
const TOO_LATE: &str = "This step was taken already, or its time is over. Look where you began it, and begin again there.";
const UNKNOWN: &str =
    "Nobody waits for this answer. Begin again, and finish it in the window that opens then.";
const UNREADABLE: &str = "The answer is longer than it can be. Begin again.";
const FAILED: &str = "The answer could not be kept. Load this page again in a moment.";

/// A page that shows nothing of what it was called with, and tells nobody where it was.
fn page(status: StatusCode, text: &'static str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Wharf</title><p>{text}</p></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let mut response = (status, headers, html).into_response();
    response.extensions_mut().insert(ForPeople);
    response
}
