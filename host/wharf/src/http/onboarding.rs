//! `/v1/plugins` and `/v1/onboarding`: what a tenant can connect with, and the sessions in which it does.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use wharf_core::provider::{FlowInfo, Launch, Level};
use wharf_core::request::FieldError;
use wharf_core::{AppId, Code, OnboardingId};
use wharf_store::onboarding::{self as store, Session, SessionStatus};

use super::auth::Caller;
use super::messages::read;
use super::openapi::shapes::onboarding::{
    ConnectPlugins, SessionAnswersIn, SessionIn, SessionPage, SessionState, SessionSummary,
};
use super::openapi::{Operation, shape};
use super::query::{PAGE_DEFAULT, PAGE_MAX, Query};
use super::routes::Routes;
use super::{Problem, body};
use crate::app::App;
use crate::onboarding::{self, Begin, Offer};

pub(super) fn routes() -> Routes {
    let whole = || shape::<SessionSummary>().with::<SessionState>();
    Routes::new()
        .on(
            Operation::get("/v1/plugins", "list_plugins")
                .about("onboarding", "Plugins that numbers can be connected with, their flows, and what each asks")
                .answers(200, "All of them", shape::<ConnectPlugins>()),
            plugins,
        )
        .on(
            Operation::get("/v1/onboarding", "list_onboarding_sessions")
                .about("onboarding", "Sessions, newest first")
                .query("limit", "Sessions on a page", json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}))
                .query("cursor", "The next_cursor of an earlier page", json!({"type": "string"}))
                .answers(200, "One page", shape::<SessionPage>()),
            list,
        )
        .on(
            Operation::post("/v1/onboarding", "begin_onboarding")
                .about("onboarding", "Begins to connect a number")
                .takes(
                    shape::<SessionIn>(),
                    json!({"plugin": "twilio", "flow": "connect", "inputs": {}}),
                )
                .answers(201, "The session and what it asks for, or still running", whole())
                .refuses(&[Code::PluginNotAllowed, Code::ChannelTaken, Code::ChannelUnknown, Code::PluginFailed]),
            begin,
        )
        .on(
            Operation::get("/v1/onboarding/{id}", "get_onboarding_session")
                .about("onboarding", "Where a session stands")
                .answers(200, "The session", whole()),
            show,
        )
        .on(
            Operation::post("/v1/onboarding/{id}/answers", "answer_onboarding")
                .about("onboarding", "Answers what a session asks")
                .more("Without answers, a step that failed is tried again.")
                .takes(shape::<SessionAnswersIn>(), json!({"answers": {"number": "+4915112345678"}}))
                .answers(200, "The session", whole())
                .refuses(&[Code::OnboardingNotWaiting]),
            answer,
        )
        .on(
            Operation::delete("/v1/onboarding/{id}", "give_up_onboarding")
                .about("onboarding", "Gives a session up, with all that was typed in")
                .answers_empty(204, "It has ended")
                .refuses(&[Code::OnboardingNotWaiting]),
            give_up,
        )
}

/// `GET /v1/plugins`: plugins that this tenant may connect numbers with, their flows, and what each asks.
async fn plugins(State(app): State<Arc<App>>, caller: Caller) -> Json<Value> {
    let offers = onboarding::offers(&app, &caller.tenant);
    let data: Vec<_> = offers
        .iter()
        .map(|offer| plugin_view(&app, offer))
        .collect();
    let return_url = onboarding::return_address(&app);
    Json(json!({ "data": data, "return_url": return_url }))
}

fn plugin_view(app: &App, offer: &Offer) -> Value {
    let descriptor = offer.plugin.descriptor();
    let flow = |flow: &FlowInfo| {
        let inputs: Vec<_> = flow.inputs.iter().map(onboarding::form_view).collect();
        let steps = flow.steps.iter();
        let steps: Vec<_> = steps
            .map(|(name, title)| json!({ "name": name, "title": title }))
            .collect();
        json!({
            "id": flow.id, "title": flow.title, "purpose": flow.purpose,
            "launch": launch(app, offer, flow), "inputs": inputs, "steps": steps,
        })
    };
    let own_app = descriptor.inputs.iter().filter(|it| it.level == Level::App);
    json!({
        "name": offer.plugin.name(),
        "title": descriptor.name,
        "version": descriptor.version,
        "vendor": descriptor.vendor,
        "homepage": descriptor.homepage,
        "apps": offer.apps,
        "own_app_inputs": own_app.map(onboarding::form_view).collect::<Vec<_>>(),
        "flows": descriptor.flows.iter().map(flow).collect::<Vec<_>>(),
    })
}

/// How a flow begins. Meta's window needs settings of the app, none of them secret.
fn launch(app: &App, offer: &Offer, flow: &FlowInfo) -> Value {
    let Launch::EmbeddedSignup(signup) = &flow.launch else {
        return json!({ "kind": "form" });
    };
    let of = |id: &AppId| {
        let found = app.config.apps.get(id.as_str());
        let setting = |name: &str| found.and_then(|it| it.settings.get(name));
        let solution = signup.solution_setting.as_deref().and_then(setting);
        let shown = json!({
            "app_id": setting(&signup.app_id_setting),
            "config_id": setting(&signup.config_setting),
            "solution_id": solution,
        });
        (id.to_string(), shown)
    };
    let apps: Map<String, Value> = offer.apps.iter().map(of).collect();
    json!({ "kind": "embedded_signup", "feature": signup.feature, "apps": apps })
}

/// `POST /v1/onboarding`: 201 with the session and what it asks for, or still running.
async fn begin(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let begin = parse_begin(&object(&app, &headers, body).await?)?;
    let key = onboarding::begin(&app, &caller.tenant, begin).await?;
    let session = onboarding::settled(&app, &key).await?;
    let place = format!("/v1/onboarding/{}", key.id);
    let shown = Json(onboarding::view(&app, &session)?);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], shown).into_response())
}

fn parse_begin(given: &Map<String, Value>) -> Result<Begin, Problem> {
    let known = ["plugin", "flow", "app", "channel", "inputs"];
    let mut errors = unknown(given, &known);
    let mut text = |name: &str, required: bool| match given.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        None if !required => None,
        // Of an app it says that the tenant brings its own.
        Some(Value::Null) if name == "app" => None,
        _ => {
            errors.push(field(&format!("/{name}"), "a text"));
            None
        }
    };
    let (plugin, flow) = (text("plugin", true), text("flow", true));
    let channel = text("channel", false);
    let app = given.contains_key("app").then(|| text("app", false));
    let inputs = match given.get("inputs") {
        None => Map::new(),
        Some(Value::Object(inputs)) => inputs.clone(),
        Some(_) => {
            errors.push(field("/inputs", "an object of texts by their names"));
            Map::new()
        }
    };
    match (plugin, flow) {
        (Some(plugin), Some(flow)) if errors.is_empty() => Ok(Begin {
            plugin,
            flow,
            app,
            channel,
            inputs,
        }),
        _ => Err(Problem::new(Code::InvalidRequest).errors(errors)),
    }
}

/// `GET /v1/onboarding?limit=&cursor=`: newest first.
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::read(query.as_deref(), &["limit", "cursor"])?;
    let limit = query.limit()?;
    let cursor = query.parsed("cursor", "the next_cursor of an earlier page", |text| {
        text.parse::<OnboardingId>().ok()
    })?;
    let mut conn = app.db.read().await?;
    let asked = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut page = store::page(&mut conn, &caller.tenant, cursor, asked).await?;
    drop(conn);
    let more = page.len() > limit;
    page.truncate(limit);
    let next_cursor = page.last().filter(|_| more).map(|last| last.key.id);
    let data: Vec<_> = page
        .iter()
        .map(|it| onboarding::summary(&app, it))
        .collect();
    Ok(Json(json!({ "data": data, "next_cursor": next_cursor })))
}

/// `GET /v1/onboarding/{id}`: where it stands.
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let session = onboarding::find(&app, &caller.tenant, &id).await?;
    Ok(Json(onboarding::view(&app, &session)?))
}

/// `POST /v1/onboarding/{id}/answers`: `{"answers": {"name": "value"}}`; without answers, a failed step is
/// tried again.
async fn answer(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let given = object(&app, &headers, body).await?;
    let mut errors = unknown(&given, &["answers"]);
    let answers = match given.get("answers") {
        None => Map::new(),
        Some(Value::Object(answers)) => answers.clone(),
        Some(_) => {
            errors.push(field("/answers", "an object of texts by their names"));
            Map::new()
        }
    };
    if !errors.is_empty() {
        return Err(Problem::new(Code::InvalidRequest).errors(errors));
    }
    let session: Session = onboarding::answer(&app, &caller.tenant, &id, &answers).await?;
    let session = onboarding::settled(&app, &session.key).await?;
    Ok(Json(onboarding::view(&app, &session)?))
}

/// `DELETE /v1/onboarding/{id}`: it is given up, with all that was typed in.
async fn give_up(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let session = onboarding::find(&app, &caller.tenant, &id).await?;
    let is_over = session.state.status.is_ended();
    if !is_over && !onboarding::give_up(&app, &session).await? {
        let detail = "a step ended just now; read the session and try again";
        return Err(Problem::new(Code::OnboardingNotWaiting).detail(detail));
    }
    if session.state.status == SessionStatus::Done {
        let detail = "it is done; its channels are deleted by DELETE /v1/channels/{id}";
        return Err(Problem::new(Code::OnboardingNotWaiting).detail(detail));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn object(app: &App, headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    let bytes = read(app, body).await?;
    match body::json(headers, &bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::new(Code::InvalidJson).detail("send one JSON object")),
    }
}

fn unknown(given: &Map<String, Value>, known: &[&str]) -> Vec<FieldError> {
    let strange = given.keys().filter(|name| !known.contains(&name.as_str()));
    let errors = strange.map(|name| FieldError {
        pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        code: "unknown",
        detail: format!("known are {}", known.join(", ")),
    });
    errors.collect()
}

fn field(pointer: &str, wanted: &str) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        code: "invalid",
        detail: format!("must be {wanted}"),
    }
}
