//! The HTTP surfaces: native `/v1`, the simple surface, provider webhooks, health.

mod auth;
mod body;
mod channels;
pub(crate) mod errors_page;
mod health;
mod media;
mod messages;
mod objects;
mod onboarding;
mod problem;
mod server;
mod simple;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use wharf_core::Code;

use crate::app::App;

pub use problem::{Chain, Problem};
pub use server::{ServerLimits, serve};

/// A caller may name its request by this header; the answer repeats it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer names than this are replaced rather than echoed into logs.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// All routes of one gateway.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(
            "/v1/messages",
            post(messages::send_message).get(messages::list_messages),
        )
        .route("/v1/messages/{id}", get(messages::get_message))
        .route("/v1/messages/{id}/media", post(objects::fetch))
        .route("/v1/media", post(objects::upload))
        .route(
            "/v1/media/{id}",
            get(objects::describe).delete(objects::delete),
        )
        .route("/v1/media/{id}/content", get(objects::content))
        .merge(channels::routes())
        .merge(onboarding::routes())
        .route("/api/whatsapp/official/send/{kind}", post(simple::send))
        .route(
            "/api/whatsapp/official/send/immediate",
            post(simple::send_immediate),
        )
        .route(
            "/api/whatsapp/webhook",
            get(webhooks::shared_challenge).post(webhooks::shared_ingest),
        )
        .route(
            "/webhooks/{plugin}/{token}",
            get(webhooks::challenge).post(webhooks::ingest),
        )
        .route("/media/{token}", get(media::show))
        .route("/errors/{code}", get(errors_page::show))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(|| async { Problem::new(Code::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed) })
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request handler panicked");
            Problem::new(Code::Internal).into_response()
        }))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), in_time))
        .layer(middleware::from_fn(request_id))
        .with_state(app)
}

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
async fn request_id(request: Request, next: Next) -> Response {
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
    let method = request.method().clone();
    let path = matched_path(&request);
    let mut response = next.run(request).await;
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
    response
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
