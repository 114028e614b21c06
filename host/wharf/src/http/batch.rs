//! `POST /v1/messages/batch`: up to 1,000 messages in one request, each with a result of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharf_core::request::limits::BATCH_MESSAGES_MAX;
use wharf_core::request::{FieldError, parse_message};
use wharf_core::{Code, TenantId};
use wharf_store::messages;

use super::auth::Caller;
use super::openapi::shapes::sending::{Batch, BatchIn};
use super::openapi::{Operation, shape};
use super::query::Query;
use super::routes::Routes;
use super::{Problem, body};
use crate::accept::{Accepted, IdempotencyKey, Submission, accept_all};
use crate::app::App;
use crate::view;

pub(super) fn routes() -> Routes {
    Routes::new().on(
        Operation::post("/v1/messages/batch", "send_messages")
            .about("messages", "Sends up to 1,000 messages")
            .more(
                "Each has a result of its own; the batch is refused only where it cannot be read. With an \
                 `Idempotency-Key` each message has its place in the batch for a key: sent again, what was taken is \
                 replayed and what was not is tried.",
            )
            .idempotent()
            .takes(
                shape::<BatchIn>(),
                json!({"messages": [{"to": "+4915112345678", "type": "text", "text": {"body": "Hello"}}]}),
            )
            .answers(207, "One result for each message", shape::<Batch>()),
        send_batch,
    )
}

const ROUTE: &str = "POST /v1/messages/batch";

/// 207 with one result for each message, in their order: `status` 202 with the message, or a refusal's
/// status with its problem. The batch itself is refused only as a whole that cannot be read. With an
/// `Idempotency-Key` each message has its place in the batch for a key: sent again, what was taken is
/// replayed and what was not is tried.
async fn send_batch(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    Query::read(query.as_deref(), &[])?;
    let http = &app.config.http;
    let time_max = Duration::from_millis(http.request_timeout_ms);
    let bytes = body::read(body, http.batch_body_bytes_max, time_max).await?;
    let body = body::json(&headers, &bytes)?;
    let items = items(&body)?;
    let key = headers.get("idempotency-key");
    let key = key.map(|value| value.to_str().unwrap_or_default());
    if let Some(key) = key {
        // Refused once for all, not for each message.
        IdempotencyKey::new(key, ROUTE, &[])?;
    }
    let submissions = items.iter().enumerate();
    let submissions = submissions
        .map(|(index, item)| submission(index, item, key))
        .collect();
    let answers = accept_all(&app, &caller.tenant, submissions).await;
    let mut data = Vec::with_capacity(answers.len());
    let mut accepted = 0;
    for (index, answer) in answers.into_iter().enumerate() {
        let shown = result(&app, &caller.tenant, index, answer).await?;
        accepted += usize::from(shown["status"] == 202);
        data.push(shown);
    }
    let refused = data.len() - accepted;
    let shown = json!({ "accepted": accepted, "refused": refused, "data": data });
    Ok((StatusCode::MULTI_STATUS, Json(shown)).into_response())
}

fn items(body: &Value) -> Result<&[Value], Problem> {
    let wrong = |pointer: &str, code, detail: String| {
        Problem::new(Code::InvalidRequest).errors(vec![FieldError::new(pointer, code, detail)])
    };
    let Some(envelope) = body.as_object() else {
        return Err(wrong("", "wrong-type", "give a JSON object".to_owned()));
    };
    if let Some(other) = envelope.keys().find(|name| *name != "messages") {
        let pointer = format!("/{}", other.replace('~', "~0").replace('/', "~1"));
        let detail = "this field is not known here; known is messages";
        return Err(wrong(&pointer, "unknown", detail.to_owned()));
    }
    match envelope.get("messages") {
        None => Err(wrong(
            "/messages",
            "missing",
            "give a list of messages".to_owned(),
        )),
        Some(Value::Array(items)) if items.len() > BATCH_MESSAGES_MAX => {
            let detail = format!(
                "at most {BATCH_MESSAGES_MAX} messages, these are {}",
                items.len()
            );
            Err(wrong("/messages", "too-many", detail))
        }
        Some(Value::Array(items)) if items.is_empty() => Err(wrong(
            "/messages",
            "invalid",
            "give at least one message".to_owned(),
        )),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(wrong(
            "/messages",
            "wrong-type",
            "give a list of messages".to_owned(),
        )),
    }
}

fn submission(index: usize, item: &Value, key: Option<&str>) -> Result<Submission, Problem> {
    let request =
        parse_message(item).map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?;
    let idempotency = key
        .map(|key| IdempotencyKey::of_item(key, index, ROUTE, item.to_string().as_bytes()))
        .transpose()?;
    Ok(Submission {
        request,
        idempotency,
        immediate: false,
    })
}

async fn result(
    app: &App,
    tenant: &TenantId,
    index: usize,
    answer: Result<Accepted, Problem>,
) -> Result<Value, Problem> {
    match answer {
        Ok(Accepted::New(message)) => Ok(json!({
            "index": index, "status": 202, "message": view::message(&message),
        })),
        Ok(Accepted::Replayed(id)) => {
            let mut conn = app.db.read().await?;
            let found = messages::get(&mut conn, tenant, id).await?;
            let message = found.ok_or_else(|| Problem::new(Code::Internal))?;
            Ok(json!({
                "index": index, "status": 202, "replayed": true, "message": view::message(&message),
            }))
        }
        Err(problem) => Ok(json!({
            "index": index, "status": problem.code().http_status(),
            "error": problem.at(&format!("/messages/{index}")),
        })),
    }
}
