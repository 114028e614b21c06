//! Stored objects: what is known of them and how much of it each tenant has. Their bytes are files,
//! which this crate knows by name only.

use wharf_core::{MediaId, TenantId};

use crate::columns::{bare, number, parsed, storable, text_enum};
use crate::{Conn, Context, StoreError, Tx, on_db};

text_enum! {
    /// Who brought an object.
    pub enum MediaOrigin {
        /// It came in an answer of a provider.
        Provider = "provider",
        /// The tenant put it here.
        Tenant = "tenant",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRow {
    pub id: MediaId,
    pub content_type: String,
    pub size_bytes: u64,
    /// Hex.
    pub sha256: String,
    pub filename: Option<String>,
    pub origin: MediaOrigin,
    /// Of its file, below the folder of the store.
    pub location: String,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    content_type: String,
    size: i64,
    sha256: String,
    filename: Option<String>,
    origin: String,
    location: String,
    created_at: i64,
    expires_at: i64,
}

/// An object whose row is gone: its file may go too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    pub id: MediaId,
    pub location: String,
}

/// Makes a complete file visible. False, with nothing kept, when the tenant would have more than
/// `tenant_bytes_max` then.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    new: &MediaRow,
    tenant_bytes_max: u64,
) -> Result<bool, StoreError> {
    let size = signed(new.size_bytes);
    let taken = on_db!(&mut **tx, |c| sqlx::query(
        "insert into media_usage (tenant_id, bytes) select $1, $2 where $2 <= $3
         on conflict (tenant_id) do update set bytes = media_usage.bytes + $2
         where media_usage.bytes + $2 <= $3"
    )
    .bind(tenant.as_str())
    .bind(size)
    .bind(signed(tenant_bytes_max))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("count a stored object's bytes")?;
    if taken == 0 {
        return Ok(false);
    }
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into media (id, tenant_id, content_type, size, sha256, filename, origin, location,
                            created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    )
    .bind(new.id.bare())
    .bind(tenant.as_str())
    .bind(storable(&new.content_type))
    .bind(size)
    .bind(&new.sha256)
    .bind(new.filename.as_deref().map(storable))
    .bind(new.origin.as_str())
    .bind(&new.location)
    .bind(new.created_at)
    .bind(new.expires_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a stored object")?;
    Ok(true)
}

/// The tenant's object, while it lives.
pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MediaId,
    now: i64,
) -> Result<Option<MediaRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| {
        sqlx::query_as(
        "select id, content_type, size, sha256, filename, origin, location, created_at, expires_at
         from media where tenant_id = $1 and id = $2 and expires_at > $3"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(now)
    .fetch_optional(c)
    .await
    })
    .doing("look up a stored object")?;
    row.map(typed).transpose()
}

/// Whose an object is, before a tenant is known: for who presents a signed link.
pub async fn tenant_of(conn: &mut Conn, id: MediaId) -> Result<Option<TenantId>, StoreError> {
    let tenant: Option<String> = on_db!(conn, |c| sqlx::query_scalar(
        "select tenant_id from media where id = $1"
    )
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("look up whose a stored object is")?;
    tenant
        .map(|tenant| parsed("media.tenant_id", &tenant))
        .transpose()
}

/// What the tenant's objects take, those that wait for the purge included.
pub async fn usage_bytes(conn: &mut Conn, tenant: &TenantId) -> Result<u64, StoreError> {
    let bytes: Option<i64> = on_db!(conn, |c| sqlx::query_scalar(
        "select bytes from media_usage where tenant_id = $1"
    )
    .bind(tenant.as_str())
    .fetch_optional(c)
    .await)
    .doing("read what a tenant's objects take")?;
    number("media_usage.bytes", bytes.unwrap_or(0))
}

/// Deletes one object's row; its file may go after the commit.
pub async fn delete(
    tx: &mut Tx,
    tenant: &TenantId,
    id: MediaId,
) -> Result<Option<Deleted>, StoreError> {
    let gone: Option<(String, i64, String)> = on_db!(&mut **tx, |c| sqlx::query_as(
        "delete from media where tenant_id = $1 and id = $2 returning tenant_id, size, location"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("delete a stored object")?;
    match gone {
        Some((tenant, size, location)) => {
            give_back(tx, &tenant, size).await?;
            Ok(Some(Deleted { id, location }))
        }
        None => Ok(None),
    }
}

/// For maintenance, over all tenants: deletes the rows of at most `limit` objects that have ended.
pub async fn purge(tx: &mut Tx, now: i64, limit: u32) -> Result<Vec<Deleted>, StoreError> {
    let gone: Vec<(String, String, i64, String)> = on_db!(&mut **tx, |c| sqlx::query_as(
        "delete from media where id in
         (select id from media where expires_at <= $1 order by expires_at limit $2)
         returning id, tenant_id, size, location"
    )
    .bind(now)
    .bind(i64::from(limit))
    .fetch_all(c)
    .await)
    .doing("delete stored objects that have ended")?;
    let mut deleted = Vec::with_capacity(gone.len());
    for (id, tenant, size, location) in gone {
        give_back(tx, &tenant, size).await?;
        let id = bare("media.id", &id, MediaId::from_bare)?;
        deleted.push(Deleted { id, location });
    }
    Ok(deleted)
}

/// For maintenance, over all tenants: which of these objects have a row.
pub async fn known(conn: &mut Conn, ids: &[MediaId]) -> Result<Vec<MediaId>, StoreError> {
    let wanted: Vec<String> = ids.iter().map(MediaId::bare).collect();
    let wanted = serde_json::to_string(&wanted).expect("a list of texts is JSON");
    let text = if conn.is_postgres() {
        "select id from media where id in (select json_array_elements_text($1::json))"
    } else {
        "select id from media where id in (select value from json_each($1))"
    };
    let found: Vec<String> = on_db!(conn, |c| sqlx::query_scalar(text)
        .bind(&wanted)
        .fetch_all(c)
        .await)
    .doing("look for stored objects")?;
    found
        .iter()
        .map(|id| bare("media.id", id, MediaId::from_bare))
        .collect()
}

async fn give_back(tx: &mut Tx, tenant: &str, size: i64) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update media_usage set bytes = bytes - $2 where tenant_id = $1"
    )
    .bind(tenant)
    .bind(size)
    .execute(c)
    .await
    .map(drop))
    .doing("give back a stored object's bytes")
}

/// Sizes beyond what a column holds are larger than any limit.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn typed(row: Row) -> Result<MediaRow, StoreError> {
    Ok(MediaRow {
        id: bare("media.id", &row.id, MediaId::from_bare)?,
        content_type: row.content_type,
        size_bytes: number("media.size", row.size)?,
        sha256: row.sha256,
        filename: row.filename,
        origin: parsed("media.origin", &row.origin)?,
        location: row.location,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}
