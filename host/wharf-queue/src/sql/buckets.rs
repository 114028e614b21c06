//! Limits inside a lane: what each recipient gets, and what a provider limits by a name of its own.

use sqlx::{query, query_scalar};
use wharf_store::{Conn, Context, StoreError, Tx, on_db};

use crate::job::Queue;
use crate::pacing::Pace;

/// A named limit: `tokens` at once, and as many again in each `per_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketRate {
    pub tokens: u32,
    pub per_ms: u32,
}

impl BucketRate {
    /// A limit without a rate is only closed for as long as a provider says.
    fn pace(rate: Option<Self>) -> Pace {
        match rate {
            Some(rate) if rate.tokens > 0 => Pace {
                tat_us: 0,
                interval_us: i64::from(rate.per_ms) * 1000 / i64::from(rate.tokens),
                burst: i64::from(rate.tokens),
            },
            _ => Pace::FREE,
        }
    }
}

/// Draws one token from a named limit. `Some` when there is none: the time at which there may be.
pub async fn draw(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    key: &str,
    rate: Option<BucketRate>,
    now_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let mut pace = BucketRate::pace(rate).with(used(tx, queue, lane, key).await?);
    let opens_at = pace.pair_opens_at_ms();
    if opens_at > now_ms {
        return Ok(Some(opens_at));
    }
    if pace.interval_us > 0 {
        pace.take(1, now_ms);
        keep(tx, queue, lane, key, pace.tat_us).await?;
    }
    Ok(None)
}

/// Closes a named limit until then, as its provider said.
pub async fn pause_bucket(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    key: &str,
    rate: Option<BucketRate>,
    until_ms: i64,
) -> Result<(), StoreError> {
    let closed = BucketRate::pace(rate).closed_until(until_ms);
    keep(tx, queue, lane, key, closed).await
}

/// Closes one recipient of a lane until then, as the provider said: after that it gets one job at a time
/// by its rate.
pub async fn pause_pair(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    pair_key: &str,
    until_ms: i64,
) -> Result<(), StoreError> {
    const TEXT: &str = "insert into bucket (queue, lane, key, tat_us)
        select queue, lane, $3, $4 + (pair_burst - 1) * pair_interval_us from lane
        where queue = $1 and lane = $2
        on conflict (queue, lane, key) do update set tat_us = excluded.tat_us
            where bucket.tat_us < excluded.tat_us";
    on_db!(&mut **tx, |c| query(TEXT)
        .bind(queue.as_str())
        .bind(lane)
        .bind(pair_key)
        .bind(until_ms.saturating_mul(1000))
        .execute(c)
        .await
        .map(drop))
    .doing("pause a recipient")
}

/// Buckets removed at a time, at most: what a fast lane leaves behind between two sweeps.
const SWEPT_MAX: i64 = 20_000;

/// Removes what says nothing any more.
pub(crate) async fn sweep(conn: &mut Conn, queue: Queue, now_ms: i64) -> Result<(), StoreError> {
    const TEXT: &str = "delete from bucket where queue = $1 and (lane, key) in (
        select lane, key from bucket where queue = $1 and tat_us < $2 limit $3)";
    on_db!(conn, |c| query(TEXT)
        .bind(queue.as_str())
        .bind(now_ms.saturating_mul(1000))
        .bind(SWEPT_MAX)
        .execute(c)
        .await
        .map(drop))
    .doing("remove buckets of the past")
}

async fn used(tx: &mut Tx, queue: Queue, lane: &str, key: &str) -> Result<i64, StoreError> {
    const TEXT: &str = "select tat_us from bucket where queue = $1 and lane = $2 and key = $3";
    let tat_us: Option<i64> = on_db!(&mut **tx, |c| query_scalar(TEXT)
        .bind(queue.as_str())
        .bind(lane)
        .bind(key)
        .fetch_optional(c)
        .await)
    .doing("read a bucket")?;
    Ok(tat_us.unwrap_or(0))
}

async fn keep(
    tx: &mut Tx,
    queue: Queue,
    lane: &str,
    key: &str,
    tat_us: i64,
) -> Result<(), StoreError> {
    const TEXT: &str = "insert into bucket (queue, lane, key, tat_us) values ($1, $2, $3, $4)
        on conflict (queue, lane, key) do update set tat_us = excluded.tat_us
            where bucket.tat_us < excluded.tat_us";
    on_db!(&mut **tx, |c| query(TEXT)
        .bind(queue.as_str())
        .bind(lane)
        .bind(key)
        .bind(tat_us)
        .execute(c)
        .await
        .map(drop))
    .doing("write a bucket")
}
