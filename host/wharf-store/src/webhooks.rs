//! Raw provider calls as received, with what became of them.
//!
//! A call belongs to its owner (an app, or a tenant's channel), so these functions are the host's
//! own; a tenant sees only what was parsed for it.

use wharf_core::WebhookId;
use wharf_core::provider::HttpMethod;

use crate::columns::{bare, json, number, parsed, storable, to_json};
use crate::{Conn, Context, Owner, StoreError, Tx, on_db};

#[derive(Clone, Debug)]
pub struct NewWebhook {
    pub id: WebhookId,
    pub owner: Owner,
    pub plugin: String,
    /// Which of the plugin's webhooks.
    pub webhook: String,
    pub method: HttpMethod,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub received_at: i64,
}

#[derive(Clone, Debug)]
pub struct WebhookRow {
    pub id: WebhookId,
    pub owner: Owner,
    pub plugin: String,
    pub webhook: String,
    pub method: HttpMethod,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub received_at: i64,
    pub parsed_at: Option<i64>,
    /// How many atoms it held.
    pub items: Option<u32>,
    pub error: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    owner: String,
    plugin: String,
    webhook: String,
    method: String,
    query: String,
    headers: String,
    body: Vec<u8>,
    received_at: i64,
    parsed_at: Option<i64>,
    items: Option<i64>,
    error: Option<String>,
}

/// Keeps a verified call; it may be acknowledged once this is committed.
pub async fn insert(tx: &mut Tx, new: &NewWebhook) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into webhook (id, owner, plugin, webhook, tenant_id, method, query, headers, body,
                              received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    )
    .bind(new.id.bare())
    .bind(new.owner.to_string())
    .bind(&new.plugin)
    .bind(&new.webhook)
    .bind(new.owner.tenant().map(|tenant| tenant.as_str()))
    .bind(new.method.as_str())
    .bind(to_json(&new.query))
    .bind(to_json(&new.headers))
    .bind(new.body.as_slice())
    .bind(new.received_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a webhook")
}

pub async fn get(conn: &mut Conn, id: WebhookId) -> Result<Option<WebhookRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| {
        sqlx::query_as(
        "select id, owner, plugin, webhook, method, query, headers, body, received_at, parsed_at,
                items, error
         from webhook where id = $1"
    )
    .bind(id.bare())
    .fetch_optional(c)
    .await
    })
    .doing("read a webhook")?;
    row.map(typed).transpose()
}

/// Writes that the call was read into `items` atoms, or why it could not be. True when it was kept
/// (it may be purged meanwhile).
pub async fn mark_parsed(
    tx: &mut Tx,
    id: WebhookId,
    items: u32,
    error: Option<&str>,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update webhook set parsed_at = $2, items = $3, error = $4 where id = $1"
    )
    .bind(id.bare())
    .bind(now)
    .bind(i64::from(items))
    .bind(error.map(storable))
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("mark a webhook parsed")
}

/// How many calls wait to be parsed.
pub async fn unparsed(conn: &mut Conn) -> Result<i64, StoreError> {
    on_db!(conn, |c| sqlx::query_scalar(
        "select count(*) from webhook where parsed_at is null"
    )
    .fetch_one(c)
    .await)
    .doing("count webhooks that wait")
}

/// Deletes at most `limit` calls that were parsed before `parsed_before`, or, when they could not be
/// read, before `failed_before`; one that waits stays. Returns how many went.
pub async fn purge(
    tx: &mut Tx,
    parsed_before: i64,
    failed_before: i64,
    limit: u32,
) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from webhook where id in
         (select id from webhook
          where (parsed_at < $1 and error is null) or (parsed_at < $2 and error is not null)
          order by parsed_at limit $3)"
    )
    .bind(parsed_before)
    .bind(failed_before)
    .bind(i64::from(limit))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("delete old webhooks")
}

fn typed(row: Row) -> Result<WebhookRow, StoreError> {
    Ok(WebhookRow {
        id: bare("webhook.id", &row.id, WebhookId::from_bare)?,
        owner: parsed("webhook.owner", &row.owner)?,
        plugin: row.plugin,
        webhook: row.webhook,
        method: method(&row.method)?,
        query: json("webhook.query", &row.query)?,
        headers: json("webhook.headers", &row.headers)?,
        body: row.body,
        received_at: row.received_at,
        parsed_at: row.parsed_at,
        items: row
            .items
            .map(|items| number("webhook.items", items))
            .transpose()?,
        error: row.error,
    })
}

fn method(column: &str) -> Result<HttpMethod, StoreError> {
    [
        HttpMethod::Get,
        HttpMethod::Post,
        HttpMethod::Put,
        HttpMethod::Patch,
        HttpMethod::Delete,
    ]
    .into_iter()
    .find(|method| method.as_str() == column)
    .ok_or_else(|| StoreError::Corrupt {
        what: format!("webhook.method: {column:?}"),
    })
}
