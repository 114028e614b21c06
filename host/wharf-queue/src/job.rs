//! What is pushed and what a handler receives.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use wharf_core::{JobId, TenantId};

use crate::lease::Lease;
use crate::outcome::Outcome;

/// The queues; each has its own dispatcher and workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    Send,
    Webhook,
    Delivery,
    Media,
    Maintenance,
}

impl Queue {
    pub const ALL: [Self; 5] = [
        Self::Send,
        Self::Webhook,
        Self::Delivery,
        Self::Media,
        Self::Maintenance,
    ];

    /// The name in the database, on the command line and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Webhook => "webhook",
            Self::Delivery => "delivery",
            Self::Media => "media",
            Self::Maintenance => "maintenance",
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not the name of a queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a queue: use send, webhook, delivery, media or maintenance")]
pub struct UnknownQueue(String);

impl FromStr for Queue {
    type Err = UnknownQueue;
    fn from_str(text: &str) -> Result<Self, UnknownQueue> {
        Self::ALL
            .into_iter()
            .find(|queue| queue.as_str() == text)
            .ok_or_else(|| UnknownQueue(text.chars().take(40).collect()))
    }
}

/// Which of a lane's jobs goes first. Each class below high starts [`Priority::AGING_MS`] behind, so
/// a job rises one class for each such span it waited and none starves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    High = 0,
    Normal = 1,
    Low = 2,
}

impl Priority {
    pub const AGING_MS: i64 = 30_000;

    /// The number in the table: the classes between it and high.
    pub(crate) fn class(self) -> i64 {
        self as i64
    }
}

/// A job to be pushed. Without `Debug`: payloads must not reach a log.
#[derive(Clone)]
pub struct NewJob {
    /// Pushing an id that is still in the table changes nothing.
    pub id: JobId,
    pub queue: Queue,
    pub tenant: TenantId,
    /// The unit of fairness and pacing, for example one channel of one tenant.
    pub lane: String,
    /// Of the jobs of a queue that share it one runs at a time, in the order of their ids. They
    /// belong in one lane.
    pub order_key: Option<String>,
    pub kind: &'static str,
    pub payload: serde_json::Value,
    pub priority: Priority,
    /// Unix milliseconds before which it does not run.
    pub due_at: i64,
    /// Runs after which a failing job is dead.
    pub attempts_max: u32,
}

/// A leased job, as its handler receives it. Without `Debug` for the same reason.
#[derive(Clone)]
pub struct Job {
    pub lease: Arc<Lease>,
    pub id: JobId,
    pub tenant: TenantId,
    pub kind: String,
    pub payload: serde_json::Value,
    /// 1 for the first run.
    pub attempt: i64,
    pub attempts_max: i64,
}

impl Job {
    /// The payload as `A`. The error is what the handler should return: a job that cannot be read
    /// today will not be readable tomorrow.
    pub fn decode<A: DeserializeOwned>(&self) -> Result<A, Outcome> {
        A::deserialize(&self.payload).map_err(|error| Outcome::Dead {
            reason: undecodable(&self.kind, &error),
        })
    }

    /// True when a failure of this run is final.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.attempts_max
    }
}

pub(crate) fn undecodable(kind: &str, error: &dyn fmt::Display) -> String {
    format!("the payload of kind {kind:?} cannot be read: {error}")
}
