//! `/v1/media`: a tenant's stored objects. The bytes are the body, as they are: streamed to the disk while
//! they come in, counted and hashed on the way, never held whole.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::json;
use sha2::{Digest, Sha256};
use wharf_core::provider::{InboundContent, InboundMedia, MediaRef};
use wharf_core::request::FieldError;
use wharf_core::{Code, MediaId, MessageId};
use wharf_egress::{MediaError, NewMedia, file_name, media_type};
use wharf_store::inbound_media;
use wharf_store::media::{self, MediaOrigin, MediaRow};
use wharf_store::messages::{self, Inbound, Stored};

use super::auth::Caller;
use super::media as stream;
use super::openapi::shapes::media::Media;
use super::openapi::{Operation, Shape, shape};
use super::provider::found_line;
use super::query::Query;
use super::routes::Routes;
use super::{Chain, Problem, body};
use crate::announce::Announcer;
use crate::app::App;
use crate::flows::FlowError;
use crate::upkeep::media::{self as intake, About, NotFetched};
use crate::view;

/// What no medium of a message has: the first is what a client sends that does not know the type, the others
/// are forms, whose parts would be stored as one.
const TYPES_REFUSED: [&str; 3] = [
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];

/// What is read and thrown away of an object that was refused. A client that is still sending when the
/// connection closes sees a broken pipe and not the reason; most objects are smaller than this.
const REFUSED_BYTES_READ_MAX: u64 = 16 << 20;

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(
            Operation::post("/v1/media", "upload_media")
                .about("media", "Stores an object")
                .more("The body is the object as it is, and `Content-Type` its own type, for example image/jpeg.")
                .query("filename", "How it is called", json!({"type": "string", "minLength": 1}))
                .takes_bytes("*/*")
                .answers(201, "Stored", shape::<Media>())
                .refuses(&[Code::InvalidRequest, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::NoRoom]),
            upload,
        )
        .on(
            Operation::get("/v1/media/{id}", "get_media")
                .about("media", "What is known of an object")
                .answers(200, "The object's description", shape::<Media>()),
            describe,
        )
        .on(
            Operation::delete("/v1/media/{id}", "delete_media")
                .about("media", "Removes an object")
                .more("At once. A message that still waits with it will fail.")
                .answers_empty(204, "It is gone"),
            delete,
        )
        .on(
            Operation::get("/v1/media/{id}/content", "get_media_content")
                .about("media", "An object's bytes, whole or in part")
                .header("Range", "A part, as bytes=0-1023", json!({"type": "string"}))
                .answers_as(200, "The whole object, with its own type", "*/*", Shape::bytes())
                .answers_as(206, "A part of it", "*/*", Shape::bytes()),
            content,
        )
        .on(
            Operation::post("/v1/messages/{id}/media", "fetch_message_media")
                .about("media", "Fetches the medium of a received message into the store")
                .more("Whatever its size and type. The gateway does so by itself where `media.fetch` is on; what is there already is answered at once.")
                .answers(200, "It was there already", shape::<Media>())
                .answers(201, "Stored", shape::<Media>())
                .refuses(&[Code::MediaUnavailable, Code::PluginFailed, Code::Unsupported]),
            fetch,
        )
}

/// `POST /v1/media?filename=`: the body is the object. 201 once it is on disk.
pub(super) async fn upload(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    mut body: Body,
) -> Result<Response, Problem> {
    let stored = store(&app, &caller, query.as_deref(), &headers, &mut body).await;
    if stored.is_err() {
        let mut read = 0;
        while read < REFUSED_BYTES_READ_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            read += frame.data_ref().map_or(0, |chunk| chunk.len() as u64);
        }
    }
    let row = row_of(&app, &caller, &stored?).await?;
    Ok((StatusCode::CREATED, Json(view::media(&row))).into_response())
}

async fn store(
    app: &App,
    caller: &Caller,
    query: Option<&str>,
    headers: &HeaderMap,
    object: &mut Body,
) -> Result<MediaRef, Problem> {
    body::not_compressed(headers)?;
    let query = Query::read(query, &["filename"])?;
    let filename = match query.value("filename") {
        None => None,
        Some(name) => Some(file_name(name).ok_or_else(|| {
            Problem::new(Code::InvalidQuery).detail("filename has nothing that can be kept")
        })?),
    };
    let announced = headers.get(header::CONTENT_LENGTH);
    let new = NewMedia {
        content_type: content_type(headers)?,
        filename,
        bytes_max: app.config.media.object_bytes_max,
        announced_bytes: announced.and_then(|text| text.to_str().ok()?.parse().ok()),
    };
    let store = app.media.of(&caller.tenant, MediaOrigin::Tenant);
    let mut sink = store.create(new).await.map_err(not_stored)?;
    let (mut hash, mut size) = (Sha256::new(), 0_u64);
    while let Some(frame) = object.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(Code::InvalidRequest).detail("the body ended before it was complete")
        })?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        hash.update(&chunk);
        size += chunk.len() as u64;
        sink.write(chunk).await.map_err(not_stored)?;
    }
    if size == 0 {
        let detail = "the body is empty; send the object's bytes as they are";
        return Err(Problem::new(Code::InvalidRequest).detail(detail));
    }
    let stored = sink.finish(hash.finalize().into(), size).await;
    stored.map_err(not_stored)
}

/// `GET /v1/media/{id}`: what is known of an object.
pub(super) async fn describe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = find(&app, &caller, &id).await?;
    Ok(Json(view::media(&row)).into_response())
}

/// `GET /v1/media/{id}/content`: its bytes, whole or in part.
pub(super) async fn content(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = find(&app, &caller, &id).await?;
    match app.media.file_of(&row).await {
        Ok(file) => Ok(stream::answer(&row, file, &headers).await),
        Err(error) => {
            tracing::error!(media.id = %row.id, error = %Chain(&error), "a stored object could not be read");
            Err(Problem::new(Code::Internal))
        }
    }
}

/// `DELETE /v1/media/{id}`: gone at once. A message that still waits with it will fail.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: MediaId = id.parse().map_err(|_| missing())?;
    match app.media.delete(&caller.tenant, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing()),
    }
}

/// `POST /v1/messages/{id}/media`: the medium of a message that came in, fetched from the provider into the
/// store now, whatever its size and type. 201 with the object; 200 with the one that is there already.
pub(super) async fn fetch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (message, medium) = inbound_medium(&app, &caller, &id).await?;
    if let Some(row) = attached(&app, &caller, message.id).await? {
        return Ok(Json(view::media(&row)).into_response());
    }
    let line = found_line(&app, &caller.tenant, &message.channel).await?;
    let plugin = line.plugin.name().to_owned();
    let fetched = intake::fetch(&app, &line, &medium, None).await;
    let fetched = fetched.map_err(|reason| not_fetched(reason, &plugin))?;
    let row = row_of(&app, &caller, &fetched).await?;
    let announcer = Arc::new(Announcer::of(&app, &caller.tenant).await?);
    let (about, media, now) = (About::from(&*message), row.clone(), app.now_ms());
    let is_ours = app
        .db
        .write(move |tx| {
            Box::pin(async move { intake::attach(tx, &announcer, &about, &media, now).await })
        })
        .await?;
    if is_ours {
        return Ok((StatusCode::CREATED, Json(view::media(&row))).into_response());
    }
    // Fetched twice at once: the other one is the message's.
    intake::discard(&app, &caller.tenant, &fetched).await;
    let other = attached(&app, &caller, message.id).await?;
    let row = other.ok_or_else(|| Problem::new(Code::MediaUnavailable))?;
    Ok(Json(view::media(&row)).into_response())
}

/// The message's object, while it lives.
async fn attached(
    app: &App,
    caller: &Caller,
    message: MessageId,
) -> Result<Option<MediaRow>, Problem> {
    let mut conn = app.db.read().await?;
    let row = inbound_media::get(&mut conn, &caller.tenant, message).await?;
    match row.and_then(|row| row.media) {
        Some(id) => Ok(media::get(&mut conn, &caller.tenant, id, app.now_ms()).await?),
        None => Ok(None),
    }
}

async fn inbound_medium(
    app: &App,
    caller: &Caller,
    id: &str,
) -> Result<(Box<Inbound>, InboundMedia), Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: MessageId = id.parse().map_err(|_| missing())?;
    let mut conn = app.db.read().await?;
    let found = messages::get_any(&mut conn, &caller.tenant, id).await?;
    let found = found.filter(|message| caller.may_use(message.channel()));
    match found.ok_or_else(missing)? {
        Stored::Inbound(message) => match &message.content {
            InboundContent::Media(medium) => {
                let medium = medium.clone();
                Ok((message, medium))
            }
            _ => Err(missing().detail("the message has no medium")),
        },
        Stored::Outbound(_) => {
            Err(missing().detail("only media of messages that came in are fetched"))
        }
    }
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<MediaRow, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: MediaId = id.parse().map_err(|_| missing())?;
    let mut conn = app.db.read().await?;
    let row = media::get(&mut conn, &caller.tenant, id, app.now_ms()).await?;
    row.ok_or_else(missing)
}

async fn row_of(app: &App, caller: &Caller, stored: &MediaRef) -> Result<MediaRow, Problem> {
    find(app, caller, &stored.handle).await
}

/// The object's own type, which the provider and the recipient's phone will go by.
fn content_type(headers: &HeaderMap) -> Result<String, Problem> {
    let given = headers.get(header::CONTENT_TYPE);
    let known = given
        .and_then(|value| value.to_str().ok())
        .and_then(media_type);
    let known = known.filter(|known| {
        let essence = known.split(';').next().unwrap_or_default();
        !TYPES_REFUSED.contains(&essence)
    });
    known.ok_or_else(|| {
        let detail = "the header Content-Type names the object's own type, for example image/jpeg; the body is the object and no form";
        Problem::new(Code::InvalidRequest).errors(vec![FieldError::new("", "invalid", detail)])
    })
}

fn not_stored(error: MediaError) -> Problem {
    match error {
        MediaError::TooLarge { bytes_max } => Problem::new(Code::BodyTooLarge).detail(format!(
            "an object has at most {bytes_max} bytes (media.object_bytes_max)"
        )),
        MediaError::NoRoom { reason } => {
            tracing::warn!(reason, "an object could not be stored");
            Problem::new(Code::NoRoom).detail(reason)
        }
        error => {
            tracing::error!(error = %Chain(&error), "an object could not be stored");
            Problem::new(Code::Internal)
        }
    }
}

fn not_fetched(reason: NotFetched, plugin: &str) -> Problem {
    let shown = reason.shown();
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    let code = match &reason {
        NotFetched::Flow(FlowError::Unsupported { .. }) => Code::Unsupported,
        NotFetched::Flow(FlowError::Store(_)) => Code::Internal,
        NotFetched::Flow(FlowError::Provider(_))
        | NotFetched::Unwanted(_)
        | NotFetched::Garbled => Code::MediaUnavailable,
        NotFetched::Flow(_) => Code::PluginFailed,
    };
    tracing::warn!(plugin.name = plugin, error = %shown, "a medium could not be fetched");
    let problem = Problem::new(code).with("reason", text("code"));
    match code {
        Code::Internal => problem,
        _ => problem.detail(text("detail")),
    }
}
