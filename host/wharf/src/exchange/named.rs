//! The named limits of providers: what an exchange draws from them before it goes out.

use std::time::Duration;

use wharf_core::provider::Exchange;
use wharf_queue::{BucketRate, Queue};
use wharf_store::StoreError;

use super::Actor;
use crate::app::App;
use crate::workers::pace::{named_lane, named_rate};

/// A shorter wait is waited out here: putting a job off costs more.
const WAIT_MS_MAX: i64 = 1_000;

/// Draws from the limit that the exchange names. `Some` when it has no room for longer than is worth
/// waiting here: until when.
pub(super) async fn closed(
    app: &App,
    actor: &Actor,
    exchange: &Exchange,
) -> Result<Option<i64>, StoreError> {
    let Some(name) = &exchange.bucket else {
        return Ok(None);
    };
    let rate = named_rate(&actor.descriptor, name);
    let began = app.now_ms();
    loop {
        let now = app.now_ms();
        let Some(until_ms) = draw(app, named_lane(&actor.owners), name.clone(), rate).await? else {
            return Ok(None);
        };
        if until_ms > began + WAIT_MS_MAX {
            return Ok(Some(until_ms));
        }
        let wait_ms = u64::try_from(until_ms - now).unwrap_or(0).max(1);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
}

async fn draw(
    app: &App,
    lane: String,
    name: String,
    rate: Option<BucketRate>,
) -> Result<Option<i64>, StoreError> {
    let now = app.now_ms();
    let work = app.db.write(move |tx| {
        Box::pin(async move { wharf_queue::draw(tx, Queue::Send, &lane, &name, rate, now).await })
    });
    work.await
}
