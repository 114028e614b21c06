//! Reading the journal back: what a crash left open.

use ulid::Ulid;
use wharf_core::provider::{Outcome, Replay};
use wharf_core::{MessageId, TenantId};

use crate::columns::{json_or_null, number};
use crate::{Conn, Context, StoreError, on_db};

/// An attempt that has no end.
#[derive(Clone, Debug)]
pub struct OpenAttempt {
    pub number: u32,
    pub try_number: u32,
    pub started_at: i64,
    /// The version of the plugin that made the states, as the caller wrote it; None in rows of
    /// programs that did not keep it.
    pub plugin_digest: Option<String>,
    /// In the order they went out.
    pub exchanges: Vec<ExchangeRow>,
}

#[derive(Clone, Debug)]
pub struct ExchangeRow {
    pub seq: u32,
    pub label: String,
    pub replay: Replay,
    /// As sealed by the caller; None when the plugin gave none.
    pub state: Option<Vec<u8>>,
    /// None while the answer is out.
    pub outcome: Option<Outcome>,
    /// True when nothing went out for it.
    pub from_memo: bool,
}

#[derive(sqlx::FromRow)]
struct Attempt {
    number: i64,
    try_number: i64,
    started_at: i64,
    plugin_digest: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Exchange {
    seq: i64,
    label: String,
    replay: String,
    state: Option<Vec<u8>>,
    outcome: Option<String>,
    from_memo: i64,
}

/// The message's latest attempt that was begun and never ended.
pub async fn open_attempt(
    conn: &mut Conn,
    tenant: &TenantId,
    message: MessageId,
) -> Result<Option<OpenAttempt>, StoreError> {
    let attempt: Option<Attempt> = on_db!(conn, |c| sqlx::query_as(
        "select number, try_number, started_at, plugin_digest from attempt
         where tenant_id = $1 and message_id = $2 and ended_at is null
         order by try_number desc, number desc limit 1"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .fetch_optional(c)
    .await)
    .doing("look for an attempt that has no end")?;
    let Some(attempt) = attempt else {
        return Ok(None);
    };
    let exchanges: Vec<Exchange> = on_db!(conn, |c| sqlx::query_as(
        "select seq, label, replay, state, outcome, from_memo from exchange
         where tenant_id = $1 and message_id = $2 and try_number = $3 and attempt = $4
         order by seq"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .bind(attempt.try_number)
    .bind(attempt.number)
    .fetch_all(c)
    .await)
    .doing("read an attempt's exchanges")?;
    Ok(Some(OpenAttempt {
        number: number("attempt.number", attempt.number)?,
        try_number: number("attempt.try_number", attempt.try_number)?,
        started_at: attempt.started_at,
        plugin_digest: attempt.plugin_digest,
        exchanges: exchanges.into_iter().map(typed).collect::<Result<_, _>>()?,
    }))
}

/// How long before `now` a message with an open attempt may have been accepted: longer than any message
/// may wait, 30 days (`send.expires_after_ms`).
const OPEN_WITHIN_MS: i64 = 31 * 24 * 3_600_000;

/// Every version of a plugin that an open attempt of any tenant is to go on with. For the host's own
/// housekeeping: it reads the attempts of a month, so it is not for each request.
pub async fn open_digests(conn: &mut Conn, now: i64) -> Result<Vec<String>, StoreError> {
    // Ids begin with their time, so the primary key leads past everything older.
    let since = u64::try_from(now - OPEN_WITHIN_MS).unwrap_or(0);
    let oldest = Ulid::from_parts(since, 0).to_string();
    on_db!(conn, |c| sqlx::query_scalar(
        "select distinct plugin_digest from attempt
         where message_id >= $1 and ended_at is null and plugin_digest is not null"
    )
    .bind(oldest)
    .fetch_all(c)
    .await)
    .doing("look for versions of plugins that are still needed")
}

/// The number of the last attempt of a try, open or ended: 0 before the first.
pub async fn attempts_made(
    conn: &mut Conn,
    tenant: &TenantId,
    message: MessageId,
    try_number: u32,
) -> Result<u32, StoreError> {
    let made: i64 = on_db!(conn, |c| sqlx::query_scalar(
        "select coalesce(max(number), 0) from attempt
         where tenant_id = $1 and message_id = $2 and try_number = $3"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .bind(i64::from(try_number))
    .fetch_one(c)
    .await)
    .doing("count attempts")?;
    number("attempt.number", made)
}

fn typed(row: Exchange) -> Result<ExchangeRow, StoreError> {
    Ok(ExchangeRow {
        seq: number("exchange.seq", row.seq)?,
        label: row.label,
        replay: replay(&row.replay)?,
        state: row.state,
        outcome: json_or_null("exchange.outcome", row.outcome.as_deref())?,
        from_memo: row.from_memo != 0,
    })
}

pub(super) fn replay_column(replay: Replay) -> &'static str {
    match replay {
        Replay::Safe => "safe",
        Replay::Keyed => "keyed",
        Replay::Unsafe => "unsafe",
    }
}

pub(crate) fn replay(column: &str) -> Result<Replay, StoreError> {
    [Replay::Safe, Replay::Keyed, Replay::Unsafe]
        .into_iter()
        .find(|replay| replay_column(*replay) == column)
        .ok_or_else(|| StoreError::Corrupt {
            what: format!("exchange.replay: {column:?}"),
        })
}
