//! Leases: renewing what is held, freeing what nobody renewed.

use std::sync::Arc;

use serde::Serialize;
use sqlx::{query_as, query_scalar};
use wharf_store::{Conn, Context, StoreError, on_db};

use super::lanes::Touched;
use super::push::promote;
use super::{DEAD, batch, text};
use crate::job::Queue;
use crate::lease::Run;

#[derive(Serialize)]
struct Held<'a> {
    i: &'a str,
    f: i64,
}

/// Renews exactly these leases and returns those that are gone. Not by owner: a row whose claim
/// committed unknown to this process would then stay leased for ever.
pub(crate) async fn renew(
    conn: &mut Conn,
    held: &[Arc<Run>],
    lease_until: i64,
) -> Result<Vec<Arc<Run>>, StoreError> {
    const SQLITE: &str = "update job set lease_until = $2
        where state = 1 and (id, fence) in (
            select value->>'i', value->>'f' from json_each($1))
        returning id";
    const POSTGRES: &str = "update job set lease_until = $2
        from json_to_recordset($1::json) as r(i text, f bigint)
        where job.id = r.i and job.fence = r.f and job.state = 1
        returning job.id";
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Held<'_>> = held
        .iter()
        .map(|run| Held {
            i: &run.id,
            f: run.fence,
        })
        .collect();
    let text = text(conn, SQLITE, POSTGRES);
    let mut renewed: Vec<String> = on_db!(conn, |c| query_scalar(text)
        .bind(batch(&rows))
        .bind(lease_until)
        .fetch_all(c)
        .await)
    .doing("renew leases")?;
    renewed.sort_unstable();
    let gone = held
        .iter()
        .filter(|run| renewed.binary_search(&run.id).is_err());
    Ok(gone.map(Arc::clone).collect())
}

/// Frees the leases that ran out. A job that took its last attempt down with it is dead, so one that
/// kills the process does not do so for ever. The fence stays: a late end still counts while nobody
/// has claimed the job again.
pub(crate) async fn leases(conn: &mut Conn, queue: Queue, now_ms: i64) -> Result<(), StoreError> {
    const TEXT: &str = "update job set lease_owner = null, lease_until = null,
            state = case when attempt >= attempts_max then 2 else 0 end,
            dead_at = case when attempt >= attempts_max then $2 end,
            reason = case when attempt >= attempts_max
                then 'crashed repeatedly: no run of it came to an end' else reason end
        where queue = $1 and state = 1 and lease_until < $2
        returning id, tenant_id, lane, order_key, due_at, state";
    let freed: Vec<Freed> = on_db!(conn, |c| query_as(TEXT)
        .bind(queue.as_str())
        .bind(now_ms)
        .fetch_all(c)
        .await)
    .doing("free leases that ran out")?;
    after_expiry(conn, queue, &freed).await
}

/// Frees what earlier processes left leased; only where no other process can be alive.
pub(crate) async fn leases_of_others(
    conn: &mut Conn,
    queue: Queue,
    boot: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    const TEXT: &str = "update job set lease_owner = null, lease_until = null,
            state = case when attempt >= attempts_max then 2 else 0 end,
            dead_at = case when attempt >= attempts_max then $3 end,
            reason = case when attempt >= attempts_max
                then 'crashed repeatedly: no run of it came to an end' else reason end
        where queue = $1 and state = 1 and lease_owner <> $2
        returning id, tenant_id, lane, order_key, due_at, state";
    let freed: Vec<Freed> = on_db!(conn, |c| query_as(TEXT)
        .bind(queue.as_str())
        .bind(boot)
        .bind(now_ms)
        .fetch_all(c)
        .await)
    .doing("free the leases of an earlier process")?;
    after_expiry(conn, queue, &freed).await
}

#[derive(sqlx::FromRow)]
struct Freed {
    id: String,
    tenant_id: String,
    lane: String,
    order_key: Option<String>,
    due_at: i64,
    state: i64,
}

async fn after_expiry(conn: &mut Conn, queue: Queue, freed: &[Freed]) -> Result<(), StoreError> {
    let mut touched = Touched::default();
    let mut keys = Vec::new();
    for job in freed {
        let dead = job.state == DEAD;
        tracing::warn!(queue = queue.as_str(), job.id = %job.id, tenant.id = %job.tenant_id, dead,
            "a lease ran out");
        if dead {
            keys.extend(job.order_key.as_deref());
        } else {
            touched.add(queue, &job.lane, &job.tenant_id, job.due_at);
        }
    }
    touched.write(conn).await?;
    promote(conn, queue, &keys).await
}
