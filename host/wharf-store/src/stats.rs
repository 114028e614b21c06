//! Counts over a tenant's messages.

use std::collections::BTreeMap;

use wharf_core::{ChannelId, Status, TenantId};

use crate::columns::parsed;
use crate::{Conn, Context, StoreError, on_db};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// By what they show; a status that no message shows is not there.
    pub outbound: BTreeMap<Status, i64>,
    pub inbound: i64,
}

impl MessageCounts {
    pub fn add(&mut self, other: &Self) {
        for (status, count) in &other.outbound {
            *self.outbound.entry(*status).or_default() += count;
        }
        self.inbound += other.inbound;
    }

    /// Outbound ones that show any of these.
    pub fn showing(&self, statuses: &[Status]) -> i64 {
        let shown = statuses
            .iter()
            .filter_map(|status| self.outbound.get(status));
        shown.sum()
    }
}

/// The tenant's messages since `since`, by channel; one without messages is not there.
pub async fn message_counts(
    conn: &mut Conn,
    tenant: &TenantId,
    since: i64,
) -> Result<BTreeMap<ChannelId, MessageCounts>, StoreError> {
    let rows: Vec<(String, Option<String>, i64)> = on_db!(conn, |c| sqlx::query_as(
        "select channel_id, status, count(*) from message
         where tenant_id = $1 and created_at >= $2 group by channel_id, status"
    )
    .bind(tenant.as_str())
    .bind(since)
    .fetch_all(c)
    .await)
    .doing("count messages")?;
    let mut channels: BTreeMap<ChannelId, MessageCounts> = BTreeMap::new();
    for (channel, status, count) in rows {
        let counts = channels
            .entry(parsed("message.channel_id", &channel)?)
            .or_default();
        match status {
            Some(status) => {
                let status = parsed("message.status", &status)?;
                counts.outbound.insert(status, count);
            }
            // Only inbound messages have no status.
            None => counts.inbound = count,
        }
    }
    Ok(channels)
}
