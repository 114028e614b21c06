//! The doors of Twilio's API: hosts, paths, credentials, limits, faults, and the answers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use super::error::TwilioError;
use super::journal::{RecordedRequest, Verdict};
use super::message::Message;
use super::{Shared, account, content, delivery, media, message, parameters, send, sender};
use crate::cloud::Fault;
use crate::cloud::fault::SEND;
use crate::cloud::serve::{Request, spoil};
use crate::server::Connection;

/// What a call answers when it did what it was asked for.
pub(super) enum Reply {
    Json(StatusCode, Value),
    Bytes { content_type: String, bytes: Bytes },
    Redirect(String),
    NoContent,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self::Json(StatusCode::OK, body)
    }

    pub(super) fn created(body: Value) -> Self {
        Self::Json(StatusCode::CREATED, body)
    }
}

/// A request that was dealt with.
struct Outcome {
    call: &'static str,
    message: Option<Message>,
    verdict: Verdict,
    answer: Response,
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: HttpRequest,
) -> Response {
    let request = match Request::read(request).await {
        Ok(request) => request,
        Err(_) => {
            return error_answer(&TwilioError::invalid("the body broke off, or is too large"));
        }
    };
    let outcome = handle(&shared, &request);
    shared.journal().add(RecordedRequest {
        at_ms: shared.clock.now_ms(),
        host: request.host().to_owned(),
        method: request.method.to_string(),
        path: request.path,
        query: request.query,
        call: outcome.call,
        body: request.body,
        message: outcome.message.clone(),
        verdict: outcome.verdict.clone(),
    });
    let fault = match &outcome.verdict {
        Verdict::Done { spoiled } => {
            if let Some(message) = outcome.message.filter(|it| it.status != "scheduled") {
                delivery::start(&shared, &message.sid);
            }
            spoiled.clone()
        }
        Verdict::Faulted(fault) => Some(fault.clone()),
        _ => None,
    };
    spoil(outcome.answer, fault, &connection).await
}

fn handle(shared: &Shared, request: &Request) -> Outcome {
    let call = name_of(shared, request);
    match admit(shared, request, call) {
        Err(error) => refused(call, error),
        Ok(account) if call == SEND => create_message(shared, request, &account),
        Ok(account) => {
            let fault = shared.faults().strike_call(call, "");
            if let Some(fault) = fault.clone().filter(Fault::prevents) {
                return faulted(call, None, fault);
            }
            match dispatch(shared, request, call, &account) {
                Ok(reply) => done(call, None, reply, fault),
                Err(error) => refused(call, error),
            }
        }
    }
}

/// Host, credentials, the account of the path and the rate; the account that is acted on.
fn admit(shared: &Shared, request: &Request, call: &str) -> Result<String, TwilioError> {
    let config = &shared.config;
    let hosts = [
        &config.api_host,
        &config.content_host,
        &config.messaging_host,
        &config.media_host,
    ];
    if !hosts.iter().any(|host| *host == request.host()) {
        return Err(TwilioError {
            status: 421,
            ..TwilioError::not_found(request.host())
        });
    }
    let is_open =
        call == "media.download" || (call == "media.fetch" && !config.enforces_media_auth);
    let of_path = || request.path.split('/').nth(3).unwrap_or_default();
    if is_open {
        return Ok(of_path().to_owned());
    }
    let caller = account::authenticate(shared, request)?;
    let now_ms = shared.clock.now_ms();
    shared.books().count_call(&caller, &config.limits, now_ms)?;
    if request.host() != config.api_host || call.is_empty() || call.starts_with("accounts.") {
        return Ok(caller);
    }
    account::may_reach(shared, &caller, of_path())?;
    Ok(of_path().to_owned())
}

fn name_of(shared: &Shared, request: &Request) -> &'static str {
    let config = &shared.config;
    let method = request.method.as_str();
    let path = request.path.as_str();
    let host = request.host();
    if host == config.content_host {
        return content::name_of(method, path);
    }
    if host == config.media_host && method == "GET" {
        return "media.download";
    }
    let parts: Vec<_> = path.split('/').skip(1).collect();
    if host == config.messaging_host {
        return match (method, parts.as_slice()) {
            ("POST", ["v2", "Channels", "Senders"]) => "senders.create",
            ("GET", ["v2", "Channels", "Senders"]) => "senders.list",
            ("GET", ["v2", "Channels", "Senders", _]) => "senders.fetch",
            ("POST", ["v2", "Channels", "Senders", _]) => "senders.update",
            ("DELETE", ["v2", "Channels", "Senders", _]) => "senders.delete",
            ("POST", ["v1", "Services", _, "ChannelSenders"]) => "services.add_sender",
            ("POST", ["v2" | "v3", "Indicators", "Typing.json"]) => "typing",
            _ => "",
        };
    }
    if host != config.api_host || parts.first() != Some(&"2010-04-01") {
        return "";
    }
    match (method, &parts[1..]) {
        ("POST", ["Accounts.json"]) => "accounts.create",
        ("GET", ["Accounts.json"]) => "accounts.list",
        ("GET", ["Accounts", name]) if is_json(name) => "accounts.fetch",
        ("POST", ["Accounts", name]) if is_json(name) => "accounts.update",
        ("POST", ["Accounts", _, "Messages.json"]) => SEND,
        ("GET", ["Accounts", _, "Messages.json"]) => "messages.list",
        ("GET", ["Accounts", _, "Messages", name]) if is_json(name) => "messages.fetch",
        ("POST", ["Accounts", _, "Messages", name]) if is_json(name) => "messages.update",
        ("DELETE", ["Accounts", _, "Messages", name]) if is_json(name) => "messages.delete",
        ("POST", ["Accounts", _, "Messages", _, "Feedback.json"]) => "messages.feedback",
        ("GET", ["Accounts", _, "Messages", _, "Media.json"]) => "media.list",
        ("GET", ["Accounts", _, "Messages", _, "Media", _]) => "media.fetch",
        ("DELETE", ["Accounts", _, "Messages", _, "Media", _]) => "media.delete",
        _ => "",
    }
}

fn is_json(name: &str) -> bool {
    name.ends_with(".json")
}

fn dispatch(
    shared: &Shared,
    request: &Request,
    call: &'static str,
    acting: &str,
) -> Result<Reply, TwilioError> {
    let part = |at: usize| {
        let part = request.path.split('/').nth(at).unwrap_or_default();
        part.strip_suffix(".json").unwrap_or(part)
    };
    let file = request.path.rsplit('/').next().unwrap_or_default();
    match call {
        "accounts.create" => account::create(shared, request, acting),
        "accounts.list" => account::list(shared, request, acting),
        "accounts.fetch" => account::fetch(shared, acting, part(3)),
        "accounts.update" => account::update(shared, request, acting, part(3)),
        "messages.list" => message::list(shared, request, acting),
        "messages.fetch" => message::fetch(shared, acting, part(5)),
        "messages.update" => message::update(shared, request, acting, part(5)),
        "messages.delete" => message::delete(shared, acting, part(5)),
        "messages.feedback" => message::feedback(shared, request, acting, part(5)),
        "media.list" => media::list(shared, request, acting, part(5)),
        "media.fetch" => media::fetch(shared, acting, part(5), file),
        "media.delete" => media::delete(shared, acting, part(5), file),
        "media.download" => media::download(shared, request),
        "services.add_sender" => sender::join_service(shared, request, acting),
        "typing" => sender::typing(shared, request, acting),
        name if name.starts_with("senders.") => sender::call(shared, request, name, acting),
        name if name.starts_with("content.") => content::call(shared, request, name, acting),
        _ => Err(TwilioError::not_found(&request.path)),
    }
}

fn create_message(shared: &Shared, request: &Request, account: &str) -> Outcome {
    let now_ms = shared.clock.now_ms();
    let read = parameters::form(request, parameters::MESSAGE_CREATE)
        .and_then(|form| send::read(&form, &shared.books(), account, now_ms));
    let message = match read {
        Ok(message) => message,
        Err(error) => return refused(SEND, error),
    };
    let fault = shared.faults().strike(message.to.key());
    if let Some(fault) = fault.clone().filter(Fault::prevents) {
        return faulted(SEND, Some(message), fault);
    }
    if let (Some(from), Some(max)) = (&message.from, shared.config.limits.sender_queue_max)
        && shared.books().waiting(from.key()) >= max
    {
        return refused(SEND, TwilioError::of_code(21_611));
    }
    shared.books().add_message(message.clone());
    let reply = Reply::created(message.shown());
    done(SEND, Some(message), reply, fault)
}

fn done(
    call: &'static str,
    message: Option<Message>,
    reply: Reply,
    spoiled: Option<Fault>,
) -> Outcome {
    let answer = match reply {
        Reply::Json(status, body) => plain_answer(status, JSON, body.to_string()),
        Reply::Bytes {
            content_type,
            bytes,
        } => plain_answer(StatusCode::OK, &content_type, bytes),
        Reply::Redirect(url) => {
            let mut answer = plain_answer(StatusCode::TEMPORARY_REDIRECT, "text/plain", "");
            if let Ok(url) = HeaderValue::from_str(&url) {
                answer.headers_mut().insert(header::LOCATION, url);
            }
            answer
        }
        Reply::NoContent => plain_answer(StatusCode::NO_CONTENT, JSON, ""),
    };
    Outcome {
        call,
        message,
        verdict: Verdict::Done { spoiled },
        answer,
    }
}

fn refused(call: &'static str, error: TwilioError) -> Outcome {
    let answer = error_answer(&error);
    let verdict = if [20_429, 21_611].contains(&error.code) {
        Verdict::Limited(error)
    } else {
        Verdict::Refused(error)
    };
    Outcome {
        call,
        message: None,
        verdict,
        answer,
    }
}

fn faulted(call: &'static str, message: Option<Message>, fault: Fault) -> Outcome {
    Outcome {
        call,
        message,
        answer: fault_answer(&fault),
        verdict: Verdict::Faulted(fault),
    }
}

const JSON: &str = "application/json;charset=utf-8";

fn fault_answer(fault: &Fault) -> Response {
    match fault {
        // The code is one of Twilio's here.
        Fault::GraphError(code) => {
            let error = TwilioError::of_code(*code);
            let is_rate = error.status == 429;
            error_answer(&if is_rate { error.retry_after(1) } else { error })
        }
        Fault::InternalServerError => plain_answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/html",
            "<html><body><h1>500 Internal Server Error</h1></body></html>",
        ),
        Fault::Answer {
            status,
            content_type,
            body,
        } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            plain_answer(status, content_type, body.clone())
        }
        _ => plain_answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", ""),
    }
}

fn error_answer(error: &TwilioError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = plain_answer(status, JSON, error.body().to_string());
    let headers = answer.headers_mut();
    if error.status == 401 {
        let realm = HeaderValue::from_static("Basic realm=\"Twilio API\"");
        headers.insert(header::WWW_AUTHENTICATE, realm);
    }
    if let Some(seconds) = error.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn plain_answer(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_str(content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    answer
}
