//! `/v1/keys`: a tenant's API keys. A key is shown once, when it is made; what is kept is its hash.
//!
//! Nobody gives away or takes over more than they have: a new key may do at most what the caller's may, and only
//! a key that may do as much can be replaced.

mod wanted;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use wharf_core::scope::{self, Scope};
use wharf_core::{Code, api_key};
use wharf_store::Origin;
use wharf_store::keys::{self, KeyRow};

use super::auth::Caller;
use super::messages::{self, PAGE_DEFAULT, PAGE_MAX, Query};
use super::openapi::shapes::keys::{Key, KeyIn, KeyPage, RotationIn, Secret};
use super::openapi::{Operation, shape};
use super::routes::Routes;
use super::{Problem, body};
use crate::app::App;
use crate::clock::{random, rfc3339};
use wanted::{OVERLAP_DEFAULT_S, Wanted, overlap};

/// Live keys of one tenant. Each service of a large one has its own; more are a loop that makes keys.
const LIVE_MAX: usize = 1000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(
            Operation::get("/v1/keys", "list_keys")
                .about("keys", "The tenant's API keys, newest first")
                .more("Ended ones too. The keys themselves cannot be read again.")
                .query("limit", "Keys on a page", json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}))
                .query("cursor", "The next_cursor of an earlier page", json!({"type": "string"}))
                .answers(200, "One page", shape::<KeyPage>()),
            list_keys,
        )
        .on(
            Operation::post("/v1/keys", "create_key")
                .about("keys", "Makes an API key")
                .more("The answer holds the key, and nothing else ever does: keep it.")
                .takes(
                    shape::<KeyIn>(),
                    json!({"name": "shop", "scopes": ["messages:write", "media:write"], "requests_per_minute": 600}),
                )
                .answers(201, "The key, this once", shape::<Key>().with::<Secret>())
                .refuses(&[Code::TooManyKeys]),
            create_key,
        )
        .on(
            Operation::delete("/v1/keys/{id}", "delete_key")
                .about("keys", "Ends an API key")
                .more("At once here, within 5 s on other nodes.")
                .answers_empty(204, "It opens nothing any more")
                .refuses(&[Code::KeyOfFile]),
            delete_key,
        )
        .on(
            Operation::post("/v1/keys/{id}/rotate", "rotate_key")
                .about("keys", "Replaces an API key by a new one that may do the same")
                .more("The old one works on for `overlap_s`, so that callers can change over one by one.")
                .may_take(shape::<RotationIn>(), json!({"overlap_s": 3600}))
                .answers(201, "The new key, this once", shape::<Key>().with::<Secret>())
                .refuses(&[Code::KeyOfFile, Code::TooManyKeys]),
            rotate_key,
        )
}

async fn list_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::read(query.as_deref(), &["limit", "cursor"])?;
    let limit = query.limit()?;
    let mut conn = app.db.read().await?;
    let all = keys::list(&mut conn, &caller.tenant).await?;
    let from = match query.value("cursor") {
        None => 0,
        Some(cursor) => all
            .iter()
            .position(|key| key.id == cursor)
            .map_or(all.len(), |at| at + 1),
    };
    let page: Vec<_> = all.iter().skip(from).take(limit).collect();
    let more = all.len() > from + page.len();
    let next_cursor = page.last().filter(|_| more).map(|key| key.id.as_str());
    let now = app.now_ms();
    let data: Vec<_> = page.iter().map(|key| shown(key, now)).collect();
    Ok(Json(json!({ "data": data, "next_cursor": next_cursor })))
}

async fn create_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = messages::read(&app, body).await?;
    let wanted = body::json(&headers, &bytes)?;
    let known = app.directory.channel_ids(&caller.tenant).await?;
    let now = app.now_ms();
    let wanted = Wanted::read(&wanted, caller.scopes(), &known, now)
        .map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?;
    let new = api_key::create(&random());
    let row = KeyRow {
        id: new.id,
        tenant: caller.tenant.clone(),
        name: wanted.name,
        hash: new.hash,
        origin: Origin::Api,
        scopes: wanted.scopes,
        channels: wanted.channels,
        requests_per_minute: wanted.requests_per_minute,
        replaces: None,
        last_used_at: None,
        created_at: now,
        expires_at: wanted.expires_at,
        revoked_at: None,
    };
    keep(&app, row, new.key, None).await
}

async fn delete_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let key = changeable(&app, &caller, &id).await?;
    let now = app.now_ms();
    let ended = app
        .db
        .try_write(move |tx| {
            Box::pin(async move { keys::revoke(tx, &key.tenant, &key.id, now).await })
        })
        .await?;
    app.directory.forget_keys();
    match ended {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(Code::NotFound)),
    }
}

async fn rotate_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let old = changeable(&app, &caller, &id).await?;
    let bytes = messages::read(&app, body).await?;
    let overlap_s = match bytes.is_empty() {
        true => OVERLAP_DEFAULT_S,
        false => overlap(&body::json(&headers, &bytes)?)
            .map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?,
    };
    if !covered(caller.scopes(), &old.scopes) {
        let detail = "only a key that may do as much can replace this one";
        return Err(Problem::new(Code::Forbidden).detail(detail));
    }
    let now = app.now_ms();
    let ends_at = now.saturating_add(i64::try_from(overlap_s * 1000).unwrap_or(i64::MAX));
    let new = api_key::create(&random());
    // It lives as long as the old one was meant to.
    let lifetime = old.expires_at.map(|at| at - old.created_at);
    let row = KeyRow {
        id: new.id,
        hash: new.hash,
        replaces: Some(old.id.clone()),
        expires_at: lifetime.map(|ms| now.saturating_add(ms)),
        last_used_at: None,
        created_at: now,
        ..old
    };
    keep(&app, row, new.key, Some(ends_at)).await
}

/// Keeps a new key and, where it replaces one, sets that one's end: both or neither.
async fn keep(
    app: &App,
    row: KeyRow,
    key: SecretString,
    old_ends_at: Option<i64>,
) -> Result<Response, Problem> {
    let now = app.now_ms();
    let kept = row.clone();
    let outcome = app
        .db
        .try_write(move |tx| {
            Box::pin(async move {
                let all = keys::list(tx, &kept.tenant).await?;
                if all.iter().filter(|key| key.is_live(now)).count() >= LIVE_MAX {
                    return Ok(Err(Code::TooManyKeys));
                }
                if let (Some(old), Some(ends_at)) = (&kept.replaces, old_ends_at)
                    && !keys::end_at(tx, &kept.tenant, old, ends_at, now).await?
                {
                    return Ok(Err(Code::NotFound));
                }
                keys::insert(tx, &kept).await?;
                Ok(Ok(()))
            })
        })
        .await?;
    outcome.map_err(Problem::new)?;
    app.directory.forget_keys();
    let mut body = shown(&row, now);
    body["key"] = key.expose_secret().into();
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    // What is shown once must not lie in a cache.
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    Ok(response)
}

/// The tenant's live key of this id, unless it stands in a file.
async fn changeable(app: &App, caller: &Caller, id: &str) -> Result<KeyRow, Problem> {
    let mut conn = app.db.read().await?;
    let all = keys::list(&mut conn, &caller.tenant).await?;
    let found = all.into_iter().find(|key| key.id == id);
    let found = found.filter(|key| key.is_live(app.now_ms()));
    let key = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    match key.origin {
        Origin::File => Err(Problem::new(Code::KeyOfFile)),
        Origin::Api => Ok(key),
    }
}

fn covered(held: &[Scope], wanted: &[Scope]) -> bool {
    wanted.iter().all(|scope| scope::allows(held, scope))
}

/// What may be known of a key.
fn shown(key: &KeyRow, now: i64) -> Value {
    let state = match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    };
    let scopes: Vec<_> = key.scopes.iter().map(ToString::to_string).collect();
    json!({
        "id": key.id,
        "name": key.name,
        // Of a key in a file only the hash is known.
        "prefix": (key.origin == Origin::Api).then(|| api_key::prefix(&key.id)),
        "origin": key.origin.as_str(),
        "scopes": scopes,
        "channels": key.channels,
        "requests_per_minute": key.requests_per_minute,
        "replaces": key.replaces,
        "state": state,
        "last_used_at": key.last_used_at.map(rfc3339),
        "created_at": rfc3339(key.created_at),
        "expires_at": key.expires_at.map(rfc3339),
        "revoked_at": key.revoked_at.map(rfc3339),
    })
}
