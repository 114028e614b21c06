//! Claiming: the ready lanes, their first jobs, the share of each, and the lease on those chosen.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use sqlx::{query, query_as, query_scalar};
use wharf_store::{Conn, Context, StoreError, on_db};

use super::cycle::{CycleIn, CycleOut};
use super::front::{self, Booked, Front};
use super::{batch, text};
use crate::job::Queue;
use crate::lease::Run;
use crate::pacing::Pace;
use crate::places::Places;
use crate::queues::Shared;
use crate::share::{Shares, Want, share};

/// A claimed job as it stands in the table.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) lane: String,
    pub(crate) tenant_id: String,
    pub(crate) order_key: Option<String>,
    pub(crate) kind: String,
    pub(crate) payload: String,
    pub(crate) fence: i64,
    pub(crate) attempt: i64,
    pub(crate) attempts_max: i64,
}

impl Row {
    pub(crate) fn run(&self, queue: Queue, shared: &Arc<Shared>) -> Run {
        Run {
            id: self.id.clone(),
            queue,
            tenant: self.tenant_id.clone(),
            lane: self.lane.clone(),
            order_key: self.order_key.clone(),
            fence: self.fence,
            attempt: self.attempt,
            attempts_max: self.attempts_max,
            shared: Arc::clone(shared),
            lost: AtomicBool::new(false),
        }
    }
}

/// Claims at most `input.room` jobs. Four statements, however many jobs and lanes; what recipients used
/// up goes with the last of them, and only putting jobs off for a recipient takes one more.
pub(crate) async fn claim(
    conn: &mut Conn,
    input: &CycleIn,
    out: &mut CycleOut,
) -> Result<(), StoreError> {
    let lanes = ready_lanes(conn, input).await?;
    if !lanes.is_empty() {
        let mut fronts = front::read(conn, input, &lanes).await?;
        let wants = wants(&lanes, &fronts, input);
        let shares = share(&wants, input.room, input.quantum);
        let chosen = choose(&lanes, &mut fronts, &shares);
        out.claimed = lease(conn, input, &chosen).await?;
        let served = served(&lanes, &fronts, &shares, input);
        out.more =
            lanes.len() == input.lanes_max || more_can_be_claimed(&lanes, &served, &fronts, input);
        let booked = front::booked(&fronts, input);
        put_back(conn, &served, &booked).await?;
        front::put_off(conn, &fronts).await?;
    }
    if !out.more {
        out.next_at = next_ready(conn, input).await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Lane {
    pub(super) lane: String,
    tenant_id: String,
    tat_us: i64,
    interval_us: i64,
    burst: i64,
    deficit: i64,
    turn: i64,
    pair_interval_us: i64,
    pair_burst: i64,
}

impl Lane {
    fn pace(&self) -> Pace {
        Pace {
            tat_us: self.tat_us,
            interval_us: self.interval_us,
            burst: self.burst,
        }
    }

    /// The rate of each recipient.
    pub(super) fn pair(&self) -> Pace {
        Pace {
            tat_us: 0,
            interval_us: self.pair_interval_us,
            burst: self.pair_burst,
        }
    }

    fn want(&self, front: Option<&Front>, places: &Places, now_ms: i64) -> Want {
        let due = front.map_or(0, Front::len);
        let allowed = self.pace().allowed(now_ms);
        Want {
            jobs: due
                .min(allowed)
                .min(places.room(&self.tenant_id, &self.lane)),
            deficit: usize::try_from(self.deficit).unwrap_or(0),
        }
    }
}

/// What each lane could take, as if those before it took all they could.
fn wants(lanes: &[Lane], fronts: &HashMap<String, Front>, input: &CycleIn) -> Vec<Want> {
    let mut places = Places::clone(&input.places);
    let wants = lanes.iter().map(|lane| {
        let want = lane.want(fronts.get(&lane.lane), &places, input.now_ms);
        places.take(&lane.tenant_id, &lane.lane, want.jobs);
        want
    });
    wants.collect()
}

/// True when a lane has jobs that are due, and there are places for them.
fn more_can_be_claimed(
    lanes: &[Lane],
    served: &[Served<'_>],
    fronts: &HashMap<String, Front>,
    input: &CycleIn,
) -> bool {
    let mut places = Places::clone(&input.places);
    for lane in lanes {
        let taken = fronts.get(&lane.lane).map_or(0, Front::taken);
        places.take(&lane.tenant_id, &lane.lane, taken);
    }
    std::iter::zip(lanes, served).any(|(lane, served)| {
        served.r.is_some_and(|at| at <= input.now_ms)
            && places.room(&lane.tenant_id, &lane.lane) > 0
    })
}

/// Those that have a place to take; the others are looked at again when a place is given back.
async fn ready_lanes(conn: &mut Conn, input: &CycleIn) -> Result<Vec<Lane>, StoreError> {
    const SQLITE: &str = "select lane, tenant_id, tat_us, interval_us, burst, deficit, turn,
            pair_interval_us, pair_burst from lane
        where queue = $1 and ready_at is not null and ready_at <= $2 and paced_until <= $2
            and lane not in (select value from json_each($4))
            and tenant_id not in (select value from json_each($5))
        order by turn, lane limit $3";
    const POSTGRES: &str = "select lane, tenant_id, tat_us, interval_us, burst, deficit, turn,
            pair_interval_us, pair_burst from lane
        where queue = $1 and ready_at is not null and ready_at <= $2 and paced_until <= $2
            and lane not in (select json_array_elements_text($4::json))
            and tenant_id not in (select json_array_elements_text($5::json))
        order by turn, lane limit $3";
    let text = text(conn, SQLITE, POSTGRES);
    let full = input.places.full();
    on_db!(conn, |c| query_as(text)
        .bind(input.queue.as_str())
        .bind(input.now_ms)
        .bind(i64::try_from(input.lanes_max).unwrap_or(i64::MAX))
        .bind(batch(&full.lanes))
        .bind(batch(&full.tenants))
        .fetch_all(c)
        .await)
    .doing("find the ready lanes")
}

async fn next_ready(conn: &mut Conn, input: &CycleIn) -> Result<Option<i64>, StoreError> {
    const TEXT: &str = "select min(ready_at) from lane
        where queue = $1 and ready_at is not null and ready_at > $2";
    on_db!(conn, |c| query_scalar(TEXT)
        .bind(input.queue.as_str())
        .bind(input.now_ms)
        .fetch_one(c)
        .await)
    .doing("find when the next lane is ready")
}

/// The ids to lease, in the order in which they are to run.
fn choose(lanes: &[Lane], fronts: &mut HashMap<String, Front>, shares: &Shares) -> Vec<String> {
    let mut chosen = Vec::new();
    for grant in &shares.grants {
        let lane = &lanes[grant.lane].lane;
        if let Some(front) = fronts.get_mut(lane) {
            chosen.extend(front.take(grant.jobs).map(str::to_owned));
        }
    }
    chosen
}

async fn lease(
    conn: &mut Conn,
    input: &CycleIn,
    chosen: &[String],
) -> Result<Vec<Row>, StoreError> {
    const SQLITE: &str = "update job set state = 1, lease_owner = $2, lease_until = $3,
            fence = fence + 1, attempt = attempt + 1
        where state = 0 and id in (select value from json_each($1))
        returning id, lane, tenant_id, order_key, kind, payload, fence, attempt, attempts_max";
    const POSTGRES: &str = "update job set state = 1, lease_owner = $2, lease_until = $3,
            fence = fence + 1, attempt = attempt + 1
        where state = 0 and id in (select json_array_elements_text($1::json))
        returning id, lane, tenant_id, order_key, kind, payload, fence, attempt, attempts_max";
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let text = text(conn, SQLITE, POSTGRES);
    let mut rows: Vec<Row> = on_db!(conn, |c| query_as(text)
        .bind(batch(chosen))
        .bind(&input.boot)
        .bind(input.lease_until)
        .fetch_all(c)
        .await)
    .doing("lease jobs")?;
    let places: HashMap<&str, usize> = chosen.iter().map(String::as_str).zip(0..).collect();
    rows.sort_unstable_by_key(|row| places.get(row.id.as_str()).copied());
    Ok(rows)
}

/// A lane after its turn.
#[derive(Serialize)]
struct Served<'a> {
    q: &'a str,
    l: &'a str,
    /// Ready again then; null when nothing is pending.
    r: Option<i64>,
    /// Paced until.
    p: i64,
    t: i64,
    d: i64,
    n: i64,
}

fn served<'a>(
    lanes: &'a [Lane],
    fronts: &HashMap<String, Front>,
    shares: &Shares,
    input: &CycleIn,
) -> Vec<Served<'a>> {
    let turns = input.turn..;
    let lanes = lanes.iter().zip(&shares.deficits).zip(turns);
    lanes
        .map(|((lane, &deficit), turn)| {
            let front = fronts.get(&lane.lane);
            let taken = front.map_or(0, Front::taken);
            let mut pace = lane.pace();
            pace.take(taken, input.now_ms);
            let opens_at = pace.opens_at_ms();
            Served {
                q: input.queue.as_str(),
                l: &lane.lane,
                r: front
                    .and_then(|front| front.next_due(input.now_ms))
                    .map(|due_at| due_at.max(opens_at)),
                p: opens_at,
                t: pace.tat_us,
                d: i64::try_from(deficit).unwrap_or(0),
                // A lane the room did not reach keeps its place in front.
                n: if taken > 0 { turn } else { lane.turn },
            }
        })
        .collect()
}

/// The queue stands in each row: as a constant it would make SQLite walk all lanes of the queue. SQLite
/// takes two statements at once, PostgreSQL one inside another.
async fn put_back(
    conn: &mut Conn,
    served: &[Served<'_>],
    booked: &[Booked<'_>],
) -> Result<(), StoreError> {
    const SQLITE: &str = "update lane set ready_at = r.r, paced_until = r.p, tat_us = r.t,
            deficit = r.d, turn = r.n
        from (select value->>'q' as q, value->>'l' as l, value->>'r' as r, value->>'p' as p,
            value->>'t' as t, value->>'d' as d, value->>'n' as n from json_each($1)) as r
        where lane.queue = r.q and lane.lane = r.l";
    const SQLITE_BOOKED: &str = "update lane set ready_at = r.r, paced_until = r.p, tat_us = r.t,
            deficit = r.d, turn = r.n
        from (select value->>'q' as q, value->>'l' as l, value->>'r' as r, value->>'p' as p,
            value->>'t' as t, value->>'d' as d, value->>'n' as n from json_each($1)) as r
        where lane.queue = r.q and lane.lane = r.l;
        insert into bucket (queue, lane, key, tat_us)
        select value->>'q', value->>'l', value->>'k', value->>'t' from json_each($2) where true
        on conflict (queue, lane, key) do update set tat_us = excluded.tat_us";
    const POSTGRES: &str = "update lane set ready_at = r.r, paced_until = r.p, tat_us = r.t,
            deficit = r.d, turn = r.n
        from json_to_recordset($1::json)
            as r(q text, l text, r bigint, p bigint, t bigint, d bigint, n bigint)
        where lane.queue = r.q and lane.lane = r.l";
    const POSTGRES_BOOKED: &str = "with booked as (
            insert into bucket (queue, lane, key, tat_us)
            select q, l, k, t from json_to_recordset($2::json)
                as b(q text, l text, k text, t bigint)
            on conflict (queue, lane, key) do update set tat_us = excluded.tat_us)
        update lane set ready_at = r.r, paced_until = r.p, tat_us = r.t,
            deficit = r.d, turn = r.n
        from json_to_recordset($1::json)
            as r(q text, l text, r bigint, p bigint, t bigint, d bigint, n bigint)
        where lane.queue = r.q and lane.lane = r.l";
    if booked.is_empty() {
        let text = text(conn, SQLITE, POSTGRES);
        return on_db!(conn, |c| query(text)
            .bind(batch(served))
            .execute(c)
            .await
            .map(drop))
        .doing("put lanes back");
    }
    let text = text(conn, SQLITE_BOOKED, POSTGRES_BOOKED);
    on_db!(conn, |c| query(text)
        .bind(batch(served))
        .bind(batch(booked))
        .execute(c)
        .await
        .map(drop))
    .doing("put lanes back and book what recipients used")
}
