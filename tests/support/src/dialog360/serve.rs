//! The door of 360dialog's messaging API: no version, no number in the path, a key in a header.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::Shared;
use super::channel::Channel;
use super::{error, partner, setup};
use crate::cloud::GraphError;
use crate::cloud::media::shown;
use crate::cloud::message::{Door, is_digits};
use crate::cloud::multipart;
use crate::cloud::serve::{self, Outcome, Refusal, Reply, Request};
use crate::server::Connection;

/// Of one number.
const UPLOADS_PER_SECOND_MAX: u32 = 25;
const ATTACHMENTS: &str = "/whatsapp_business/attachments/";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: HttpRequest,
) -> Response {
    let trace_id = shared.platform.next_trace_id();
    let request = match Request::read(request).await {
        Ok(request) => request,
        Err(error) => return serve::json_answer(error.status, &error.body(&trace_id), &trace_id),
    };
    let outcome = handle(&shared, &request, &trace_id);
    serve::finish(&shared.platform, request, outcome, &connection).await
}

fn handle(shared: &Shared, request: &Request, trace_id: &str) -> Outcome {
    if request.host() == shared.config.expected_partner_host {
        let call = partner::name_of(request);
        return serve::perform(&shared.platform, call, trace_id, || {
            partner::call(shared, request)
        });
    }
    let refused = |refusal| Outcome::refused("", refusal, trace_id);
    if request.host() != shared.config.expected_host {
        let text = format!("there is no API at '{}'", request.host());
        return refused(shared.own_error(421, &text));
    }
    let channel = match authorize(shared, request) {
        Ok(channel) => channel,
        Err(refusal) => return refused(refusal),
    };
    if request.method == Method::POST && request.path == "/messages" {
        let door = Door {
            version: "",
            is_marketing: false,
        };
        let accepted =
            StatusCode::from_u16(shared.config.accepted_status).unwrap_or(StatusCode::OK);
        let number = channel.as_number();
        return serve::message(&shared.platform, request, &number, door, accepted, trace_id);
    }
    let call = name_of(request);
    serve::perform(&shared.platform, call, trace_id, || {
        dispatch(shared, request, &channel, call)
    })
}

/// The key selects the number; without a good one nothing is said about the rest.
fn authorize(shared: &Shared, request: &Request) -> Result<Channel, Refusal> {
    let invalid = || shared.own_error(401, "Invalid api key");
    let key = request.header("d360-api-key").ok_or_else(invalid)?;
    let channel = shared.books().by_key(key).cloned().ok_or_else(invalid)?;
    if channel.is_disabled {
        return Err(shared.own_error(400, "API is disabled for this number"));
    }
    if channel.is_unpaid {
        return Err(shared.own_error(400, "Sending is blocked because of a lack of payment"));
    }
    Ok(channel)
}

fn name_of(request: &Request) -> &'static str {
    let verb = &request.method;
    match request.path.as_str() {
        "/media" => "media.upload",
        ATTACHMENTS => "media.download",
        "/v1/configs/templates" if verb == Method::GET => "templates.list",
        "/v1/configs/templates" => "templates.create",
        "/v1/configs/webhook" if verb == Method::GET => "webhook.get",
        "/v1/configs/webhook" => "webhook.set",
        "/waba_webhook" => "webhook.account",
        "/multi_webhook" => "webhook.multi",
        "/health_status" => "health",
        "/whatsapp_business_profile" if verb == Method::GET => "profile.get",
        "/whatsapp_business_profile" => "profile.set",
        path if path.starts_with("/v1/configs/templates/") => "templates.delete",
        path if path.strip_prefix('/').is_some_and(is_digits) && verb == Method::DELETE => {
            "media.delete"
        }
        path if path.strip_prefix('/').is_some_and(is_digits) => "media.get",
        _ => "",
    }
}

fn dispatch(
    shared: &Shared,
    request: &Request,
    channel: &Channel,
    call: &str,
) -> Result<Reply, Refusal> {
    match (call, request.method.as_str()) {
        ("media.upload", "POST") => upload(shared, request, channel),
        ("media.get" | "media.download", "GET") => {
            let now_ms = shared.platform.clock.now_ms();
            if channel.is_media_banned(now_ms) {
                return Err(shared.own_error(403, "This endpoint is blocked for your number"));
            }
            let answer = if call == "media.get" {
                link(shared, request, channel)
            } else {
                download(shared, request, channel)
            };
            if answer.is_err()
                && let Some(channel) = shared.books().by_id(&channel.id)
            {
                channel.note_media_error(now_ms);
            }
            answer
        }
        ("media.delete", "DELETE") => {
            let id = request.path.trim_start_matches('/');
            let mut world = shared.platform.world();
            if world.media.owner(id) != Some(&*channel.phone_number_id) {
                return Err(GraphError::unknown_object(id, "DELETE").into());
            }
            world.media.delete(id);
            Ok(Reply::success())
        }
        ("health", "GET") => {
            let world = shared.platform.world();
            let number = world.number(&channel.phone_number_id);
            let health = world.health_of(&channel.account_id, number);
            Ok(Reply::ok(
                json!({ "health_status": health, "id": channel.phone_number_id }),
            ))
        }
        ("profile.get", "GET") | ("profile.set", "POST") => profile(shared, request, channel),
        ("", _) => Err(shared.own_error(404, "Not found")),
        _ => setup::call(shared, request, channel, call),
    }
}

fn upload(shared: &Shared, request: &Request, channel: &Channel) -> Result<Reply, Refusal> {
    let now_ms = shared.platform.clock.now_ms();
    let has_limits = shared.platform.settings.limits.per_second.is_some();
    let may = shared
        .books()
        .by_id(&channel.id)
        .is_none_or(|channel| channel.may_upload(now_ms, UPLOADS_PER_SECOND_MAX));
    if has_limits && !may {
        return Err(shared.own_error(400, "You have exceeded the rate limit of this endpoint"));
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let parts = multipart::parse(content_type, &request.body).map_err(GraphError::parameter)?;
    let mut world = shared.platform.world();
    let id = world
        .media
        .upload(&channel.phone_number_id, &parts, now_ms)?;
    Ok(Reply::ok(json!({ "id": id })))
}

/// The link names Meta's host, and slashes are escaped.
fn link(shared: &Shared, request: &Request, channel: &Channel) -> Result<Reply, Refusal> {
    let id = request.path.trim_start_matches('/');
    let now_ms = shared.platform.clock.now_ms();
    let world = shared.platform.world();
    let url = world.media.link(&shared.config.link_host, id, now_ms);
    let medium = world
        .media
        .find(id, &channel.phone_number_id, now_ms)
        .ok_or_else(|| GraphError::unknown_object(id, "GET"))?;
    Ok(Reply::EscapedJson(shown(medium, &url)))
}

/// The same path and query as the link has, at this host and with the key.
fn download(shared: &Shared, request: &Request, channel: &Channel) -> Result<Reply, Refusal> {
    let now_ms = shared.platform.clock.now_ms();
    let found = shared
        .platform
        .world()
        .media
        .by_link(&request.query, now_ms)
        .cloned();
    match found.filter(|medium| medium.phone_number_id == channel.phone_number_id) {
        Some(medium) => Ok(Reply::Bytes {
            content_type: medium.content_type,
            bytes: medium.bytes,
        }),
        None => Err(shared.own_error(404, "Media not found")),
    }
}

/// The paths of the profile are not published; these are those of the Cloud API without the number.
fn profile(shared: &Shared, request: &Request, channel: &Channel) -> Result<Reply, Refusal> {
    let mut world = shared.platform.world();
    let unknown = || GraphError::unknown_object(&channel.phone_number_id, "GET");
    let number = world
        .number_mut(&channel.phone_number_id)
        .ok_or_else(unknown)?;
    if request.method == Method::GET {
        return Ok(Reply::ok(
            number.shown_profile(request.parameter("fields"))?,
        ));
    }
    number.set_profile(&request.json()?)?;
    Ok(Reply::success())
}

impl Shared {
    pub(super) fn own_error(&self, status: u16, text: &str) -> Refusal {
        error::own(*super::lock(&self.own_errors), status, text)
    }
}
