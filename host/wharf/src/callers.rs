//! What is remembered of callers between requests: how much of their rates they used, and when a key was used.
//!
//! Of this process only: with several nodes each grants the whole rate.

use std::collections::HashMap;
use std::sync::Mutex;

use wharf_core::TenantId;
use wharf_core::rate::{Rate, Used, Verdict, WINDOW_S};
use wharf_store::keys::{self, KeyRow};

use crate::app::App;

/// Those who used nothing for a minute are forgotten when there are more than this.
const REMEMBERED_MAX: usize = 50_000;

/// A key's last use is written at most this often: a write with every request would cost more than the request.
const USE_WRITTEN_EVERY_MS: i64 = 60_000;

/// Who has a rate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Tenant(TenantId),
    Key(String),
}

#[derive(Default)]
pub struct Callers {
    used: Mutex<HashMap<Subject, Used>>,
    written: Mutex<HashMap<String, i64>>,
}

/// What a caller has left, as headers (draft-ietf-httpapi-ratelimit-headers-10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateHeaders {
    /// `RateLimit-Policy`
    pub(crate) policy: String,
    /// `RateLimit`
    pub(crate) left: String,
}

/// The answer to one request of a caller.
pub(crate) struct Granted {
    /// Seconds to wait, when it is refused.
    pub(crate) refused: Option<u64>,
    pub(crate) headers: RateHeaders,
}

impl Callers {
    /// Asks for one request by this key: of the key's own rate first, then of its tenant's. 0 is no limit.
    pub(crate) fn ask(&self, key: &KeyRow, tenant_per_minute: u32, now_ms: i64) -> Granted {
        let own = key
            .requests_per_minute
            .map(|rate| ("key", Subject::Key(key.id.clone()), rate));
        let tenants = (
            "tenant",
            Subject::Tenant(key.tenant.clone()),
            tenant_per_minute,
        );
        let tenants = Some(tenants).filter(|(_, _, rate)| *rate > 0);
        let mut granted = Granted {
            refused: None,
            headers: RateHeaders::default(),
        };
        let mut used = self.used.lock().expect("no panic holds this lock");
        for (name, subject, per_minute) in own.into_iter().chain(tenants) {
            // What one of the two refuses does not use up the other.
            if granted.refused.is_some() {
                break;
            }
            let verdict = used
                .entry(subject)
                .or_default()
                .ask(Rate { per_minute }, now_ms);
            granted.headers.add(name, per_minute, verdict);
            if !verdict.allowed {
                granted.refused = Some(verdict.wait_s);
            }
        }
        if used.len() > REMEMBERED_MAX {
            used.retain(|_, used| !used.is_free(now_ms));
        }
        granted
    }

    /// Whether the use of a key at this time is to be written.
    fn is_due(&self, key: &KeyRow, now_ms: i64) -> bool {
        let mut written = self.written.lock().expect("no panic holds this lock");
        if written.len() > REMEMBERED_MAX {
            written.retain(|_, at| now_ms - *at < USE_WRITTEN_EVERY_MS);
        }
        let last = written.get(&key.id).copied().or(key.last_used_at);
        if last.is_some_and(|at| now_ms - at < USE_WRITTEN_EVERY_MS) {
            return false;
        }
        written.insert(key.id.clone(), now_ms);
        true
    }
}

impl RateHeaders {
    fn add(&mut self, name: &str, per_minute: u32, verdict: Verdict) {
        let Verdict {
            remaining, wait_s, ..
        } = verdict;
        let comma = if self.policy.is_empty() { "" } else { ", " };
        self.policy += &format!("{comma}\"{name}\";q={per_minute};w={WINDOW_S}");
        self.left += &format!("{comma}\"{name}\";r={remaining};t={wait_s}");
    }
}

/// Notes that a key was used. The request does not wait for it, and a full writer loses it: the next use is
/// noted again.
pub(crate) fn note_use(app: &App, key: &KeyRow) {
    let now = app.now_ms();
    if !app.callers.is_due(key, now) {
        return;
    }
    let (db, tenant, id) = (app.db.clone(), key.tenant.clone(), key.id.clone());
    tokio::spawn(async move {
        let written = db
            .try_write(move |tx| {
                Box::pin(async move { keys::note_use(tx, &tenant, &id, now).await })
            })
            .await;
        if let Err(error) = written {
            tracing::debug!(error = %error, "the use of a key was not noted");
        }
    });
}
