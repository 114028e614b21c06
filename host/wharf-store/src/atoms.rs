//! Which atoms of webhooks have had their effects: a provider repeats itself, we do not.

use std::collections::HashSet;

use serde::Serialize;
use wharf_core::TenantId;
use wharf_core::provider::Route;

use crate::columns::{foreign_key, to_json};
use crate::{Context, StoreError, Tx, on_db};

/// One atom, for one of the tenants it goes to.
#[derive(Clone, Debug)]
pub struct Atom {
    pub tenant: TenantId,
    pub route: Route,
    /// The plugin's.
    pub dedupe_key: String,
}

#[derive(Serialize)]
struct Row<'a> {
    r: String,
    k: String,
    t: &'a str,
}

/// True the first time. To be called in the transaction of the atom's effects.
pub async fn insert_new(
    tx: &mut Tx,
    tenant: &TenantId,
    plugin: &str,
    route: &Route,
    dedupe_key: &str,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into inbound_atom (plugin, route, dedupe_key, tenant_id, seen_at)
         values ($2, $3, $4, $1, $5) on conflict do nothing"
    )
    .bind(tenant.as_str())
    .bind(plugin)
    .bind(route_column(route))
    .bind(foreign_key(dedupe_key))
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("note an atom")
}

/// As [`insert_new`] for many in one statement: which of them are new, in the same order. Of two
/// alike in one call the first is new.
pub async fn insert_many(
    tx: &mut Tx,
    plugin: &str,
    atoms: &[Atom],
    now: i64,
) -> Result<Vec<bool>, StoreError> {
    if atoms.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row<'_>> = atoms
        .iter()
        .map(|atom| Row {
            r: route_column(&atom.route),
            k: foreign_key(&atom.dedupe_key).into_owned(),
            t: atom.tenant.as_str(),
        })
        .collect();
    let text = if tx.is_postgres() {
        "insert into inbound_atom (plugin, route, dedupe_key, tenant_id, seen_at)
         select $1, value ->> 'r', value ->> 'k', value ->> 't', $2
         from json_array_elements($3::json) on conflict do nothing
         returning route, dedupe_key, tenant_id"
    } else {
        "insert into inbound_atom (plugin, route, dedupe_key, tenant_id, seen_at)
         select $1, value ->> 'r', value ->> 'k', value ->> 't', $2
         from json_each($3) where true on conflict do nothing
         returning route, dedupe_key, tenant_id"
    };
    let inserted: Vec<(String, String, String)> = on_db!(&mut **tx, |c| sqlx::query_as(text)
        .bind(plugin)
        .bind(now)
        .bind(to_json(&rows))
        .fetch_all(c)
        .await)
    .doing("note atoms")?;
    let mut fresh: HashSet<(String, String, String)> = inserted.into_iter().collect();
    Ok(rows
        .into_iter()
        .map(|row| fresh.remove(&(row.r, row.k, row.t.to_owned())))
        .collect())
}

/// For maintenance, over all tenants: forgets at most `limit` atoms seen before `before`.
pub async fn purge(tx: &mut Tx, before: i64, limit: u32) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from inbound_atom where (plugin, route, dedupe_key, tenant_id) in
         (select plugin, route, dedupe_key, tenant_id from inbound_atom where seen_at < $1
          order by seen_at limit $2)"
    )
    .bind(before)
    .bind(i64::from(limit))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("forget old atoms")
}

fn route_column(route: &Route) -> String {
    match route {
        Route::Sender(sender) => format!("sender:{}", foreign_key(sender)),
        Route::Account(account) => format!("account:{}", foreign_key(account)),
        Route::App => "app".to_owned(),
    }
}
