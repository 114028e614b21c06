//! What a channel's provider received while nobody listened, fetched and applied as webhooks are: the same
//! notes of what is in, so that what did come as a webhook changes nothing again.

use std::sync::Arc;

use serde::Deserialize;
use wharf_core::ChannelId;
use wharf_core::provider::{ErrorClass, InboundItem};
use wharf_queue::{Job, Outcome, Queue};
use wharf_runtime::Interface;
use wharf_store::upkeep::{self, CatchUpRow, CatchUpState};
use wharf_store::{Owner, StoreError};

use super::parse::Reader;
use super::{gate, jobs, rounds};
use crate::app::App;
use crate::flows::{self, FlowError, PageSink};
use crate::upkeep::{Line, line};

const DAY_MS: i64 = 86_400_000;

#[derive(Deserialize)]
struct Payload {
    channel: ChannelId,
    since: i64,
    due_at: i64,
}

/// Runs one `catch-up` job.
pub(super) async fn run(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let payload: Payload = match job.decode() {
        Ok(payload) => payload,
        Err(outcome) => return Ok(outcome),
    };
    let line = match line(app, &job.tenant, &payload.channel).await? {
        Ok(line) => line,
        Err(missing) => return again(app, job, &payload, 0, missing.to_string()).await,
    };
    if !line.plugin.has(Interface::Reconcile) {
        let reason = format!("the provider {} has no such list", line.plugin.name());
        return over(app, job, &payload, 0, Some(reason)).await;
    }
    let Some(_pass) = app.gates.upkeep.enter(&job.tenant) else {
        let lane = jobs::upkeep_lane(&job.tenant, &payload.channel);
        return gate::later(app, job, Queue::Maintenance, lane).await;
    };
    let (fetched, items) = fetch(app, &line, payload.since).await;
    match fetched {
        Ok(()) => over(app, job, &payload, items, None).await,
        Err(FlowError::Store(error)) => Err(error),
        Err(error) => {
            tracing::warn!(
                tenant.id = %job.tenant, channel.id = %payload.channel,
                error = %crate::http::Chain(&error), "what was missed could not be fetched"
            );
            let reason = error.to_string();
            match error {
                FlowError::Provider(error) if error.class == ErrorClass::Unsupported => {
                    over(app, job, &payload, items, Some(reason)).await
                }
                _ => again(app, job, &payload, items, reason).await,
            }
        }
    }
}

async fn fetch(app: &Arc<App>, line: &Line, since: i64) -> (Result<(), FlowError>, u32) {
    let owner = Owner::Channel(line.channel.tenant.clone(), line.channel.id.clone());
    let mut take = Take {
        reader: Reader::new(app, owner, &line.channel.plugin),
        items: 0,
    };
    let since_ms = u64::try_from(since).unwrap_or(0);
    let fetched = flows::catch_up(app, &line.plugin, &line.actor, since_ms, &mut take).await;
    (fetched, take.items)
}

/// Applies page by page. What has no channel or message here is another's: nothing waits for it.
struct Take<'a> {
    reader: Reader<'a>,
    items: u32,
}

impl PageSink<InboundItem> for Take<'_> {
    async fn page(&mut self, items: Vec<InboundItem>) -> Result<(), FlowError> {
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        self.items = self.items.saturating_add(count);
        self.reader.take_all(&items).await?;
        Ok(())
    }
}

async fn over(
    app: &App,
    job: &Job,
    payload: &Payload,
    items: u32,
    error: Option<String>,
) -> Result<Outcome, StoreError> {
    let state = match error {
        None => CatchUpState::Done,
        Some(_) => CatchUpState::Failed,
    };
    note(app, job, payload, (state, items, error)).await?;
    Ok(Outcome::Done)
}

/// A provider that is down is asked again for as long as its list reaches back.
async fn again(
    app: &App,
    job: &Job,
    payload: &Payload,
    items: u32,
    reason: String,
) -> Result<Outcome, StoreError> {
    let now = app.now_ms();
    let back_max = i64::from(app.config.upkeep.catch_up_days_max) * DAY_MS;
    if now - payload.due_at >= back_max {
        return over(app, job, payload, items, Some(reason)).await;
    }
    let waiting = (CatchUpState::Waiting, items, Some(reason.clone()));
    note(app, job, payload, waiting).await?;
    Ok(Outcome::Retry {
        due_at: now + rounds::again_ms(now - payload.due_at),
        reason,
    })
}

async fn note(
    app: &App,
    job: &Job,
    payload: &Payload,
    (state, items, error): (CatchUpState, u32, Option<String>),
) -> Result<(), StoreError> {
    let (tenant, channel) = (job.tenant.clone(), payload.channel.clone());
    let row = CatchUpRow {
        since: payload.since,
        state,
        items,
        error,
        updated_at: app.now_ms(),
    };
    app.db
        .write(move |tx| {
            Box::pin(async move { upkeep::note_catch_up(tx, &tenant, &channel, &row).await })
        })
        .await
}
