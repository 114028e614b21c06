//! Tenants. These functions are the operator's: a tenant is their subject, not their scope.

use wharf_core::TenantId;

use crate::columns::parsed;
use crate::{Conn, Context, Origin, StoreError, Tx, on_db};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    pub id: TenantId,
    pub name: String,
    pub origin: Origin,
    pub created_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    origin: String,
    created_at: i64,
}

/// Creates the tenant, or renames it and brings a removed one back. Its first `created_at` stays.
pub async fn upsert(tx: &mut Tx, tenant: &TenantRow) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into tenant (id, name, origin, created_at) values ($1, $2, $3, $4)
         on conflict (id) do update
         set name = excluded.name, origin = excluded.origin, removed_at = null"
    )
    .bind(tenant.id.as_str())
    .bind(&tenant.name)
    .bind(tenant.origin.as_str())
    .bind(tenant.created_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a tenant")
}

/// The tenants that are not removed, by id.
pub async fn list(conn: &mut Conn) -> Result<Vec<TenantRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, name, origin, created_at from tenant where removed_at is null order by id"
    )
    .fetch_all(c)
    .await)
    .doing("list tenants")?;
    rows.into_iter().map(typed).collect()
}

/// Marks every tenant of this origin removed that is not in `keep`. What it has stays readable to
/// the operator; its keys no longer open anything. Returns how many were removed.
pub async fn mark_removed_except(
    tx: &mut Tx,
    origin: Origin,
    keep: &[TenantId],
    now: i64,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    for tenant in list(tx).await? {
        if tenant.origin == origin && !keep.contains(&tenant.id) {
            removed += on_db!(&mut **tx, |c| sqlx::query(
                "update tenant set removed_at = $2 where id = $1 and removed_at is null"
            )
            .bind(tenant.id.as_str())
            .bind(now)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
            .doing("mark a tenant removed")?;
        }
    }
    Ok(removed)
}

fn typed(row: Row) -> Result<TenantRow, StoreError> {
    Ok(TenantRow {
        id: parsed("tenant.id", &row.id)?,
        name: row.name,
        origin: parsed("tenant.origin", &row.origin)?,
        created_at: row.created_at,
    })
}
