//! `/v1/apps`: the operator's own apps at providers, and the flows that set them up.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};
use wharf_core::request::FieldError;
use wharf_core::{AppId, Code};

use super::auth::Operator;
use super::messages::read;
use super::openapi::shapes::apps::{AppFlowIn, AppFlowRun, Apps};
use super::openapi::{Access, Operation, shape};
use super::provider::{REFUSALS, detached, not_done};
use super::routes::Routes;
use super::{Problem, body};
use crate::app::App;
use crate::onboarding::{self, AppFlowState, NotRun};

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(
            Operation::get("/v1/apps", "list_apps")
                .about("gateway", "The apps of this deployment, and where their providers must call")
                .access(Access::Operator)
                .answers(200, "All apps", shape::<Apps>()),
            list,
        )
        .on(
            Operation::post("/v1/apps/{id}/flows/{flow}", "run_app_flow")
                .about("gateway", "Runs a flow of an app's plugin, such as setting up its webhook")
                .more("The flow works with the app's settings and secrets; it runs to its end although the caller leaves.")
                .access(Access::Operator)
                .takes(shape::<AppFlowIn>(), json!({"inputs": {}}))
                .answers(200, "What it found", shape::<AppFlowRun>())
                .refuses(&[Code::InvalidRequest])
                .refuses(&REFUSALS),
            run,
        )
}

/// `GET /v1/apps`: by their names. Nothing secret is among the settings.
async fn list(State(app): State<Arc<App>>, _operator: Operator) -> Result<Json<Value>, Problem> {
    let mut data = Vec::new();
    for (name, configured) in &app.config.apps {
        let Ok(id) = name.parse::<AppId>() else {
            continue;
        };
        let urls = app.directory.of_app(&id).await?.map(|(_, urls, _)| urls);
        let plugin = app.plugins.get(&configured.plugin);
        let flows = plugin.iter().flat_map(|plugin| {
            let flows = onboarding::flows_of_app(plugin.descriptor());
            flows.map(|flow| {
                let inputs: Vec<_> = flow.inputs.iter().map(onboarding::form_view).collect();
                json!({ "id": flow.id, "title": flow.title, "purpose": flow.purpose, "inputs": inputs })
            })
        });
        data.push(json!({
            "id": id,
            "plugin": configured.plugin,
            "settings": configured.settings,
            "tenants": configured.tenants,
            "webhook_urls": urls.unwrap_or_default(),
            "flows": flows.collect::<Vec<_>>(),
        }));
    }
    Ok(Json(json!({ "data": data })))
}

/// `POST /v1/apps/{id}/flows/{flow}` with `{"inputs": {}, "answers": {}}`.
async fn run(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Path((id, flow)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let configured = app.config.apps.get(&id).ok_or_else(missing)?;
    let id: AppId = id.parse().map_err(|_| missing())?;
    let plugin = app.plugins.get(&configured.plugin).ok_or_else(|| {
        let detail = format!("no plugin named {} is loaded", configured.plugin);
        Problem::new(Code::PluginFailed).detail(detail)
    })?;
    let [inputs, answers] = members(body::json(&headers, &read(&app, body).await?)?)?;
    let refused = |errors| Problem::new(Code::InvalidRequest).errors(errors);
    let name = plugin.name().to_owned();
    let ready =
        onboarding::app_flow(plugin, id.clone(), &flow, &inputs, answers).map_err(refused)?;
    let ready = ready.ok_or_else(missing)?;
    let now = app.now_ms();
    let ran = detached(async move { onboarding::run_app_flow(&app, ready).await }).await?;
    let ran = ran.map_err(|error| match error {
        NotRun::Flow(error) => not_done(&error, &name),
        NotRun::Visits => Problem::new(Code::Unsupported)
            .detail("the flow sends a person's browser to the provider"),
    })?;
    let (status, question) = match ran.state {
        AppFlowState::Done => ("done", Value::Null),
        AppFlowState::Waiting => ("waiting", Value::Null),
        AppFlowState::Question(question) => ("question", question),
    };
    let findings = onboarding::findings_view(&ran.findings, now);
    Ok(Json(json!({
        "app": id, "flow": flow, "status": status, "question": question, "findings": findings,
    })))
}

const MEMBERS: [&str; 2] = ["inputs", "answers"];

/// Each of them, empty where it is not there.
fn members(body: Value) -> Result<[Map<String, Value>; 2], Problem> {
    let refused = |pointer: &str, detail: &str| {
        let error = FieldError::new(pointer, "invalid", detail);
        Problem::new(Code::InvalidRequest).errors(vec![error])
    };
    let Value::Object(mut object) = body else {
        return Err(refused(
            "",
            "the body is an object such as {\"inputs\": {}}",
        ));
    };
    if let Some(strange) = object.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let pointer = format!("/{}", strange.replace('~', "~0").replace('/', "~1"));
        return Err(refused(
            &pointer,
            "is not known here; inputs and answers are",
        ));
    }
    let mut taken = MEMBERS.map(|name| match object.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(given)) => Ok(given),
        Some(_) => Err(refused(
            &format!("/{name}"),
            "is an object of texts by their names",
        )),
    });
    let mut take = |at: usize| std::mem::replace(&mut taken[at], Ok(Map::new()));
    Ok([take(0)?, take(1)?])
}
