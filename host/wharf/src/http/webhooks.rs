//! Provider calls: verified over the raw bytes, stored, acknowledged; parsed later by a job.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::SemaphorePermit;
use wharf_core::Code;
use wharf_core::provider::{HttpMethod, WebhookSpec};
use wharf_core::webhook::{self, Incoming};

use super::openapi::{Access, Operation, Shape};
use super::routes::Routes;
use super::{Problem, body};
use crate::app::App;
use crate::directory::Route;
use crate::ingest::{self, Call};

pub(super) fn routes() -> Routes {
    let handshake = |operation: Operation| {
        operation
            .access(Access::Provider)
            .answers_as(200, "The challenge, echoed", "text/plain", Shape::text())
            .refuses(&[Code::SignatureInvalid])
    };
    // What acknowledges a call is the provider's to say: its status, type and body are declared by its plugin.
    let call = |operation: Operation| {
        operation
            .access(Access::Provider)
            .takes_bytes("*/*")
            .answers_as(
                200,
                "Stored. Status and body as the provider wants them",
                "*/*",
                Shape::bytes(),
            )
            .refuses(&[
                Code::SignatureInvalid,
                Code::BodyTooLarge,
                Code::InvalidJson,
            ])
    };
    let shared = "/api/whatsapp/webhook";
    let own = "/webhooks/{plugin}/{token}";
    Routes::new()
        .on(
            handshake(Operation::get(shared, "shared_webhook_challenge")).about(
                "providers",
                "A provider's handshake, for whichever app's token is presented",
            ),
            shared_challenge,
        )
        .on(
            call(Operation::post(shared, "shared_webhook")).about(
                "providers",
                "A provider's call; whose it is, is found by the signature header",
            ),
            shared_ingest,
        )
        .on(
            handshake(Operation::get(own, "webhook_challenge"))
                .about("providers", "A provider's handshake"),
            challenge,
        )
        .on(
            call(Operation::post(own, "webhook")).about("providers", "A provider's call"),
            ingest,
        )
}

/// `GET /webhooks/{plugin}/{token}`: a provider's subscription handshake. Takes no lock and no job,
/// for it arrives while our own subscribe call is still open.
pub(super) async fn challenge(
    State(app): State<Arc<App>>,
    Path((plugin, token)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (route, spec) = find(&app, &plugin, &token).await?;
    answer_challenge(&[(route, spec)], query.as_deref())
}

/// `GET /api/whatsapp/webhook`: the same, for whichever app's token is presented.
pub(super) async fn shared_challenge(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    answer_challenge(&candidates(&app).await?, query.as_deref())
}

/// `POST /webhooks/{plugin}/{token}`.
pub(super) async fn ingest(
    State(app): State<Arc<App>>,
    Path((plugin, token)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (route, spec) = find(&app, &plugin, &token).await?;
    let (bytes, _share) = read_body(&app, &headers, body).await?;
    take(&app, &[(route, spec)], query.as_deref(), &headers, bytes).await
}

/// `POST /api/whatsapp/webhook`: whose it is, is found by the signature header that is present. None of
/// the known headers, or those of two plugins, proves nothing: 401.
pub(super) async fn shared_ingest(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut named = Vec::new();
    for (route, spec) in candidates(&app).await? {
        let present = headers
            .keys()
            .any(|name| webhook::uses_header(&spec, name.as_str()));
        if present {
            named.push((route, spec));
        }
    }
    let first_plugin = named.first().map(|(route, _)| route.plugin.clone());
    let one_plugin = named
        .iter()
        .all(|(route, _)| Some(&route.plugin) == first_plugin.as_ref());
    if named.is_empty() || !one_plugin {
        let reason = "it carries no signature header, or those of several providers".to_owned();
        return Err(not_believed("a webhook call", &[reason]));
    }
    let (bytes, _share) = read_body(&app, &headers, body).await?;
    take(&app, &named, query.as_deref(), &headers, bytes).await
}

type Candidate = (Arc<Route>, WebhookSpec);

async fn find(app: &App, plugin: &str, token: &str) -> Result<Candidate, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let route = app
        .directory
        .route(token)
        .await?
        .filter(|r| r.plugin == plugin)
        .ok_or_else(missing)?;
    let spec = spec_of(app, &route).ok_or_else(missing)?;
    Ok((route, spec))
}

async fn candidates(app: &App) -> Result<Vec<Candidate>, Problem> {
    let routes = app.directory.shared_routes().await?;
    Ok(routes
        .iter()
        .filter_map(|route| Some((Arc::clone(route), spec_of(app, route)?)))
        .collect())
}

fn spec_of(app: &App, route: &Route) -> Option<WebhookSpec> {
    let plugin = app.plugins.get(&route.plugin)?;
    let webhooks = &plugin.descriptor().webhooks;
    webhooks.iter().find(|w| w.name == route.webhook).cloned()
}

/// The body, and its share of the memory that bodies may take; given back when the call is stored.
async fn read_body<'a>(
    app: &'a App,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, SemaphorePermit<'a>), Problem> {
    let http = &app.config.http;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let bytes_max = http.webhook_body_bytes_max;
    let kib = announced.unwrap_or(bytes_max).min(bytes_max) / 1024 + 1;
    let share = app
        .webhook_bodies
        .try_acquire_many(u32::try_from(kib).unwrap_or(u32::MAX))
        .map_err(|_| Problem::new(Code::Overloaded).retry_after_s(BODIES_RETRY_AFTER_S))?;
    let time_max = Duration::from_millis(http.request_timeout_ms);
    Ok((body::read(body, bytes_max, time_max).await?, share))
}

/// Bodies are read and stored within a second; a provider calls again by itself.
const BODIES_RETRY_AFTER_S: u64 = 1;

fn answer_challenge(candidates: &[Candidate], query: Option<&str>) -> Result<Response, Problem> {
    let query = pairs(query);
    let mut refusals = Vec::new();
    for (route, spec) in candidates {
        match webhook::challenge(spec, &query, &**route) {
            Ok(echo) => {
                let mut response = echo.into_response();
                let text = HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(header::CONTENT_TYPE, text);
                return Ok(response);
            }
            Err(reason) => refusals.push(format!("{}: {reason}", route.owner)),
        }
    }
    Err(not_believed("a subscription handshake", &refusals))
}

/// The caller learns nothing; the operator reads each candidate's reason.
fn not_believed(what: &str, refusals: &[String]) -> Problem {
    tracing::warn!(reasons = refusals.join("; "), "{what} was not believed");
    Problem::new(Code::SignatureInvalid)
}

/// Verifies, stores, and only then acknowledges.
async fn take(
    app: &Arc<App>,
    candidates: &[Candidate],
    query: Option<&str>,
    headers: &HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let headers: Vec<(String, String)> = headers
        .iter()
        // What is not UTF-8 stays present, without it: a header must not drop out of its check.
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        })
        .collect();
    let pairs = pairs(query);
    let mut refusals = Vec::new();
    for (route, spec) in candidates {
        // As configured, never as the request's own headers say: those are the caller's.
        let url = route.url.as_ref().map(|url| match query {
            Some(query) => format!("{url}?{query}"),
            None => url.clone(),
        });
        let incoming = Incoming {
            headers: &headers,
            query: &pairs,
            body: &bytes,
            url: url.as_deref(),
            by_own_path: route.by_own_path,
            now_s: app.now_ms() / 1000,
        };
        if let Err(reason) = webhook::verify(spec, &incoming, &**route) {
            refusals.push(format!("{}: {reason}", route.owner));
            continue;
        }
        if bytes.len() > spec.max_body as usize {
            return Err(Problem::new(Code::BodyTooLarge));
        }
        let call = Call {
            method: HttpMethod::Post,
            query: pairs,
            headers,
            body: bytes,
        };
        ingest::store(app, route, spec, call).await?;
        return Ok(acknowledge(spec));
    }
    Err(not_believed("a webhook call", &refusals))
}

/// Exactly what is declared: a provider may take a body it did not ask for as a reply to the sender.
fn acknowledge(spec: &WebhookSpec) -> Response {
    let mut response = Response::new(Body::from(spec.ack_body.clone()));
    *response.status_mut() = StatusCode::from_u16(spec.ack_status).unwrap_or(StatusCode::OK);
    let kind = match &spec.ack_content_type {
        None if spec.ack_body.is_empty() => return response,
        None => "text/plain; charset=utf-8",
        Some(kind) => kind,
    };
    if let Ok(kind) = HeaderValue::from_str(kind) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// The query's parameters as sent, repeated ones kept: their names keep their dots.
fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}
