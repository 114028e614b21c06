//! The medium of a message that came in: whether it is in the store yet, and why not.

use serde_json::Value;
use wharf_core::{MediaId, MessageId, TenantId};

use crate::columns::{bare, json_or_null, number, parsed, text_enum, to_json, to_json_or_null};
use crate::{Conn, Context, StoreError, Tx, on_db};

text_enum! {
    /// How far a medium is.
    pub enum MediaState {
        /// It is fetched, or will be.
        Waiting = "waiting",
        Stored = "stored",
        /// It will not come.
        Failed = "failed",
        /// The configuration says not to fetch it.
        Skipped = "skipped",
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct InboundMediaRow {
    pub message: MessageId,
    pub state: MediaState,
    /// The object, which may have ended since.
    pub media: Option<MediaId>,
    pub attempts: u32,
    pub next_at: Option<i64>,
    /// Of the last attempt.
    pub error: Option<Value>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    message_id: String,
    state: String,
    media_id: Option<String>,
    attempts: i64,
    next_at: Option<i64>,
    error: Option<String>,
    created_at: i64,
    updated_at: i64,
}

/// Notes the medium of a new message. False, with nothing changed, when it is noted already.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    message: MessageId,
    state: MediaState,
    error: Option<&Value>,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into inbound_media (message_id, tenant_id, state, attempts, error, created_at,
                                    updated_at)
         values ($2, $1, $3, 0, $4, $5, $5) on conflict (message_id) do nothing"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .bind(state.as_str())
    .bind(to_json_or_null(error))
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("note the medium of a message")
}

pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    message: MessageId,
) -> Result<Option<InboundMediaRow>, StoreError> {
    let mut found = of_messages(conn, tenant, &[message]).await?;
    Ok(found.pop())
}

/// Those of these messages that have one.
pub async fn of_messages(
    conn: &mut Conn,
    tenant: &TenantId,
    messages: &[MessageId],
) -> Result<Vec<InboundMediaRow>, StoreError> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = messages.iter().map(MessageId::bare).collect();
    let text = if conn.is_postgres() {
        "select message_id, state, media_id, attempts, next_at, error, created_at, updated_at
         from inbound_media
         where tenant_id = $1 and message_id in (select json_array_elements_text($2::json))"
    } else {
        "select message_id, state, media_id, attempts, next_at, error, created_at, updated_at
         from inbound_media
         where tenant_id = $1 and message_id in (select value from json_each($2))"
    };
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(text)
        .bind(tenant.as_str())
        .bind(to_json(&ids))
        .fetch_all(c)
        .await)
    .doing("read the media of messages")?;
    rows.into_iter().map(typed).collect()
}

/// Writes that an attempt failed and when the next one is. False when it does not wait any more.
pub async fn note_attempt(
    tx: &mut Tx,
    tenant: &TenantId,
    message: MessageId,
    error: &Value,
    next_at: i64,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update inbound_media
         set attempts = attempts + 1, error = $3, next_at = $4, updated_at = $5
         where tenant_id = $1 and message_id = $2 and state = 'waiting'"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .bind(to_json(error))
    .bind(next_at)
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("note an attempt to fetch a medium")
}

/// Writes that it will not come. False when it does not wait any more.
pub async fn give_up(
    tx: &mut Tx,
    tenant: &TenantId,
    message: MessageId,
    state: MediaState,
    error: &Value,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update inbound_media
         set state = $3, attempts = attempts + 1, error = $4, next_at = null, updated_at = $5
         where tenant_id = $1 and message_id = $2 and state = 'waiting'"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .bind(state.as_str())
    .bind(to_json(error))
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("give up a medium")
}

/// Attaches the object to its message, whatever was known of it before. False when the object that is
/// attached already is this one or one that still lives: of two fetches at once the first counts.
pub async fn attach(
    tx: &mut Tx,
    tenant: &TenantId,
    message: MessageId,
    media: MediaId,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into inbound_media (message_id, tenant_id, state, media_id, attempts, created_at,
                                    updated_at)
         select m.id, m.tenant_id, 'stored', $3, 1, $4, $4 from message m
         where m.tenant_id = $1 and m.id = $2 and m.direction = 'inbound'
         on conflict (message_id) do update
         set state = 'stored', media_id = excluded.media_id, error = null, next_at = null,
             attempts = inbound_media.attempts + 1, updated_at = excluded.updated_at
         where inbound_media.state <> 'stored'
            or not exists (select 1 from media o where o.id = inbound_media.media_id
                           and o.tenant_id = $1 and o.expires_at > $4)"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .bind(media.bare())
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("attach a medium to its message")
}

fn typed(row: Row) -> Result<InboundMediaRow, StoreError> {
    Ok(InboundMediaRow {
        message: bare(
            "inbound_media.message_id",
            &row.message_id,
            MessageId::from_bare,
        )?,
        state: parsed("inbound_media.state", &row.state)?,
        media: row
            .media_id
            .map(|id| bare("inbound_media.media_id", &id, MediaId::from_bare))
            .transpose()?,
        attempts: number("inbound_media.attempts", row.attempts)?,
        next_at: row.next_at,
        error: json_or_null("inbound_media.error", row.error.as_deref())?,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
