//! Claiming: the ready lanes, their first jobs, the share of each, and the lease on those chosen.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use sqlx::{query, query_as, query_scalar};
use wharf_store::{Conn, Context, StoreError, on_db};

use super::cycle::{CycleIn, CycleOut};
use super::{batch, text};
use crate::job::{Priority, Queue};
use crate::lease::Run;
use crate::pacing::Pace;
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

/// Claims at most `input.room` jobs. Four statements, however many jobs and lanes.
pub(crate) async fn claim(
    conn: &mut Conn,
    input: &CycleIn,
    out: &mut CycleOut,
) -> Result<(), StoreError> {
    let lanes = ready_lanes(conn, input).await?;
    if !lanes.is_empty() {
        let mut fronts = fronts(conn, input, &lanes).await?;
        let wants: Vec<Want> = lanes
            .iter()
            .map(|lane| lane.want(fronts.get(&lane.lane), input))
            .collect();
        let shares = share(&wants, input.room, input.quantum);
        let chosen = choose(&lanes, &mut fronts, &shares);
        out.claimed = lease(conn, input, &chosen).await?;
        let served = served(&lanes, &fronts, &shares, input);
        out.more = lanes.len() == input.lanes_max
            || served
                .iter()
                .any(|lane| lane.r.is_some_and(|at| at <= input.now_ms));
        put_back(conn, &served).await?;
    }
    if !out.more {
        out.next_at = next_ready(conn, input).await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Lane {
    lane: String,
    tat_us: i64,
    interval_us: i64,
    burst: i64,
    deficit: i64,
    turn: i64,
}

impl Lane {
    fn pace(&self) -> Pace {
        Pace {
            tat_us: self.tat_us,
            interval_us: self.interval_us,
            burst: self.burst,
        }
    }

    fn want(&self, front: Option<&Front>, input: &CycleIn) -> Want {
        let due = front.map_or(0, |front| front.due.len().min(front.jobs_max));
        Want {
            jobs: due.min(self.pace().allowed(input.now_ms)),
            deficit: usize::try_from(self.deficit).unwrap_or(0),
        }
    }
}

async fn ready_lanes(conn: &mut Conn, input: &CycleIn) -> Result<Vec<Lane>, StoreError> {
    const TEXT: &str = "select lane, tat_us, interval_us, burst, deficit, turn from lane
        where queue = $1 and ready_at is not null and ready_at <= $2 and paced_until <= $2
        order by turn, lane limit $3";
    on_db!(conn, |c| query_as(TEXT)
        .bind(input.queue.as_str())
        .bind(input.now_ms)
        .bind(i64::try_from(input.lanes_max).unwrap_or(i64::MAX))
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

/// The first pending jobs of a lane.
struct Front {
    /// Those that are due, in the order in which they are to run; the first `taken` are chosen.
    due: Vec<Waiting>,
    taken: usize,
    /// When the first of those that are not due is.
    later: Option<i64>,
    /// No more than this many may be taken: the table may hold more.
    jobs_max: usize,
}

/// (due_at, id)
type Waiting = (i64, String);

impl Front {
    /// From the first jobs of each priority class, by due time.
    fn new(classes: [Vec<Waiting>; 3], jobs_max: usize, now_ms: i64) -> Self {
        let mut due = Vec::new();
        let mut later: Option<i64> = None;
        for (class, jobs) in (0..).zip(classes) {
            for (due_at, id) in jobs {
                if due_at <= now_ms {
                    due.push((due_at + class * Priority::AGING_MS, due_at, id));
                } else {
                    later = Some(later.map_or(due_at, |first| first.min(due_at)));
                }
            }
        }
        due.sort_unstable();
        Self {
            due: due
                .into_iter()
                .map(|(_, due_at, id)| (due_at, id))
                .collect(),
            taken: 0,
            later,
            jobs_max,
        }
    }

    fn take(&mut self, jobs: usize) -> &[Waiting] {
        let from = self.taken;
        self.taken += jobs;
        &self.due[from..self.taken]
    }

    /// When the first job that was not taken is due.
    fn next_due(&self) -> Option<i64> {
        let left = self.due[self.taken..].iter().map(|(due_at, _)| *due_at);
        left.chain(self.later).min()
    }
}

/// Reads one job more of each class than can be taken, so that what is left tells when the lane is
/// ready next.
async fn fronts(
    conn: &mut Conn,
    input: &CycleIn,
    lanes: &[Lane],
) -> Result<HashMap<String, Front>, StoreError> {
    const SQLITE: &str = "select l.value,
            (select json_group_array(json_array(due_at, id)) from (select due_at, id from job
                where queue = $1 and lane = l.value and priority = 0 and state = 0
                order by due_at, id limit $3)),
            (select json_group_array(json_array(due_at, id)) from (select due_at, id from job
                where queue = $1 and lane = l.value and priority = 1 and state = 0
                order by due_at, id limit $3)),
            (select json_group_array(json_array(due_at, id)) from (select due_at, id from job
                where queue = $1 and lane = l.value and priority = 2 and state = 0
                order by due_at, id limit $3))
        from json_each($2) l";
    const POSTGRES: &str = "select l.value,
            (select coalesce(json_agg(json_build_array(due_at, id)), '[]')::text from (
                select due_at, id from job
                where queue = $1 and lane = l.value and priority = 0 and state = 0
                order by due_at, id limit $3) j),
            (select coalesce(json_agg(json_build_array(due_at, id)), '[]')::text from (
                select due_at, id from job
                where queue = $1 and lane = l.value and priority = 1 and state = 0
                order by due_at, id limit $3) j),
            (select coalesce(json_agg(json_build_array(due_at, id)), '[]')::text from (
                select due_at, id from job
                where queue = $1 and lane = l.value and priority = 2 and state = 0
                order by due_at, id limit $3) j)
        from json_array_elements_text($2::json) l(value)";
    // A lane alone may fill the room. Among several, twice an equal part serves those that have
    // more while others have less, without reading the room's worth of each.
    let equal_part = input.room.div_ceil(lanes.len());
    let jobs_max = (equal_part * 2).max(input.quantum).min(input.room);
    let names: Vec<&str> = lanes.iter().map(|lane| lane.lane.as_str()).collect();
    let text = text(conn, SQLITE, POSTGRES);
    let rows: Vec<(String, String, String, String)> = on_db!(conn, |c| query_as(text)
        .bind(input.queue.as_str())
        .bind(batch(&names))
        .bind(i64::try_from(jobs_max + 1).unwrap_or(i64::MAX))
        .fetch_all(c)
        .await)
    .doing("read the first jobs of the ready lanes")?;
    let parse = |text: &str| {
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt {
            what: format!("the first jobs of a lane: {error}"),
        })
    };
    rows.into_iter()
        .map(|(lane, high, normal, low)| {
            let classes = [parse(&high)?, parse(&normal)?, parse(&low)?];
            Ok((lane, Front::new(classes, jobs_max, input.now_ms)))
        })
        .collect()
}

/// The ids to lease, in the order in which they are to run.
fn choose(lanes: &[Lane], fronts: &mut HashMap<String, Front>, shares: &Shares) -> Vec<String> {
    let mut chosen = Vec::new();
    for grant in &shares.grants {
        let lane = &lanes[grant.lane].lane;
        if let Some(front) = fronts.get_mut(lane) {
            chosen.extend(front.take(grant.jobs).iter().map(|(_, id)| id.clone()));
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
            let taken = front.map_or(0, |front| front.taken);
            let mut pace = lane.pace();
            pace.take(taken, input.now_ms);
            let opens_at = pace.opens_at_ms();
            Served {
                q: input.queue.as_str(),
                l: &lane.lane,
                r: front
                    .and_then(Front::next_due)
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

/// The queue stands in each row: as a constant it would make SQLite walk all lanes of the queue.
async fn put_back(conn: &mut Conn, served: &[Served<'_>]) -> Result<(), StoreError> {
    const SQLITE: &str = "update lane set ready_at = r.r, paced_until = r.p, tat_us = r.t,
            deficit = r.d, turn = r.n
        from (select value->>'q' as q, value->>'l' as l, value->>'r' as r, value->>'p' as p,
            value->>'t' as t, value->>'d' as d, value->>'n' as n from json_each($1)) as r
        where lane.queue = r.q and lane.lane = r.l";
    const POSTGRES: &str = "update lane set ready_at = r.r, paced_until = r.p, tat_us = r.t,
            deficit = r.d, turn = r.n
        from json_to_recordset($1::json)
            as r(q text, l text, r bigint, p bigint, t bigint, d bigint, n bigint)
        where lane.queue = r.q and lane.lane = r.l";
    let text = text(conn, SQLITE, POSTGRES);
    on_db!(conn, |c| query(text)
        .bind(batch(served))
        .execute(c)
        .await
        .map(drop))
    .doing("put lanes back")
}
