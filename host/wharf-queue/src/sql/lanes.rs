//! Lanes: when they may next be served, and how fast.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{query, query_as};
use wharf_core::TenantId;
use wharf_store::{Conn, Context, StoreError, Tx, on_db};

use super::{batch, text};
use crate::job::Queue;
use crate::pacing::{Pace, effective};

/// The most a lane may be told to do per second; one interval is at least a microsecond.
const PER_SECOND_MAX: u32 = 1_000_000;

/// A lane's own rates: `burst` jobs at once, `per_second` in the long run; 0 paces nothing. A burst of a
/// tenth of a second's jobs or more keeps the rate exact: what a smaller one misses while the dispatcher
/// sleeps is not made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneRate {
    pub per_second: u32,
    pub burst: u32,
    /// True when somebody configured it: the provider's word may slow it down, but not speed it up.
    pub is_ceiling: bool,
    /// Milliseconds between two jobs to one recipient in the long run, and how many at once.
    pub pair: Option<(u32, u32)>,
}

/// Paces a lane.
pub async fn set_lane_rate(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    tenant: &TenantId,
    rate: LaneRate,
) -> Result<(), StoreError> {
    const TEXT: &str = "insert into lane (queue, lane, tenant_id, own_interval_us, own_burst,
                own_is_ceiling, pair_interval_us, pair_burst)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (queue, lane) do update
            set own_interval_us = excluded.own_interval_us, own_burst = excluded.own_burst,
                own_is_ceiling = excluded.own_is_ceiling,
                pair_interval_us = excluded.pair_interval_us, pair_burst = excluded.pair_burst";
    let (pair_ms, pair_burst) = rate.pair.unwrap_or((0, 1));
    on_db!(&mut **tx, |c| query(TEXT)
        .bind(queue.as_str())
        .bind(lane)
        .bind(tenant.as_str())
        .bind(interval_us(rate.per_second))
        .bind(i64::from(rate.burst.max(1)))
        .bind(i64::from(rate.is_ceiling))
        .bind(i64::from(pair_ms) * 1000)
        .bind(i64::from(pair_burst.max(1)))
        .execute(c)
        .await
        .map(drop))
    .doing("set a lane's rate")?;
    take_effect(tx, queue, lane).await
}

/// Keeps the provider's own word on how fast a lane may go. A lane that nobody made is left alone.
pub async fn say_lane_rate(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    per_second: u32,
    burst: u32,
) -> Result<(), StoreError> {
    const TEXT: &str = "update lane set said_interval_us = $3, said_burst = $4
        where queue = $1 and lane = $2";
    on_db!(&mut **tx, |c| query(TEXT)
        .bind(queue.as_str())
        .bind(lane)
        .bind(interval_us(per_second))
        .bind(i64::from(burst.max(1)))
        .execute(c)
        .await
        .map(drop))
    .doing("keep what a provider said of a lane's rate")?;
    take_effect(tx, queue, lane).await
}

fn interval_us(per_second: u32) -> i64 {
    match per_second.min(PER_SECOND_MAX) {
        0 => 0,
        per_second => 1_000_000 / i64::from(per_second),
    }
}

#[derive(sqlx::FromRow)]
struct Rates {
    own_interval_us: i64,
    own_burst: i64,
    own_is_ceiling: i64,
    said_interval_us: Option<i64>,
    said_burst: Option<i64>,
}

async fn take_effect(tx: &mut Tx, queue: Queue, lane: &str) -> Result<(), StoreError> {
    const READ: &str =
        "select own_interval_us, own_burst, own_is_ceiling, said_interval_us, said_burst
        from lane where queue = $1 and lane = $2";
    const WRITE: &str = "update lane set interval_us = $3, burst = $4
        where queue = $1 and lane = $2 and (interval_us <> $3 or burst <> $4)";
    let rates: Option<Rates> = on_db!(&mut **tx, |c| query_as(READ)
        .bind(queue.as_str())
        .bind(lane)
        .fetch_optional(c)
        .await)
    .doing("read a lane's rates")?;
    let Some(rates) = rates else {
        return Ok(());
    };
    let pace = |interval_us, burst| Pace {
        tat_us: 0,
        interval_us,
        burst,
    };
    let said = rates
        .said_interval_us
        .map(|interval| pace(interval, rates.said_burst.unwrap_or(1)));
    let own = pace(rates.own_interval_us, rates.own_burst);
    let rate = effective(own, rates.own_is_ceiling != 0, said);
    on_db!(&mut **tx, |c| query(WRITE)
        .bind(queue.as_str())
        .bind(lane)
        .bind(rate.interval_us)
        .bind(rate.burst)
        .execute(c)
        .await
        .map(drop))
    .doing("set a lane's rate")
}

/// How long what went another way may keep a lane closed at most: jobs of a backlog that is caught up on
/// did not all happen now.
const DRAWN_AHEAD_US_MAX: i64 = 1_000_000;

/// Counts jobs that went another way against a lane's rate, such as messages that came in.
pub async fn draw_from_lane(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    jobs: u32,
    now_ms: i64,
) -> Result<(), StoreError> {
    const SQLITE: &str = "update lane set tat_us = max(tat_us,
            min(max(tat_us, $4) + $3 * interval_us, $4 + burst * interval_us + $5))
        where queue = $1 and lane = $2 and interval_us > 0";
    const POSTGRES: &str = "update lane set tat_us = greatest(tat_us,
            least(greatest(tat_us, $4) + $3 * interval_us, $4 + burst * interval_us + $5))
        where queue = $1 and lane = $2 and interval_us > 0";
    let text = text(tx, SQLITE, POSTGRES);
    on_db!(&mut **tx, |c| query(text)
        .bind(queue.as_str())
        .bind(lane)
        .bind(i64::from(jobs))
        .bind(now_ms.saturating_mul(1000))
        .bind(DRAWN_AHEAD_US_MAX)
        .execute(c)
        .await
        .map(drop))
    .doing("count against a lane's rate")
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

/// A shared pause that is this much of it shorter is as good: many answers say the same at once, and each
/// would write all the lanes.
const SHARED_PAUSE_SLACK: i64 = 4;

/// Pauses lanes that share a limit, as [`pause_lane`] does one.
pub async fn pause_lanes(
    tx: &mut Tx,
    queue: Queue,
    lanes: &[String],
    now_ms: i64,
    until_ms: i64,
) -> Result<(), StoreError> {
    const SQLITE: &str = "update lane
        set paced_until = $3, ready_at = case when ready_at is not null then $3 end
        where queue = $1 and lane in (select value from json_each($2)) and paced_until < $4";
    const POSTGRES: &str = "update lane
        set paced_until = $3, ready_at = case when ready_at is not null then $3 end
        where queue = $1 and lane in (select json_array_elements_text($2::json))
            and paced_until < $4";
    if let [lane] = lanes {
        return pause_lane(tx, queue, lane, until_ms).await;
    }
    let text = text(tx, SQLITE, POSTGRES);
    on_db!(&mut **tx, |c| query(text)
        .bind(queue.as_str())
        .bind(batch(lanes))
        .bind(until_ms)
        .bind(until_ms - (until_ms - now_ms) / SHARED_PAUSE_SLACK)
        .execute(c)
        .await
        .map(drop))
    .doing("pause lanes")
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
