//! How many slow jobs of one tenant run at the same time in this process, so that one whose provider hangs
//! leaves the others their workers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use wharf_core::TenantId;
use wharf_queue::{Job, Outcome, Queue, pause_lane};
use wharf_store::StoreError;

use crate::app::App;

/// How long a lane whose tenant has its share waits before it is looked at again: short beside any
/// download, long beside a look.
const FULL_WAIT_MS: i64 = 250;

/// Counts the running jobs of each tenant.
pub struct Gate {
    running: Mutex<HashMap<TenantId, usize>>,
    each_max: usize,
}

/// Held while a job runs.
pub(crate) struct Pass {
    gate: Arc<Gate>,
    tenant: TenantId,
}

impl Gate {
    pub(crate) fn new(each_max: usize) -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            each_max,
        })
    }

    /// None when the tenant has its share.
    pub(crate) fn enter(self: &Arc<Self>, tenant: &TenantId) -> Option<Pass> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(tenant.clone()).or_default();
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Pass {
            gate: Arc::clone(self),
            tenant: tenant.clone(),
        })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut running = self
            .gate
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.tenant);
            }
        }
    }
}

/// Sends a job of a tenant that has its share back to the end of its lane, and rests the lane.
pub(super) async fn later(
    app: &App,
    job: &Job,
    queue: Queue,
    lane: String,
) -> Result<Outcome, StoreError> {
    let due_at = app.now_ms() + FULL_WAIT_MS;
    app.db
        .write(move |tx| Box::pin(async move { pause_lane(tx, queue, &lane, due_at).await }))
        .await?;
    Ok(Outcome::Retry {
        due_at,
        reason: format!(
            "the tenant {} has as many such jobs running as it may",
            job.tenant
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_share_and_gives_it_back() {
        let gate = Gate::new(2);
        let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
        let first = gate.enter(&acme).unwrap();
        let _second = gate.enter(&acme).unwrap();
        assert!(gate.enter(&acme).is_none());
        assert!(gate.enter(&other).is_some());
        drop(first);
        assert!(gate.enter(&acme).is_some());
    }
}
