//! What is known of a channel's health: the last check's report, and what webhooks changed since.

use serde_json::Value;
use wharf_core::{ChannelId, TenantId};

use crate::columns::{json, storable, to_json};
use crate::{Conn, Context, StoreError, Tx, on_db};

#[derive(Clone, Debug, PartialEq)]
pub struct HealthRow {
    pub report: Value,
    /// None: known by webhooks only.
    pub checked_at: Option<i64>,
    pub changed_at: i64,
    /// Set when the last check brought no answer.
    pub failed_at: Option<i64>,
    pub error: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    report: String,
    checked_at: Option<i64>,
    changed_at: i64,
    failed_at: Option<i64>,
    error: Option<String>,
}

pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    channel: &ChannelId,
) -> Result<Option<HealthRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select report, checked_at, changed_at, failed_at, error from channel_health
         where tenant_id = $1 and channel_id = $2"
    )
    .bind(tenant.as_str())
    .bind(channel.as_str())
    .fetch_optional(c)
    .await)
    .doing("read a channel's health")?;
    row.map(|row| {
        Ok(HealthRow {
            report: json("channel_health.report", &row.report)?,
            checked_at: row.checked_at,
            changed_at: row.changed_at,
            failed_at: row.failed_at,
            error: row.error,
        })
    })
    .transpose()
}

/// Keeps what is known now, in the place of what was.
pub async fn put(
    tx: &mut Tx,
    tenant: &TenantId,
    channel: &ChannelId,
    row: &HealthRow,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into channel_health (tenant_id, channel_id, report, checked_at, changed_at,
                                     failed_at, error)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, channel_id) do update
         set report = excluded.report, checked_at = excluded.checked_at,
             changed_at = excluded.changed_at, failed_at = excluded.failed_at,
             error = excluded.error"
    )
    .bind(tenant.as_str())
    .bind(channel.as_str())
    .bind(to_json(&row.report))
    .bind(row.checked_at)
    .bind(row.changed_at)
    .bind(row.failed_at)
    .bind(row.error.as_deref().map(storable))
    .execute(c)
    .await
    .map(drop))
    .doing("keep a channel's health")
}
