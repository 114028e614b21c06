//! Taking back a job that nobody has begun, and moving one to another lane.

use sqlx::{query, query_as};
use wharf_core::{JobId, TenantId};
use wharf_store::{Context, StoreError, Tx, on_db};

use super::lanes::Touched;
use super::push::promote;
use super::stored_reason;
use crate::job::Queue;
use crate::lease::Lease;

/// Removes a job that no worker holds, in the caller's transaction. False when one does or there is no
/// such job: whoever leases it first has it, so nothing both runs and is taken back.
pub async fn withdraw(tx: &mut Tx, tenant: &TenantId, job: JobId) -> Result<bool, StoreError> {
    const TEXT: &str = "delete from job where tenant_id = $1 and id = $2 and state in (0, 3)
        returning queue, order_key";
    let gone: Option<(String, Option<String>)> = on_db!(&mut **tx, |c| query_as(TEXT)
        .bind(tenant.as_str())
        .bind(job.bare())
        .fetch_optional(c)
        .await)
    .doing("take a job back")?;
    let Some((queue, order_key)) = gone else {
        return Ok(false);
    };
    let queue: Queue = queue.parse().map_err(|error| StoreError::Corrupt {
        what: format!("a job's queue: {error}"),
    })?;
    // The next of its order key may have waited for this one alone.
    let keys: Vec<&str> = order_key.as_deref().into_iter().collect();
    promote(tx, queue, &keys).await?;
    Ok(true)
}

/// Ends the run inside the handler's own transaction, and lets the job run again at once in another lane
/// with all its attempts back; otherwise as [`complete`](crate::complete).
pub async fn move_in(
    tx: &mut Tx,
    lease: &Lease,
    lane: &str,
    pair_key: Option<&str>,
    now_ms: i64,
    reason: &str,
) -> Result<bool, StoreError> {
    const TEXT: &str =
        "update job set state = 0, lane = $3, pair_key = $4, due_at = $5, attempt = 0,
            reason = $6, lease_owner = null, lease_until = null
        where id = $1 and fence = $2 and state = 1";
    let run = lease.run();
    let moved = on_db!(&mut **tx, |c| query(TEXT)
        .bind(&run.id)
        .bind(run.fence)
        .bind(lane)
        .bind(pair_key)
        .bind(now_ms)
        .bind(stored_reason(reason))
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .doing("move a job to another lane")?;
    if moved == 0 {
        return Ok(false);
    }
    let mut touched = Touched::default();
    touched.add(run.queue, lane, &run.tenant, now_ms);
    touched.write(tx).await?;
    let bell = std::sync::Arc::clone(run.shared.bell(run.queue));
    tx.after_commit(move || bell.notify_one());
    Ok(true)
}
