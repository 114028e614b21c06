//! The simple surface: `{"to", "message"}` in, the same message out. Everything else is `/v1`'s.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use wharf_core::request::{FieldError, MessageRequest, parse_message};
use wharf_core::{Code, MessageId, Status, TenantId};
use wharf_store::messages::{self, Message};

use super::auth::Caller;
use super::{Problem, body, messages as v1};
use crate::accept::{self, Accepted, Submission};
use crate::app::App;
use crate::view;

/// `POST /api/whatsapp/official/send/text`: queued, 202.
pub(super) async fn send_text(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (query, immediate) = (query.as_deref(), false);
    let accepted = submit(&app, &caller, query, &headers, body, immediate).await?;
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
    let (query, immediate) = (query.as_deref(), true);
    let accepted = submit(&app, &caller, query, &headers, body, immediate).await?;
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

async fn submit(
    app: &Arc<App>,
    caller: &Caller,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Body,
    immediate: bool,
) -> Result<Accepted, Problem> {
    // None is known here: a `dry_run` that is not heeded would send.
    v1::Query::read(query, &[])?;
    let bytes = v1::read(app, body).await?;
    let request = parse(&body::json(headers, &bytes)?)?;
    let route = match immediate {
        true => "POST send/immediate",
        false => "POST send/text",
    };
    let submission = Submission {
        request,
        idempotency: v1::idempotency(headers, route, &bytes)?,
        immediate,
    };
    accept::accept(app, &caller.tenant, submission).await
}

/// Other names of `to` that callers bring along from older gateways.
const RECIPIENT_ALIASES: [&str; 2] = ["phone", "recipient_phone"];

/// The simple fields, or a whole `/v1` message: `message` and `preview_url` stand for `text`.
fn parse(body: &Value) -> Result<MessageRequest, Problem> {
    let mut body = body.clone();
    let mut renamed = Renamed::default();
    if let Some(object) = body.as_object_mut() {
        for alias in RECIPIENT_ALIASES {
            if !object.contains_key("to")
                && let Some(value) = object.remove(alias)
            {
                renamed.recipient = Some(alias);
                object.insert("to".to_owned(), value);
            }
        }
        if !object.contains_key("text")
            && let Some(text) = object.remove("message")
        {
            renamed.text = true;
            let mut inner = serde_json::Map::new();
            inner.insert("body".to_owned(), text);
            if let Some(preview) = object.remove("preview_url") {
                inner.insert("preview_url".to_owned(), preview);
            }
            object.insert("text".to_owned(), Value::Object(inner));
        }
    }
    parse_message(&body).map_err(|errors| {
        let errors = errors
            .into_iter()
            .map(|error| renamed.as_sent(error))
            .collect();
        Problem::new(Code::InvalidRequest).errors(errors)
    })
}

/// What the caller called otherwise than `/v1` does.
#[derive(Default)]
struct Renamed {
    recipient: Option<&'static str>,
    text: bool,
}

impl Renamed {
    /// Points at the field the caller wrote, not at the one it stands for.
    fn as_sent(&self, mut error: FieldError) -> FieldError {
        match (error.pointer.as_str(), self.recipient) {
            ("/to", Some(alias)) => error.pointer = format!("/{alias}"),
            ("/text/body", _) if self.text => error.pointer = "/message".to_owned(),
            ("/text/preview_url", _) if self.text => error.pointer = "/preview_url".to_owned(),
            ("/text", _) if error.code == "missing" => {
                error.pointer = "/message".to_owned();
                error.detail = "give `message`, the text to send".to_owned();
            }
            _ => {}
        }
        error
    }
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
