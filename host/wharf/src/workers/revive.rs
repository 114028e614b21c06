//! Dead letters go again: the job, and with it what it works on. A send is a new try of its message.

use serde::Deserialize;
use wharf_core::{DeliveryId, JobId, MessageId, Status, TenantId};
use wharf_queue::{DeadFilter, DeadJob, Queue};
use wharf_store::messages::{self, StatusChange};
use wharf_store::{Db, StoreError, Tx, deliveries};

/// Dead letters revived in one transaction.
const BATCH: i64 = 200;

/// Which dead letters: all that match every part given.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub ids: Vec<JobId>,
    pub queue: Option<Queue>,
    pub tenant: Option<TenantId>,
    pub lane: Option<String>,
    /// The code that the reason begins with.
    pub code: Option<String>,
}

impl Selection {
    pub fn filter(&self) -> DeadFilter<'_> {
        DeadFilter {
            tenant: self.tenant.as_ref(),
            queue: self.queue,
            ids: (!self.ids.is_empty()).then_some(self.ids.as_slice()),
            lane: self.lane.as_deref(),
            code: self.code.as_deref(),
        }
    }
}

/// Revives every dead letter that is selected. Returns how many.
pub async fn all(db: &Db, selection: &Selection, now_ms: i64) -> Result<u64, StoreError> {
    let mut revived = 0;
    let mut cursor: Option<String> = None;
    loop {
        let (of, from) = (selection.clone(), cursor.clone());
        let (count, last) = db
            .write(move |tx| Box::pin(async move { page(tx, &of, from, now_ms).await }))
            .await?;
        revived += count;
        match last {
            Some(last) => cursor = Some(last),
            None => return Ok(revived),
        }
    }
}

/// One page, looked up and revived in one transaction: two callers at once revive nothing twice.
/// Returns how many were revived, and where the page ended.
async fn page(
    tx: &mut Tx,
    of: &Selection,
    from: Option<String>,
    now_ms: i64,
) -> Result<(u64, Option<String>), StoreError> {
    let page = wharf_queue::dead(tx, of.filter(), from.as_deref(), BATCH).await?;
    let last = page.last().map(|job| job.id.clone());
    Ok((batch(tx, &page, now_ms).await?, last))
}

#[derive(Deserialize)]
struct SendPayload {
    message: MessageId,
}

#[derive(Deserialize)]
struct DeliverPayload {
    delivery: DeliveryId,
}

async fn batch(tx: &mut Tx, dead: &[DeadJob], now_ms: i64) -> Result<u64, StoreError> {
    let mut ids = Vec::with_capacity(dead.len());
    for job in dead {
        if job.queue == Queue::Send.as_str() {
            open_next_try(tx, job, now_ms).await?;
        } else if job.queue == Queue::Delivery.as_str() {
            reopen_delivery(tx, job, now_ms).await?;
        }
        ids.push(JobId::from_bare(&job.id).map_err(|e| StoreError::Corrupt {
            what: e.to_string(),
        })?);
    }
    if ids.is_empty() {
        return Ok(0);
    }
    wharf_queue::retry(
        tx,
        DeadFilter {
            ids: Some(&ids),
            ..DeadFilter::default()
        },
        now_ms,
    )
    .await
}

/// A failed message is sent again as a new try, so that what happened to the first stays readable.
async fn open_next_try(tx: &mut Tx, job: &DeadJob, now_ms: i64) -> Result<(), StoreError> {
    let Ok(payload) = serde_json::from_str::<SendPayload>(&job.payload) else {
        return Ok(());
    };
    let tenant = tenant_of(job)?;
    let Some(message) = messages::get(tx, &tenant, payload.message).await? else {
        return Ok(());
    };
    let next = StatusChange {
        id: message.id,
        try_number: message.try_number + 1,
        status: Status::Queued,
        error: None,
        now: now_ms,
    };
    messages::set_status(tx, &tenant, &next).await?;
    // As much time again as it had at first: who sends it again wants it sent.
    let expires_at = now_ms + (message.expires_at - message.created_at);
    messages::set_expiry(tx, &tenant, message.id, expires_at).await
}

/// A failed delivery is pending again, or its job would find nothing to do.
async fn reopen_delivery(tx: &mut Tx, job: &DeadJob, now_ms: i64) -> Result<(), StoreError> {
    let Ok(payload) = serde_json::from_str::<DeliverPayload>(&job.payload) else {
        return Ok(());
    };
    deliveries::reopen(tx, &tenant_of(job)?, payload.delivery, now_ms)
        .await
        .map(drop)
}

fn tenant_of(job: &DeadJob) -> Result<TenantId, StoreError> {
    job.tenant_id
        .parse()
        .map_err(|e: wharf_core::IdError| StoreError::Corrupt {
            what: e.to_string(),
        })
}
