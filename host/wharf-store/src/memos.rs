//! Answers that stand for later equal exchanges, sealed: a provider's answer may say anything.

use wharf_core::MediaId;
use wharf_core::provider::Outcome;

use crate::columns::{foreign_key, json, to_json};
use crate::{Aad, Conn, Context, Owner, StoreError, Tx, Vault, on_db};

/// Which answer. The owner is the scope: it names its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemoKey {
    pub owner: Owner,
    /// The plugin's own id.
    pub plugin: String,
    pub key: String,
}

#[derive(Clone, Debug)]
pub struct NewMemo {
    pub key: MemoKey,
    pub outcome: Outcome,
    /// The stored object that the outcome names: without it the answer is worth nothing.
    pub media: Option<MediaId>,
    pub created_at: i64,
    pub expires_at: i64,
}

/// What was remembered, and when.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub outcome: Outcome,
    pub created_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    sealed: Vec<u8>,
    created_at: i64,
}

/// The answer that stands at `now`; one whose stored object is gone or has ended stands no more.
pub async fn find(
    conn: &mut Conn,
    vault: &Vault,
    key: &MemoKey,
    now: i64,
) -> Result<Option<Remembered>, StoreError> {
    let owner = key.owner.to_string();
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select sealed, created_at from memo
         where owner = $1 and plugin = $2 and key = $3 and expires_at > $4
           and (media_id is null or exists
                (select 1 from media where media.id = memo.media_id
                   and media.tenant_id = memo.tenant_id and media.expires_at > $4))"
    )
    .bind(&owner)
    .bind(foreign_key(&key.plugin))
    .bind(foreign_key(&key.key))
    .bind(now)
    .fetch_optional(c)
    .await)
    .doing("look up a remembered answer")?;
    let Some(row) = row else {
        return Ok(None);
    };
    let name = name(key);
    let opened = vault.open(&aad(key, &owner, &name), &row.sealed)?;
    let text = std::str::from_utf8(&opened).map_err(|_| StoreError::Corrupt {
        what: "memo.sealed is not text".to_owned(),
    })?;
    Ok(Some(Remembered {
        outcome: json("memo.sealed", text)?,
        created_at: row.created_at,
    }))
}

/// Remembers an answer, over an earlier one of the same key. Of two processes the later wins: both
/// answers are good, and the one that is replaced is only forgotten.
pub async fn put(tx: &mut Tx, vault: &Vault, new: &NewMemo) -> Result<(), StoreError> {
    let owner = new.key.owner.to_string();
    let name = name(&new.key);
    let place = aad(&new.key, &owner, &name);
    let sealed = vault.seal(&place, to_json(&new.outcome).as_bytes())?;
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into memo (owner, plugin, key, tenant_id, media_id, key_id, sealed, created_at,
                           expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (owner, plugin, key) do update
         set media_id = excluded.media_id, key_id = excluded.key_id, sealed = excluded.sealed,
             created_at = excluded.created_at, expires_at = excluded.expires_at"
    )
    .bind(&owner)
    .bind(foreign_key(&new.key.plugin))
    .bind(foreign_key(&new.key.key))
    .bind(place.tenant)
    .bind(new.media.map(|media| media.bare()))
    .bind(&sealed.key_id)
    .bind(&sealed.bytes)
    .bind(new.created_at)
    .bind(new.expires_at)
    .execute(c)
    .await
    .map(drop))
    .doing("remember an answer")
}

/// For maintenance, over all owners: forgets at most `limit` answers that have ended.
pub async fn purge(tx: &mut Tx, now: i64, limit: u32) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from memo where (owner, plugin, key) in
         (select owner, plugin, key from memo where expires_at <= $1 order by expires_at limit $2)"
    )
    .bind(now)
    .bind(i64::from(limit))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("forget answers that have ended")
}

/// Binds the sealed answer to its key: one copied into another row opens nowhere.
fn name(key: &MemoKey) -> String {
    format!("{}\n{}", key.plugin, key.key)
}

fn aad<'a>(key: &'a MemoKey, owner: &'a str, name: &'a str) -> Aad<'a> {
    Aad {
        purpose: "memo",
        tenant: key.owner.tenant().map(|tenant| tenant.as_str()),
        owner,
        name,
        slot: 0,
    }
}
