//! The unguessable paths that providers call: found by digest, shown from a sealed copy.

use secrecy::{ExposeSecret, SecretString};
use wharf_core::TenantId;

use crate::columns::{parsed, parsed_or_null, sha256_hex};
use crate::credentials::utf8;
use crate::{Aad, Conn, Context, Owner, StoreError, Tx, Vault, on_db};

/// What a token in a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRow {
    pub owner: Owner,
    /// Which of the plugin's webhooks it is.
    pub webhook: String,
    pub plugin: String,
    pub tenant: Option<TenantId>,
}

#[derive(sqlx::FromRow)]
struct Row {
    owner: String,
    webhook: String,
    plugin: String,
    tenant_id: Option<String>,
}

/// Makes sure the owner has an address for this webhook. One that exists keeps its token, since the
/// provider was told it; `new_token` is used only for a new one. True when it is new.
pub async fn ensure(
    tx: &mut Tx,
    vault: &Vault,
    owner: &Owner,
    webhook: &str,
    plugin: &str,
    new_token: &SecretString,
    now: i64,
) -> Result<bool, StoreError> {
    let owner_text = owner.to_string();
    // The provider was told the address: keep the token, follow only a change of the plugin.
    let known = on_db!(&mut **tx, |c| sqlx::query(
        "update webhook_route set plugin = $3 where owner = $1 and webhook = $2"
    )
    .bind(&owner_text)
    .bind(webhook)
    .bind(plugin)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("bring a webhook's address up to date")?;
    if known > 0 {
        return Ok(false);
    }
    let token = new_token.expose_secret();
    let sealed = vault.seal(&aad(owner, &owner_text, webhook), token.as_bytes())?;
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into webhook_route (token_hash, owner, webhook, plugin, tenant_id, key_id, sealed,
                                    created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (owner, webhook) do nothing"
    )
    .bind(sha256_hex(token.as_bytes()))
    .bind(&owner_text)
    .bind(webhook)
    .bind(plugin)
    .bind(owner.tenant().map(|tenant| tenant.as_str()))
    .bind(&sealed.key_id)
    .bind(&sealed.bytes)
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("keep a webhook's address")
}

/// Gives every address of `from` to `to`: providers were told them, and go on calling. An address that
/// `to` had for the same webhook gives way. Returns how many were given.
pub async fn hand_over(
    tx: &mut Tx,
    vault: &Vault,
    from: &Owner,
    to: &Owner,
) -> Result<u64, StoreError> {
    let (from_text, to_text) = (from.to_string(), to.to_string());
    let mut given = 0;
    for (webhook, _, token) in tokens_of(tx, vault, from).await? {
        on_db!(&mut **tx, |c| sqlx::query(
            "delete from webhook_route where owner = $1 and webhook = $2"
        )
        .bind(&to_text)
        .bind(&webhook)
        .execute(c)
        .await
        .map(drop))
        .doing("let a webhook's address give way")?;
        let token = token.expose_secret();
        let sealed = vault.seal(&aad(to, &to_text, &webhook), token.as_bytes())?;
        given += on_db!(&mut **tx, |c| sqlx::query(
            "update webhook_route set owner = $3, tenant_id = $4, key_id = $5, sealed = $6
             where owner = $1 and webhook = $2"
        )
        .bind(&from_text)
        .bind(&webhook)
        .bind(&to_text)
        .bind(to.tenant().map(|tenant| tenant.as_str()))
        .bind(&sealed.key_id)
        .bind(&sealed.bytes)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
        .doing("hand a webhook's address over")?;
    }
    Ok(given)
}

/// Deletes every address of an owner that is gone for good.
pub async fn delete_of(tx: &mut Tx, owner: &Owner) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from webhook_route where owner = $1"
    )
    .bind(owner.to_string())
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("delete an owner's webhook addresses")
}

/// Before any tenant is known: where a call to this token belongs.
pub async fn by_token(
    conn: &mut Conn,
    token: &SecretString,
) -> Result<Option<RouteRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select owner, webhook, plugin, tenant_id from webhook_route where token_hash = $1"
    )
    .bind(sha256_hex(token.expose_secret().as_bytes()))
    .fetch_optional(c)
    .await)
    .doing("look up a webhook's address")?;
    row.map(typed).transpose()
}

/// The token itself, to build the address that the owner gives to the provider.
pub async fn token_of(
    conn: &mut Conn,
    vault: &Vault,
    owner: &Owner,
    webhook: &str,
) -> Result<Option<SecretString>, StoreError> {
    let owner_text = owner.to_string();
    let sealed: Option<Vec<u8>> = on_db!(conn, |c| sqlx::query_scalar(
        "select sealed from webhook_route where owner = $1 and webhook = $2"
    )
    .bind(&owner_text)
    .bind(webhook)
    .fetch_optional(c)
    .await)
    .doing("read a webhook's address")?;
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let opened = vault.open(&aad(owner, &owner_text, webhook), &sealed)?;
    utf8(&opened).map(Some)
}

/// Every webhook of an owner with its plugin and token, whether or not that plugin still has it.
pub async fn tokens_of(
    conn: &mut Conn,
    vault: &Vault,
    owner: &Owner,
) -> Result<Vec<(String, String, SecretString)>, StoreError> {
    let owner_text = owner.to_string();
    let rows: Vec<(String, String, Vec<u8>)> = on_db!(conn, |c| sqlx::query_as(
        "select webhook, plugin, sealed from webhook_route where owner = $1 order by webhook"
    )
    .bind(&owner_text)
    .fetch_all(c)
    .await)
    .doing("read an owner's webhooks")?;
    let mut found = Vec::with_capacity(rows.len());
    for (webhook, plugin, sealed) in rows {
        let opened = vault.open(&aad(owner, &owner_text, &webhook), &sealed)?;
        let token = utf8(&opened)?;
        found.push((webhook, plugin, token));
    }
    Ok(found)
}

/// The operator's: every address there is.
pub async fn list(conn: &mut Conn) -> Result<Vec<RouteRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select owner, webhook, plugin, tenant_id from webhook_route order by owner, webhook"
    )
    .fetch_all(c)
    .await)
    .doing("list the webhooks' addresses")?;
    rows.into_iter().map(typed).collect()
}

fn aad<'a>(owner: &'a Owner, owner_text: &'a str, webhook: &'a str) -> Aad<'a> {
    Aad {
        purpose: "webhook address",
        tenant: owner.tenant().map(|tenant| tenant.as_str()),
        owner: owner_text,
        name: webhook,
        slot: 0,
    }
}

fn typed(row: Row) -> Result<RouteRow, StoreError> {
    Ok(RouteRow {
        owner: parsed("webhook_route.owner", &row.owner)?,
        webhook: row.webhook,
        plugin: row.plugin,
        tenant: parsed_or_null("webhook_route.tenant_id", row.tenant_id.as_deref())?,
    })
}
