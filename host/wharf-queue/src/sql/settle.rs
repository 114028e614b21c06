//! Writing how runs ended: batches of reports, and one run in its handler's own transaction.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sqlx::query;
use wharf_store::{Conn, Context, StoreError, Tx, on_db};

use super::lanes::Touched;
use super::push::promote;
use super::{DEAD, PENDING, batch, stored_reason, text};
use crate::job::Queue;
use crate::lease::{Report, Run, Verdict};

/// The first gap of the queue's own backoff, for panics and unexpected errors; each next one doubles.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_mins(1);

/// What becomes of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Done,
    Retry {
        due_at: i64,
        reason: String,
    },
    Dead {
        reason: String,
    },
    /// Pending again, with the attempt given back.
    Released,
}

impl Change {
    /// A retry, or the end of a job that is out of attempts.
    pub(crate) fn retry(run: &Run, due_at: i64, reason: &str) -> Self {
        if run.attempt >= run.attempts_max {
            return Self::dead(&format!("gave up after {} attempts: {reason}", run.attempt));
        }
        Self::Retry {
            due_at,
            reason: stored_reason(reason),
        }
    }

    pub(crate) fn dead(reason: &str) -> Self {
        Self::Dead {
            reason: stored_reason(reason),
        }
    }

    /// None when the handler wrote the end itself.
    fn of(report: &Report, now_ms: i64) -> Option<Self> {
        let run = &*report.run;
        match &report.verdict {
            Verdict::Done => Some(Self::Done),
            Verdict::Settled => None,
            Verdict::Retry { due_at, reason } => Some(Self::retry(run, *due_at, reason)),
            Verdict::Backoff { reason } => {
                Some(Self::retry(run, now_ms + backoff_ms(run.attempt), reason))
            }
            // Not the job's fault, so it costs the attempt but never the job.
            Verdict::Interrupted => Some(Self::Retry {
                due_at: now_ms,
                reason: "the worker stopped under the run".to_owned(),
            }),
            Verdict::Dead { reason } => Some(Self::dead(reason)),
            Verdict::Released => Some(Self::Released),
        }
    }

    /// Whether the job is out of the way of the next one of its order key.
    fn frees_order_key(&self) -> bool {
        matches!(self, Self::Done | Self::Dead { .. })
    }
}

/// 250 ms after the first run, doubling up to a minute.
fn backoff_ms(attempt: i64) -> i64 {
    let doublings = attempt.saturating_sub(1).clamp(0, 16);
    let gap = BACKOFF_FIRST
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MAX);
    i64::try_from(gap.as_millis()).expect("at most a minute")
}

#[derive(Serialize)]
struct Done<'a> {
    i: &'a str,
    f: i64,
}

#[derive(Serialize)]
struct Changed<'a> {
    i: &'a str,
    f: i64,
    s: i64,
    /// Null keeps the due time.
    d: Option<i64>,
    /// Attempts given back.
    g: i64,
    r: Option<&'a str>,
}

/// Writes what is reported, in a few statements for the whole batch.
pub(crate) async fn apply(
    conn: &mut Conn,
    queue: Queue,
    reports: &[Report],
    now_ms: i64,
) -> Result<(), StoreError> {
    let changes: Vec<(&Arc<Run>, Change)> = reports
        .iter()
        .filter_map(|report| Some((&report.run, Change::of(report, now_ms)?)))
        .collect();
    let mut done = Vec::new();
    let mut changed = Vec::new();
    let mut touched = Touched::default();
    let mut freed = Vec::new();
    for (run, change) in &changes {
        match row(run, change) {
            Some(row) => changed.push(row),
            None => done.push(Done {
                i: &run.id,
                f: run.fence,
            }),
        }
        match change {
            Change::Retry { due_at, .. } => touched.add(queue, &run.lane, &run.tenant, *due_at),
            Change::Released => touched.add(queue, &run.lane, &run.tenant, now_ms),
            Change::Dead { reason } => {
                tracing::warn!(queue = queue.as_str(), job.id = %run.id, tenant.id = %run.tenant,
                    attempt = run.attempt, reason, "a job is dead");
            }
            Change::Done => {}
        }
        if change.frees_order_key() {
            freed.extend(run.order_key.as_deref());
        }
    }
    delete(conn, &done).await?;
    update(conn, &changed, now_ms).await?;
    touched.write(conn).await?;
    promote(conn, queue, &freed).await
}

/// Writes the end of one run; false when its lease is lost.
pub(crate) async fn in_tx(tx: &mut Tx, run: &Run, change: Change) -> Result<bool, StoreError> {
    let written = match row(run, &change) {
        None => {
            delete(
                tx,
                &[Done {
                    i: &run.id,
                    f: run.fence,
                }],
            )
            .await?
        }
        Some(row) => update(tx, &[row], run.shared.clock.now_ms()).await?,
    };
    if written == 0 {
        return Ok(false);
    }
    if let Change::Retry { due_at, .. } = &change {
        let mut touched = Touched::default();
        touched.add(run.queue, &run.lane, &run.tenant, *due_at);
        touched.write(tx).await?;
    }
    if change.frees_order_key() {
        let freed: Vec<&str> = run.order_key.iter().map(String::as_str).collect();
        promote(tx, run.queue, &freed).await?;
    }
    let bell = Arc::clone(run.shared.bell(run.queue));
    tx.after_commit(move || bell.notify_one());
    Ok(true)
}

/// None for a row that goes.
fn row<'a>(run: &'a Run, change: &'a Change) -> Option<Changed<'a>> {
    let (s, d, g, r) = match change {
        Change::Done => return None,
        Change::Retry { due_at, reason } => (PENDING, Some(*due_at), 0, Some(reason.as_str())),
        Change::Dead { reason } => (DEAD, None, 0, Some(reason.as_str())),
        Change::Released => (PENDING, None, 1, None),
    };
    Some(Changed {
        i: &run.id,
        f: run.fence,
        s,
        d,
        g,
        r,
    })
}

/// Whoever holds the newest fence may end the job, even after the lease ran out.
async fn delete(conn: &mut Conn, rows: &[Done<'_>]) -> Result<u64, StoreError> {
    const SQLITE: &str = "delete from job where (id, fence) in (
            select value->>'i', value->>'f' from json_each($1))";
    const POSTGRES: &str = "delete from job
        using json_to_recordset($1::json) as r(i text, f bigint)
        where job.id = r.i and job.fence = r.f";
    if rows.is_empty() {
        return Ok(0);
    }
    let text = text(conn, SQLITE, POSTGRES);
    on_db!(conn, |c| query(text)
        .bind(batch(rows))
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .doing("remove finished jobs")
}

/// Only while leased: the same report written twice gives an attempt back once.
async fn update(conn: &mut Conn, rows: &[Changed<'_>], now_ms: i64) -> Result<u64, StoreError> {
    const SQLITE: &str = "update job set state = r.s, due_at = coalesce(r.d, due_at),
            attempt = attempt - r.g, reason = r.r, lease_owner = null, lease_until = null,
            dead_at = case when r.s = 2 then $2 end
        from (select value->>'i' as i, value->>'f' as f, value->>'s' as s, value->>'d' as d,
            value->>'g' as g, value->>'r' as r from json_each($1)) as r
        where job.id = r.i and job.fence = r.f and job.state = 1";
    const POSTGRES: &str = "update job set state = r.s, due_at = coalesce(r.d, due_at),
            attempt = attempt - r.g, reason = r.r, lease_owner = null, lease_until = null,
            dead_at = case when r.s = 2 then $2 end
        from json_to_recordset($1::json)
            as r(i text, f bigint, s bigint, d bigint, g bigint, r text)
        where job.id = r.i and job.fence = r.f and job.state = 1";
    if rows.is_empty() {
        return Ok(0);
    }
    let text = text(conn, SQLITE, POSTGRES);
    on_db!(conn, |c| query(text)
        .bind(batch(rows))
        .bind(now_ms)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .doing("reschedule or bury jobs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_a_minute() {
        let gaps: Vec<i64> = (1..=10).map(backoff_ms).collect();
        assert_eq!(
            gaps,
            [
                250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000
            ]
        );
        assert_eq!(backoff_ms(i64::MAX), 60_000);
    }

    #[test]
    fn a_reason_is_storable_and_short() {
        assert_eq!(stored_reason("a\0b"), "ab");
        assert_eq!(stored_reason(&"ä".repeat(5_000)).chars().count(), 1_000);
    }
}
