//! `/v1/dead-letters`: what failed for good, why, and what to do with it. A tenant sees its own.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use wharf_core::request::FieldError;
use wharf_core::{ChannelId, Code, JobId, MessageId, TenantId};
use wharf_queue::{DeadJob, Queue};
use wharf_store::{Conn, StoreError, messages, timeline};

use super::auth::Caller;
use super::messages::read;
use super::openapi::shapes::sending::{
    DeadLetter, DeadLetterChoice, DeadLetterMessage, DeadLetterPage, Flushed, Retried,
};
use super::openapi::{Operation, shape};
use super::query::{PAGE_DEFAULT, PAGE_MAX, Query};
use super::routes::Routes;
use super::{Problem, body};
use crate::app::App;
use crate::clock::rfc3339;
use crate::view;
use crate::workers::lane_of;
use crate::workers::revive::{self, Selection};

/// Ids that one request may name.
const IDS_MAX: usize = 1_000;

pub(super) fn routes() -> Routes {
    let text = || json!({"type": "string", "minLength": 1});
    Routes::new()
        .on(
            Operation::get("/v1/dead-letters", "list_dead_letters")
                .about("dead-letters", "What failed for good, newest first")
                .query("queue", "Of this queue", json!({"type": "string", "enum": Queue::ALL.map(Queue::as_str)}))
                .query("channel", "Of this channel", text())
                .query("code", "With this code, as errors have it, such as auth-failed", text())
                .query("limit", "Dead letters on a page", json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}))
                .query("cursor", "The next_cursor of an earlier page", json!({"type": "string"}))
                .answers(200, "One page", shape::<DeadLetterPage>()),
            list,
        )
        .on(
            Operation::get("/v1/dead-letters/{id}", "get_dead_letter")
                .about("dead-letters", "One of them, with the message and everything that was exchanged for it")
                .answers(200, "The dead letter", shape::<DeadLetter>().with::<DeadLetterMessage>()),
            inspect,
        )
        .on(
            Operation::post("/v1/dead-letters/{id}/retry", "retry_dead_letter")
                .about("dead-letters", "Tries one of them again")
                .answers(200, "It is in the queue", shape::<Retried>()),
            retry_one,
        )
        .on(
            Operation::post("/v1/dead-letters/retry", "retry_dead_letters")
                .about("dead-letters", "Tries those again that match all that is given")
                .takes(shape::<DeadLetterChoice>(), json!({"code": "auth-failed"}))
                .answers(200, "How many are in the queue", shape::<Retried>()),
            retry,
        )
        .on(
            Operation::post("/v1/dead-letters/flush", "flush_dead_letters")
                .about("dead-letters", "Deletes those that match all that is given")
                .more("Their messages stay, as failed.")
                .takes(shape::<DeadLetterChoice>(), json!({"all": true}))
                .answers(200, "How many were deleted", shape::<Flushed>()),
            flush,
        )
}

/// `GET /v1/dead-letters?queue=&channel=&code=&limit=&cursor=`: newest first.
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::read(
        query.as_deref(),
        &["queue", "channel", "code", "limit", "cursor"],
    )?;
    let wrong = |detail: String| Problem::new(Code::InvalidQuery).detail(detail);
    let limit = query.limit()?;
    let cursor = query.parsed("cursor", "the next_cursor of an earlier page", |text| {
        text.parse::<JobId>().ok()
    })?;
    let mut selection = Selection {
        tenant: Some(caller.tenant.clone()),
        ..Selection::default()
    };
    for name in ["queue", "channel", "code"] {
        if let Some(value) = query.value(name) {
            narrow(&mut selection, &caller.tenant, name, value).map_err(wrong)?;
        }
    }
    let mut conn = app.db.read().await?;
    let cursor = cursor.map(|id| id.bare());
    let asked = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found = wharf_queue::dead(&mut conn, selection.filter(), cursor.as_deref(), asked).await?;
    let mut data = Vec::new();
    for job in found.iter().take(limit) {
        data.push(shown(&mut conn, &caller.tenant, job).await?);
    }
    let last = data.last().map(|job| job["id"].clone());
    let next_cursor = last.filter(|_| found.len() > limit);
    Ok(Json(json!({ "data": data, "next_cursor": next_cursor })))
}

/// `GET /v1/dead-letters/{id}`: with the message and everything that was exchanged for it.
async fn inspect(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let selection = one(&caller.tenant, &id)?;
    let mut conn = app.db.read().await?;
    let found = wharf_queue::dead(&mut conn, selection.filter(), None, 1).await?;
    let job = found.first().ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut whole = shown(&mut conn, &caller.tenant, job).await?;
    if let Some(message) = message_of(job)
        && let Some(found) = timeline::read(&mut conn, &caller.tenant, message).await?
    {
        whole["message"] = view::message_with_timeline(&found);
    }
    Ok(Json(whole))
}

/// `POST /v1/dead-letters/{id}/retry`
async fn retry_one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let selection = one(&caller.tenant, &id)?;
    match revive::all(&app.db, &selection, app.now_ms()).await? {
        0 => Err(Problem::new(Code::NotFound)),
        retried => Ok(Json(json!({ "retried": retried }))),
    }
}

/// `POST /v1/dead-letters/retry`: those that match all that is given go again.
async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let selection = chosen(&app, &caller.tenant, &headers, body).await?;
    let retried = revive::all(&app.db, &selection, app.now_ms()).await?;
    Ok(Json(json!({ "retried": retried })))
}

/// `POST /v1/dead-letters/flush`: the same for deleting them. Their messages stay, as failed.
async fn flush(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let selection = chosen(&app, &caller.tenant, &headers, body).await?;
    let mut flushed = 0;
    loop {
        let of = selection.clone();
        let deleted = app
            .db
            .write(move |tx| Box::pin(async move { wharf_queue::flush(tx, of.filter()).await }))
            .await?;
        flushed += deleted;
        if deleted == 0 {
            return Ok(Json(json!({ "flushed": flushed })));
        }
    }
}

fn one(tenant: &TenantId, id: &str) -> Result<Selection, Problem> {
    let id: JobId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    Ok(Selection {
        ids: vec![id],
        tenant: Some(tenant.clone()),
        ..Selection::default()
    })
}

/// Reads `{"ids": [..], "queue": .., "channel": .., "code": .., "all": true}`. What changes dead letters
/// must say which: an empty object must not send every failed message again.
async fn chosen(
    app: &App,
    tenant: &TenantId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Selection, Problem> {
    let bytes = read(app, body).await?;
    let body = body::json(headers, &bytes)?;
    let wrong = |pointer: String, code, detail: String| {
        Problem::new(Code::InvalidRequest).errors(vec![FieldError::new(&pointer, code, detail)])
    };
    let Some(given) = body.as_object() else {
        return Err(wrong(
            String::new(),
            "wrong-type",
            "give a JSON object".to_owned(),
        ));
    };
    let mut selection = Selection {
        tenant: Some(tenant.clone()),
        ..Selection::default()
    };
    let mut chooses = false;
    for (name, value) in given {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let invalid = |detail: String| wrong(pointer.clone(), "invalid", detail);
        match (name.as_str(), value) {
            ("all", Value::Bool(true)) => {}
            ("ids", Value::Array(list)) => selection.ids = ids(list).map_err(invalid)?,
            ("queue" | "channel" | "code", Value::String(text)) => {
                narrow(&mut selection, tenant, name, text).map_err(invalid)?;
            }
            ("all", _) => return Err(invalid("true, or leave it out".to_owned())),
            ("ids" | "queue" | "channel" | "code", _) => {
                return Err(wrong(
                    pointer,
                    "wrong-type",
                    "a list for ids, a text for the others".to_owned(),
                ));
            }
            _ => {
                let detail =
                    "this field is not known here; known are ids, queue, channel, code, all";
                return Err(wrong(pointer, "unknown", detail.to_owned()));
            }
        }
        chooses = true;
    }
    if chooses {
        return Ok(selection);
    }
    let detail = "say which dead letters: ids, queue, channel, code, or all: true";
    Err(wrong(String::new(), "missing", detail.to_owned()))
}

fn ids(list: &[Value]) -> Result<Vec<JobId>, String> {
    if list.is_empty() || list.len() > IDS_MAX {
        return Err(format!("1 to {IDS_MAX} ids"));
    }
    list.iter()
        .map(|id| {
            let id = id.as_str().and_then(|text| text.parse().ok());
            id.ok_or_else(|| "ids look like job_01J..., as the list shows them".to_owned())
        })
        .collect()
}

fn narrow(
    selection: &mut Selection,
    tenant: &TenantId,
    name: &str,
    value: &str,
) -> Result<(), String> {
    match name {
        "queue" => selection.queue = Some(value.parse::<Queue>().map_err(|e| e.to_string())?),
        "channel" => {
            let channel: ChannelId = value.parse().map_err(|e| format!("{e}"))?;
            selection.lane = Some(lane_of(tenant, &channel));
        }
        _ if is_slug(value) => selection.code = Some(value.to_owned()),
        _ => return Err("a code as errors have it, such as auth-failed".to_owned()),
    }
    Ok(())
}

fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn message_of(job: &DeadJob) -> Option<MessageId> {
    id_in(job, "message")?.parse().ok()
}

fn id_in(job: &DeadJob, name: &str) -> Option<String> {
    let payload: Value = serde_json::from_str(&job.payload).ok()?;
    payload.get(name)?.as_str().map(str::to_owned)
}

async fn shown(conn: &mut Conn, tenant: &TenantId, job: &DeadJob) -> Result<Value, StoreError> {
    let mut shown = json!({
        "id": format!("{}{}", JobId::PREFIX, job.id),
        "queue": job.queue,
        "kind": job.kind,
        "reason": job.reason,
        "attempts": job.attempt,
        "created_at": rfc3339(job.created_at),
        "dead_at": rfc3339(job.dead_at),
    });
    for name in ["message", "delivery"] {
        if let Some(id) = id_in(job, name) {
            shown[format!("{name}_id")] = json!(id);
        }
    }
    if let Some(id) = message_of(job)
        && let Some(message) = messages::get(conn, tenant, id).await?
    {
        let error = message.error.unwrap_or_default();
        shown["channel"] = json!(message.channel);
        shown["reference"] = json!(message.reference);
        shown["code"] = error["code"].clone();
        shown["remedy"] = error["remedy"].clone();
    }
    Ok(shown)
}
