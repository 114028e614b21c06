//! Counts over a tenant's messages.

use std::collections::BTreeMap;

use wharf_core::{Status, TenantId};

use crate::columns::parsed;
use crate::{Conn, Context, StoreError, on_db};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// By what they show; a status that no message shows is not there.
    pub outbound: BTreeMap<Status, i64>,
    pub inbound: i64,
}

/// The tenant's messages since `since`.
pub async fn message_counts(
    conn: &mut Conn,
    tenant: &TenantId,
    since: i64,
) -> Result<MessageCounts, StoreError> {
    let rows: Vec<(Option<String>, i64)> = on_db!(conn, |c| sqlx::query_as(
        "select status, count(*) from message
         where tenant_id = $1 and created_at >= $2 group by status"
    )
    .bind(tenant.as_str())
    .bind(since)
    .fetch_all(c)
    .await)
    .doing("count messages")?;
    let mut counts = MessageCounts::default();
    for (status, count) in rows {
        match status {
            Some(status) => {
                counts
                    .outbound
                    .insert(parsed("message.status", &status)?, count);
            }
            // Only inbound messages have no status.
            None => counts.inbound = count,
        }
    }
    Ok(counts)
}
