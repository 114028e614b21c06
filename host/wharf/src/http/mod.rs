//! The HTTP surfaces: native `/v1`, the simple surface, provider webhooks, health.

mod address;
mod apps;
mod auth;
mod batch;
mod body;
mod cancel;
mod channels;
mod dead_letters;
mod docs;
pub(crate) mod errors_page;
mod health;
mod keys;
mod listing;
mod media;
mod messages;
mod objects;
mod onboarding;
mod onboarding_return;
mod openapi;
mod problem;
mod provider;
mod query;
mod routes;
mod server;
mod simple;
mod templates;
mod tenants;
mod tls;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use wharf_core::Code;

use crate::app::App;
use address::ClientAddress;
use auth::RateSlot;
use routes::Routes;

pub use problem::{Chain, Problem};
pub use server::{ServerLimits, serve};
pub use tls::Tls;

/// A caller may name its request by this header; the answer repeats it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What is left of a caller's rate (draft-ietf-httpapi-ratelimit-headers-10).
const RATE_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LEFT: HeaderName = HeaderName::from_static("ratelimit");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longer names than this are replaced rather than echoed into logs.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// The API as OpenAPI 3.1: what `/openapi.json` serves and `wharf openapi` prints.
pub fn openapi() -> serde_json::Value {
    docs::described()
}

/// Every route with its description. How a route declares itself stands in [`routes`].
fn all_routes() -> Routes {
    Routes::new()
        .merge(messages::routes())
        .merge(batch::routes())
        .merge(cancel::routes())
        .merge(dead_letters::routes())
        .merge(listing::routes())
        .merge(objects::routes())
        .merge(keys::routes())
        .merge(tenants::routes())
        .merge(apps::routes())
        .merge(simple::routes())
        .merge(webhooks::routes())
        .merge(media::routes())
        .merge(errors_page::routes())
        .merge(health::routes())
        .merge(channels::routes())
        .merge(onboarding::routes())
        .merge(onboarding_return::routes())
        .merge(templates::routes())
        .merge(provider::routes())
        .merge(docs::routes())
}

/// All routes of one gateway.
pub fn router(app: Arc<App>) -> Router {
    let in_flight = Arc::new(Semaphore::new(app.config.http.requests_in_flight_max));
    all_routes()
        .into_router()
        .fallback(|| async { Problem::new(Code::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed) })
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request handler panicked");
            Problem::new(Code::Internal).into_response()
        }))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), in_time))
        .layer(middleware::from_fn_with_state(in_flight, one_of_many))
        .layer(middleware::from_fn(request_id))
        .with_state(app)
}

/// Refuses what comes beyond `http.requests_in_flight_max` at once: a queue of requests would only grow, and each
/// holds its body. Who asks whether we live is answered all the same.
async fn one_of_many(
    State(in_flight): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    if HEALTH.contains(&matched_path(&request).as_str()) {
        return next.run(request).await;
    }
    match in_flight.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Problem::new(Code::Overloaded)
            .retry_after_s(FULL_RETRY_AFTER_S)
            .detail("as many requests are being answered as may be")
            .into_response(),
    }
}

const HEALTH: [&str; 2] = ["/livez", "/readyz"];

/// Requests are short: there is room again within a second.
const FULL_RETRY_AFTER_S: u64 = 1;

/// Ends a request that takes longer than `http.request_timeout_ms`: when the database hangs, callers
/// are told so, and their connections do not pile up. What it began to store may still be stored. One that
/// carries an object has as long as an exchange that does.
async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let config = &app.config;
    let time_max = match CARRY_OBJECTS.contains(&matched_path(&request).as_str()) {
        true => config.egress.media_timeout_ms_max,
        false => config.http.request_timeout_ms,
    };
    let time_max = Duration::from_millis(time_max);
    match tokio::time::timeout(time_max, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Code::Overloaded)
            .retry_after_s(LATE_RETRY_AFTER_S)
            .detail("no answer in time; with an Idempotency-Key it is safe to send again")
            .into_response(),
    }
}

/// Routes whose requests bring an object in, from the caller or from the provider.
const CARRY_OBJECTS: [&str; 2] = ["/v1/media", "/v1/messages/{id}/media"];

/// How long a caller whose request took too long should stay away.
const LATE_RETRY_AFTER_S: u64 = 5;

/// Gives every request an id and every refusal its body.
async fn request_id(mut request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|v| v.to_str().ok());
    let id = given
        .filter(|v| {
            !v.is_empty()
                && v.len() <= REQUEST_ID_CHARS_MAX
                && v.bytes().all(|b| b.is_ascii_graphic())
        })
        .map_or_else(
            || {
                format!(
                    "req_{}",
                    wharf_core::IdSource::ulid(&crate::clock::RandomIds)
                )
            },
            str::to_owned,
        );
    let rates = RateSlot::default();
    request.extensions_mut().insert(rates.clone());
    let method = request.method().clone();
    let path = matched_path(&request);
    let span = span(&id, &request);
    let mut response = next.run(request).instrument(span.clone()).await;
    let _entered = span.enter();
    // Every refusal of ours is a problem; another one is the framework's, of a path it cannot read.
    let ours = response.extensions().get::<Problem>().is_some()
        || response.extensions().get::<ForPeople>().is_some();
    if response.status().is_client_error() && !ours {
        response = Problem::new(Code::NotFound).into_response();
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let status = response.status();
        let level_is_error = status.is_server_error();
        if level_is_error {
            tracing::warn!(request.id = %id, http.method = %method, http.route = %path, code = problem.code().as_str(), "a request was refused");
        } else {
            tracing::debug!(request.id = %id, http.method = %method, http.route = %path, code = problem.code().as_str(), "a request was refused");
        }
        let body = problem.body(&id).to_string();
        *response.body_mut() = axum::body::Body::from(body);
        let headers = response.headers_mut();
        headers.remove(axum::http::header::CONTENT_LENGTH);
        headers.insert(
            axum::http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(rates) = rates.take() {
        for (name, text) in [(RATE_POLICY, &rates.policy), (RATE_LEFT, &rates.left)] {
            if let Ok(value) = HeaderValue::from_str(text) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

/// Everything that is logged on the way carries the request's id and the caller's trace, where it has one.
fn span(id: &str, request: &Request) -> tracing::Span {
    let span = tracing::info_span!(
        "request",
        request.id = id,
        trace.id = tracing::field::Empty,
        client.address = tracing::field::Empty
    );
    let parent = request.headers().get(TRACE_PARENT);
    if let Some(trace) = parent.and_then(|value| trace_id(value.to_str().ok()?)) {
        span.record("trace.id", trace);
    }
    if let Some(ClientAddress(address)) = request.extensions().get::<ClientAddress>() {
        span.record("client.address", tracing::field::display(address));
    }
    span
}

/// W3C Trace Context: `00-` trace id `-` parent id `-` flags. What is written otherwise is not heeded, as the
/// standard asks.
fn trace_id(parent: &str) -> Option<&str> {
    let mut parts = parent.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let rest_fits = hex(parts.next()?, 16) && hex(parts.next()?, 2);
    let known = hex(version, 2) && version != "ff" && hex(trace, 32);
    (known && rest_fits && trace.bytes().any(|b| b != b'0')).then_some(trace)
}
/// Marks a refusal that is a page: a person reads it in a browser.
#[derive(Clone)]
struct ForPeople;

/// The route's pattern: the path itself may carry a webhook's token and stays out of logs.
fn matched_path(request: &Request) -> String {
    request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "(no route)".to_owned(), |path| path.as_str().to_owned())
}
