//! Moving an outbound message up the lattice.
//!
//! A report never lowers a status: each statement carries the statuses below the reported one and
//! changes only a row that stands at one of them. So any order, any repetition and any two processes
//! end alike, without reading first.

use serde_json::Value;
use wharf_core::{ChannelId, MessageId, Status, TenantId};

use crate::columns::{foreign_key, parsed, to_json_or_null};
use crate::{Context, StoreError, Tx, on_db};

/// A report that a try of a message reached a status.
#[derive(Clone, Copy, Debug)]
pub struct StatusChange<'a> {
    pub id: MessageId,
    pub try_number: u32,
    pub status: Status,
    /// Goes with the status: it replaces the earlier one when the try moves up.
    pub error: Option<&'a Value>,
    pub now: i64,
}

/// Moves the try up and the message with it; opens the try when nothing did. The message shows its
/// latest try, unless an earlier one reached the phone (`wharf_core::status::shown`). Returns what
/// the message shows when this changed it, and None when it shows what it did.
pub async fn set_status(
    tx: &mut Tx,
    tenant: &TenantId,
    change: &StatusChange<'_>,
) -> Result<Option<Status>, StoreError> {
    let below = below(change.status);
    let error = to_json_or_null(change.error);
    let changed = on_db!(&mut **tx, |c| sqlx::query(
        "insert into message_try (message_id, number, tenant_id, channel_id, status, error,
                                  opened_at, updated_at)
         select id, $3, tenant_id, channel_id, $4, $5, $6, $6 from message
         where tenant_id = $1 and id = $2 and direction = 'outbound'
         on conflict (message_id, number) do update
         set status = excluded.status, error = excluded.error, updated_at = excluded.updated_at
         where $7 like '%,' || message_try.status || ',%'"
    )
    .bind(tenant.as_str())
    .bind(change.id.bare())
    .bind(i64::from(change.try_number))
    .bind(change.status.as_str())
    .bind(&error)
    .bind(change.now)
    .bind(&below)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("set the status of a try")?;
    if changed {
        raise_shown(tx, tenant, change, error.as_deref(), &below).await
    } else {
        must_exist(tx, tenant, change.id).await.map(|()| None)
    }
}

/// Three cases: a try newer than any before takes over, unless an earlier one reached the phone; the
/// latest try moves the message up; an earlier one does so only by reaching the phone.
async fn raise_shown(
    tx: &mut Tx,
    tenant: &TenantId,
    change: &StatusChange<'_>,
    error: Option<&str>,
    below: &str,
) -> Result<Option<Status>, StoreError> {
    let shown: Option<String> = on_db!(&mut **tx, |c| sqlx::query_scalar(
        "update message
         set status = $4, error = $5, updated_at = $6,
             try_number = case when try_number < $3 then $3 else try_number end
         where tenant_id = $1 and id = $2
           and ((try_number < $3 and status not in ('delivered', 'read', 'played'))
                or ((try_number <= $3 or $8 = 1) and $7 like '%,' || status || ',%'))
         returning status"
    )
    .bind(tenant.as_str())
    .bind(change.id.bare())
    .bind(i64::from(change.try_number))
    .bind(change.status.as_str())
    .bind(error)
    .bind(change.now)
    .bind(below)
    .bind(i64::from(change.status.is_delivered()))
    .fetch_optional(c)
    .await)
    .doing("set the status of a message")?;
    shown
        .map(|text| parsed("message.status", &text))
        .transpose()
}

/// Keeps the id the provider gave a try, and shows it on the message when that try is its latest.
pub(crate) async fn record_accepted(
    tx: &mut Tx,
    tenant: &TenantId,
    id: MessageId,
    try_number: u32,
    provider_message_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    let provider_message_id = foreign_key(provider_message_id);
    let known = on_db!(&mut **tx, |c| sqlx::query(
        "update message_try set provider_message_id = $4, updated_at = $5
         where tenant_id = $1 and message_id = $2 and number = $3"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(i64::from(try_number))
    .bind(&*provider_message_id)
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("keep the provider's id of a try")?;
    if known == 0 {
        return Err(no_such(tenant, id));
    }
    on_db!(&mut **tx, |c| sqlx::query(
        "update message set provider_message_id = $4, updated_at = $5
         where tenant_id = $1 and id = $2 and try_number = $3"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(i64::from(try_number))
    .bind(&*provider_message_id)
    .bind(now)
    .execute(c)
    .await
    .map(drop))
    .doing("show the provider's id on a message")
}

async fn must_exist(tx: &mut Tx, tenant: &TenantId, id: MessageId) -> Result<(), StoreError> {
    let found: i64 = on_db!(&mut **tx, |c| {
        sqlx::query_scalar(
        "select count(*) from message where tenant_id = $1 and id = $2 and direction = 'outbound'"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_one(c)
    .await
    })
    .doing("look for a message")?;
    if found == 0 {
        return Err(no_such(tenant, id));
    }
    Ok(())
}

/// The statuses that yield to this one, written so that `$n like '%,' || status || ',%'` asks for
/// membership alike in both databases.
fn below(status: Status) -> String {
    let mut list = String::from(",");
    for lower in Status::ALL {
        if lower != status && lower.join(status) == status {
            list.push_str(lower.as_str());
            list.push(',');
        }
    }
    list
}

pub(crate) fn no_such(tenant: &TenantId, id: MessageId) -> StoreError {
    StoreError::Refused(format!("the tenant {tenant} has no such try of {id}"))
}

/// Sets the deadline of a message that goes again.
pub async fn set_expiry(
    tx: &mut Tx,
    tenant: &TenantId,
    id: MessageId,
    expires_at: i64,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update message set expires_at = $3
         where tenant_id = $1 and id = $2 and direction = 'outbound'"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(expires_at)
    .execute(c)
    .await
    .map(drop))
    .doing("set a message's deadline")
}

/// Sends what is left of a message through another channel: the tries before keep theirs.
pub async fn move_to_channel(
    tx: &mut Tx,
    tenant: &TenantId,
    id: MessageId,
    channel: &ChannelId,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update message set channel_id = $3
         where tenant_id = $1 and id = $2 and direction = 'outbound'"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(channel.as_str())
    .execute(c)
    .await
    .map(drop))
    .doing("send a message through another channel")
}
