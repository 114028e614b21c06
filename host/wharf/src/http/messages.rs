//! `/v1/messages`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharf_core::request::{FieldError, parse_message};
use wharf_core::{Code, MessageId, TenantId};
use wharf_store::messages::Stored;
use wharf_store::{messages, timeline};

use super::auth::Caller;
use super::{Problem, body};
use crate::accept::{self, Accepted, IdempotencyKey, Submission};
use crate::app::App;
use crate::view;

/// Messages on one page, when the caller does not say and at most.
const PAGE_DEFAULT: i64 = 50;
const PAGE_MAX: i64 = 200;

/// `POST /v1/messages`: 202 with the message once it is stored.
pub(super) async fn send_message(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let dry_run = match Query::read(query.as_deref(), &["dry_run"])?.value("dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::new(Code::InvalidQuery).detail("dry_run is true or false")),
    };
    let bytes = read(&app, body).await?;
    let request = parse_message(&body::json(&headers, &bytes)?)
        .map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?;
    if dry_run {
        return Ok(Json(accept::dry_run(&app, &caller.tenant, request).await?).into_response());
    }
    let idempotency = idempotency(&headers, "POST /v1/messages", &bytes)?;
    let submission = Submission {
        request,
        idempotency,
        immediate: false,
    };
    let accepted = accept::accept(&app, &caller.tenant, submission).await?;
    answer(&app, &caller.tenant, StatusCode::ACCEPTED, &accepted).await
}

/// `GET /v1/messages/{id}`: the message and its timeline, exchange by exchange, laid out for people:
/// it is read at a terminal more often than by programs. `latest` is the tenant's newest message.
pub(super) async fn get_message(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let mut conn = app.db.read().await?;
    let id: MessageId = match id.as_str() {
        "latest" => {
            let newest = messages::page(&mut conn, &caller.tenant, None, 1).await?;
            newest.first().map(Stored::id).ok_or_else(missing)?
        }
        id => id.parse().map_err(|_| missing())?,
    };
    let found = timeline::read(&mut conn, &caller.tenant, id)
        .await?
        .ok_or_else(missing)?;
    let text = format!("{:#}\n", view::message_with_timeline(&found));
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], text).into_response())
}

/// `GET /v1/messages?limit=&cursor=`: newest first.
pub(super) async fn list_messages(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::read(query.as_deref(), &["limit", "cursor"])?;
    let wrong = |detail: String| Problem::new(Code::InvalidQuery).detail(detail);
    let limit = match query.value("limit") {
        None => PAGE_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (1..=PAGE_MAX).contains(n))
            .ok_or_else(|| wrong(format!("limit is a number from 1 to {PAGE_MAX}")))?,
    };
    let cursor = query
        .value("cursor")
        .map(|text| {
            text.parse::<MessageId>()
                .map_err(|_| wrong("cursor is the next_cursor of an earlier page".to_owned()))
        })
        .transpose()?;
    let mut conn = app.db.read().await?;
    let page = messages::page(&mut conn, &caller.tenant, cursor, limit + 1).await?;
    let more = page.len() as i64 > limit;
    let shown: Vec<_> = page
        .iter()
        .take(usize::try_from(limit).unwrap_or(0))
        .collect();
    let next_cursor = more.then(|| shown.last().map(|m| m.id())).flatten();
    let data: Vec<_> = shown.iter().map(|message| view::stored(message)).collect();
    Ok(Json(json!({ "data": data, "next_cursor": next_cursor })))
}

/// The message as it stands now, and whether this answer repeats an earlier one.
pub(super) async fn answer(
    app: &App,
    tenant: &TenantId,
    status: StatusCode,
    accepted: &Accepted,
) -> Result<Response, Problem> {
    let id = match accepted {
        Accepted::New(message) => return Ok((status, Json(view::message(message))).into_response()),
        Accepted::Replayed(id) => *id,
    };
    let mut conn = app.db.read().await?;
    let message = messages::get(&mut conn, tenant, id)
        .await?
        .ok_or_else(|| Problem::new(Code::Internal))?;
    let mut response = (status, Json(view::message(&message))).into_response();
    response
        .headers_mut()
        .insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

/// The `Idempotency-Key` header, when given.
pub(super) fn idempotency(
    headers: &HeaderMap,
    route: &str,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    // A value that is not ASCII text is refused by the same rule as an empty one.
    IdempotencyKey::new(value.to_str().unwrap_or_default(), route, body).map(Some)
}

pub(super) async fn read(app: &App, body: Body) -> Result<bytes::Bytes, Problem> {
    let http = &app.config.http;
    body::read(
        body,
        http.body_bytes_max,
        Duration::from_millis(http.request_timeout_ms),
    )
    .await
}

/// A query string whose every parameter must be known and given once.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(raw: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let mut errors = Vec::new();
        for (i, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                errors.push(format!(
                    "{name} is not known here; known are {}",
                    known.join(", ")
                ));
            } else if pairs[..i].iter().any(|(earlier, _)| earlier == name) {
                errors.push(format!("{name} is given twice"));
            }
        }
        if errors.is_empty() {
            return Ok(Self(pairs));
        }
        let errors = errors
            .into_iter()
            .map(|detail| FieldError {
                pointer: String::new(),
                code: "unknown",
                detail,
            })
            .collect();
        Err(Problem::new(Code::InvalidQuery).errors(errors))
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}
