//! `/v1/templates`: the tenant's message templates, as the last listings had them.

mod draft;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharf_core::request::FieldError;
use wharf_core::{ChannelId, Code, TemplateId, TenantId};
use wharf_store::channels;
use wharf_store::templates::{self, TemplateAccount, TemplateFilter, TemplateRow};

use self::draft::Draft;
use super::auth::Caller;
use super::messages::read;
use super::openapi::shapes::upkeep::{Template, TemplateIn, TemplatePage, TemplateSync};
use super::openapi::{Operation, shape};
use super::provider::{REFUSALS, detached, found_line, not_done};
use super::query::{PAGE_DEFAULT, PAGE_MAX, Query};
use super::routes::Routes;
use super::{Problem, body};
use crate::app::App;
use crate::clock::rfc3339;
use crate::upkeep::{Line, templates as lists};
use crate::workers::jobs;

pub(super) fn routes() -> Routes {
    let text = || json!({"type": "string"});
    Routes::new()
        .on(
            Operation::get("/v1/templates", "list_templates")
                .about("templates", "Templates as the last listings had them, newest first")
                .query("channel", "Of this channel's account", text())
                .query("status", "With this status, in any case", text())
                .query("name", "Of this name", text())
                .query("language", "In this language", text())
                .query("limit", "Templates on a page", json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}))
                .query("cursor", "The next_cursor of an earlier page", text())
                .answers(200, "One page", shape::<TemplatePage>())
                .refuses(&[Code::ChannelUnknown]),
            list,
        )
        .on(
            Operation::post("/v1/templates", "create_template")
                .about("templates", "Makes a template at the provider")
                .takes(shape::<TemplateIn>(), json!({
                    "channel": "main", "name": "order_update", "language": "en_US", "category": "UTILITY",
                    "components": [{ "type": "BODY", "text": "Order {{1}} is here today.",
                                     "example": { "body_text": [["17"]] } }],
                }))
                .answers(201, "The template as it is then; most wait for their review", shape::<Template>())
                .refuses(&REFUSALS)
                .refuses(&[Code::InvalidRequest, Code::ChannelUnknown]),
            create,
        )
        .on(
            Operation::get("/v1/templates/{id}", "get_template")
                .about("templates", "One template")
                .answers(200, "The template", shape::<Template>()),
            show,
        )
        .on(
            Operation::delete("/v1/templates/{id}", "delete_template")
                .about("templates", "Deletes a template at the provider")
                .query("all_languages", "All languages of the name, not only this one", json!({"type": "boolean", "default": false}))
                .answers_empty(204, "It is gone")
                .refuses(&REFUSALS)
                .refuses(&[Code::ChannelUnknown]),
            delete,
        )
        .on(
            Operation::post("/v1/channels/{id}/templates/sync", "sync_templates")
                .about("templates", "Lists the account's templates anew")
                .answers(202, "The listing is in the queue; this is how the last one went", shape::<TemplateSync>())
                .refuses(&[Code::Unsupported, Code::PluginFailed]),
            sync,
        )
        .on(
            Operation::get("/v1/channels/{id}/templates/sync", "get_template_sync")
                .about("templates", "When the templates were listed last, and how that went")
                .answers(200, "How it went", shape::<TemplateSync>())
                .refuses(&[Code::PluginFailed]),
            sync_state,
        )
}

/// `GET /v1/templates?channel=&status=&name=&language=&limit=&cursor=`: newest first.
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let known = ["channel", "status", "name", "language", "limit", "cursor"];
    let query = Query::read(query.as_deref(), &known)?;
    let wrong = |detail: String| Problem::new(Code::InvalidQuery).detail(detail);
    let limit = i64::try_from(query.limit()?).unwrap_or(i64::MAX - 1);
    let cursor = query.value("cursor").map(|text| {
        text.parse::<TemplateId>()
            .map_err(|_| wrong("cursor is the next_cursor of an earlier page".to_owned()))
    });
    let of = match query.value("channel") {
        None => None,
        Some(id) => Some(account(&app, &caller, id).await?),
    };
    let text = |name: &str| query.value(name).map(str::to_owned);
    let filter = TemplateFilter {
        of,
        name: text("name"),
        language: text("language"),
        status: text("status"),
    };
    let mut conn = app.db.read().await?;
    let cursor = cursor.transpose()?;
    let page = templates::page(&mut conn, &caller.tenant, &filter, cursor, limit + 1).await?;
    let more = page.len() as i64 > limit;
    let shown = &page[..page.len().min(usize::try_from(limit).unwrap_or(0))];
    let next_cursor = more.then(|| shown.last().map(|row| row.id)).flatten();
    let data: Vec<_> = shown.iter().map(lists::view_of).collect();
    Ok(Json(json!({ "data": data, "next_cursor": next_cursor })))
}

async fn account(app: &App, caller: &Caller, id: &str) -> Result<TemplateAccount, Problem> {
    let found = match id.parse::<ChannelId>() {
        Ok(id) => app.directory.channel(&caller.tenant, &id).await?,
        Err(_) => None,
    };
    let channel = found.ok_or_else(|| {
        Problem::new(Code::ChannelUnknown).detail(format!("the tenant has no channel {id}"))
    })?;
    Ok(lists::account_of(&channel))
}

/// `GET /v1/templates/{id}`
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(lists::view_of(&find(&app, &caller, &id).await?)))
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<TemplateRow, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: TemplateId = id.parse().map_err(|_| missing())?;
    let mut conn = app.db.read().await?;
    let row = templates::get(&mut conn, &caller.tenant, id).await?;
    row.ok_or_else(missing)
}

/// `POST /v1/templates`: made at the provider, in the shape of the Cloud API. 201 with the template as it is
/// then; most wait for their review.
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = read(&app, body).await?;
    let document = body::json(&headers, &bytes)?;
    let mut conn = app.db.read().await?;
    let (channel, draft) = Draft::read(&mut conn, &caller.tenant, &document, app.now_ms()).await?;
    drop(conn);
    let channel = match channel {
        Some(channel) => named_channel(&app, &caller.tenant, channel).await?,
        None => only_channel(&app, &caller.tenant).await?,
    };
    let line = found_line(&app, &caller.tenant, &channel).await?;
    let plugin = line.plugin.name().to_owned();
    let made = {
        let app = Arc::clone(&app);
        detached(async move { lists::create(&app, &line, draft).await }).await?
    };
    let id = made.map_err(|error| not_done(&error, &plugin))?;
    let row = find(&app, &caller, &id.to_string()).await?;
    Ok((StatusCode::CREATED, Json(lists::view_of(&row))).into_response())
}

async fn named_channel(
    app: &App,
    tenant: &TenantId,
    channel: ChannelId,
) -> Result<ChannelId, Problem> {
    if app.directory.channel(tenant, &channel).await?.is_some() {
        return Ok(channel);
    }
    let detail = format!("the tenant has no channel {channel}");
    Err(Problem::new(Code::ChannelUnknown)
        .errors(vec![FieldError::new("/channel", "invalid", detail)]))
}

async fn only_channel(app: &App, tenant: &TenantId) -> Result<ChannelId, Problem> {
    let all = app.directory.channel_ids(tenant).await?;
    match all.as_slice() {
        [only] => Ok(only.clone()),
        all => {
            let names: Vec<_> = all.iter().map(ChannelId::as_str).collect();
            let detail = format!("name one of the tenant's channels: {}", names.join(", "));
            Err(Problem::new(Code::ChannelUnknown)
                .errors(vec![FieldError::new("/channel", "missing", detail)]))
        }
    }
}

/// `DELETE /v1/templates/{id}?all_languages=`: deleted at the provider, this language or all of the name.
async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, Problem> {
    let query = Query::read(query.as_deref(), &["all_languages"])?;
    let all_languages = match query.value("all_languages") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            let detail = "all_languages is true or false";
            return Err(Problem::new(Code::InvalidQuery).detail(detail));
        }
    };
    let row = find(&app, &caller, &id).await?;
    let line = line_of(&app, &caller.tenant, &row.of).await?;
    let plugin = line.plugin.name().to_owned();
    let deleted =
        detached(async move { lists::delete(&app, &line, row, all_languages).await }).await?;
    deleted.map_err(|error| not_done(&error, &plugin))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Any channel of the account.
async fn line_of(app: &App, tenant: &TenantId, of: &TemplateAccount) -> Result<Line, Problem> {
    let mut conn = app.db.read().await?;
    let rows = channels::list(&mut conn, tenant).await?;
    drop(conn);
    let channel = rows
        .into_iter()
        .find(|row| TemplateAccount::of(&row.plugin, row.account.as_deref(), &row.id) == *of);
    let Some(channel) = channel else {
        let detail = "no channel of the template's account is left";
        return Err(Problem::new(Code::ChannelUnknown).detail(detail));
    };
    found_line(app, tenant, &channel.id).await
}

/// `POST /v1/channels/{id}/templates/sync`: 202 once the listing is in the queue.
async fn sync(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let line = channel_line(&app, &caller, &id).await?;
    if !lists::has(&line) {
        let detail = format!("the provider {} has no templates", line.plugin.name());
        return Err(Problem::new(Code::Unsupported).detail(detail));
    }
    let (now, of) = (app.now_ms(), lists::account_of(&line.channel));
    let job = jobs::templates_sync(
        &caller.tenant,
        &line.channel.id,
        &of,
        jobs::ASKED,
        (now, now),
    );
    let queues = app.queues.clone();
    app.db
        .try_write(move |tx| Box::pin(async move { queues.push(tx, &[job], now).await }))
        .await?;
    let shown = state_of(&app, &caller, &of).await?;
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

/// `GET /v1/channels/{id}/templates/sync`: when the list was fetched last, and how that went.
async fn sync_state(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let line = channel_line(&app, &caller, &id).await?;
    let of = lists::account_of(&line.channel);
    Ok(Json(state_of(&app, &caller, &of).await?))
}

async fn channel_line(app: &App, caller: &Caller, id: &str) -> Result<Line, Problem> {
    let id: ChannelId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    found_line(app, &caller.tenant, &id).await
}

async fn state_of(app: &App, caller: &Caller, of: &TemplateAccount) -> Result<Value, Problem> {
    let mut conn = app.db.read().await?;
    let sync = templates::sync_of(&mut conn, &caller.tenant, of).await?;
    Ok(json!({
        "provider": of.plugin,
        "account": of.account,
        "synced_at": sync.synced_at.map(rfc3339),
        "failed_at": sync.failed_at.map(rfc3339),
        "error": sync.error,
    }))
}
