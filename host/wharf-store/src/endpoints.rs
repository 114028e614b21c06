//! Where tenants receive their events.

use wharf_core::{EndpointId, TenantId};

use crate::columns::{json, number, parsed, text_enum, to_json};
use crate::{Conn, Context, Origin, StoreError, Tx, on_db};

text_enum! {
    enum State {
        Enabled = "enabled",
        Disabled = "disabled",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    pub tenant: TenantId,
    pub id: EndpointId,
    pub url: String,
    /// Types of events; empty for all.
    pub events: Vec<String>,
    pub timeout_ms: u64,
    pub enabled: bool,
    pub origin: Origin,
    pub created_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    tenant_id: String,
    id: String,
    url: String,
    events: String,
    timeout_ms: i64,
    state: String,
    origin: String,
    created_at: i64,
}

/// Creates the endpoint or brings it up to date (and back). Its first `created_at` stays.
///
/// One that was disabled stays so while its address is the same: a receiver that answered 410 wants no more from
/// this address, and a restart is no answer of its. A new address, or one that left the files and came back, is
/// somebody's decision and begins anew.
pub async fn upsert(tx: &mut Tx, endpoint: &EndpointRow) -> Result<(), StoreError> {
    let state = if endpoint.enabled {
        State::Enabled
    } else {
        State::Disabled
    };
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into endpoint (tenant_id, id, url, events, timeout_ms, state, origin, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, id) do update
         set url = excluded.url, events = excluded.events, timeout_ms = excluded.timeout_ms,
             state = case
                 when endpoint.state = 'disabled' and endpoint.removed_at is null
                     and endpoint.url = excluded.url then endpoint.state
                 else excluded.state end,
             origin = excluded.origin, removed_at = null"
    )
    .bind(endpoint.tenant.as_str())
    .bind(endpoint.id.as_str())
    .bind(&endpoint.url)
    .bind(to_json(&endpoint.events))
    .bind(i64::try_from(endpoint.timeout_ms).unwrap_or(i64::MAX))
    .bind(state.as_str())
    .bind(endpoint.origin.as_str())
    .bind(endpoint.created_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep an endpoint")
}

pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &EndpointId,
) -> Result<Option<EndpointRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, url, events, timeout_ms, state, origin, created_at
         from endpoint where tenant_id = $1 and id = $2 and removed_at is null"
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(c)
    .await)
    .doing("read an endpoint")?;
    row.map(typed).transpose()
}

/// The tenant's endpoints that are not removed, by id.
pub async fn list(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<EndpointRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, url, events, timeout_ms, state, origin, created_at
         from endpoint where tenant_id = $1 and removed_at is null order by id"
    )
    .bind(tenant.as_str())
    .fetch_all(c)
    .await)
    .doing("list endpoints")?;
    rows.into_iter().map(typed).collect()
}

/// Those of the tenant's endpoints that want events of this type.
pub async fn list_for_event(
    conn: &mut Conn,
    tenant: &TenantId,
    kind: &str,
) -> Result<Vec<EndpointRow>, StoreError> {
    let mut found = list(conn, tenant).await?;
    found.retain(|endpoint| {
        endpoint.enabled
            && (endpoint.events.is_empty() || endpoint.events.iter().any(|wanted| wanted == kind))
    });
    Ok(found)
}

/// Marks every endpoint of this tenant and origin removed that is not in `keep`. Returns how many.
pub async fn mark_removed_except(
    tx: &mut Tx,
    tenant: &TenantId,
    origin: Origin,
    keep: &[EndpointId],
    now: i64,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    for endpoint in list(tx, tenant).await? {
        if endpoint.origin == origin && !keep.contains(&endpoint.id) {
            removed += on_db!(&mut **tx, |c| sqlx::query(
                "update endpoint set removed_at = $3
                 where tenant_id = $1 and id = $2 and removed_at is null"
            )
            .bind(tenant.as_str())
            .bind(endpoint.id.as_str())
            .bind(now)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
            .doing("mark an endpoint removed")?;
        }
    }
    Ok(removed)
}

fn typed(row: Row) -> Result<EndpointRow, StoreError> {
    Ok(EndpointRow {
        tenant: parsed("endpoint.tenant_id", &row.tenant_id)?,
        id: parsed("endpoint.id", &row.id)?,
        url: row.url,
        events: json("endpoint.events", &row.events)?,
        timeout_ms: number("endpoint.timeout_ms", row.timeout_ms)?,
        enabled: parsed::<State>("endpoint.state", &row.state)? == State::Enabled,
        origin: parsed("endpoint.origin", &row.origin)?,
        created_at: row.created_at,
    })
}

/// Ends all deliveries to an endpoint that answered it wants no more.
pub async fn disable(tx: &mut Tx, tenant: &TenantId, id: &EndpointId) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update endpoint set state = 'disabled' where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .execute(c)
    .await
    .map(drop))
    .doing("disable an endpoint")
}
