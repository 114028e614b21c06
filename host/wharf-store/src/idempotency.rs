//! `Idempotency-Key`: which message a key stands for, for as long as it is kept.

use wharf_core::{MessageId, TenantId};

use crate::columns::bare;
use crate::{Conn, Context, StoreError, Tx, on_db};

#[derive(Clone, Debug)]
pub struct NewIdempotency {
    pub key: String,
    /// Of the request; a repetition must agree with it.
    pub fingerprint: String,
    pub message_id: MessageId,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    pub fingerprint: String,
    pub message_id: MessageId,
}

/// What the key stands for at `now`; an expired one stands for nothing.
pub async fn find(
    conn: &mut Conn,
    tenant: &TenantId,
    key: &str,
    now: i64,
) -> Result<Option<IdempotencyRow>, StoreError> {
    let row: Option<(String, String)> = on_db!(conn, |c| sqlx::query_as(
        "select fingerprint, message_id from idempotency
         where tenant_id = $1 and key = $2 and expires_at > $3"
    )
    .bind(tenant.as_str())
    .bind(key)
    .bind(now)
    .fetch_optional(c)
    .await)
    .doing("look up an idempotency key")?;
    row.map(|(fingerprint, message)| {
        Ok(IdempotencyRow {
            fingerprint,
            message_id: bare("idempotency.message_id", &message, MessageId::from_bare)?,
        })
    })
    .transpose()
}

/// Takes the key, when it is free or its last holder has expired. False when somebody holds it.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    new: &NewIdempotency,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into idempotency (tenant_id, key, fingerprint, message_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, key) do update
         set fingerprint = excluded.fingerprint, message_id = excluded.message_id,
             created_at = excluded.created_at, expires_at = excluded.expires_at
         where idempotency.expires_at <= excluded.created_at"
    )
    .bind(tenant.as_str())
    .bind(&new.key)
    .bind(&new.fingerprint)
    .bind(new.message_id.bare())
    .bind(new.created_at)
    .bind(new.expires_at)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("keep an idempotency key")
}

/// For maintenance, over all tenants: deletes at most `limit` expired keys; returns how many.
pub async fn purge(tx: &mut Tx, now: i64, limit: u32) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from idempotency where (tenant_id, key) in
         (select tenant_id, key from idempotency where expires_at <= $1
          order by expires_at limit $2)"
    )
    .bind(now)
    .bind(i64::from(limit))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("delete expired idempotency keys")
}
