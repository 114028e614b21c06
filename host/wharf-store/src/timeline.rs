//! What the gateway did with one message, row by row. Renders nothing.

use serde_json::Value;
use wharf_core::provider::{Outcome, Replay};
use wharf_core::{ChannelId, MessageId, Status, TenantId};

use crate::columns::{json, json_or_null, number, parsed, parsed_or_null};
use crate::deliveries::{self, DeliveryAttemptRow, DeliveryRow};
use crate::events::{self, EventRow};
use crate::inbound_media::{self, InboundMediaRow};
use crate::journal::{self, AttemptOutcome};
use crate::messages::{self, Stored};
use crate::{Conn, Context, StoreError, on_db};

/// Every list is in the order things happened.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub message: Stored,
    pub tries: Vec<Try>,
    pub attempts: Vec<Attempt>,
    pub exchanges: Vec<Exchange>,
    pub statuses: Vec<StatusReport>,
    pub events: Vec<EventRow>,
    pub deliveries: Vec<DeliveryRow>,
    pub delivery_attempts: Vec<DeliveryAttemptRow>,
    /// Of a message that came in with one.
    pub media: Option<InboundMediaRow>,
}

#[derive(Clone, Debug)]
pub struct Try {
    pub number: u32,
    pub channel: ChannelId,
    pub status: Status,
    pub provider_message_id: Option<String>,
    pub error: Option<Value>,
    pub opened_at: i64,
    pub updated_at: i64,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub try_number: u32,
    pub number: u32,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub outcome: Option<AttemptOutcome>,
    pub error: Option<Value>,
    pub retry_at: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Exchange {
    pub try_number: u32,
    pub attempt: u32,
    pub seq: u32,
    pub label: String,
    pub replay: Replay,
    /// Redacted.
    pub request: Value,
    /// True when it was not sent: an earlier exchange's answer stood for it.
    pub from_memo: bool,
    pub outcome: Option<Outcome>,
    pub started_at: i64,
    pub ended_at: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct StatusReport {
    pub try_number: u32,
    pub status: Status,
    /// The provider's time.
    pub at: i64,
    pub recorded_at: i64,
    pub detail: Value,
}

/// None when the tenant has no such message.
pub async fn read(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<Timeline>, StoreError> {
    let Some(message) = messages::get_any(conn, tenant, id).await? else {
        return Ok(None);
    };
    Ok(Some(Timeline {
        message,
        tries: tries(conn, tenant, id).await?,
        attempts: attempts(conn, tenant, id).await?,
        exchanges: exchanges(conn, tenant, id).await?,
        statuses: statuses(conn, tenant, id).await?,
        events: events::of_message(conn, tenant, id).await?,
        deliveries: deliveries::of_message(conn, tenant, id).await?,
        delivery_attempts: deliveries::attempts_of_message(conn, tenant, id).await?,
        media: inbound_media::get(conn, tenant, id).await?,
    }))
}

#[derive(sqlx::FromRow)]
struct TryRow {
    number: i64,
    channel_id: String,
    status: String,
    provider_message_id: Option<String>,
    error: Option<String>,
    opened_at: i64,
    updated_at: i64,
}

async fn tries(conn: &mut Conn, tenant: &TenantId, id: MessageId) -> Result<Vec<Try>, StoreError> {
    let rows: Vec<TryRow> = on_db!(conn, |c| sqlx::query_as(
        "select number, channel_id, status, provider_message_id, error, opened_at, updated_at
         from message_try where tenant_id = $1 and message_id = $2 order by number"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_all(c)
    .await)
    .doing("read a message's tries")?;
    let typed = |row: TryRow| {
        Ok(Try {
            number: number("message_try.number", row.number)?,
            channel: parsed("message_try.channel_id", &row.channel_id)?,
            status: parsed("message_try.status", &row.status)?,
            provider_message_id: row.provider_message_id,
            error: json_or_null("message_try.error", row.error.as_deref())?,
            opened_at: row.opened_at,
            updated_at: row.updated_at,
        })
    };
    rows.into_iter().map(typed).collect()
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    try_number: i64,
    number: i64,
    started_at: i64,
    ended_at: Option<i64>,
    outcome: Option<String>,
    error: Option<String>,
    retry_at: Option<i64>,
}

async fn attempts(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Vec<Attempt>, StoreError> {
    let rows: Vec<AttemptRow> = on_db!(conn, |c| sqlx::query_as(
        "select try_number, number, started_at, ended_at, outcome, error, retry_at
         from attempt where tenant_id = $1 and message_id = $2 order by try_number, number"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_all(c)
    .await)
    .doing("read a message's attempts")?;
    let typed = |row: AttemptRow| {
        Ok(Attempt {
            try_number: number("attempt.try_number", row.try_number)?,
            number: number("attempt.number", row.number)?,
            started_at: row.started_at,
            ended_at: row.ended_at,
            outcome: parsed_or_null("attempt.outcome", row.outcome.as_deref())?,
            error: json_or_null("attempt.error", row.error.as_deref())?,
            retry_at: row.retry_at,
        })
    };
    rows.into_iter().map(typed).collect()
}

#[derive(sqlx::FromRow)]
struct ExchangeRow {
    try_number: i64,
    attempt: i64,
    seq: i64,
    label: String,
    replay: String,
    request: String,
    from_memo: i64,
    outcome: Option<String>,
    started_at: i64,
    ended_at: Option<i64>,
}

async fn exchanges(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Vec<Exchange>, StoreError> {
    let rows: Vec<ExchangeRow> = on_db!(conn, |c| {
        sqlx::query_as(
        "select try_number, attempt, seq, label, replay, request, from_memo, outcome, started_at,
                ended_at
         from exchange where tenant_id = $1 and message_id = $2
         order by try_number, attempt, seq"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_all(c)
    .await
    })
    .doing("read a message's exchanges")?;
    let typed = |row: ExchangeRow| {
        Ok(Exchange {
            try_number: number("exchange.try_number", row.try_number)?,
            attempt: number("exchange.attempt", row.attempt)?,
            seq: number("exchange.seq", row.seq)?,
            label: row.label,
            replay: journal::replay(&row.replay)?,
            request: json("exchange.request", &row.request)?,
            from_memo: row.from_memo != 0,
            outcome: json_or_null("exchange.outcome", row.outcome.as_deref())?,
            started_at: row.started_at,
            ended_at: row.ended_at,
        })
    };
    rows.into_iter().map(typed).collect()
}

#[derive(sqlx::FromRow)]
struct StatusRow {
    try_number: i64,
    status: String,
    at: i64,
    recorded_at: i64,
    detail: String,
}

async fn statuses(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Vec<StatusReport>, StoreError> {
    let rows: Vec<StatusRow> = on_db!(conn, |c| sqlx::query_as(
        "select try_number, status, at, recorded_at, detail
         from message_status where tenant_id = $1 and message_id = $2 order by seq"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_all(c)
    .await)
    .doing("read a message's statuses")?;
    let typed = |row: StatusRow| {
        Ok(StatusReport {
            try_number: number("message_status.try_number", row.try_number)?,
            status: parsed("message_status.status", &row.status)?,
            at: row.at,
            recorded_at: row.recorded_at,
            detail: json("message_status.detail", &row.detail)?,
        })
    };
    rows.into_iter().map(typed).collect()
}
