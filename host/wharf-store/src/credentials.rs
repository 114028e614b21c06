//! Sealed secrets of apps, channels and endpoints. The owner is the scope: it names its tenant.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{Aad, Conn, Context, Owner, StoreError, Tx, Vault, on_db};

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
    let owner_text = owner.to_string();
    let place = aad(owner, &owner_text, name, slot);
    let sealed = vault.seal(&place, secret.expose_secret().as_bytes())?;
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into credential (owner, name, slot, tenant_id, key_id, sealed, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (owner, name, slot) do update
         set key_id = excluded.key_id, sealed = excluded.sealed, updated_at = excluded.updated_at"
    )
    .bind(&owner_text)
    .bind(name)
    .bind(slot)
    .bind(place.tenant)
    .bind(&sealed.key_id)
    .bind(&sealed.bytes)
    .bind(now)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a credential")
}

/// Every secret of the owner, opened, by name and slot. One that does not open fails them all.
pub async fn all_of(
    conn: &mut Conn,
    vault: &Vault,
    owner: &Owner,
) -> Result<Vec<(String, i64, SecretString)>, StoreError> {
    let owner_text = owner.to_string();
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select name, slot, sealed from credential where owner = $1 order by name, slot"
    )
    .bind(&owner_text)
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

/// Deletes the owner's secrets that are not in `keep`: what a configuration no longer names.
pub async fn delete_except(
    tx: &mut Tx,
    owner: &Owner,
    keep: &[(&str, i64)],
) -> Result<u64, StoreError> {
    let owner_text = owner.to_string();
    let known: Vec<(String, i64)> = on_db!(&mut **tx, |c| sqlx::query_as(
        "select name, slot from credential where owner = $1"
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
