//! The journal of sends: attempts and their exchanges, written so that a crash at any point leaves
//! what is needed to go on.
//!
//! An exchange is written before its first byte leaves and completed before the plugin reads the
//! answer. An attempt without an end is what a crash interrupted.

mod recovery;

use serde_json::Value;
use wharf_core::provider::{Outcome, Replay};
use wharf_core::{ChannelId, MessageId, TenantId};

use crate::columns::{text_enum, to_json, to_json_or_null};
use crate::{Context, StoreError, Tx, messages, on_db};
pub(crate) use recovery::replay;
pub use recovery::{ExchangeRow, OpenAttempt, attempts_made, open_attempt, open_digests};

text_enum! {
    /// How an attempt ended.
    pub enum AttemptOutcome {
        Accepted = "accepted",
        Retry = "retry",
        Failed = "failed",
        Unknown = "unknown",
        Interrupted = "interrupted",
    }
}

/// Which attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptKey {
    pub message: MessageId,
    pub try_number: u32,
    /// 1 for the first attempt of a try.
    pub number: u32,
}

#[derive(Clone, Debug)]
pub struct BeginAttempt {
    pub message: MessageId,
    pub try_number: u32,
    pub number: u32,
    pub channel: ChannelId,
    /// SHA-256 of the plugin's component in hex: only this version understands its states.
    pub plugin_digest: Option<String>,
    pub started_at: i64,
}

#[derive(Clone, Debug)]
pub struct NewExchange {
    /// 1 for the first of the attempt.
    pub seq: u32,
    pub label: String,
    pub replay: Replay,
    /// Sealed; None when the plugin gave none.
    pub state: Option<Vec<u8>>,
    /// Redacted.
    pub request: Value,
    /// True when it is not sent: an earlier exchange's answer stands for it.
    pub from_memo: bool,
    pub started_at: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct EndAttempt<'a> {
    pub message: MessageId,
    pub try_number: u32,
    pub number: u32,
    pub outcome: AttemptOutcome,
    pub error: Option<&'a Value>,
    pub retry_at: Option<i64>,
    pub ended_at: i64,
}

/// Writes that an attempt began. The first of a try opens the try and moves the message on to
/// `sending`, unless an earlier try reached the phone. The same attempt twice is a unique violation.
pub async fn begin_attempt(
    tx: &mut Tx,
    tenant: &TenantId,
    new: &BeginAttempt,
) -> Result<(), StoreError> {
    if new.number == 1 {
        open_try(tx, tenant, new).await?;
    }
    let begun = on_db!(&mut **tx, |c| {
        sqlx::query(
        "insert into attempt (message_id, try_number, number, tenant_id, started_at, plugin_digest)
         select message_id, number, $4, tenant_id, $5, $6 from message_try
         where tenant_id = $1 and message_id = $2 and number = $3"
    )
    .bind(tenant.as_str())
    .bind(new.message.bare())
    .bind(i64::from(new.try_number))
    .bind(i64::from(new.number))
    .bind(new.started_at)
    .bind(new.plugin_digest.as_deref())
    .execute(c)
    .await
    .map(|done| done.rows_affected())
    })
    .doing("begin an attempt")?;
    found(begun, tenant, new.message)
}

async fn open_try(tx: &mut Tx, tenant: &TenantId, new: &BeginAttempt) -> Result<(), StoreError> {
    let moved = on_db!(&mut **tx, |c| sqlx::query(
        "update message
         set status = case when status in ('delivered', 'read', 'played') then status
                           when status = 'queued' or try_number < $3 then 'sending'
                           else status end,
             error = case when try_number < $3 then null else error end,
             try_number = case when try_number < $3 then $3 else try_number end,
             updated_at = $4
         where tenant_id = $1 and id = $2 and direction = 'outbound'"
    )
    .bind(tenant.as_str())
    .bind(new.message.bare())
    .bind(i64::from(new.try_number))
    .bind(new.started_at)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("move a message on to sending")?;
    found(moved, tenant, new.message)?;
    // A status may have opened the try before; it stays where that put it.
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into message_try (message_id, number, tenant_id, channel_id, status, opened_at,
                                  updated_at)
         values ($2, $3, $1, $4, 'sending', $5, $5)
         on conflict (message_id, number) do update
         set status = 'sending', updated_at = excluded.updated_at
         where message_try.status = 'queued'"
    )
    .bind(tenant.as_str())
    .bind(new.message.bare())
    .bind(i64::from(new.try_number))
    .bind(new.channel.as_str())
    .bind(new.started_at)
    .execute(c)
    .await
    .map(drop))
    .doing("open a try")
}

/// Writes what is about to be sent; nothing may leave before this is committed.
pub async fn begin_exchange(
    tx: &mut Tx,
    tenant: &TenantId,
    attempt: AttemptKey,
    new: &NewExchange,
) -> Result<(), StoreError> {
    let begun = on_db!(&mut **tx, |c| sqlx::query(
        "insert into exchange (message_id, try_number, attempt, seq, tenant_id, label, replay, state,
                               request, started_at, from_memo)
         select message_id, try_number, number, $5, tenant_id, $6, $7, $8, $9, $10, $11 from attempt
         where tenant_id = $1 and message_id = $2 and try_number = $3 and number = $4"
    )
    .bind(tenant.as_str())
    .bind(attempt.message.bare())
    .bind(i64::from(attempt.try_number))
    .bind(i64::from(attempt.number))
    .bind(i64::from(new.seq))
    .bind(&new.label)
    .bind(recovery::replay_column(new.replay))
    .bind(new.state.as_deref())
    .bind(to_json(&new.request))
    .bind(new.started_at)
    .bind(i64::from(new.from_memo))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("begin an exchange")?;
    found(begun, tenant, attempt.message)
}

/// Writes what came back: exactly what the plugin will be given. The first answer stays; one that
/// comes for an exchange which has its outcome already is refused.
pub async fn end_exchange(
    tx: &mut Tx,
    tenant: &TenantId,
    attempt: AttemptKey,
    seq: u32,
    outcome: &Outcome,
    ended_at: i64,
) -> Result<(), StoreError> {
    let ended = on_db!(&mut **tx, |c| sqlx::query(
        "update exchange set outcome = $6, ended_at = $7
         where tenant_id = $1 and message_id = $2 and try_number = $3 and attempt = $4 and seq = $5
           and outcome is null"
    )
    .bind(tenant.as_str())
    .bind(attempt.message.bare())
    .bind(i64::from(attempt.try_number))
    .bind(i64::from(attempt.number))
    .bind(i64::from(seq))
    .bind(to_json(outcome))
    .bind(ended_at)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("end an exchange")?;
    if ended == 0 {
        return Err(StoreError::Refused(format!(
            "exchange {seq} of attempt {} of {} is not open",
            attempt.number, attempt.message
        )));
    }
    Ok(())
}

/// Writes how an attempt ended. One that has ended already is refused: its first end stands.
pub async fn end_attempt(
    tx: &mut Tx,
    tenant: &TenantId,
    end: &EndAttempt<'_>,
) -> Result<(), StoreError> {
    let ended = on_db!(&mut **tx, |c| sqlx::query(
        "update attempt set outcome = $5, error = $6, retry_at = $7, ended_at = $8
         where tenant_id = $1 and message_id = $2 and try_number = $3 and number = $4
           and ended_at is null"
    )
    .bind(tenant.as_str())
    .bind(end.message.bare())
    .bind(i64::from(end.try_number))
    .bind(i64::from(end.number))
    .bind(end.outcome.as_str())
    .bind(to_json_or_null(end.error))
    .bind(end.retry_at)
    .bind(end.ended_at)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("end an attempt")?;
    if ended == 0 {
        return Err(StoreError::Refused(format!(
            "attempt {} of {} is not open",
            end.number, end.message
        )));
    }
    Ok(())
}

/// Keeps the id by which the provider's later calls name this try. The status is another matter:
/// see [`messages::set_status`].
pub async fn record_accepted(
    tx: &mut Tx,
    tenant: &TenantId,
    message: MessageId,
    try_number: u32,
    provider_message_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    messages::record_accepted(tx, tenant, message, try_number, provider_message_id, now).await
}

fn found(rows: u64, tenant: &TenantId, message: MessageId) -> Result<(), StoreError> {
    if rows == 0 {
        return Err(messages::no_such(tenant, message));
    }
    Ok(())
}
