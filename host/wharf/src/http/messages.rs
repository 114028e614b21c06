//! `/v1/messages` and the channels a message can go through.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharf_core::request::parse_message;
use wharf_core::{Code, MessageId, TenantId};
use wharf_store::messages::{Filter, Stored};
use wharf_store::{channels, messages, timeline};

use super::auth::Caller;
use super::openapi::shapes::gateway::Channels;
use super::openapi::shapes::messages::{DryRun, Message, MessageHistory, OutboundMessage};
use super::openapi::shapes::send::MessageIn;
use super::openapi::{Operation, shape};
pub(super) use super::query::{PAGE_DEFAULT, PAGE_MAX, Query};
use super::routes::Routes;
use super::{Problem, body};
use crate::accept::{self, Accepted, IdempotencyKey, Submission};
use crate::app::App;
use crate::view;

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(
            Operation::post("/v1/messages", "send_message")
                .about("messages", "Sends a message")
                .more(
                    "Answered once the message is stored; from then on it is not lost. Where it is, `GET` and the \
                     events say. With `dry_run=true` nothing is stored or sent, and the answer shows what would be.",
                )
                .query("dry_run", "Only check", json!({"type": "boolean", "default": false}))
                .idempotent()
                .takes(
                    shape::<MessageIn>(),
                    json!({"to": "+4915112345678", "type": "text", "text": {"body": "Hello"}}),
                )
                .answers(200, "A dry run: what would be sent", shape::<DryRun>())
                .answers(202, "Stored; on its way", shape::<OutboundMessage>())
                .refuses(&[
                    Code::ChannelUnknown,
                    Code::InvalidMessage,
                    Code::Unsupported,
                    Code::PluginFailed,
                ]),
            send_message,
        )
        .on(
            Operation::get("/v1/messages/{id}", "get_message")
                .about("messages", "A message and everything the gateway did with it")
                .path_parameter(
                    "id",
                    "The message's id, or `latest` for the newest one",
                    json!({"type": "string", "minLength": 1, "example": "latest"}),
                )
                .answers(200, "The message with its timeline", shape::<Message>().with::<MessageHistory>()),
            get_message,
        )
        .on(
            Operation::get("/v1/channels", "list_channels")
                .about("channels", "What the tenant can send through")
                .answers(200, "All channels", shape::<Channels>()),
            list_channels,
        )
}

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
    let mut request = parse_message(&body::json(&headers, &bytes)?)
        .map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?;
    caller.bind(&mut request.channel)?;
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
            let filter = Filter {
                channels: caller.channels().map(<[_]>::to_vec),
                ..Filter::default()
            };
            let newest = messages::find(&mut conn, &caller.tenant, &filter, None, 1).await?;
            newest.first().map(Stored::id).ok_or_else(missing)?
        }
        id => id.parse().map_err(|_| missing())?,
    };
    let found = timeline::read(&mut conn, &caller.tenant, id)
        .await?
        .filter(|found| caller.may_use(found.message.channel()))
        .ok_or_else(missing)?;
    let text = format!("{:#}\n", view::message_with_timeline(&found));
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], text).into_response())
}

/// `GET /v1/channels`: what the tenant can send through, and where its provider must call.
pub(super) async fn list_channels(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Value>, Problem> {
    let mut conn = app.db.read().await?;
    let rows = channels::list(&mut conn, &caller.tenant).await?;
    drop(conn);
    let mut data = Vec::with_capacity(rows.len());
    for row in rows.into_iter().filter(|row| caller.may_use(&row.id)) {
        let urls = app
            .directory
            .channel(&caller.tenant, &row.id)
            .await?
            .map(|c| c.shown_urls.clone());
        data.push(json!({
            "id": row.id,
            "provider": row.plugin,
            "sender": row.sender,
            "messages_per_second": row.per_second,
            "capabilities": capabilities(&app, &row.plugin),
            "webhook_urls": urls.unwrap_or_default(),
        }));
    }
    Ok(Json(json!({ "data": data })))
}

/// What the provider declares, by name. None while its plugin is not loaded.
fn capabilities(app: &App, plugin: &str) -> Option<Vec<String>> {
    let plugin = app.plugins.get(plugin)?;
    let all = plugin.descriptor().capabilities.iter();
    Some(all.map(|capability| capability.name.clone()).collect())
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
