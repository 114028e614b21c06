//! What providers say about speed, acted on: each word slows exactly the bucket that it concerns.

use std::sync::Arc;

use wharf_core::provider::{Address, Bucket, Descriptor, Level, Pace};
use wharf_core::{AppId, ChannelId, TenantId};
use wharf_queue::{BucketRate, LaneRate, Queue};
use wharf_store::{StoreError, Tx, channels};

use super::lane_of;
use crate::app::App;
use crate::directory::Channel;
use crate::exchange::Owners;

/// The longest pause a provider's answer may put on a bucket.
const PAUSE_MS_MAX: u64 = 3_600_000;

/// What one answer says, and whose buckets it speaks of; gathered before the transaction begins.
pub(super) struct Advice {
    paces: Vec<Pace>,
    channel: Arc<Channel>,
    descriptor: Option<Arc<Descriptor>>,
    pair_key: String,
}

impl Advice {
    /// None when nothing is said or the channel has gone.
    pub(super) async fn of(
        app: &App,
        tenant: &TenantId,
        channel: &ChannelId,
        to: &Address,
        paces: &[Pace],
    ) -> Result<Option<Self>, StoreError> {
        if paces.is_empty() {
            return Ok(None);
        }
        let Some(channel) = app.directory.channel(tenant, channel).await? else {
            return Ok(None);
        };
        let plugin = app.plugins.get(&channel.plugin);
        Ok(Some(Self {
            paces: paces.to_vec(),
            descriptor: plugin.map(|plugin| Arc::clone(plugin.descriptor())),
            channel,
            pair_key: pair_key(to),
        }))
    }

    pub(super) async fn act(&self, tx: &mut Tx, now_ms: i64) -> Result<(), StoreError> {
        for pace in &self.paces {
            if let Some(pause_ms) = pace.pause_ms {
                let pause_ms = i64::try_from(pause_ms.min(PAUSE_MS_MAX)).unwrap_or(0);
                self.pause(tx, &pace.bucket, now_ms, now_ms + pause_ms)
                    .await?;
            }
            if let Some(per_second) = pace.per_second {
                self.set_rate(tx, &pace.bucket, per_second).await?;
            }
        }
        Ok(())
    }

    async fn pause(
        &self,
        tx: &mut Tx,
        bucket: &Bucket,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<(), StoreError> {
        match bucket {
            Bucket::Level(level) => {
                let lanes = self.lanes(tx, *level).await?;
                wharf_queue::pause_lanes(tx, Queue::Send, &lanes, now_ms, until_ms).await
            }
            Bucket::Recipient => {
                let lane = lane_of(&self.channel.tenant, &self.channel.id);
                wharf_queue::pause_pair(tx, Queue::Send, &lane, &self.pair_key, until_ms).await
            }
            Bucket::Named(name) => {
                let lane = named_lane(&Owners::of_channel(&self.channel));
                let descriptor = self.descriptor.as_deref();
                let rate = descriptor.and_then(|it| named_rate(it, name));
                wharf_queue::pause_bucket(tx, Queue::Send, &lane, name, rate, until_ms).await
            }
        }
    }

    /// A rate of an account or app is what its channels have together: each gets an equal part.
    async fn set_rate(
        &self,
        tx: &mut Tx,
        bucket: &Bucket,
        per_second: u32,
    ) -> Result<(), StoreError> {
        // Those of recipients and named limits stand in the plugin's description.
        let Bucket::Level(level) = bucket else {
            return Ok(());
        };
        let lanes = self.lanes(tx, *level).await?;
        let each = per_second / u32::try_from(lanes.len().max(1)).unwrap_or(u32::MAX);
        for lane in lanes {
            say(tx, &lane, each.max(1)).await?;
        }
        Ok(())
    }

    /// The lanes that a level's bucket is for. A level that the channel does not have is the channel.
    async fn lanes(&self, tx: &mut Tx, level: Level) -> Result<Vec<String>, StoreError> {
        let channel = &*self.channel;
        let own = vec![(channel.tenant.clone(), channel.id.clone())];
        let sharing = match (level, &channel.app, &channel.account) {
            (Level::App, Some(app), _) => of_app(tx, app).await?,
            (Level::App | Level::Account, _, Some(account)) => {
                channels::of_account(tx, &channel.tenant, &channel.plugin, account).await?
            }
            _ => own,
        };
        Ok(sharing.iter().map(|(t, c)| lane_of(t, c)).collect())
    }
}

async fn of_app(tx: &mut Tx, app: &AppId) -> Result<Vec<(TenantId, ChannelId)>, StoreError> {
    channels::of_app(tx, app).await
}

/// A provider's word on how fast one number may go, from wherever it came.
pub(crate) async fn said(
    tx: &mut Tx,
    tenant: &TenantId,
    channel: &ChannelId,
    per_second: u32,
) -> Result<(), StoreError> {
    say(tx, &lane_of(tenant, channel), per_second).await
}

async fn say(tx: &mut Tx, lane: &str, per_second: u32) -> Result<(), StoreError> {
    wharf_queue::say_lane_rate(tx, Queue::Send, lane, per_second, burst_of(per_second)).await
}

/// Messages that came in count against the number's rate: Meta counts both directions together.
pub(super) async fn count_inbound(
    tx: &mut Tx,
    tenant: &TenantId,
    channel: &ChannelId,
    now_ms: i64,
) -> Result<(), StoreError> {
    wharf_queue::draw_from_lane(tx, Queue::Send, &lane_of(tenant, channel), 1, now_ms).await
}

/// Whom a send counts against. The prefix keeps it apart from names of limits.
pub(crate) fn pair_key(to: &Address) -> String {
    format!("to:{}", crate::view::address(to))
}

/// Where named limits are counted: an account has them, whichever of its channels draws.
pub(crate) fn named_lane(owners: &Owners) -> String {
    owners.account.to_string()
}

/// The declared rate of a named limit.
pub(crate) fn named_rate(descriptor: &Descriptor, name: &str) -> Option<BucketRate> {
    declared(
        descriptor,
        |bucket| matches!(bucket, Bucket::Named(it) if it == name),
    )
}

fn declared(descriptor: &Descriptor, is_it: impl Fn(&Bucket) -> bool) -> Option<BucketRate> {
    let rate = descriptor.rates.iter().find(|rate| is_it(&rate.bucket))?;
    Some(BucketRate {
        tokens: rate.tokens,
        per_ms: rate.per_ms,
    })
}

/// The rates of a channel's lane: the configured one, or what the plugin declares, or Meta's.
pub(crate) fn lane_rate(descriptor: &Descriptor, per_second: u32, configured: bool) -> LaneRate {
    let pair = declared(descriptor, |bucket| *bucket == Bucket::Recipient);
    let pair = pair.filter(|rate| rate.tokens > 0);
    LaneRate {
        per_second,
        burst: burst_of(per_second),
        is_ceiling: configured,
        pair: pair.map(|rate| (rate.per_ms / rate.tokens, rate.tokens)),
    }
}

/// A lane saves up no more than 100 ms of its rate while it is idle: enough to make up for the waits of
/// a busy process, and a second that begins after a pause holds at most a tenth more than allowed.
fn burst_of(per_second: u32) -> u32 {
    (per_second / 10).max(1)
}
