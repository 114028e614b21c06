//! Normalised facts, as tenants receive them.

use serde_json::Value;
use wharf_core::{ChannelId, EventId, MessageId, TenantId};

use crate::columns::{bare, json, parsed, parsed_or_null, to_json};
use crate::{Conn, Context, StoreError, Tx, on_db};

#[derive(Clone, Debug)]
pub struct NewEvent {
    pub id: EventId,
    /// The event's type, for example `message.status`.
    pub kind: String,
    pub channel: Option<ChannelId>,
    pub message: Option<MessageId>,
    pub data: Value,
    pub created_at: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub id: EventId,
    pub tenant: TenantId,
    pub kind: String,
    pub channel: Option<ChannelId>,
    pub message: Option<MessageId>,
    pub data: Value,
    pub created_at: i64,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    #[sqlx(rename = "type")]
    pub(crate) kind: String,
    pub(crate) channel_id: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) data: String,
    pub(crate) created_at: i64,
}

/// Keeps an event. Those of one message have times that rise in the order in which they are kept, a
/// millisecond apart at least: the clock was read before the transaction began, and whoever waited longer for
/// it must not look earlier.
pub async fn insert(tx: &mut Tx, tenant: &TenantId, new: &NewEvent) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into event (id, tenant_id, type, channel_id, message_id, data, created_at)
         select $1, $2, $3, $4, $5, $6, case when latest.at >= $7 then latest.at + 1 else $7 end
         from (select max(created_at) as at from event where message_id = $5) as latest"
    )
    .bind(new.id.bare())
    .bind(tenant.as_str())
    .bind(&new.kind)
    .bind(new.channel.as_ref().map(ChannelId::as_str))
    .bind(new.message.map(|message| message.bare()))
    .bind(to_json(&new.data))
    .bind(new.created_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep an event")
}

pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: EventId,
) -> Result<Option<EventRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, type, channel_id, message_id, data, created_at
         from event where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("read an event")?;
    row.map(EventRow::try_from).transpose()
}

/// The events about one message, oldest first.
pub async fn of_message(
    conn: &mut Conn,
    tenant: &TenantId,
    message: MessageId,
) -> Result<Vec<EventRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, type, channel_id, message_id, data, created_at
         from event where tenant_id = $1 and message_id = $2 order by created_at"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .fetch_all(c)
    .await)
    .doing("read a message's events")?;
    rows.into_iter().map(EventRow::try_from).collect()
}

impl TryFrom<Row> for EventRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let message = row
            .message_id
            .map(|text| bare("event.message_id", &text, MessageId::from_bare))
            .transpose()?;
        Ok(Self {
            id: bare("event.id", &row.id, EventId::from_bare)?,
            tenant: parsed("event.tenant_id", &row.tenant_id)?,
            kind: row.kind,
            channel: parsed_or_null("event.channel_id", row.channel_id.as_deref())?,
            message,
            data: json("event.data", &row.data)?,
            created_at: row.created_at,
        })
    }
}
