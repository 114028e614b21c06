//! The optional interface `health`: what the provider says of an account.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthVerdict {
    Ok,
    Degraded,
    Blocked,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthFinding {
    pub verdict: HealthVerdict,
    pub title: String,
    pub detail: String,
    /// What the reader can do about it.
    pub remedy: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    pub verdict: HealthVerdict,
    pub findings: Vec<HealthFinding>,
    /// Unix milliseconds. None: never, or not known.
    pub token_expires_ms: Option<u64>,
    /// The provider's own word.
    pub quality: Option<String>,
    /// The provider's own word for how many people may be written to.
    pub messaging_limit: Option<String>,
    pub messages_per_second: Option<u32>,
}
