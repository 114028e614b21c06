//! Is the process alive, and may traffic be sent to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wharf_store::{Context, on_db};

use super::openapi::shapes::gateway::Readiness;
use super::openapi::{Access, Operation, Shape, shape};
use super::routes::Routes;
use crate::app::App;

pub(super) fn routes() -> Routes {
    Routes::new()
        .on(
            Operation::get("/livez", "get_liveness")
                .about("gateway", "Whether the process is alive")
                .access(Access::Open)
                .answers_as(200, "It is", "text/plain", Shape::text()),
            livez,
        )
        .on(
            Operation::get("/readyz", "get_readiness")
                .about("gateway", "Whether traffic may be sent here")
                .access(Access::Open)
                .answers(200, "It may", shape::<Readiness>())
                .answers(503, "It may not; the checks say why", shape::<Readiness>()),
            readyz,
        )
}

async fn livez() -> &'static str {
    "ok\n"
}

/// 200 when every check passes, else 503; the body names each check and its reason.
async fn readyz(State(app): State<Arc<App>>) -> Response {
    let database = match database_answers(&app).await {
        Ok(()) => json!({"ok": true}),
        Err(reason) => json!({"ok": false, "reason": reason}),
    };
    let state = *app.unready.borrow();
    let process = match state {
        None => json!({"ok": true}),
        Some(reason) => json!({"ok": false, "reason": reason}),
    };
    let plugins: Vec<_> = app
        .plugins
        .all()
        .iter()
        .map(|p| json!({"name": p.name(), "version": p.descriptor().version}))
        .collect();
    let ready = database["ok"] == true && process["ok"] == true;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({"ready": ready, "checks": {"database": database, "process": process}, "plugins": plugins});
    (status, Json(body)).into_response()
}

async fn database_answers(app: &App) -> Result<(), String> {
    let ask = async {
        let mut conn = app.db.read().await?;
        on_db!(&mut conn, |c| sqlx::query("select 1")
            .execute(c)
            .await
            .map(drop))
        .doing("ask the database anything")
    };
    ask.await.map_err(|error| {
        tracing::warn!(error = %super::Chain(&error), "the database does not answer");
        "the database does not answer; the log says why".to_owned()
    })
}
