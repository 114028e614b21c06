//! The limits of the queues, each with its reason.

/// How the queues lease, look and share. The defaults are those of `config/wharf.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// A lease not renewed for this long is over. It is renewed four times as often, and looked for
    /// every `poll_ms`: 4 s + 250 ms keeps recovery after a killed process under 5 s.
    pub lease_ms: i64,
    /// How often a dispatcher looks without being rung: finds what other processes pushed.
    pub poll_ms: i64,
    /// How long finished jobs may wait for others to share their commit.
    pub linger_ms: u64,
    /// Jobs claimed in one transaction at most.
    pub claim_batch_max: usize,
    /// Lanes looked at in one transaction at most.
    pub lanes_per_claim_max: usize,
    /// Jobs one lane may have per turn while others wait.
    pub lane_quantum: usize,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            lease_ms: 4_000,
            poll_ms: 250,
            linger_ms: 1,
            claim_batch_max: 256,
            lanes_per_claim_max: 32,
            lane_quantum: 16,
        }
    }
}

impl QueueConfig {
    /// A zero would stop the queue or spin; the smallest value that works stands in for it.
    pub(crate) fn workable(self) -> Self {
        Self {
            lease_ms: self.lease_ms.max(100),
            poll_ms: self.poll_ms.max(1),
            linger_ms: self.linger_ms,
            claim_batch_max: self.claim_batch_max.max(1),
            lanes_per_claim_max: self.lanes_per_claim_max.max(1),
            lane_quantum: self.lane_quantum.max(1),
        }
    }

    /// Leases are renewed this often, whatever the handlers do.
    pub(crate) fn renew_every_ms(&self) -> i64 {
        (self.lease_ms / 4).max(1)
    }
}
