//! Each status as a provider reported it, in the order the reports arrived.

use serde_json::Value;
use wharf_core::{MessageId, Status, TenantId};

use crate::columns::to_json;
use crate::messages::no_such;
use crate::{Context, StoreError, Tx, on_db};

#[derive(Clone, Debug)]
pub struct NewStatus {
    pub message: MessageId,
    pub try_number: u32,
    pub status: Status,
    /// The provider's time.
    pub at: i64,
    pub recorded_at: i64,
    pub detail: Value,
}

/// Keeps one report, whether or not it moved the message.
pub async fn record(tx: &mut Tx, tenant: &TenantId, new: &NewStatus) -> Result<(), StoreError> {
    let kept = on_db!(&mut **tx, |c| {
        sqlx::query(
        "insert into message_status (message_id, try_number, tenant_id, status, at, recorded_at,
                                     detail)
         select id, $3, tenant_id, $4, $5, $6, $7 from message
         where tenant_id = $1 and id = $2 and direction = 'outbound'"
    )
    .bind(tenant.as_str())
    .bind(new.message.bare())
    .bind(i64::from(new.try_number))
    .bind(new.status.as_str())
    .bind(new.at)
    .bind(new.recorded_at)
    .bind(to_json(&new.detail))
    .execute(c)
    .await
    .map(|done| done.rows_affected())
    })
    .doing("keep a status")?;
    if kept == 0 {
        return Err(no_such(tenant, new.message));
    }
    Ok(())
}
