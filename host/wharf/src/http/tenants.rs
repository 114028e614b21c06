//! `/v1/tenants`: who uses this deployment, for the operator.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use wharf_store::tenants;

use super::Problem;
use super::auth::Operator;
use super::openapi::shapes::gateway::Tenants;
use super::openapi::{Access, Operation, shape};
use super::routes::Routes;
use crate::app::App;
use crate::clock::rfc3339;

pub(super) fn routes() -> Routes {
    Routes::new().on(
        Operation::get("/v1/tenants", "list_tenants")
            .about("gateway", "Every tenant of this deployment")
            .access(Access::Operator)
            .answers(200, "All tenants", shape::<Tenants>()),
        list_tenants,
    )
}

async fn list_tenants(
    State(app): State<Arc<App>>,
    _operator: Operator,
) -> Result<Json<Value>, Problem> {
    let mut conn = app.db.read().await?;
    let rows = tenants::list(&mut conn).await?;
    let data: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id,
                "name": row.name,
                "origin": row.origin.as_str(),
                "created_at": rfc3339(row.created_at),
            })
        })
        .collect();
    Ok(Json(json!({ "data": data })))
}
