//! Pages of messages.

use wharf_core::{MessageId, TenantId};

use super::Stored;
use super::rows::StoredRow;
use crate::{Conn, Context, StoreError, on_db};

/// At most `limit` messages of both directions, newest first: those after the message `after`, which
/// is the last of the page before. A cursor that is no message of the tenant gives an empty page.
pub async fn page(
    conn: &mut Conn,
    tenant: &TenantId,
    after: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    let rows = match after {
        None => first(conn, tenant, limit).await,
        Some(after) => next(conn, tenant, after, limit).await,
    };
    rows.doing("list messages")?
        .into_iter()
        .map(Stored::try_from)
        .collect()
}

async fn first(
    conn: &mut Conn,
    tenant: &TenantId,
    limit: i64,
) -> Result<Vec<StoredRow>, sqlx::Error> {
    on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, channel_id, direction, kind, contact, content, details, reference,
                reply_to, provider_message_id, status, error, priority, policy, try_number,
                expires_at, created_at, updated_at, options, send_at, fallback
         from message where tenant_id = $1
         order by created_at desc, id desc limit $2"
    )
    .bind(tenant.as_str())
    .bind(limit)
    .fetch_all(c)
    .await)
}

async fn next(
    conn: &mut Conn,
    tenant: &TenantId,
    after: MessageId,
    limit: i64,
) -> Result<Vec<StoredRow>, sqlx::Error> {
    on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, channel_id, direction, kind, contact, content, details, reference,
                reply_to, provider_message_id, status, error, priority, policy, try_number,
                expires_at, created_at, updated_at, options, send_at, fallback
         from message
         where tenant_id = $1
           and (created_at, id) < (select created_at, id from message
                                   where tenant_id = $1 and id = $2)
         order by created_at desc, id desc limit $3"
    )
    .bind(tenant.as_str())
    .bind(after.bare())
    .bind(limit)
    .fetch_all(c)
    .await)
}
