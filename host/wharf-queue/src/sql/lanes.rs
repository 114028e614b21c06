//! Lanes: when they may next be served, and how fast.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::query;
use wharf_core::TenantId;
use wharf_store::{Conn, Context, StoreError, Tx, on_db};

use super::{batch, text};
use crate::job::Queue;

/// The most a lane may be told to do per second; one interval is at least a microsecond.
const PER_SECOND_MAX: u32 = 1_000_000;

/// Paces a lane: `burst` jobs at once, `per_second` in the long run; 0 paces nothing. A burst of a
/// tenth of a second's jobs or more keeps the rate exact: what a smaller one misses while the
/// dispatcher sleeps is not made up for.
pub async fn set_lane_rate(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    tenant: &TenantId,
    per_second: u32,
    burst: u32,
) -> Result<(), StoreError> {
    const TEXT: &str = "insert into lane (queue, lane, tenant_id, interval_us, burst)
        values ($1, $2, $3, $4, $5)
        on conflict (queue, lane) do update
            set interval_us = excluded.interval_us, burst = excluded.burst
            where lane.interval_us <> excluded.interval_us or lane.burst <> excluded.burst";
    let interval_us = match per_second.min(PER_SECOND_MAX) {
        0 => 0,
        per_second => 1_000_000 / i64::from(per_second),
    };
    on_db!(&mut **tx, |c| query(TEXT)
        .bind(queue.as_str())
        .bind(lane)
        .bind(tenant.as_str())
        .bind(interval_us)
        .bind(i64::from(burst.max(1)))
        .execute(c)
        .await
        .map(drop))
    .doing("set a lane's rate")
}

/// Serves a lane that has had jobs not before `until_ms`; a time in the past resumes it at once.
pub async fn pause_lane(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    until_ms: i64,
) -> Result<(), StoreError> {
    // A lane that is visited before its first job is due is only looked at and put back.
    const TEXT: &str = "update lane
        set paced_until = $3, ready_at = case when ready_at is not null then $3 end
        where queue = $1 and lane = $2 and (paced_until < $3 or $3 = 0)";
    on_db!(&mut **tx, |c| query(TEXT)
        .bind(queue.as_str())
        .bind(lane)
        .bind(until_ms)
        .execute(c)
        .await
        .map(drop))
    .doing("pause a lane")
}

/// Lanes that got something to do, each with the earliest time of it.
#[derive(Default)]
pub(crate) struct Touched<'a> {
    lanes: BTreeMap<(Queue, &'a str), (&'a str, i64)>,
}

#[derive(Serialize)]
pub(crate) struct Touch<'a> {
    q: &'a str,
    l: &'a str,
    t: &'a str,
    d: i64,
}

impl<'a> Touched<'a> {
    pub(crate) fn add(&mut self, queue: Queue, lane: &'a str, tenant: &'a str, due_at: i64) {
        let (_, earliest) = self.lanes.entry((queue, lane)).or_insert((tenant, due_at));
        *earliest = due_at.min(*earliest);
    }

    /// As the statements take them.
    pub(crate) fn rows(&self) -> Vec<Touch<'a>> {
        let lanes = self.lanes.iter();
        lanes
            .map(|(&(queue, l), &(t, d))| Touch {
                q: queue.as_str(),
                l,
                t,
                d,
            })
            .collect()
    }

    /// Makes the lanes ready by then, or when their rate allows.
    pub(crate) async fn write(self, conn: &mut Conn) -> Result<(), StoreError> {
        const SQLITE: &str = "insert into lane (queue, lane, tenant_id, ready_at)
            select value->>'q', value->>'l', value->>'t', value->>'d' from json_each($1) where true
            on conflict (queue, lane) do update
                set ready_at = max(excluded.ready_at, lane.paced_until)
                where lane.ready_at is null
                    or lane.ready_at > max(excluded.ready_at, lane.paced_until)";
        const POSTGRES: &str = "insert into lane (queue, lane, tenant_id, ready_at)
            select q, l, t, d from json_to_recordset($1::json) as r(q text, l text, t text, d bigint)
            on conflict (queue, lane) do update
                set ready_at = greatest(excluded.ready_at, lane.paced_until)
                where lane.ready_at is null
                    or lane.ready_at > greatest(excluded.ready_at, lane.paced_until)";
        if self.lanes.is_empty() {
            return Ok(());
        }
        let text = text(conn, SQLITE, POSTGRES);
        on_db!(conn, |c| query(text)
            .bind(batch(&self.rows()))
            .execute(c)
            .await
            .map(drop))
        .doing("make lanes ready")
    }
}
