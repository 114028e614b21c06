//! The front of each ready lane: its first jobs that may run now, and those whose recipient must wait.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{query, query_as};
use wharf_store::{Conn, Context, StoreError, on_db};

use super::claim::Lane;
use super::cycle::CycleIn;
use super::{batch, text};
use crate::job::Priority;
use crate::pacing::Pace;

/// The first pending jobs of a lane.
pub(super) struct Front {
    /// Those that may run, in the order in which they are to; the first `taken` are chosen.
    due: Vec<Ready>,
    taken: usize,
    /// When the first of those that are not due is.
    later: Option<i64>,
    /// No more than this many may be taken: the table may hold more.
    jobs_max: usize,
    /// Due, but not for their recipient: the time to which each is put off.
    put_off: Vec<(String, i64)>,
    /// What each recipient has used up, before anything of this front was taken.
    used: HashMap<String, i64>,
    pair: Pace,
}

struct Ready {
    due_at: i64,
    id: String,
    pair_key: Option<String>,
}

/// (due_at, id, recipient, what the recipient has used up)
pub(super) type Waiting = (i64, String, Option<String>, Option<i64>);

impl Front {
    /// From the first jobs of each priority class, by due time. `pair` is the rate of each recipient.
    pub(super) fn new(
        classes: [Vec<Waiting>; 3],
        jobs_max: usize,
        now_ms: i64,
        pair: Pace,
    ) -> Self {
        let mut ordered = Vec::new();
        let mut front = Self {
            due: Vec::new(),
            taken: 0,
            later: None,
            jobs_max,
            put_off: Vec::new(),
            used: HashMap::new(),
            pair,
        };
        for (class, jobs) in (0..).zip(classes) {
            for (due_at, id, pair_key, tat_us) in jobs {
                if due_at > now_ms {
                    front.wait_for(due_at);
                    continue;
                }
                if let (Some(key), Some(tat_us)) = (&pair_key, tat_us) {
                    front.used.insert(key.clone(), tat_us);
                }
                ordered.push((due_at + class * Priority::AGING_MS, due_at, id, pair_key));
            }
        }
        ordered.sort_unstable();
        front.admit(ordered, now_ms);
        front
    }

    /// Lets those through whose recipient may have one more, and gives each other one the time at which
    /// its recipient may, one after another: so they do not all come due at once.
    fn admit(&mut self, ordered: Vec<(i64, i64, String, Option<String>)>, now_ms: i64) {
        let mut booked = self.used.clone();
        for (_, due_at, id, pair_key) in ordered {
            if let Some(key) = &pair_key {
                let tat_us = booked.entry(key.clone()).or_insert(0);
                let mut pace = self.pair.with(*tat_us);
                let opens_at = pace.pair_opens_at_ms();
                pace.take(1, now_ms.max(opens_at));
                *tat_us = pace.tat_us;
                if opens_at > now_ms {
                    self.wait_for(opens_at);
                    self.put_off.push((id, opens_at));
                    continue;
                }
            }
            self.due.push(Ready {
                due_at,
                id,
                pair_key,
            });
        }
    }

    fn wait_for(&mut self, at_ms: i64) {
        self.later = Some(self.later.map_or(at_ms, |first| first.min(at_ms)));
    }

    pub(super) fn len(&self) -> usize {
        self.due.len().min(self.jobs_max)
    }

    pub(super) fn take(&mut self, jobs: usize) -> impl Iterator<Item = &str> {
        let from = self.taken;
        self.taken += jobs;
        self.due[from..self.taken].iter().map(|job| job.id.as_str())
    }

    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// When the first job that was not taken may run. Jobs that were put off made way for others that
    /// nobody has looked at yet, so then it is at once.
    pub(super) fn next_due(&self, now_ms: i64) -> Option<i64> {
        if !self.put_off.is_empty() {
            return Some(now_ms);
        }
        let left = self.due[self.taken..].iter().map(|job| job.due_at);
        left.chain(self.later).min()
    }

    /// What the recipients of the jobs that were taken have used up now.
    fn booked(&self, now_ms: i64) -> HashMap<&str, i64> {
        let mut booked = HashMap::new();
        if self.pair.interval_us == 0 {
            return booked;
        }
        for key in self.due[..self.taken]
            .iter()
            .filter_map(|job| job.pair_key.as_deref())
        {
            let before = self.used.get(key).copied().unwrap_or(0);
            let tat_us = booked.entry(key).or_insert(before);
            let mut pace = self.pair.with(*tat_us);
            pace.take(1, now_ms);
            *tat_us = pace.tat_us;
        }
        booked
    }
}

/// Reads one job more of each class than can be taken, so that what is left tells when the lane is
/// ready next.
pub(super) async fn read(
    conn: &mut Conn,
    input: &CycleIn,
    lanes: &[Lane],
) -> Result<HashMap<String, Front>, StoreError> {
    const SQLITE: &str = "select l.value,
            (select json_group_array(json_array(due_at, id, pair_key, tat_us)) from (
                select j.due_at, j.id, j.pair_key, (select b.tat_us from bucket b
                    where b.queue = $1 and b.lane = l.value and b.key = j.pair_key) as tat_us
                from job j where j.queue = $1 and j.lane = l.value and j.priority = 0
                    and j.state = 0 order by j.due_at, j.id limit $3)),
            (select json_group_array(json_array(due_at, id, pair_key, tat_us)) from (
                select j.due_at, j.id, j.pair_key, (select b.tat_us from bucket b
                    where b.queue = $1 and b.lane = l.value and b.key = j.pair_key) as tat_us
                from job j where j.queue = $1 and j.lane = l.value and j.priority = 1
                    and j.state = 0 order by j.due_at, j.id limit $3)),
            (select json_group_array(json_array(due_at, id, pair_key, tat_us)) from (
                select j.due_at, j.id, j.pair_key, (select b.tat_us from bucket b
                    where b.queue = $1 and b.lane = l.value and b.key = j.pair_key) as tat_us
                from job j where j.queue = $1 and j.lane = l.value and j.priority = 2
                    and j.state = 0 order by j.due_at, j.id limit $3))
        from json_each($2) l";
    const POSTGRES: &str = "select l.value,
            (select coalesce(json_agg(json_build_array(due_at, id, pair_key, tat_us)), '[]')::text
                from (select j.due_at, j.id, j.pair_key, (select b.tat_us from bucket b
                    where b.queue = $1 and b.lane = l.value and b.key = j.pair_key) as tat_us
                from job j where j.queue = $1 and j.lane = l.value and j.priority = 0
                    and j.state = 0 order by j.due_at, j.id limit $3) f),
            (select coalesce(json_agg(json_build_array(due_at, id, pair_key, tat_us)), '[]')::text
                from (select j.due_at, j.id, j.pair_key, (select b.tat_us from bucket b
                    where b.queue = $1 and b.lane = l.value and b.key = j.pair_key) as tat_us
                from job j where j.queue = $1 and j.lane = l.value and j.priority = 1
                    and j.state = 0 order by j.due_at, j.id limit $3) f),
            (select coalesce(json_agg(json_build_array(due_at, id, pair_key, tat_us)), '[]')::text
                from (select j.due_at, j.id, j.pair_key, (select b.tat_us from bucket b
                    where b.queue = $1 and b.lane = l.value and b.key = j.pair_key) as tat_us
                from job j where j.queue = $1 and j.lane = l.value and j.priority = 2
                    and j.state = 0 order by j.due_at, j.id limit $3) f)
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
    let pairs: HashMap<&str, Pace> = lanes
        .iter()
        .map(|lane| (lane.lane.as_str(), lane.pair()))
        .collect();
    let parse = |text: &str| {
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt {
            what: format!("the first jobs of a lane: {error}"),
        })
    };
    rows.into_iter()
        .map(|(lane, high, normal, low)| {
            let classes = [parse(&high)?, parse(&normal)?, parse(&low)?];
            let pair = pairs.get(lane.as_str()).copied().unwrap_or(Pace::FREE);
            Ok((lane, Front::new(classes, jobs_max, input.now_ms, pair)))
        })
        .collect()
}

/// What a recipient has used up, as the statements take it.
#[derive(Serialize)]
pub(super) struct Booked<'a> {
    q: &'a str,
    l: &'a str,
    k: &'a str,
    t: i64,
}

pub(super) fn booked<'a>(
    fronts: &'a HashMap<String, Front>,
    input: &'a CycleIn,
) -> Vec<Booked<'a>> {
    let of_lane = |(lane, front): (&'a String, &'a Front)| {
        let keys = front.booked(input.now_ms).into_iter();
        keys.map(|(k, t)| Booked {
            q: input.queue.as_str(),
            l: lane,
            k,
            t,
        })
    };
    fronts.iter().flat_map(of_lane).collect()
}

#[derive(Serialize)]
struct PutOff<'a> {
    i: &'a str,
    d: i64,
}

/// Gives the jobs whose recipients must wait their new times. They cost no attempt and no worker.
pub(super) async fn put_off(
    conn: &mut Conn,
    fronts: &HashMap<String, Front>,
) -> Result<(), StoreError> {
    const SQLITE: &str = "update job set due_at = r.d
        from (select value->>'i' as i, value->>'d' as d from json_each($1)) as r
        where job.id = r.i and job.state = 0";
    const POSTGRES: &str = "update job set due_at = r.d
        from json_to_recordset($1::json) as r(i text, d bigint)
        where job.id = r.i and job.state = 0";
    let rows: Vec<PutOff<'_>> = fronts
        .values()
        .flat_map(|front| &front.put_off)
        .map(|(i, d)| PutOff { i, d: *d })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let text = text(conn, SQLITE, POSTGRES);
    on_db!(conn, |c| query(text)
        .bind(batch(&rows))
        .execute(c)
        .await
        .map(drop))
    .doing("put jobs off for their recipients")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Pace = Pace {
        tat_us: 0,
        interval_us: 6_000_000,
        burst: 3,
    };

    fn to(key: &str, id: usize, tat_us: Option<i64>) -> Waiting {
        (0, format!("{id:02}"), Some(key.to_owned()), tat_us)
    }

    #[test]
    fn a_recipient_gets_its_burst_and_the_rest_of_its_jobs_one_by_one() {
        let mut jobs: Vec<_> = (0..6).map(|id| to("a", id, None)).collect();
        jobs.push(to("b", 6, None));
        let mut front = Front::new([Vec::new(), jobs, Vec::new()], 100, 1_000, PAIR);
        let taken: Vec<_> = front.take(4).map(str::to_owned).collect();
        assert_eq!(taken, ["00", "01", "02", "06"], "b is not held up by a");
        let off: Vec<_> = front.put_off.iter().map(|(_, at)| *at).collect();
        assert_eq!(off, [7_000, 13_000, 19_000]);
        assert_eq!(
            front.next_due(1_000),
            Some(1_000),
            "others may stand behind"
        );
        let booked = front.booked(1_000);
        assert_eq!((booked["a"], booked["b"]), (19_000_000, 7_000_000));
    }

    #[test]
    fn only_what_was_taken_is_booked() {
        let jobs: Vec<_> = (0..3).map(|id| to("a", id, Some(2_000_000))).collect();
        let mut front = Front::new([Vec::new(), jobs, Vec::new()], 100, 1_000, PAIR);
        assert_eq!(front.take(1).count(), 1);
        assert_eq!(front.booked(1_000)["a"], 8_000_000);
    }

    #[test]
    fn a_pause_holds_where_there_is_no_rate() {
        let jobs = vec![to("a", 0, Some(5_000_000)), to("b", 1, None)];
        let front = Front::new([jobs, Vec::new(), Vec::new()], 100, 1_000, Pace::FREE);
        assert_eq!(front.len(), 1);
        assert_eq!(front.put_off, [("00".to_owned(), 5_000)]);
        assert!(front.booked(1_000).is_empty());
    }
}
