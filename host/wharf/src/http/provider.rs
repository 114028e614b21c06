//! What lies below one channel and is its provider's to say: health, profile, and what was missed.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharf_core::provider::{ErrorClass, Json as Document, ProfileRequest};
use wharf_core::request::FieldError;
use wharf_core::{ChannelId, Code, TenantId};
use wharf_runtime::Interface;
use wharf_store::upkeep::CatchUpRow;
use wharf_store::{channel_health, upkeep as books};

use super::auth::Caller;
use super::messages::read;
use super::openapi::shapes::upkeep::{CatchUp, CatchUpIn, Health, Profile, ProfileChange};
use super::openapi::{Operation, shape};
use super::routes::Routes;
use super::{Chain, Problem, body};
use crate::app::App;
use crate::clock::rfc3339;
use crate::flows::{self, FlowError};
use crate::upkeep::{self, Line, NoLine, health};
use crate::workers::{catch_up_waiting, jobs};

const DAY_MS: i64 = 86_400_000;

/// What a request that a provider answers may come to.
pub(super) const REFUSALS: [Code; 4] = [
    Code::Unsupported,
    Code::RequestRejected,
    Code::ProviderFailed,
    Code::PluginFailed,
];

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(
            Operation::get("/v1/channels/{id}/health", "get_channel_health")
                .about("channels", "What is known of a channel's health")
                .answers(200, "By the last check, and what was reported since", shape::<Health>()),
            show_health,
        )
        .on(
            Operation::post("/v1/channels/{id}/health/check", "check_channel_health")
                .about("channels", "Asks the provider about a channel's health now")
                .answers(200, "What it says", shape::<Health>())
                .refuses(&REFUSALS),
            check_health,
        )
        .on(
            Operation::get("/v1/channels/{id}/profile", "get_channel_profile")
                .about("channels", "The public profile, as the provider shows it now")
                .answers(200, "The profile", shape::<Profile>())
                .refuses(&REFUSALS),
            show_profile,
        )
        .on(
            Operation::patch("/v1/channels/{id}/profile", "update_channel_profile")
                .about("channels", "Changes the public profile")
                .takes(shape::<ProfileChange>(), json!({"about": "Open from 9 to 5"}))
                .answers(200, "The profile as it is then", shape::<Profile>())
                .refuses(&REFUSALS),
            change_profile,
        )
        .on(
            Operation::get("/v1/channels/{id}/catch-up", "get_channel_catch_up")
                .about("channels", "How the last fetching of what was missed went")
                .answers(200, "How it went", shape::<CatchUp>()),
            show_catch_up,
        )
        .on(
            Operation::post("/v1/channels/{id}/catch-up", "catch_up_channel")
                .about("channels", "Fetches what the provider received since then")
                .more("For providers that do not repeat their webhooks. What did come as a webhook changes nothing again.")
                .takes(shape::<CatchUpIn>(), json!({"since": "2026-09-21T14:00:00Z"}))
                .answers(202, "It is in the queue", shape::<CatchUp>())
                .refuses(&[Code::InvalidRequest, Code::Unsupported, Code::PluginFailed]),
            catch_up,
        )
}

/// `GET /v1/channels/{id}/health`: what is known, and since when.
async fn show_health(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = known_channel(&app, &caller, &id).await?;
    let mut conn = app.db.read().await?;
    let row = channel_health::get(&mut conn, &caller.tenant, &id).await?;
    Ok(Json(health::view_of(&id, row.as_ref())))
}

/// `POST /v1/channels/{id}/health/check`: the provider is asked now.
async fn check_health(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = known_channel(&app, &caller, &id).await?;
    let line = found_line(&app, &caller.tenant, &id).await?;
    let plugin = line.plugin.name().to_owned();
    let checked = detached(async move { health::check(&app, &line).await }).await?;
    let row = checked.map_err(|error| not_done(&error, &plugin))?;
    Ok(Json(health::view_of(&id, Some(&row))))
}

/// `GET /v1/channels/{id}/profile`: as the provider shows it now.
async fn show_profile(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    profile(app, caller, &id, ProfileRequest::Get).await
}

/// `PATCH /v1/channels/{id}/profile`: the members to change, by the Cloud API's names.
async fn change_profile(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let bytes = read(&app, body).await?;
    let changes = body::json(&headers, &bytes)?;
    if changes.as_object().is_none_or(serde_json::Map::is_empty) {
        let detail = "the body is an object with the members to change, such as {\"about\": \"Open from 9 to 5\"}";
        return Err(
            Problem::new(Code::InvalidRequest).errors(vec![FieldError::new("", "invalid", detail)])
        );
    }
    let wrong = wrong_members(&changes);
    if !wrong.is_empty() {
        return Err(Problem::new(Code::InvalidRequest).errors(wrong));
    }
    profile(
        app,
        caller,
        &id,
        ProfileRequest::Set(Document::from(changes)),
    )
    .await
}

/// Members that everybody knows have their types; what else a provider takes is its plugin's to judge.
fn wrong_members(changes: &Value) -> Vec<FieldError> {
    const TEXTS: [&str; 5] = ["about", "address", "description", "email", "vertical"];
    let members = changes.as_object().into_iter().flatten();
    let wrong = members.filter_map(|(name, value)| {
        let wanted = match name.as_str() {
            name if TEXTS.contains(&name) => (!value.is_string()).then_some("a text"),
            "websites" => {
                let all = value.as_array();
                let texts = all.is_some_and(|all| all.iter().all(Value::is_string));
                (!texts).then_some("a list of texts")
            }
            _ => None,
        };
        let detail = format!("must be {}", wanted?);
        Some(FieldError::new(&format!("/{name}"), "wrong-type", detail))
    });
    wrong.collect()
}

async fn profile(
    app: Arc<App>,
    caller: Caller,
    id: &str,
    request: ProfileRequest,
) -> Result<Json<Value>, Problem> {
    let id = known_channel(&app, &caller, id).await?;
    let line = found_line(&app, &caller.tenant, &id).await?;
    let plugin = line.plugin.name().to_owned();
    let answered =
        detached(async move { flows::profile(&app, &line.plugin, &line.actor, &request).await })
            .await?;
    let profile = answered.map_err(|error| not_done(&error, &plugin))?;
    Ok(Json(
        json!({ "channel": id, "profile": profile.to_value() }),
    ))
}

/// `POST /v1/channels/{id}/catch-up` with `{"since": "2026-09-21T14:00:00Z"}`: 202 once the fetching of what
/// was missed since then is in the queue. What did come as a webhook changes nothing again.
async fn catch_up(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = known_channel(&app, &caller, &id).await?;
    let line = found_line(&app, &caller.tenant, &id).await?;
    if !line.plugin.has(Interface::Reconcile) {
        let detail = format!(
            "the provider {} has no list of what it received; it repeats its webhooks instead",
            line.plugin.name()
        );
        return Err(Problem::new(Code::Unsupported).detail(detail));
    }
    let bytes = read(&app, body).await?;
    let now = app.now_ms();
    let since = since(
        &body::json(&headers, &bytes)?,
        now,
        app.config.upkeep.catch_up_days_max,
    )?;
    let row = catch_up_waiting(since, now);
    let shown = view(&id, Some(&row));
    let job = jobs::catch_up(&caller.tenant, &id, since, now);
    let (queues, tenant) = (app.queues.clone(), caller.tenant.clone());
    app.db
        .try_write(move |tx| {
            Box::pin(async move {
                books::note_catch_up(tx, &tenant, &id, &row).await?;
                queues.push(tx, &[job], now).await
            })
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

fn since(document: &Value, now: i64, days_max: u32) -> Result<i64, Problem> {
    let object = document.as_object();
    let only = object.is_some_and(|it| it.len() == 1);
    let text = document["since"].as_str().filter(|_| only);
    let at = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let at = at.map(jiff::Timestamp::as_millisecond);
    let oldest = now - i64::from(days_max) * DAY_MS;
    at.filter(|at| (oldest..=now).contains(at)).ok_or_else(|| {
        let detail = format!(
            "is a time as in 2026-09-21T14:00:00Z, not in the future and at most {days_max} days ago (upkeep.catch_up_days_max)"
        );
        Problem::new(Code::InvalidRequest)
            .errors(vec![FieldError::new("/since", "invalid", detail)])
    })
}

/// `GET /v1/channels/{id}/catch-up`: how the last one went.
async fn show_catch_up(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = known_channel(&app, &caller, &id).await?;
    let mut conn = app.db.read().await?;
    let row = books::catch_up_of(&mut conn, &caller.tenant, &id).await?;
    Ok(Json(view(&id, row.as_ref())))
}

fn view(channel: &ChannelId, row: Option<&CatchUpRow>) -> Value {
    json!({
        "channel": channel,
        "status": row.map_or("never", |row| row.state.as_str()),
        "since": row.map(|row| rfc3339(row.since)),
        "items": row.map(|row| row.items),
        "error": row.and_then(|row| row.error.as_deref()),
        "updated_at": row.map(|row| rfc3339(row.updated_at)),
    })
}

async fn known_channel(app: &App, caller: &Caller, id: &str) -> Result<ChannelId, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: ChannelId = id.parse().map_err(|_| missing())?;
    let found = app.directory.channel(&caller.tenant, &id).await?;
    found.map(|_| id).ok_or_else(missing)
}

/// The channel with its plugin; a channel that the tenant does not have is not found.
pub(super) async fn found_line(
    app: &App,
    tenant: &TenantId,
    channel: &ChannelId,
) -> Result<Line, Problem> {
    upkeep::line(app, tenant, channel)
        .await?
        .map_err(|missing| match &missing {
            NoLine::Channel(_) => Problem::new(Code::NotFound).detail(missing.to_string()),
            NoLine::Plugin(_) => Problem::new(Code::PluginFailed).detail(missing.to_string()),
        })
}

/// Runs to its end although the caller leaves: what was begun at a provider may bring something that is
/// given out once.
pub(super) async fn detached<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| {
        tracing::error!(%error, "a request's work at a provider ended badly");
        Problem::new(Code::Internal)
    })
}

/// A flow's failure as the API shows it.
pub(super) fn not_done(error: &FlowError, plugin: &str) -> Problem {
    tracing::warn!(plugin.name = plugin, error = %Chain(error), "a provider did not do what was asked");
    let FlowError::Provider(refusal) = error else {
        let problem = match error {
            FlowError::Unsupported { .. } => Problem::new(Code::Unsupported),
            FlowError::Store(_) => return Problem::new(Code::Internal),
            _ => Problem::new(Code::PluginFailed),
        };
        return problem
            .detail(error.to_string())
            .with("reason", error.slug());
    };
    let code = match refusal.class {
        ErrorClass::Unsupported => Code::Unsupported,
        ErrorClass::RateLimited
        | ErrorClass::PairRateLimited
        | ErrorClass::ProviderUnavailable
        | ErrorClass::MalformedResponse => Code::ProviderFailed,
        _ => Code::RequestRejected,
    };
    let mut problem = Problem::new(code)
        .detail(refusal.detail.clone())
        .with("reason", refusal.class.as_str());
    if let Some(theirs) = &refusal.provider_code {
        problem = problem.with("provider_code", theirs.clone());
    }
    if let Some(remedy) = &refusal.remedy {
        problem = problem.with("remedy", remedy.clone());
    }
    problem
}
