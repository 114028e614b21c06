//! Events on their way to endpoints, with each attempt.

use wharf_core::{DeliveryId, EndpointId, EventId, MessageId, TenantId};

use crate::columns::{bare, number, parsed, storable, text_enum};
use crate::events::{self, EventRow};
use crate::{Conn, Context, StoreError, Tx, on_db};

text_enum! {
    pub enum DeliveryState {
        Pending = "pending",
        Delivered = "delivered",
        Failed = "failed",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub event: EventId,
    pub endpoint: EndpointId,
    pub state: DeliveryState,
    /// Made so far.
    pub attempts: u32,
    /// When the next attempt is due; None once it ended.
    pub next_at: Option<i64>,
    pub created_at: i64,
    pub ended_at: Option<i64>,
}

/// A delivery with what it delivers.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryWork {
    pub delivery: DeliveryRow,
    pub event: EventRow,
}

/// One attempt that was made, and what the delivery is after it.
#[derive(Clone, Debug)]
pub struct FinishedAttempt {
    pub delivery: DeliveryId,
    /// 1 for the first.
    pub number: u32,
    pub started_at: i64,
    pub duration_ms: i64,
    /// None when there was no answer.
    pub status: Option<u16>,
    pub error: Option<String>,
    /// The beginning of the answer.
    pub body: Option<String>,
    pub state: DeliveryState,
    pub next_at: Option<i64>,
    pub now: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttemptRow {
    pub delivery: DeliveryId,
    pub number: u32,
    pub started_at: i64,
    pub duration_ms: i64,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub body: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    event_id: String,
    endpoint_id: String,
    state: String,
    attempts: i64,
    next_at: Option<i64>,
    created_at: i64,
    ended_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    delivery_id: String,
    number: i64,
    started_at: i64,
    duration_ms: i64,
    status: Option<i64>,
    error: Option<String>,
    body: Option<String>,
}

/// A delivery of an event written in the same transaction, due at once.
pub async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    id: DeliveryId,
    event: EventId,
    endpoint: &EndpointId,
    now: i64,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into delivery (id, tenant_id, event_id, endpoint_id, state, attempts, next_at,
                               created_at)
         values ($2, $1, $3, $4, 'pending', 0, $5, $5)"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(event.bare())
    .bind(endpoint.as_str())
    .bind(now)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a delivery")
}

/// The delivery and its event. The endpoint is read apart: it may have changed since.
pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: DeliveryId,
) -> Result<Option<DeliveryWork>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, event_id, endpoint_id, state, attempts, next_at, created_at, ended_at
         from delivery where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("read a delivery")?;
    let Some(row) = row else {
        return Ok(None);
    };
    let delivery = DeliveryRow::try_from(row)?;
    let event = events::get(conn, tenant, delivery.event).await?;
    let event = event.ok_or_else(|| StoreError::Corrupt {
        what: format!("delivery {id}: its event {} is gone", delivery.event),
    })?;
    Ok(Some(DeliveryWork { delivery, event }))
}

/// Writes an attempt and what it left the delivery in. A delivery that has ended already is left
/// alone and the answer is false, as it is for another tenant's.
pub async fn finish_attempt(
    tx: &mut Tx,
    tenant: &TenantId,
    done: &FinishedAttempt,
) -> Result<bool, StoreError> {
    let ended_at = (done.state != DeliveryState::Pending).then_some(done.now);
    let moved = on_db!(&mut **tx, |c| sqlx::query(
        "update delivery set state = $3, attempts = $4, next_at = $5, ended_at = $6
         where tenant_id = $1 and id = $2 and state = 'pending'"
    )
    .bind(tenant.as_str())
    .bind(done.delivery.bare())
    .bind(done.state.as_str())
    .bind(i64::from(done.number))
    .bind(done.next_at)
    .bind(ended_at)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("move a delivery on")?;
    if moved == 0 {
        return Ok(false);
    }
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into delivery_attempt (delivery_id, number, tenant_id, started_at, duration_ms,
                                       status, error, body)
         values ($2, $3, $1, $4, $5, $6, $7, $8)"
    )
    .bind(tenant.as_str())
    .bind(done.delivery.bare())
    .bind(i64::from(done.number))
    .bind(done.started_at)
    .bind(done.duration_ms)
    .bind(done.status.map(i64::from))
    .bind(done.error.as_deref().map(storable))
    .bind(done.body.as_deref().map(storable))
    .execute(c)
    .await
    .map(|_| true))
    .doing("keep a delivery's attempt")
}

/// Makes a delivery that failed pending again; its attempts go on counting. False when it has not
/// failed, or is another tenant's.
pub async fn reopen(
    tx: &mut Tx,
    tenant: &TenantId,
    id: DeliveryId,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update delivery set state = 'pending', next_at = $3, ended_at = null
         where tenant_id = $1 and id = $2 and state = 'failed'"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("open a delivery again")
}

/// The deliveries of one event, by endpoint.
pub async fn of_event(
    conn: &mut Conn,
    tenant: &TenantId,
    event: EventId,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, event_id, endpoint_id, state, attempts, next_at, created_at, ended_at
         from delivery where tenant_id = $1 and event_id = $2 order by endpoint_id, id"
    )
    .bind(tenant.as_str())
    .bind(event.bare())
    .fetch_all(c)
    .await)
    .doing("read an event's deliveries")?;
    rows.into_iter().map(DeliveryRow::try_from).collect()
}

/// The deliveries of every event about one message, oldest first.
pub async fn of_message(
    conn: &mut Conn,
    tenant: &TenantId,
    message: MessageId,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select d.id, d.event_id, d.endpoint_id, d.state, d.attempts, d.next_at, d.created_at,
                d.ended_at
         from event e join delivery d on d.event_id = e.id
         where e.tenant_id = $1 and d.tenant_id = $1 and e.message_id = $2
         order by d.created_at, d.id"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .fetch_all(c)
    .await)
    .doing("read a message's deliveries")?;
    rows.into_iter().map(DeliveryRow::try_from).collect()
}

/// The attempts of every delivery about one message, oldest first.
pub async fn attempts_of_message(
    conn: &mut Conn,
    tenant: &TenantId,
    message: MessageId,
) -> Result<Vec<DeliveryAttemptRow>, StoreError> {
    let rows: Vec<AttemptRow> = on_db!(conn, |c| sqlx::query_as(
        "select a.delivery_id, a.number, a.started_at, a.duration_ms, a.status, a.error, a.body
         from event e join delivery d on d.event_id = e.id
                      join delivery_attempt a on a.delivery_id = d.id
         where e.tenant_id = $1 and a.tenant_id = $1 and e.message_id = $2
         order by a.started_at, a.delivery_id, a.number"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .fetch_all(c)
    .await)
    .doing("read the attempts of a message's deliveries")?;
    rows.into_iter().map(typed_attempt).collect()
}

impl TryFrom<Row> for DeliveryRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: bare("delivery.id", &row.id, DeliveryId::from_bare)?,
            event: bare("delivery.event_id", &row.event_id, EventId::from_bare)?,
            endpoint: parsed("delivery.endpoint_id", &row.endpoint_id)?,
            state: parsed("delivery.state", &row.state)?,
            attempts: number("delivery.attempts", row.attempts)?,
            next_at: row.next_at,
            created_at: row.created_at,
            ended_at: row.ended_at,
        })
    }
}

fn typed_attempt(row: AttemptRow) -> Result<DeliveryAttemptRow, StoreError> {
    let status = row
        .status
        .map(|status| number("delivery_attempt.status", status))
        .transpose()?;
    Ok(DeliveryAttemptRow {
        delivery: bare(
            "delivery_attempt.delivery_id",
            &row.delivery_id,
            DeliveryId::from_bare,
        )?,
        number: number("delivery_attempt.number", row.number)?,
        started_at: row.started_at,
        duration_ms: row.duration_ms,
        status,
        error: row.error,
        body: row.body,
    })
}
