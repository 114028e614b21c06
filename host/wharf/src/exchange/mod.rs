//! One exchange, performed for anybody: a send, a flow, a synchronisation.
//!
//! Checked, answered from memory where the plugin asked for that, journalled before its first byte
//! leaves, sent, and what came back kept in one transaction: the journal's end, captured secrets, the
//! answer to remember. It decides nothing about the outcome and knows no message.

mod actor;
mod flights;
mod keep;
mod named;

use std::time::Duration;

use serde_json::Value;
use wharf_core::TenantId;
use wharf_core::provider::{Exchange, Memo, Outcome};
use wharf_egress::Denied;
use wharf_store::journal::AttemptKey;
use wharf_store::memos::{self, MemoKey};
use wharf_store::{Conn, StoreError};

use crate::app::App;

pub use actor::{Actor, Captures, Learned, Owners};
pub use flights::Flights;

/// Where an exchange is written down.
pub trait Journal: Send + Sync {
    /// Writes what is about to be done, with the answer when one was remembered and nothing leaves.
    /// Nothing leaves before it has returned.
    fn begin(
        &self,
        exchange: &Exchange,
        request: Value,
        remembered: Option<&Outcome>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The entry that the answer ends.
    fn entry(&self) -> Option<JournalEntry>;

    /// True when somebody else may have taken over: nothing may leave any more.
    fn is_lost(&self) -> bool;
}

/// Which exchange of which attempt.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    pub tenant: TenantId,
    pub attempt: AttemptKey,
    pub seq: u32,
}

/// For flows, whose steps can all be taken again: nothing is written down.
pub struct Unwritten;

impl Journal for Unwritten {
    async fn begin(&self, _: &Exchange, _: Value, _: Option<&Outcome>) -> Result<(), StoreError> {
        Ok(())
    }

    fn entry(&self) -> Option<JournalEntry> {
        None
    }

    fn is_lost(&self) -> bool {
        false
    }
}

/// What became of an exchange.
pub struct Performed {
    pub outcome: Outcome,
    /// True when nothing went out for it.
    pub from_memory: bool,
}

/// Why nothing left and nothing was written.
pub enum NotPerformed {
    /// A refusal of ours.
    Denied(Denied),
    /// A limit that the exchange draws from has no room before this time (Unix milliseconds).
    Closed { until_ms: i64 },
}

/// Performs one exchange.
pub async fn perform(
    app: &App,
    actor: &Actor,
    exchange: &Exchange,
    delay: Duration,
    journal: &impl Journal,
) -> Result<Result<Performed, NotPerformed>, StoreError> {
    let prepared = match actor.with_grant(app, |grant| app.egress.prepare(exchange, grant)) {
        Ok(prepared) => prepared,
        Err(denied) => return Ok(Err(NotPerformed::Denied(denied))),
    };
    let key = exchange.memo.as_ref().map(|memo| actor.memo_key(memo));
    let asked_at = app.now_ms();
    // Held until the answer is kept: who waits for it looks into the memory next.
    let _first = match &key {
        Some(key) => {
            let wait_max = Duration::from_millis(app.config.exchanges.memo_wait_ms_max);
            app.flights.enter(key, wait_max).await
        }
        None => None,
    };
    if let (Some(memo), Some(key)) = (&exchange.memo, &key)
        && let Some(outcome) = remembered(app, memo, key, asked_at).await?
    {
        journal
            .begin(exchange, prepared.journal(), Some(&outcome))
            .await?;
        return Ok(Ok(Performed {
            outcome,
            from_memory: true,
        }));
    }
    if let Some(until_ms) = named::closed(app, actor, exchange).await? {
        return Ok(Err(NotPerformed::Closed { until_ms }));
    }
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    journal.begin(exchange, prepared.journal(), None).await?;
    // A process that slept through its lease must not send what others have given up by now.
    if journal.is_lost() {
        return Err(StoreError::Refused(
            "the job's lease was lost before the request went out".to_owned(),
        ));
    }
    let answered = app.egress.send(prepared).await;
    let kept = keep::Kept::new(app, actor, exchange, key, journal.entry(), &answered);
    kept.keep(app, journal).await?;
    actor.learn(app, answered.captured);
    Ok(Ok(Performed {
        outcome: answered.outcome,
        from_memory: false,
    }))
}

/// Ends an entry whose answer will not come, as an answer would.
pub async fn end_without_answer(
    app: &App,
    entry: JournalEntry,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    keep::end(app, entry, outcome).await
}

/// The answer that stands for this exchange. A plugin that wants a fresh one gets one that was made
/// while it waited: somebody else replaced what it holds for stale.
async fn remembered(
    app: &App,
    memo: &Memo,
    key: &MemoKey,
    asked_at: i64,
) -> Result<Option<Outcome>, StoreError> {
    let mut conn: Conn = app.db.read().await?;
    let found = memos::find(&mut conn, &app.vault, key, app.now_ms()).await?;
    Ok(found
        .filter(|found| !memo.refresh || found.created_at > asked_at)
        .map(|found| found.outcome))
}
