//! Sealed secrets of apps, channels, accounts and endpoints. The owner is the scope: it names its tenant.
//!
//! What a person configured has slots from 0; what an exchange captured has [`CAPTURED_SLOT`], comes
//! first, and stays when a configuration is brought in that does not name it.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{Aad, Conn, Context, Owner, StoreError, Tx, Vault, on_db};

/// Where the latest captured value of a secret stands: before the configured ones.
pub const CAPTURED_SLOT: i64 = -1;

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    slot: i64,
    sealed: Vec<u8>,
}

/// Seals and keeps one secret, over whatever stood in its slot. Two slots live during a rotation.
pub async fn put(
    tx: &mut Tx,
    vault: &Vault,
    owner: &Owner,
    name: &str,
    slot: i64,
    secret: &SecretString,
    now: i64,
) -> Result<(), StoreError> {
    put_until(tx, vault, owner, name, slot, secret, now, None).await
}

/// Keeps what an exchange captured, over what an earlier one did. Without `expires_at` it holds until
/// it is replaced or the configured value changes.
pub async fn capture(
    tx: &mut Tx,
    vault: &Vault,
    owner: &Owner,
    name: &str,
    secret: &SecretString,
    now: i64,
    expires_at: Option<i64>,
) -> Result<(), StoreError> {
    put_until(
        tx,
        vault,
        owner,
        name,
        CAPTURED_SLOT,
        secret,
        now,
        expires_at,
    )
    .await
}

#[expect(
    clippy::too_many_arguments,
    reason = "the columns of one row, behind two functions that name them"
)]
async fn put_until(
    tx: &mut Tx,
    vault: &Vault,
    owner: &Owner,
    name: &str,
    slot: i64,
    secret: &SecretString,
    now: i64,
    expires_at: Option<i64>,
) -> Result<(), StoreError> {
    let owner_text = owner.to_string();
    let place = aad(owner, &owner_text, name, slot);
    let sealed = vault.seal(&place, secret.expose_secret().as_bytes())?;
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into credential (owner, name, slot, tenant_id, key_id, sealed, updated_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (owner, name, slot) do update
         set key_id = excluded.key_id, sealed = excluded.sealed, updated_at = excluded.updated_at,
             expires_at = excluded.expires_at"
    )
    .bind(&owner_text)
    .bind(name)
    .bind(slot)
    .bind(place.tenant)
    .bind(&sealed.key_id)
    .bind(&sealed.bytes)
    .bind(now)
    .bind(expires_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a credential")
}

/// Every secret of the owner that lives at `now`, opened, by name and slot. One that does not open
/// fails them all.
pub async fn all_of(
    conn: &mut Conn,
    vault: &Vault,
    owner: &Owner,
    now: i64,
) -> Result<Vec<(String, i64, SecretString)>, StoreError> {
    let owner_text = owner.to_string();
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select name, slot, sealed from credential
         where owner = $1 and (expires_at is null or expires_at > $2) order by name, slot"
    )
    .bind(&owner_text)
    .bind(now)
    .fetch_all(c)
    .await)
    .doing("read credentials")?;
    rows.into_iter()
        .map(|row| {
            let place = aad(owner, &owner_text, &row.name, row.slot);
            let secret = utf8(&vault.open(&place, &row.sealed)?)?;
            Ok((row.name, row.slot, secret))
        })
        .collect()
}

/// Forgets what was captured under this name: somebody configured another value.
pub async fn forget_captured(tx: &mut Tx, owner: &Owner, name: &str) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from credential where owner = $1 and name = $2 and slot = $3"
    )
    .bind(owner.to_string())
    .bind(name)
    .bind(CAPTURED_SLOT)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("forget a captured credential")
}

/// For maintenance, over all owners: deletes at most `limit` secrets that have ended.
pub async fn purge(tx: &mut Tx, now: i64, limit: u32) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from credential where (owner, name, slot) in
         (select owner, name, slot from credential where expires_at <= $1 limit $2)"
    )
    .bind(now)
    .bind(i64::from(limit))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("delete credentials that have ended")
}

/// Deletes every secret of an owner that is gone for good.
pub async fn delete_of(tx: &mut Tx, owner: &Owner) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from credential where owner = $1"
    )
    .bind(owner.to_string())
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("delete an owner's credentials")
}

/// Deletes the owner's configured secrets that are not in `keep`: what a configuration no longer names.
pub async fn delete_except(
    tx: &mut Tx,
    owner: &Owner,
    keep: &[(&str, i64)],
) -> Result<u64, StoreError> {
    let owner_text = owner.to_string();
    let known: Vec<(String, i64)> = on_db!(&mut **tx, |c| sqlx::query_as(
        "select name, slot from credential where owner = $1 and slot >= 0"
    )
    .bind(&owner_text)
    .fetch_all(c)
    .await)
    .doing("list credentials")?;
    let mut deleted = 0;
    for (name, slot) in known {
        if keep.contains(&(name.as_str(), slot)) {
            continue;
        }
        deleted += on_db!(&mut **tx, |c| sqlx::query(
            "delete from credential where owner = $1 and name = $2 and slot = $3"
        )
        .bind(&owner_text)
        .bind(&name)
        .bind(slot)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
        .doing("delete a credential")?;
    }
    Ok(deleted)
}

fn aad<'a>(owner: &'a Owner, owner_text: &'a str, name: &'a str, slot: i64) -> Aad<'a> {
    Aad {
        purpose: "credential",
        tenant: owner.tenant().map(|tenant| tenant.as_str()),
        owner: owner_text,
        name,
        slot,
    }
}

/// The opened bytes as the text that was sealed.
pub(crate) fn utf8(opened: &Zeroizing<Vec<u8>>) -> Result<SecretString, StoreError> {
    std::str::from_utf8(opened)
        .map(SecretString::from)
        .map_err(|_| StoreError::Corrupt {
            what: "a sealed secret is not text".to_owned(),
        })
}
