//! What an operator asks of the queues: how they stand, what failed, run it again, throw it away.

use std::collections::HashMap;

use sqlx::{query, query_as};
use wharf_core::{JobId, TenantId};
use wharf_store::{Conn, Context, StoreError, Tx, on_db};

use crate::job::Queue;
use crate::sql::lanes::Touched;
use crate::sql::push::promote;
use crate::sql::{batch, text};

/// Dead letters that one call lists, retries or throws away: what the writer does at a time is bounded.
pub const DEAD_PER_CALL_MAX: i64 = 1_000;

/// How one queue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    pub queue: Queue,
    /// Not yet started, due or not, including those that wait behind another of their order key.
    pub pending: i64,
    /// Of these, what could run now.
    pub due: i64,
    pub leased: i64,
    pub dead: i64,
    /// How long the oldest due job has been so.
    pub oldest_due_age_ms: Option<i64>,
}

/// How every queue stands, in the order of [`Queue::ALL`].
pub async fn status(conn: &mut Conn, now_ms: i64) -> Result<Vec<QueueStatus>, StoreError> {
    // Each part is answered from one index, without touching a payload.
    const TEXT: &str =
        "select queue, 0 as state, count(*), count(case when due_at <= $1 then 1 end),
                min(due_at) from job where state = 0 group by queue
        union all select queue, 1, count(*), 0, null from job where state = 1 group by queue
        union all select queue, 2, count(*), 0, null from job where state = 2 group by queue
        union all select queue, 3, count(*), 0, null from job
            where state = 3 and order_key is not null group by queue";
    let rows: Vec<(String, i32, i64, i64, Option<i64>)> =
        on_db!(conn, |c| query_as(TEXT).bind(now_ms).fetch_all(c).await).doing("count jobs")?;
    let mut all: HashMap<Queue, QueueStatus> = HashMap::new();
    for (queue, state, count, due, first_due_at) in rows {
        let queue: Queue = queue.parse().map_err(|error| StoreError::Corrupt {
            what: format!("a job's queue: {error}"),
        })?;
        let status = all
            .entry(queue)
            .or_insert_with(|| QueueStatus::empty(queue));
        match state {
            1 => status.leased += count,
            2 => status.dead += count,
            _ => status.pending += count,
        }
        status.due += due;
        if let Some(at) = first_due_at.filter(|&at| at <= now_ms) {
            status.oldest_due_age_ms = Some(now_ms - at);
        }
    }
    Ok(Queue::ALL
        .map(|queue| {
            all.remove(&queue)
                .unwrap_or_else(|| QueueStatus::empty(queue))
        })
        .into())
}

impl QueueStatus {
    fn empty(queue: Queue) -> Self {
        Self {
            queue,
            pending: 0,
            due: 0,
            leased: 0,
            dead: 0,
            oldest_due_age_ms: None,
        }
    }
}

/// A dead letter. Without its payload, which may hold what a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeadJob {
    /// The bare id: the cursor of the page after it.
    pub id: String,
    pub queue: String,
    pub tenant_id: String,
    pub lane: String,
    pub kind: String,
    /// What the job was to work on: ids, as its pusher wrote them.
    pub payload: String,
    pub attempt: i64,
    pub reason: Option<String>,
    pub created_at: i64,
    pub dead_at: i64,
}

/// Dead letters, newest first: of one tenant or all, of one queue or all, older than `cursor`.
pub async fn failed(
    conn: &mut Conn,
    tenant: Option<&TenantId>,
    queue: Option<Queue>,
    cursor: Option<&str>,
    limit: i64,
) -> Result<Vec<DeadJob>, StoreError> {
    let filter = DeadFilter {
        tenant,
        queue,
        ..DeadFilter::default()
    };
    dead(conn, filter, cursor, limit).await
}

/// Dead letters that match, newest first, older than `cursor`.
pub async fn dead(
    conn: &mut Conn,
    filter: DeadFilter<'_>,
    cursor: Option<&str>,
    limit: i64,
) -> Result<Vec<DeadJob>, StoreError> {
    const SQLITE: &str =
        "select id, queue, tenant_id, lane, kind, payload, attempt, reason, created_at, dead_at
        from job where state = 2
            and (cast($1 as text) is null or tenant_id = $1)
            and (cast($2 as text) is null or queue = $2)
            and (cast($3 as text) is null or id in (select value from json_each($3)))
            and (cast($4 as text) is null or lane = $4)
            and (cast($5 as text) is null or reason like $5)
            and (cast($6 as text) is null or id < $6)
        order by id desc limit $7";
    const POSTGRES: &str =
        "select id, queue, tenant_id, lane, kind, payload, attempt, reason, created_at, dead_at
        from job where state = 2
            and (cast($1 as text) is null or tenant_id = $1)
            and (cast($2 as text) is null or queue = $2)
            and (cast($3 as text) is null or id in (select json_array_elements_text($3::json)))
            and (cast($4 as text) is null or lane = $4)
            and (cast($5 as text) is null or reason like $5)
            and (cast($6 as text) is null or id < $6)
        order by id desc limit $7";
    let text = text(conn, SQLITE, POSTGRES);
    on_db!(conn, |c| query_as(text)
        .bind(filter.tenant.map(TenantId::as_str))
        .bind(filter.queue.map(Queue::as_str))
        .bind(filter.ids())
        .bind(filter.lane)
        .bind(filter.reason_like())
        .bind(cursor)
        .bind(limit.clamp(0, DEAD_PER_CALL_MAX))
        .fetch_all(c)
        .await)
    .doing("list dead letters")
}

/// Which dead letters; what is `None` does not narrow it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadFilter<'a> {
    pub tenant: Option<&'a TenantId>,
    pub queue: Option<Queue>,
    pub ids: Option<&'a [JobId]>,
    pub lane: Option<&'a str>,
    /// What the reason begins with, up to its first colon. Letters, digits and hyphens.
    pub code: Option<&'a str>,
}

impl DeadFilter<'_> {
    fn ids(&self) -> Option<String> {
        let ids: Vec<String> = self.ids?.iter().map(JobId::bare).collect();
        Some(batch(&ids))
    }

    fn reason_like(&self) -> Option<String> {
        self.code.map(|code| format!("{code}:%"))
    }
}

/// Makes dead letters pending now, with all their attempts back. Returns how many: at most
/// [`DEAD_PER_CALL_MAX`], so call it until it returns 0.
pub async fn retry(tx: &mut Tx, filter: DeadFilter<'_>, now_ms: i64) -> Result<u64, StoreError> {
    // One with an order key waits first: another of its key may be running.
    const SQLITE: &str = "update job set attempt = 0, due_at = $1, reason = null, dead_at = null,
            state = case when order_key is null then 0 else 3 end
        where state = 2 and id in (select id from job where state = 2
            and (cast($2 as text) is null or tenant_id = $2)
            and (cast($3 as text) is null or queue = $3)
            and (cast($4 as text) is null or id in (select value from json_each($4)))
            and (cast($6 as text) is null or lane = $6)
            and (cast($7 as text) is null or reason like $7)
            order by id limit $5)
        returning queue, tenant_id, lane, order_key";
    const POSTGRES: &str = "update job set attempt = 0, due_at = $1, reason = null, dead_at = null,
            state = case when order_key is null then 0 else 3 end
        where state = 2 and id in (select id from job where state = 2
            and (cast($2 as text) is null or tenant_id = $2)
            and (cast($3 as text) is null or queue = $3)
            and (cast($4 as text) is null or id in (select json_array_elements_text($4::json)))
            and (cast($6 as text) is null or lane = $6)
            and (cast($7 as text) is null or reason like $7)
            order by id limit $5)
        returning queue, tenant_id, lane, order_key";
    let text = text(tx, SQLITE, POSTGRES);
    let retried: Vec<(String, String, String, Option<String>)> =
        on_db!(&mut **tx, |c| query_as(text)
            .bind(now_ms)
            .bind(filter.tenant.map(TenantId::as_str))
            .bind(filter.queue.map(Queue::as_str))
            .bind(filter.ids())
            .bind(DEAD_PER_CALL_MAX)
            .bind(filter.lane)
            .bind(filter.reason_like())
            .fetch_all(c)
            .await)
        .doing("retry dead letters")?;
    let mut touched = Touched::default();
    let mut keys: HashMap<Queue, Vec<&str>> = HashMap::new();
    for (queue, tenant, lane, order_key) in &retried {
        let queue = queue.parse().map_err(|error| StoreError::Corrupt {
            what: format!("a job's queue: {error}"),
        })?;
        touched.add(queue, lane, tenant, now_ms);
        keys.entry(queue).or_default().extend(order_key.as_deref());
    }
    touched.write(tx).await?;
    for (queue, keys) in keys {
        promote(tx, queue, &keys).await?;
    }
    Ok(u64::try_from(retried.len()).unwrap_or(u64::MAX))
}

/// Throws dead letters away. Returns how many: at most [`DEAD_PER_CALL_MAX`], so call it until it
/// returns 0.
pub async fn flush(tx: &mut Tx, filter: DeadFilter<'_>) -> Result<u64, StoreError> {
    const SQLITE: &str = "delete from job where id in (select id from job where state = 2
            and (cast($1 as text) is null or tenant_id = $1)
            and (cast($2 as text) is null or queue = $2)
            and (cast($3 as text) is null or id in (select value from json_each($3)))
            and (cast($5 as text) is null or lane = $5)
            and (cast($6 as text) is null or reason like $6)
            order by id limit $4)";
    const POSTGRES: &str = "delete from job where id in (select id from job where state = 2
            and (cast($1 as text) is null or tenant_id = $1)
            and (cast($2 as text) is null or queue = $2)
            and (cast($3 as text) is null or id in (select json_array_elements_text($3::json)))
            and (cast($5 as text) is null or lane = $5)
            and (cast($6 as text) is null or reason like $6)
            order by id limit $4)";
    let text = text(tx, SQLITE, POSTGRES);
    on_db!(&mut **tx, |c| query(text)
        .bind(filter.tenant.map(TenantId::as_str))
        .bind(filter.queue.map(Queue::as_str))
        .bind(filter.ids())
        .bind(DEAD_PER_CALL_MAX)
        .bind(filter.lane)
        .bind(filter.reason_like())
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .doing("throw dead letters away")
}
