//! The door of Graph: from a path to the call that it is.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::Shared;
use super::access::Caller;
use super::{account, media, phone, signup};
use crate::cloud::message::{Door, is_digits};
use crate::cloud::serve::{self, Outcome, Refusal, Reply, Request};
use crate::cloud::{GraphError, PhoneNumber};
use crate::server::Connection;

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
    let outcome = handle(&shared, &request, &trace_id).await;
    serve::finish(&shared.platform, request, outcome, &connection).await
}

/// A call that was found: whose it is and what is meant.
pub(super) struct Target<'a> {
    pub(super) version: &'a str,
    /// The object, and what of it.
    pub(super) path: Vec<&'a str>,
    pub(super) caller: Caller,
    /// Whether the receiver that the call names proved itself; `None` when it names none.
    pub(super) proven: Option<Result<(), GraphError>>,
}

async fn handle(shared: &Shared, request: &Request, trace_id: &str) -> Outcome {
    let refused = |error: GraphError| Outcome::refused("", error.into(), trace_id);
    if request.host() == shared.config.expected_media_host {
        return serve::perform(&shared.platform, "media.download", trace_id, || {
            media::download(shared, request)
        });
    }
    if let Err(error) = check_host(request.host(), &shared.config.expected_host) {
        return refused(error);
    }
    let (version, path) = match read_path(&request.path) {
        Ok(read) => read,
        Err(error) => return refused(error),
    };
    if path == ["oauth", "access_token"] {
        return serve::perform(&shared.platform, "oauth.exchange", trace_id, || {
            signup::exchange(shared, request)
        });
    }
    let scheme = if path[0].starts_with("upload:") {
        "OAuth "
    } else {
        "Bearer "
    };
    let now_ms = shared.platform.clock.now_ms();
    let authorized = shared
        .access()
        .authorize(request, &shared.config, scheme, now_ms);
    let caller = match authorized {
        Ok(caller) => caller,
        Err(error) => return refused(error),
    };
    let mut target = Target {
        version,
        path,
        caller,
        proven: None,
    };
    if let Some(door) = message_door(&target, request) {
        return match shared.number_of(target.path[0], &target.caller, "POST") {
            Ok(number) => serve::message(
                &shared.platform,
                request,
                &number,
                door,
                StatusCode::OK,
                trace_id,
            ),
            Err(error) => Outcome::refused(crate::cloud::fault::SEND, error.into(), trace_id),
        };
    }
    target.proven = shared.prove_receiver(request).await;
    let call = name_of(shared, request, &target);
    let outcome = serve::perform(&shared.platform, call, trace_id, || {
        dispatch(shared, request, &target, call)
    });
    with_usage(shared, &target, outcome)
}

fn message_door<'a>(target: &Target<'a>, request: &Request) -> Option<Door<'a>> {
    let is_marketing = match target.path.as_slice() {
        [_, "messages"] => false,
        [_, "marketing_messages"] => true,
        _ => return None,
    };
    (request.method == Method::POST).then_some(Door {
        version: target.version,
        is_marketing,
    })
}

fn check_host(named: &str, expected: &str) -> Result<(), GraphError> {
    if named == expected {
        return Ok(());
    }
    Err(GraphError::with_details(
        1,
        format!("this is {expected}, but the Host header names '{named}'"),
    ))
}

/// Edges of objects, and calls that have no object.
const EDGES: &[&str] = &[
    "messages",
    "marketing_messages",
    "media",
    "message_templates",
    "phone_numbers",
    "subscribed_apps",
    "register",
    "deregister",
    "request_code",
    "verify_code",
    "whatsapp_business_profile",
    "smb_app_data",
    "block_users",
    "subscriptions",
    "uploads",
    "system_user_access_tokens",
];

/// `/v24.0/{object}` or `/v24.0/{object}/{edge}`.
fn read_path(path: &str) -> Result<(&str, Vec<&str>), GraphError> {
    let unknown = || GraphError::with_details(1, format!("Unknown path components: {path}"));
    let mut parts = path.split('/');
    let (Some(""), Some(version)) = (parts.next(), parts.next()) else {
        return Err(unknown());
    };
    let numbered = version
        .strip_prefix('v')
        .and_then(|number| number.split_once('.'));
    let is_version = numbered.is_some_and(|(major, minor)| is_digits(major) && is_digits(minor));
    let rest: Vec<&str> = parts.collect();
    let is_known = match rest.as_slice() {
        ["debug_token"] | ["oauth", "access_token"] => true,
        [object] => is_digits(object) || object.starts_with("upload:"),
        [object, edge] => is_digits(object) && EDGES.contains(edge),
        _ => false,
    };
    if is_version && is_known {
        return Ok((version, rest));
    }
    Err(unknown())
}

/// What the call is named in records and rules.
fn name_of(shared: &Shared, request: &Request, target: &Target<'_>) -> &'static str {
    let verb = &request.method;
    match target.path.as_slice() {
        ["debug_token"] => "debug_token",
        [_, "media"] => "media.upload",
        [_, "message_templates"] if verb == Method::GET => "templates.list",
        [_, "message_templates"] if verb == Method::POST => "templates.create",
        [_, "message_templates"] => "templates.delete",
        [_, "phone_numbers"] => "account.numbers",
        [_, "subscribed_apps"] => "account.subscribe",
        [_, "register"] => "phone.register",
        [_, "deregister"] => "phone.deregister",
        [_, "request_code"] => "phone.request_code",
        [_, "verify_code"] => "phone.verify_code",
        [_, "whatsapp_business_profile"] if verb == Method::GET => "profile.get",
        [_, "whatsapp_business_profile"] => "profile.set",
        [_, "smb_app_data"] => "phone.synchronise",
        [_, "block_users"] => "phone.block",
        [_, "subscriptions"] => "app.subscriptions",
        [_, "uploads"] => "upload.begin",
        [_, "system_user_access_tokens"] => "business.token",
        [object] if object.starts_with("upload:") => "upload.send",
        [object] => {
            let world = shared.platform.world();
            let is_medium = world.media.owner(object).is_some();
            match (is_medium, world.template(object).is_some()) {
                (true, _) if verb == Method::DELETE => "media.delete",
                (true, _) => "media.get",
                (_, true) if verb == Method::GET => "templates.get",
                (_, true) => "templates.edit",
                _ if world.account(object).is_some() => "account.get",
                _ if verb == Method::GET => "phone.get",
                _ => "phone.set",
            }
        }
        _ => "",
    }
}

fn dispatch(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
    call: &str,
) -> Result<Reply, Refusal> {
    let object = target.path[0];
    let verb = request.method.as_str();
    match (call, verb) {
        ("debug_token", "GET") => signup::debug_token(shared, request, target),
        ("business.token", "POST") => signup::business_token(shared, request, target),
        ("app.subscriptions", _) => signup::subscriptions(shared, request, target),
        ("media.upload", "POST") => media::upload(shared, request, target),
        ("media.get" | "media.delete", _) => media::of_medium(shared, request, target),
        ("upload.begin", "POST") => media::begin_upload(shared, request, target),
        ("upload.send", _) => media::send_upload(shared, request, target),
        ("account.get" | "account.numbers", "GET")
        | ("templates.list", "GET")
        | ("templates.create", "POST")
        | ("templates.delete", "DELETE")
        | ("account.subscribe", _) => account::call(shared, request, target, call),
        ("templates.get", "GET") | ("templates.edit", "POST") => {
            account::of_template(shared, request, target)
        }
        ("phone.get" | "profile.get", "GET")
        | (
            "phone.set" | "phone.register" | "phone.deregister" | "phone.request_code"
            | "phone.verify_code" | "profile.set" | "phone.synchronise",
            "POST",
        )
        | ("phone.block", _) => phone::call(shared, request, target, call),
        _ => Err(GraphError::unknown_object(object, verb).into()),
    }
}

/// The share of the hour's calls that an account has used.
fn with_usage(shared: &Shared, target: &Target<'_>, outcome: Outcome) -> Outcome {
    let object = target.path[0];
    let is_account = shared.platform.world().account(object).is_some();
    if !is_account || outcome.call.is_empty() {
        return outcome;
    }
    let percent = shared.usage_of(object);
    let usage = json!({ object: [{
        "type": "whatsapp_business_management",
        "call_count": percent,
        "total_cputime": percent,
        "total_time": percent,
        "estimated_time_to_regain_access": if percent > 100 { 60 } else { 0 },
    }] });
    outcome.with_header("x-business-use-case-usage", &usage.to_string())
}

impl Shared {
    /// A number that this caller may see.
    pub(super) fn number_of(
        &self,
        id: &str,
        caller: &Caller,
        verb: &str,
    ) -> Result<PhoneNumber, GraphError> {
        let world = self.platform.world();
        world
            .number(id)
            .filter(|number| caller.sees(&number.base.account_id))
            .map(crate::cloud::Number::phone_number)
            .ok_or_else(|| GraphError::unknown_object(id, verb))
    }
}
