//! `/v1/channels`: the numbers that a tenant can send through, of files and of the API side by side.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharf_core::provider::Purpose;
use wharf_core::{ChannelId, Code};
use wharf_store::channels::{self, ChannelRow};

use super::Problem;
use super::auth::Caller;
use super::openapi::shapes::gateway::{Channel, Channels};
use super::openapi::shapes::onboarding::ChannelOrigin;
use super::openapi::{Operation, shape};
use super::routes::Routes;
use crate::app::App;
use crate::clock::rfc3339;
use crate::onboarding;

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(
            Operation::get("/v1/channels", "list_channels")
                .about("channels", "What the tenant can send through")
                .answers(200, "All channels", shape::<Channels>()),
            list,
        )
        .on(
            Operation::get("/v1/channels/{id}", "get_channel")
                .about("channels", "One channel, with the flows that mend it")
                .answers(
                    200,
                    "The channel",
                    shape::<Channel>().with::<ChannelOrigin>(),
                ),
            show,
        )
        .on(
            Operation::delete("/v1/channels/{id}", "delete_channel")
                .about(
                    "channels",
                    "Removes a channel that the API made, with its secrets",
                )
                .more("At the provider it stays as it is.")
                .answers_empty(204, "It is gone here")
                .refuses(&[Code::ChannelFromFile]),
            remove,
        )
}

/// `GET /v1/channels`: what the tenant can send through, and where its provider must call.
async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Problem> {
    let mut conn = app.db.read().await?;
    let rows = channels::list(&mut conn, &caller.tenant).await?;
    drop(conn);
    let mut data = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| caller.may_use(&row.id)) {
        data.push(view(&app, row).await?);
    }
    Ok(Json(json!({ "data": data })))
}

/// `GET /v1/channels/{id}`: one of them, with the flows that mend it.
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: ChannelId = id.parse().map_err(|_| missing())?;
    let mut conn = app.db.read().await?;
    let row = channels::get(&mut conn, &caller.tenant, &id).await?;
    let row = row.ok_or_else(missing)?;
    let made = channels::made_by(&mut conn, &caller.tenant, &id).await?;
    drop(conn);
    let mut shown = view(&app, &row).await?;
    shown["title"] = made.as_ref().map(|made| made.title.clone()).into();
    shown["onboarding"] = made.map(|made| made.session.to_string()).into();
    shown["account"] = row.account.clone().into();
    shown["app"] = json!(row.app_id);
    shown["created_at"] = rfc3339(row.created_at).into();
    shown["flows"] = flows(&app, &row);
    Ok(Json(shown))
}

/// `DELETE /v1/channels/{id}`: it is gone here, with its secrets; at the provider it stays as it is.
async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    onboarding::remove(&app, &caller.tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn view(app: &App, row: &ChannelRow) -> Result<Value, Problem> {
    let found = app.directory.channel(&row.tenant, &row.id).await?;
    let urls = found.map(|channel| channel.shown_urls.clone());
    Ok(json!({
        "id": row.id,
        "provider": row.plugin,
        "sender": row.sender,
        "source": row.origin.as_str(),
        "messages_per_second": row.per_second,
        "capabilities": capabilities(app, &row.plugin),
        "webhook_urls": urls.unwrap_or_default(),
    }))
}

/// What the provider declares, by name. None while its plugin is not loaded.
fn capabilities(app: &App, plugin: &str) -> Option<Vec<String>> {
    let plugin = app.plugins.get(plugin)?;
    let all = plugin.descriptor().capabilities.iter();
    Some(all.map(|capability| capability.name.clone()).collect())
}

/// The flows for a channel that is there.
fn flows(app: &App, row: &ChannelRow) -> Value {
    let Some(plugin) = app.plugins.get(&row.plugin) else {
        return json!([]);
    };
    let flows = plugin.descriptor().flows.iter();
    let flows = flows.filter(|flow| flow.purpose != Purpose::Connect);
    flows
        .map(|flow| json!({ "id": flow.id, "title": flow.title, "purpose": flow.purpose }))
        .collect()
}
