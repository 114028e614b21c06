//! Writes down that the gateway is up. A silence that was longer than a restart is an outage: what providers
//! do not repeat (they say so by having `reconcile.catch-up`) is fetched then.
//!
//! Every process writes the same row, so one that restarts beside others is no outage; and a process whose
//! database was away is silent too. The beat after the silence and the jobs that it leads to share a
//! transaction.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wharf_queue::NewJob;
use wharf_runtime::Interface;
use wharf_store::upkeep::{self, CatchUpRow, CatchUpState};
use wharf_store::{StoreError, Tx};

use super::jobs;
use crate::app::App;

const DAY_MS: i64 = 86_400_000;

/// Beats until `stop`.
pub(crate) async fn keep(app: Arc<App>, stop: CancellationToken) {
    let every = Duration::from_millis(app.config.upkeep.heartbeat_ms);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        if let Err(error) = beat(&app).await {
            tracing::warn!(error = %crate::http::Chain(&error), "the gateway could not write that it is up");
        }
    }
}

/// One beat, with what an outage before it leads to.
pub(super) async fn beat(app: &Arc<App>) -> Result<(), StoreError> {
    let (app, db, now) = (Arc::clone(app), app.db.clone(), app.now_ms());
    db.write(move |tx| {
        Box::pin(async move {
            let last = upkeep::beat(tx, now).await?;
            match last.and_then(|last| missed_since(&app, last, now)) {
                Some(since) => fetch_missed(tx, &app, since, now).await,
                None => Ok(()),
            }
        })
    })
    .await
}

/// From when on something may have been missed; None when there was no outage.
fn missed_since(app: &App, last: i64, now: i64) -> Option<i64> {
    let upkeep = &app.config.upkeep;
    let of = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    since(
        last,
        now,
        of(upkeep.outage_ms_min),
        of(upkeep.outage_overlap_ms),
        i64::from(upkeep.catch_up_days_max) * DAY_MS,
    )
}

fn since(last: i64, now: i64, silence_min: i64, overlap: i64, back_max: i64) -> Option<i64> {
    let is_outage = now.saturating_sub(last) >= silence_min && back_max > 0;
    is_outage.then(|| {
        last.saturating_sub(overlap)
            .max(now.saturating_sub(back_max))
    })
}

async fn fetch_missed(tx: &mut Tx, app: &App, since: i64, now: i64) -> Result<(), StoreError> {
    let mut pushed: Vec<NewJob> = Vec::new();
    for channel in upkeep::channels(tx).await? {
        // One that is not loaded yet may have it; the job finds out.
        let plugin = app.plugins.get(&channel.plugin);
        if plugin.is_some_and(|plugin| !plugin.has(Interface::Reconcile)) {
            continue;
        }
        let row = waiting(since, now);
        upkeep::note_catch_up(tx, &channel.tenant, &channel.id, &row).await?;
        pushed.push(jobs::catch_up(&channel.tenant, &channel.id, since, now));
    }
    if pushed.is_empty() {
        return Ok(());
    }
    tracing::info!(
        channels = pushed.len(),
        since = crate::clock::rfc3339(since),
        "the gateway was away; what was missed is fetched"
    );
    app.queues.push(tx, &pushed, now).await
}

/// What stands in the books while the job waits.
pub(crate) fn waiting(since: i64, now: i64) -> CatchUpRow {
    CatchUpRow {
        since,
        state: CatchUpState::Waiting,
        items: 0,
        error: None,
        updated_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn a_silence_longer_than_a_restart_is_an_outage_and_the_past_has_an_end() {
        assert_eq!(since(1_000, 1_059, 60, 10, 10_000), None);
        assert_eq!(since(1_000, 1_060, 60, 10, 10_000), Some(990));
        assert_eq!(since(1_000, 50_000, 60, 10, 10_000), Some(40_000));
        assert_eq!(since(1_000, 50_000, 60, 10, 0), None);
        // A clock that went back is no outage.
        assert_eq!(since(50_000, 1_000, 60, 10, 10_000), None);
    }
}
