//! The operator's credentials at providers. Shared by tenants, so none of this has a tenant.

use std::collections::BTreeMap;

use wharf_core::AppId;

use crate::columns::{json, parsed, to_json};
use crate::{Conn, Context, Origin, StoreError, Tx, on_db};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRow {
    pub id: AppId,
    pub plugin: String,
    pub settings: BTreeMap<String, String>,
    pub origin: Origin,
    pub created_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    plugin: String,
    settings: String,
    origin: String,
    created_at: i64,
}

/// Creates the app or brings it up to date (and back). Its first `created_at` stays.
pub async fn upsert(tx: &mut Tx, app: &AppRow) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into app (id, plugin, settings, origin, created_at) values ($1, $2, $3, $4, $5)
         on conflict (id) do update
         set plugin = excluded.plugin, settings = excluded.settings, origin = excluded.origin,
             removed_at = null"
    )
    .bind(app.id.as_str())
    .bind(&app.plugin)
    .bind(to_json(&app.settings))
    .bind(app.origin.as_str())
    .bind(app.created_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep an app")
}

/// The apps that are not removed, by id.
pub async fn list(conn: &mut Conn) -> Result<Vec<AppRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, plugin, settings, origin, created_at from app
         where removed_at is null order by id"
    )
    .fetch_all(c)
    .await)
    .doing("list apps")?;
    rows.into_iter().map(typed).collect()
}

pub async fn get(conn: &mut Conn, id: &AppId) -> Result<Option<AppRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, plugin, settings, origin, created_at from app
         where id = $1 and removed_at is null"
    )
    .bind(id.as_str())
    .fetch_optional(c)
    .await)
    .doing("read an app")?;
    row.map(typed).transpose()
}

/// Marks every app of this origin removed that is not in `keep`. Returns how many were.
pub async fn mark_removed_except(
    tx: &mut Tx,
    origin: Origin,
    keep: &[AppId],
    now: i64,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    for app in list(tx).await? {
        if app.origin == origin && !keep.contains(&app.id) {
            removed += on_db!(&mut **tx, |c| sqlx::query(
                "update app set removed_at = $2 where id = $1 and removed_at is null"
            )
            .bind(app.id.as_str())
            .bind(now)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
            .doing("mark an app removed")?;
        }
    }
    Ok(removed)
}

fn typed(row: Row) -> Result<AppRow, StoreError> {
    Ok(AppRow {
        id: parsed("app.id", &row.id)?,
        plugin: row.plugin,
        settings: json("app.settings", &row.settings)?,
        origin: parsed("app.origin", &row.origin)?,
        created_at: row.created_at,
    })
}
