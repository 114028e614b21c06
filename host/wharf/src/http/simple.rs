//! The simple surface: a few flat fields in, the same message out. Everything else is `/v1`'s.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharf_core::request::{SimpleKind, parse_message, parse_simple};
use wharf_core::{Code, MessageId, Status, TenantId};
use wharf_store::messages::{self, Message};

use super::auth::Caller;
use super::openapi::shapes::messages::OutboundMessage;
use super::openapi::{Operation, Shape, shape};
use super::routes::Routes;
use super::{Problem, body, messages as v1};
use crate::accept::{self, Accepted, Submission};
use crate::app::App;
use crate::view;

pub(super) fn routes() -> Routes {
    let kinds = SimpleKind::ALL.map(SimpleKind::as_str);
    Routes::new()
        .on(
            Operation::post("/api/whatsapp/official/send/{kind}", "send_simple")
                .about("simple", "Sends a message given by a few flat fields")
                .more(
                    "Or by a whole `/v1` message of that kind. The flat fields: text `message`; image, video, audio and \
                     document `link` or `id`, `caption`, `filename`; location `latitude`, `longitude`, `name`, \
                     `address`; template `name`, `language`, `parameters`; buttons `message`, `buttons`; list `message`, \
                     `button`, `sections` or `rows`. All of them `to`, or `phone`.",
                )
                .path_parameter("kind", "What is sent", json!({"type": "string", "enum": kinds}))
                .idempotent()
                .takes(Shape::of(json!({"type": "object"})), json!({"to": "+4915112345678", "message": "Hello"}))
                .answers(202, "Stored; on its way", shape::<OutboundMessage>())
                .refuses(&SENDING),
            send,
        )
        .on(
            Operation::post("/api/whatsapp/official/send/immediate", "send_immediate")
                .about("simple", "Sends one message now and waits for what the provider says")
                .more("One attempt. It goes on when the caller leaves.")
                .idempotent()
                .takes(Shape::of(json!({"type": "object"})), json!({"to": "+4915112345678", "message": "Hello"}))
                .answers(200, "The provider took it", shape::<OutboundMessage>())
                .answers(202, "Nobody knows yet", shape::<OutboundMessage>())
                .refuses(&SENDING)
                .refuses(&[Code::ProviderRejected, Code::ProviderUnavailable]),
            send_immediate,
        )
}

/// What any send can be refused with.
const SENDING: [Code; 4] = [
    Code::ChannelUnknown,
    Code::InvalidMessage,
    Code::Unsupported,
    Code::PluginFailed,
];

/// `POST /api/whatsapp/official/send/{kind}`: queued, 202.
pub(super) async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let kind = SimpleKind::ALL.into_iter().find(|it| it.as_str() == kind);
    let kind = kind.ok_or_else(|| Problem::new(Code::NotFound))?;
    let accepted = submit(&app, &caller, query.as_deref(), &headers, body, Some(kind)).await?;
    v1::answer(&app, &caller.tenant, StatusCode::ACCEPTED, &accepted).await
}

/// `POST /api/whatsapp/official/send/immediate`: one attempt now. 200 sent, 422 or 502 with the
/// provider's error, 202 when nobody knows yet. The send goes on when the caller leaves.
pub(super) async fn send_immediate(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let accepted = submit(&app, &caller, query.as_deref(), &headers, body, None).await?;
    let id = match accepted {
        Accepted::New(message) => message.id,
        Accepted::Replayed(id) => {
            let message = load(&app, &caller.tenant, id).await?;
            if matches!(message.status, Status::Queued | Status::Sending) && !taken(&message) {
                return Err(Problem::new(Code::IdempotencyInProgress));
            }
            let mut response = conclude(&message);
            response.headers_mut().insert(
                "idempotency-replayed",
                axum::http::HeaderValue::from_static("true"),
            );
            return Ok(response);
        }
    };
    let message = wait_for_end(&app, &caller.tenant, id).await?;
    Ok(conclude(&message))
}

/// Without a kind it is an immediate send: of a simple text, or of any whole `/v1` message.
async fn submit(
    app: &Arc<App>,
    caller: &Caller,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Body,
    kind: Option<SimpleKind>,
) -> Result<Accepted, Problem> {
    // None is known here: a `dry_run` that is not heeded would send.
    v1::Query::read(query, &[])?;
    let bytes = v1::read(app, body).await?;
    let body = body::json(headers, &bytes)?;
    let is_whole = body.get("type").is_some() || body.get("status").is_some();
    let request = match kind {
        Some(kind) => parse_simple(kind, &body),
        None if is_whole => parse_message(&body),
        None => parse_simple(SimpleKind::Text, &body),
    };
    let mut request =
        request.map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?;
    caller.bind(&mut request.channel)?;
    let route = format!("POST send/{}", kind.map_or("immediate", SimpleKind::as_str));
    let submission = Submission {
        request,
        idempotency: v1::idempotency(headers, &route, &bytes)?,
        immediate: kind.is_none(),
    };
    accept::accept(app, &caller.tenant, submission).await
}

/// How often the database is asked when another process may run the job: a wake-up in this process
/// comes at once, so this bounds only what several nodes add.
const POLL: Duration = Duration::from_millis(250);

async fn wait_for_end(app: &App, tenant: &TenantId, id: MessageId) -> Result<Message, Problem> {
    let deadline =
        tokio::time::Instant::now() + Duration::from_millis(app.config.send.immediate_timeout_ms);
    let ended = loop {
        // Listening begins before the look, so that an end between the two is heard.
        let mut heard = app.settled.listen(id);
        let message = load(app, tenant, id).await?;
        let out_of_time = tokio::time::Instant::now() >= deadline;
        if out_of_time
            || !matches!(message.status, Status::Queued | Status::Sending)
            || taken(&message)
        {
            break message;
        }
        tokio::select! {
            // The sender goes away once the end was announced; the next look finds it committed.
            _ = heard.changed() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    };
    app.settled.forget(id);
    Ok(ended)
}

async fn load(app: &App, tenant: &TenantId, id: MessageId) -> Result<Message, Problem> {
    let mut conn = app.db.read().await?;
    messages::get(&mut conn, tenant, id)
        .await?
        .ok_or_else(|| Problem::new(Code::Internal))
}

/// True once the provider took it, although no status says more yet.
fn taken(message: &Message) -> bool {
    message.provider_message_id.is_some()
}

fn conclude(message: &Message) -> Response {
    let shown = view::message(message);
    match message.status {
        Status::Failed | Status::Expired | Status::Canceled => {
            let error = message.error.clone().unwrap_or_default();
            let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
            let code = match text("code").as_deref() {
                Some(
                    "provider-unavailable"
                    | "malformed-response"
                    | "rate-limited"
                    | "pair-rate-limited",
                ) => Code::ProviderUnavailable,
                Some(slug) if slug.starts_with("plugin-") || slug.starts_with("egress-") => {
                    Code::PluginFailed
                }
                _ => Code::ProviderRejected,
            };
            let mut problem = Problem::new(code).with("message", shown);
            if let Some(detail) = text("detail") {
                problem = problem.detail(detail);
            }
            for (name, from) in [
                ("reason", "code"),
                ("provider_code", "provider_code"),
                ("trace_id", "trace_id"),
            ] {
                if let Some(value) = text(from) {
                    problem = problem.with(name, value);
                }
            }
            problem.into_response()
        }
        Status::Queued | Status::Sending if !taken(message) => {
            (StatusCode::ACCEPTED, Json(shown)).into_response()
        }
        Status::Unknown => (StatusCode::ACCEPTED, Json(shown)).into_response(),
        _ => (StatusCode::OK, Json(shown)).into_response(),
    }
}
