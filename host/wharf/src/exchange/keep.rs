//! Keeps what an exchange brought, all of it in one transaction, and tries again while the database
//! fails: an answer that is lost makes a message that was sent look unknown, and a captured token may
//! have ended the one before it.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use wharf_core::provider::{Exchange, Outcome};
use wharf_egress::Answered;
use wharf_store::journal;
use wharf_store::memos::{self, MemoKey, NewMemo};
use wharf_store::{Owner, StoreError, Tx, Vault, credentials};

use super::actor::{Actor, Captures, expiry};
use super::{Journal, JournalEntry};
use crate::app::App;

/// How often an answer is offered to a failing database, with pauses that grow: 21 s in all.
const KEEP_TRIES_MAX: u32 = 20;
const KEEP_PAUSE: Duration = Duration::from_millis(100);

/// A larger answer is no id or token that somebody wants to name again.
const MEMO_BODY_BYTES_MAX: usize = 64 * 1024;

const DAY_MS: i64 = 86_400_000;

/// What is to be kept.
pub(super) struct Kept {
    vault: Vault,
    entry: Option<JournalEntry>,
    outcome: Outcome,
    captured: Vec<NewSecret>,
    memo: Option<NewMemo>,
    now: i64,
}

struct NewSecret {
    owner: Owner,
    name: String,
    value: SecretString,
    expires_at: Option<i64>,
}

impl Kept {
    pub(super) fn new(
        app: &App,
        actor: &Actor,
        exchange: &Exchange,
        key: Option<MemoKey>,
        entry: Option<JournalEntry>,
        answered: &Answered,
    ) -> Arc<Self> {
        let now = app.now_ms();
        let captured = match actor.captures {
            Captures::Credentials => answered.captured.as_slice(),
            Captures::Here => &[],
        };
        let captured: Vec<_> = captured
            .iter()
            .map(|(name, value, lifetime_s)| NewSecret {
                owner: actor.owner_of(name).clone(),
                name: name.clone(),
                value: value.clone(),
                expires_at: expiry(now, *lifetime_s),
            })
            .collect();
        let ends = answered.captured.iter().filter_map(|c| expiry(now, c.2));
        let memo = key.and_then(|key| new_memo(app, exchange, key, &answered.outcome, ends, now));
        Arc::new(Self {
            vault: app.vault.clone(),
            entry,
            outcome: answered.outcome.clone(),
            captured,
            memo,
            now,
        })
    }

    /// Keeps everything or, when the journal does not take the answer any more, only what was
    /// captured: the provider has given that out whoever asked for it.
    pub(super) async fn keep(
        self: Arc<Self>,
        app: &App,
        journal: &impl Journal,
    ) -> Result<(), StoreError> {
        if self.entry.is_none() && self.captured.is_empty() && self.memo.is_none() {
            return Ok(());
        }
        match self.write(app, true, || journal.is_lost()).await {
            Err(StoreError::Refused(reason)) => {
                if !self.captured.is_empty() {
                    self.write(app, false, || false).await?;
                }
                Err(StoreError::Refused(reason))
            }
            written => written,
        }
    }

    async fn write(
        self: &Arc<Self>,
        app: &App,
        whole: bool,
        is_lost: impl Fn() -> bool,
    ) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let kept = Arc::clone(self);
            let written = app
                .db
                .write(move |tx| Box::pin(async move { kept.write_once(tx, whole).await }))
                .await;
            match written {
                Err(StoreError::Refused(reason)) => return Err(StoreError::Refused(reason)),
                Err(error) if tries < KEEP_TRIES_MAX && !is_lost() => {
                    let message = self.entry.as_ref();
                    let message = message.map(|entry| entry.attempt.message.to_string());
                    tracing::warn!(message.id = ?message, error = %crate::http::Chain(&error), tries, "an answer could not be kept yet");
                    tokio::time::sleep(KEEP_PAUSE * tries).await;
                }
                written => return written,
            }
        }
    }

    async fn write_once(&self, tx: &mut Tx, whole: bool) -> Result<(), StoreError> {
        if let Some(entry) = self.entry.as_ref().filter(|_| whole) {
            let (tenant, seq) = (&entry.tenant, entry.seq);
            journal::end_exchange(tx, tenant, entry.attempt, seq, &self.outcome, self.now).await?;
        }
        for new in &self.captured {
            let (owner, name, value) = (&new.owner, &new.name, &new.value);
            let expires_at = new.expires_at;
            credentials::capture(tx, &self.vault, owner, name, value, self.now, expires_at).await?;
        }
        match self.memo.as_ref().filter(|_| whole) {
            Some(memo) => memos::put(tx, &self.vault, memo).await,
            None => Ok(()),
        }
    }
}

/// Ends a journal's entry for itself, as patiently as an answer is kept.
pub(super) async fn end(
    app: &App,
    entry: JournalEntry,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let kept = Arc::new(Kept {
        vault: app.vault.clone(),
        entry: Some(entry),
        outcome: outcome.clone(),
        captured: Vec::new(),
        memo: None,
        now: app.now_ms(),
    });
    kept.write(app, true, || false).await
}

/// What later equal exchanges are answered with: successes only, no longer than the secrets hold that
/// came with them.
fn new_memo(
    app: &App,
    exchange: &Exchange,
    key: MemoKey,
    outcome: &Outcome,
    ends: impl Iterator<Item = i64>,
    now: i64,
) -> Option<NewMemo> {
    let memo = exchange.memo.as_ref()?;
    let media = match outcome {
        Outcome::Response(response) => {
            let good = (200..300).contains(&response.status);
            if !good || response.body.len() > MEMO_BODY_BYTES_MAX {
                return None;
            }
            None
        }
        Outcome::Stored(stored) => Some(stored.media.handle.parse().ok()?),
        Outcome::Failed(_) => return None,
    };
    let longest = i64::from(app.config.exchanges.memo_days_max) * DAY_MS;
    let wished = i64::from(memo.lifetime_s).saturating_mul(1_000);
    let expires_at = now.saturating_add(wished.min(longest));
    Some(NewMemo {
        key,
        outcome: outcome.clone(),
        media,
        created_at: now,
        expires_at: ends.fold(expires_at, i64::min),
    })
}
