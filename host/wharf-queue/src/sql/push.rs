//! Putting jobs into the table.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{query, query_as};
use wharf_store::{Conn, Context, StoreError, on_db};

use super::lanes::Touched;
use super::{PENDING, WAITING, batch, text};
use crate::job::{NewJob, Queue};

/// Jobs of one statement: bounds its parameter to what is comfortable.
const JOBS_PER_STATEMENT_MAX: usize = 500;

#[derive(Serialize)]
struct JobRow<'a> {
    i: String,
    q: &'a str,
    t: &'a str,
    l: &'a str,
    o: Option<&'a str>,
    k: &'a str,
    p: String,
    c: i64,
    d: i64,
    m: u32,
    s: i64,
    r: Option<&'a str>,
}

/// A job, and the recipient it counts against.
pub(crate) type ToPush<'a> = (&'a NewJob, Option<&'a str>);

pub(crate) async fn push(
    conn: &mut Conn,
    jobs: &[ToPush<'_>],
    now_ms: i64,
) -> Result<(), StoreError> {
    if let [(job, pair_key)] = jobs
        && job.order_key.is_none()
    {
        return insert_one(conn, job, *pair_key, now_ms).await;
    }
    for jobs in jobs.chunks(JOBS_PER_STATEMENT_MAX) {
        insert(conn, jobs, now_ms).await?;
    }
    Ok(())
}

/// The same for one job that waits behind no other, which is what every accepted message and every
/// webhook pushes: without taking a batch apart.
async fn insert_one(
    conn: &mut Conn,
    job: &NewJob,
    pair_key: Option<&str>,
    now_ms: i64,
) -> Result<(), StoreError> {
    const SQLITE: &str = "insert into job (id, queue, tenant_id, lane, kind, payload, priority,
                due_at, state, fence, attempt, attempts_max, created_at, pair_key)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $10, $11)
        on conflict (id) do nothing;
        insert into lane (queue, lane, tenant_id, ready_at) values ($2, $4, $3, $8)
        on conflict (queue, lane) do update
            set ready_at = max(excluded.ready_at, lane.paced_until)
            where lane.ready_at is null
                or lane.ready_at > max(excluded.ready_at, lane.paced_until)";
    const POSTGRES: &str = "with pushed as (
        insert into job (id, queue, tenant_id, lane, kind, payload, priority,
                due_at, state, fence, attempt, attempts_max, created_at, pair_key)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $10, $11)
        on conflict (id) do nothing)
        insert into lane (queue, lane, tenant_id, ready_at) values ($2, $4, $3, $8)
        on conflict (queue, lane) do update
            set ready_at = greatest(excluded.ready_at, lane.paced_until)
            where lane.ready_at is null
                or lane.ready_at > greatest(excluded.ready_at, lane.paced_until)";
    let text = text(conn, SQLITE, POSTGRES);
    on_db!(conn, |c| query(text)
        .bind(job.id.bare())
        .bind(job.queue.as_str())
        .bind(job.tenant.as_str())
        .bind(&job.lane)
        .bind(job.kind)
        .bind(job.payload.to_string())
        .bind(job.priority.class())
        .bind(job.due_at)
        .bind(i64::from(job.attempts_max))
        .bind(now_ms)
        .bind(pair_key)
        .execute(c)
        .await
        .map(drop))
    .doing("insert a job")
}

/// The jobs and the readiness of their lanes, in one turn to the database. SQLite takes two statements
/// at once, PostgreSQL one inside another.
async fn insert(conn: &mut Conn, jobs: &[ToPush<'_>], now_ms: i64) -> Result<(), StoreError> {
    const SQLITE: &str = "insert into job (id, queue, tenant_id, lane, order_key, kind, payload,
                priority, due_at, state, fence, attempt, attempts_max, created_at, pair_key)
        select value->>'i', value->>'q', value->>'t', value->>'l', value->>'o', value->>'k',
            value->>'p', value->>'c', value->>'d',
            case when value->>'o' is null then 0
                when value->>'s' = 3 or exists (select 1 from job a where a.queue = value->>'q'
                    and a.order_key = value->>'o' and a.state in (0, 1, 3)) then 3
                else 0 end,
            0, 0, value->>'m', $2, value->>'r'
        from json_each($1) where true
        on conflict (id) do nothing;
        insert into lane (queue, lane, tenant_id, ready_at)
        select value->>'q', value->>'l', value->>'t', value->>'d' from json_each($3) where true
        on conflict (queue, lane) do update
            set ready_at = max(excluded.ready_at, lane.paced_until)
            where lane.ready_at is null
                or lane.ready_at > max(excluded.ready_at, lane.paced_until)";
    const POSTGRES: &str = "with pushed as (
        insert into job (id, queue, tenant_id, lane, order_key, kind, payload,
                priority, due_at, state, fence, attempt, attempts_max, created_at, pair_key)
        select i, q, t, l, o, k, p, c, d,
            case when o is null then 0
                when s = 3 or exists (select 1 from job a where a.queue = x.q
                    and a.order_key = x.o and a.state in (0, 1, 3)) then 3
                else 0 end,
            0, 0, m, $2, r
        from json_to_recordset($1::json) as x(i text, q text, t text, l text, o text, k text,
            p text, c bigint, d bigint, m bigint, s bigint, r text)
        on conflict (id) do nothing)
        insert into lane (queue, lane, tenant_id, ready_at)
        select q, l, t, d from json_to_recordset($3::json) as r(q text, l text, t text, d bigint)
        on conflict (queue, lane) do update
            set ready_at = greatest(excluded.ready_at, lane.paced_until)
            where lane.ready_at is null
                or lane.ready_at > greatest(excluded.ready_at, lane.paced_until)";
    let (rows, behind) = rows(jobs);
    let mut touched = Touched::default();
    for (job, _) in jobs {
        touched.add(job.queue, &job.lane, job.tenant.as_str(), job.due_at);
    }
    let text = text(conn, SQLITE, POSTGRES);
    on_db!(conn, |c| query(text)
        .bind(batch(&rows))
        .bind(now_ms)
        .bind(batch(&touched.rows()))
        .execute(c)
        .await
        .map(drop))
    .doing("insert jobs")?;
    // The job ahead may have been in the table already, and dead.
    for (queue, keys) in behind {
        promote(conn, queue, &keys).await?;
    }
    Ok(())
}

/// The rows, and the order keys under which one of them waits for another of the same push.
fn rows<'a>(jobs: &[ToPush<'a>]) -> (Vec<JobRow<'a>>, HashMap<Queue, Vec<&'a str>>) {
    let mut heads: HashMap<(Queue, &str), String> = HashMap::new();
    for (job, _) in jobs {
        if let Some(key) = &job.order_key {
            let id = job.id.bare();
            let head = heads.entry((job.queue, key)).or_insert_with(|| id.clone());
            if id < *head {
                *head = id;
            }
        }
    }
    let mut behind: HashMap<Queue, Vec<&str>> = HashMap::new();
    let rows = jobs
        .iter()
        .map(|&(job, pair_key)| {
            let i = job.id.bare();
            let o = job.order_key.as_deref();
            let waits = o.filter(|&key| heads[&(job.queue, key)] != i);
            if let Some(key) = waits {
                behind.entry(job.queue).or_default().push(key);
            }
            JobRow {
                i,
                q: job.queue.as_str(),
                t: job.tenant.as_str(),
                l: &job.lane,
                o,
                k: job.kind,
                p: job.payload.to_string(),
                c: job.priority.class(),
                d: job.due_at,
                m: job.attempts_max,
                s: if waits.is_some() { WAITING } else { PENDING },
                r: pair_key,
            }
        })
        .collect();
    (rows, behind)
}

/// Lets the next job of each order key go, if none is pending or leased; makes its lane ready.
pub(crate) async fn promote(
    conn: &mut Conn,
    queue: Queue,
    keys: &[&str],
) -> Result<(), StoreError> {
    const SQLITE: &str = "update job set state = 0 where state = 3 and id in (
            select (select min(w.id) from job w
                    where w.queue = $1 and w.order_key = k.value and w.state = 3)
            from json_each($2) k
            where not exists (select 1 from job a
                where a.queue = $1 and a.order_key = k.value and a.state in (0, 1)))
        returning lane, tenant_id, due_at";
    const POSTGRES: &str = "update job set state = 0 where state = 3 and id in (
            select (select min(w.id) from job w
                    where w.queue = $1 and w.order_key = k.value and w.state = 3)
            from json_array_elements_text($2::json) k(value)
            where not exists (select 1 from job a
                where a.queue = $1 and a.order_key = k.value and a.state in (0, 1)))
        returning lane, tenant_id, due_at";
    if keys.is_empty() {
        return Ok(());
    }
    let text = text(conn, SQLITE, POSTGRES);
    let promoted: Vec<(String, String, i64)> = on_db!(conn, |c| query_as(text)
        .bind(queue.as_str())
        .bind(batch(keys))
        .fetch_all(c)
        .await)
    .doing("let the next jobs of their order keys go")?;
    let mut touched = Touched::default();
    for (lane, tenant, due_at) in &promoted {
        touched.add(queue, lane, tenant, *due_at);
    }
    touched.write(conn).await
}
