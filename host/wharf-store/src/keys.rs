//! API keys of tenants: only their digests.

use wharf_core::scope::Scope;
use wharf_core::{ChannelId, TenantId};

use crate::columns::{json, json_or_null, number, parsed, to_json, to_json_or_null};
use crate::{Conn, Context, Origin, StoreError, Tx, on_db};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The public part that stands in the key.
    pub id: String,
    pub tenant: TenantId,
    pub name: String,
    /// SHA-256 of the whole key, hex.
    pub hash: String,
    pub origin: Origin,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The channels it is bound to; None for all.
    pub channels: Option<Vec<ChannelId>>,
    /// None for as many as its tenant may make.
    pub requests_per_minute: Option<u32>,
    /// The key that this one was made from.
    pub replaces: Option<String>,
    /// Not of the last minutes: written now and then only.
    pub last_used_at: Option<i64>,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

impl KeyRow {
    /// Neither revoked nor expired.
    pub fn is_live(&self, now: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    name: String,
    hash: String,
    origin: String,
    scopes: String,
    channels: Option<String>,
    requests_per_minute: Option<i64>,
    replaces: Option<String>,
    last_used_at: Option<i64>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

/// Keeps a new key; one with this id or hash already there is a unique violation.
pub async fn insert(tx: &mut Tx, key: &KeyRow) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| {
        sqlx::query(
        "insert into api_key (id, tenant_id, name, hash, origin, created_at, expires_at, revoked_at,
                              scopes, channels, requests_per_minute, replaces, last_used_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    )
    .bind(&key.id)
    .bind(key.tenant.as_str())
    .bind(&key.name)
    .bind(&key.hash)
    .bind(key.origin.as_str())
    .bind(key.created_at)
    .bind(key.expires_at)
    .bind(key.revoked_at)
    .bind(to_json(&texts(&key.scopes)))
    .bind(to_json_or_null(key.channels.as_ref()))
    .bind(key.requests_per_minute.map(i64::from))
    .bind(&key.replaces)
    .bind(key.last_used_at)
    .execute(c)
    .await
    .map(drop)
    })
    .doing("keep an API key")
}

/// Before any tenant is known: the key with this hash, revoked and expired ones included, none of a
/// removed tenant. The caller checks both times.
pub async fn by_hash(conn: &mut Conn, hash: &str) -> Result<Option<KeyRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select k.id, k.tenant_id, k.name, k.hash, k.origin, k.created_at, k.expires_at, k.revoked_at,
                k.scopes, k.channels, k.requests_per_minute, k.replaces, k.last_used_at
         from api_key k join tenant t on t.id = k.tenant_id
         where k.hash = $1 and t.removed_at is null"
    )
    .bind(hash)
    .fetch_optional(c)
    .await)
    .doing("look up an API key")?;
    row.map(typed).transpose()
}

/// The tenant's keys, newest first.
pub async fn list(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<KeyRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, name, hash, origin, created_at, expires_at, revoked_at,
                scopes, channels, requests_per_minute, replaces, last_used_at
         from api_key where tenant_id = $1 order by created_at desc, id"
    )
    .bind(tenant.as_str())
    .fetch_all(c)
    .await)
    .doing("list API keys")?;
    rows.into_iter().map(typed).collect()
}

/// True when the tenant had such a key and it was not revoked before.
pub async fn revoke(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &str,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update api_key set revoked_at = $3
         where tenant_id = $1 and id = $2 and revoked_at is null"
    )
    .bind(tenant.as_str())
    .bind(id)
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("revoke an API key")
}

/// Ends the tenant's key at this time, if it would live longer; false when there is no such live key.
pub async fn end_at(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &str,
    ends_at: i64,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update api_key
         set expires_at = case when expires_at < $3 then expires_at else $3 end
         where tenant_id = $1 and id = $2 and revoked_at is null
           and (expires_at is null or expires_at > $4)"
    )
    .bind(tenant.as_str())
    .bind(id)
    .bind(ends_at)
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("set the end of an API key")
}

/// Notes that the key was used; an older time changes nothing.
pub async fn note_use(tx: &mut Tx, tenant: &TenantId, id: &str, at: i64) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update api_key set last_used_at = $3
         where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at < $3)"
    )
    .bind(tenant.as_str())
    .bind(id)
    .bind(at)
    .execute(c)
    .await
    .map(drop))
    .doing("note the use of an API key")
}

/// Makes the tenant's keys of this origin exactly `keys`: new ones are kept, known ones brought up
/// to date (and back), and the others revoked. An id that is another tenant's, or one of another
/// origin, is refused.
pub async fn sync(
    tx: &mut Tx,
    tenant: &TenantId,
    origin: Origin,
    keys: &[KeyRow],
    now: i64,
) -> Result<(), StoreError> {
    for key in keys {
        let kept = on_db!(&mut **tx, |c| sqlx::query(
            "insert into api_key (id, tenant_id, name, hash, origin, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (id) do update
             set name = excluded.name, hash = excluded.hash, expires_at = excluded.expires_at,
                 revoked_at = null
             where api_key.tenant_id = excluded.tenant_id and api_key.origin = excluded.origin"
        )
        .bind(&key.id)
        .bind(tenant.as_str())
        .bind(&key.name)
        .bind(&key.hash)
        .bind(origin.as_str())
        .bind(key.created_at)
        .bind(key.expires_at)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
        .doing("keep an API key of the configuration")?;
        if kept == 0 {
            return Err(StoreError::Refused(format!(
                "the API key {:?} of tenant {tenant} exists already for another tenant or was not made by the same source; create a new key",
                key.id
            )));
        }
    }
    for known in list(tx, tenant).await? {
        if known.origin == origin && !keys.iter().any(|key| key.id == known.id) {
            revoke(tx, tenant, &known.id, now).await?;
        }
    }
    Ok(())
}

fn texts(scopes: &[Scope]) -> Vec<String> {
    scopes.iter().map(ToString::to_string).collect()
}

fn typed(row: Row) -> Result<KeyRow, StoreError> {
    let scopes: Vec<String> = json("api_key.scopes", &row.scopes)?;
    let scopes = scopes.iter().map(|text| parsed("api_key.scopes", text));
    let per_minute = row
        .requests_per_minute
        .map(|rate| number("api_key.requests_per_minute", rate));
    Ok(KeyRow {
        scopes: scopes.collect::<Result<_, _>>()?,
        channels: json_or_null("api_key.channels", row.channels.as_deref())?,
        requests_per_minute: per_minute.transpose()?,
        replaces: row.replaces,
        last_used_at: row.last_used_at,
        id: row.id,
        tenant: parsed("api_key.tenant_id", &row.tenant_id)?,
        name: row.name,
        hash: row.hash,
        origin: parsed("api_key.origin", &row.origin)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    })
}
