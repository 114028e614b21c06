//! What is asked of providers on a schedule: a round for each kind and slot of time pushes a job for each
//! channel or account, spread over the slot, and the next round. Ids are made from the slot, so that many
//! nodes run it once and a crash in between loses nothing.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use wharf_core::ChannelId;
use wharf_queue::{Job, NewJob, Outcome, Priority, Queue};
use wharf_runtime::Interface;
use wharf_store::templates::{self, TemplateAccount};
use wharf_store::upkeep::{self, KnownChannel};
use wharf_store::{Conn, StoreError, channel_health};

use super::{gate, jobs};
use crate::app::App;
use crate::flows::FlowError;
use crate::upkeep::{Line, health, line, templates as lists};

const MINUTE_MS: i64 = 60_000;
/// Jobs pushed in one transaction.
const JOBS_PER_TRANSACTION: usize = 200;
/// A failed look is repeated after as long as it has been failing, at least and at most so long.
const AGAIN_MS_MIN: i64 = 5_000;
const AGAIN_MS_MAX: i64 = 600_000;
/// How long a failed look is repeated; then the next round comes.
const FAILING_MS_MAX: i64 = 1_800_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Templates,
    Health,
}

impl What {
    fn every_ms(self, app: &App) -> i64 {
        let minutes = match self {
            Self::Templates => app.config.upkeep.templates_minutes,
            Self::Health => app.config.upkeep.health_minutes,
        };
        i64::from(minutes) * MINUTE_MS
    }

    fn interface(self) -> Interface {
        match self {
            Self::Templates => Interface::Templates,
            Self::Health => Interface::Health,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Round {
    what: What,
    slot: i64,
}

/// Makes sure that a round of each kind is in the queue.
pub(super) async fn start(app: &Arc<App>) -> Result<(), StoreError> {
    let now = app.now_ms();
    for what in [What::Templates, What::Health] {
        let every_ms = what.every_ms(app);
        if every_ms > 0 {
            push(app, vec![round(what, now / every_ms, now)], now).await?;
        }
    }
    Ok(())
}

fn round(what: What, slot: i64, due_at: i64) -> NewJob {
    let name = json!(what);
    let name = name.as_str().unwrap_or_default();
    NewJob {
        id: jobs::keyed_id(&format!("{}:{name}:{slot}", jobs::UPKEEP_ROUND)),
        queue: Queue::Maintenance,
        tenant: jobs::tenant_or_operator(None),
        lane: jobs::UPKEEP_ROUND.to_owned(),
        order_key: None,
        kind: jobs::UPKEEP_ROUND,
        payload: json!(Round { what, slot }),
        priority: Priority::Low,
        due_at,
        attempts_max: jobs::UPKEEP_CLAIMS_MAX,
    }
}

async fn push(app: &App, new: Vec<NewJob>, now: i64) -> Result<(), StoreError> {
    let queues = app.queues.clone();
    app.db
        .write(move |tx| Box::pin(async move { queues.push(tx, &new, now).await }))
        .await
}

/// Runs one round.
pub(super) async fn run(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let Round { what, slot } = match job.decode() {
        Ok(round) => round,
        Err(outcome) => return Ok(outcome),
    };
    let every_ms = what.every_ms(app);
    if every_ms == 0 {
        return Ok(Outcome::Done);
    }
    let now = app.now_ms();
    let mut conn = app.db.read().await?;
    let channels = upkeep::channels(&mut conn).await?;
    let mut pushed = Vec::new();
    let mut accounts = HashSet::new();
    for channel in &channels {
        let of = TemplateAccount::of(&channel.plugin, channel.account.as_deref(), &channel.id);
        let is_known = app
            .plugins
            .get(&channel.plugin)
            .is_some_and(|plugin| plugin.has(what.interface()));
        let is_first =
            what == What::Health || accounts.insert((channel.tenant.clone(), of.clone()));
        if is_known && is_first {
            pushed.push(due(&mut conn, what, channel, &of, (slot, every_ms, now)).await?);
        }
    }
    drop(conn);
    // The current slot may be a later one when nothing ran for a while.
    let next = slot.max(now / every_ms) + 1;
    pushed.push(round(what, next, next * every_ms));
    let mut pushed = pushed.into_iter().peekable();
    while pushed.peek().is_some() {
        let some: Vec<_> = pushed.by_ref().take(JOBS_PER_TRANSACTION).collect();
        push(app, some, now).await?;
    }
    Ok(Outcome::Done)
}

/// What was never looked at is looked at now, everything else at its own place in the slot.
async fn due(
    conn: &mut Conn,
    what: What,
    channel: &KnownChannel,
    of: &TemplateAccount,
    (slot, every_ms, now): (i64, i64, i64),
) -> Result<NewJob, StoreError> {
    let (tenant, id) = (&channel.tenant, &channel.id);
    let is_new = match what {
        What::Templates => templates::sync_of(conn, tenant, of).await? == Default::default(),
        What::Health => channel_health::get(conn, tenant, id).await?.is_none(),
    };
    let begins = slot * every_ms;
    let due_at = match is_new {
        true => now,
        false => (begins + place(&format!("{tenant}/{id}"), every_ms)).max(now),
    };
    let (key, times) = (slot.to_string(), (begins, due_at));
    Ok(match what {
        What::Templates => jobs::templates_sync(tenant, id, of, &key, times),
        What::Health => jobs::health_check(tenant, id, &key, times),
    })
}

/// The same place in every slot for the same channel.
fn place(name: &str, every_ms: i64) -> i64 {
    let digest = Sha256::digest(name.as_bytes());
    let number = i64::from(u32::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]));
    number % every_ms.max(1)
}

#[derive(Deserialize)]
struct Look {
    channel: ChannelId,
    since: i64,
    due_at: i64,
}

/// Lists the templates of one account.
pub(super) async fn sync_templates(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let look: Look = match job.decode() {
        Ok(look) => look,
        Err(outcome) => return Ok(outcome),
    };
    let Ok(line) = line(app, &job.tenant, &look.channel).await? else {
        return Ok(Outcome::Done);
    };
    let mut conn = app.db.read().await?;
    let of = lists::account_of(&line.channel);
    let sync = templates::sync_of(&mut conn, &job.tenant, &of).await?;
    drop(conn);
    if !lists::has(&line) || sync.synced_at.is_some_and(|at| at >= look.since) {
        return Ok(Outcome::Done);
    }
    let Some(_pass) = app.gates.upkeep.enter(&job.tenant) else {
        return full(app, job, &look).await;
    };
    let listed = lists::sync(app, &line).await;
    ended(app, &line, &look, listed.map(drop))
}

/// Looks at one channel.
pub(super) async fn check_health(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let look: Look = match job.decode() {
        Ok(look) => look,
        Err(outcome) => return Ok(outcome),
    };
    let Ok(line) = line(app, &job.tenant, &look.channel).await? else {
        return Ok(Outcome::Done);
    };
    let mut conn = app.db.read().await?;
    let row = channel_health::get(&mut conn, &job.tenant, &look.channel).await?;
    drop(conn);
    let checked_at = row.and_then(|row| row.checked_at);
    let is_there = checked_at.is_some_and(|at| at >= look.since);
    if is_there || !line.plugin.has(Interface::Health) {
        return Ok(Outcome::Done);
    }
    let Some(_pass) = app.gates.upkeep.enter(&job.tenant) else {
        return full(app, job, &look).await;
    };
    let checked = health::check(app, &line).await;
    ended(app, &line, &look, checked.map(drop))
}

async fn full(app: &App, job: &Job, look: &Look) -> Result<Outcome, StoreError> {
    let lane = jobs::upkeep_lane(&job.tenant, &look.channel);
    gate::later(app, job, Queue::Maintenance, lane).await
}

fn ended(
    app: &App,
    line: &Line,
    look: &Look,
    result: Result<(), FlowError>,
) -> Result<Outcome, StoreError> {
    match result {
        Ok(()) => Ok(Outcome::Done),
        Err(FlowError::Store(error)) => Err(error),
        Err(error) => {
            let now = app.now_ms();
            let failing_ms = now - look.due_at;
            tracing::warn!(
                tenant.id = %line.channel.tenant, channel.id = %line.channel.id,
                error = %crate::http::Chain(&error), "a provider was asked in vain"
            );
            if failing_ms >= FAILING_MS_MAX {
                return Ok(Outcome::Done);
            }
            Ok(Outcome::Retry {
                due_at: now + again_ms(failing_ms),
                reason: error.to_string(),
            })
        }
    }
}

/// Waits that double, by the time that it has been failing: jobs that were sent back meanwhile count for
/// nothing.
pub(super) fn again_ms(failing_ms: i64) -> i64 {
    failing_ms.clamp(AGAIN_MS_MIN, AGAIN_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_spread_over_the_slot_and_keep_their_place() {
        let hour = 60 * MINUTE_MS;
        let places: HashSet<i64> = (0..50).map(|i| place(&format!("acme/{i}"), hour)).collect();
        assert!(places.len() > 40, "{places:?}");
        assert!(places.iter().all(|place| (0..hour).contains(place)));
        assert_eq!(place("acme/main", hour), place("acme/main", hour));
    }

    #[test]
    fn waits_double_between_their_limits() {
        assert_eq!(again_ms(0), AGAIN_MS_MIN);
        assert_eq!(again_ms(20_000), 20_000);
        assert_eq!(again_ms(i64::MAX), AGAIN_MS_MAX);
    }
}
