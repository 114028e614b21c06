//! What the schedules go by: when the gateway was last up, what was fetched after an outage, and which
//! channels there are.

use wharf_core::{ChannelId, MessageId, TenantId};

use crate::columns::{number, parsed, storable, text_enum};
use crate::{Conn, Context, StoreError, Tx, on_db};

/// The one row so far: any process of the gateway.
const GATEWAY: &str = "gateway";

text_enum! {
    /// How far the fetching of what was missed is.
    pub enum CatchUpState {
        Waiting = "waiting",
        Done = "done",
        Failed = "failed",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUpRow {
    pub since: i64,
    pub state: CatchUpState,
    /// What the provider gave, known or new.
    pub items: u32,
    pub error: Option<String>,
    pub updated_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    since: i64,
    state: String,
    items: i64,
    error: Option<String>,
    updated_at: i64,
}

/// Operator-wide: says that a process is up. Returns when one said so before.
pub async fn beat(tx: &mut Tx, now: i64) -> Result<Option<i64>, StoreError> {
    let last: Option<i64> = on_db!(&mut **tx, |c| sqlx::query_scalar(
        "select at from heartbeat where name = $1"
    )
    .bind(GATEWAY)
    .fetch_optional(c)
    .await)
    .doing("read when the gateway was up")?;
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into heartbeat (name, at) values ($1, $2)
         on conflict (name) do update set at = excluded.at where heartbeat.at < excluded.at"
    )
    .bind(GATEWAY)
    .bind(now)
    .execute(c)
    .await
    .map(drop))
    .doing("write that the gateway is up")?;
    Ok(last)
}

/// Operator-wide: every channel that is not removed, with its plugin and account.
pub async fn channels(conn: &mut Conn) -> Result<Vec<KnownChannel>, StoreError> {
    let rows: Vec<(String, String, String, Option<String>)> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, plugin, account from channel where removed_at is null
           and exists (select 1 from tenant t
                       where t.id = channel.tenant_id and t.removed_at is null)
         order by tenant_id, id"
    )
    .fetch_all(c)
    .await)
    .doing("list every channel")?;
    rows.into_iter()
        .map(|(tenant, id, plugin, account)| {
            Ok(KnownChannel {
                tenant: parsed("channel.tenant_id", &tenant)?,
                id: parsed("channel.id", &id)?,
                plugin,
                account,
            })
        })
        .collect()
}

/// A channel as schedules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChannel {
    pub tenant: TenantId,
    pub id: ChannelId,
    pub plugin: String,
    pub account: Option<String>,
}

/// Writes how far the fetching of what a channel missed is.
pub async fn note_catch_up(
    tx: &mut Tx,
    tenant: &TenantId,
    channel: &ChannelId,
    row: &CatchUpRow,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into catch_up (tenant_id, channel_id, since, state, items, error, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, channel_id) do update
         set since = excluded.since, state = excluded.state, items = excluded.items,
             error = excluded.error, updated_at = excluded.updated_at"
    )
    .bind(tenant.as_str())
    .bind(channel.as_str())
    .bind(row.since)
    .bind(row.state.as_str())
    .bind(i64::from(row.items))
    .bind(row.error.as_deref().map(storable))
    .bind(row.updated_at)
    .execute(c)
    .await
    .map(drop))
    .doing("note what was fetched after an outage")
}

pub async fn catch_up_of(
    conn: &mut Conn,
    tenant: &TenantId,
    channel: &ChannelId,
) -> Result<Option<CatchUpRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select since, state, items, error, updated_at from catch_up
         where tenant_id = $1 and channel_id = $2"
    )
    .bind(tenant.as_str())
    .bind(channel.as_str())
    .fetch_optional(c)
    .await)
    .doing("read what was fetched after an outage")?;
    row.map(|row| {
        Ok(CatchUpRow {
            since: row.since,
            state: parsed("catch_up.state", &row.state)?,
            items: number("catch_up.items", row.items)?,
            error: row.error,
            updated_at: row.updated_at,
        })
    })
    .transpose()
}

/// When the last request for a message left.
pub async fn sent_at(
    conn: &mut Conn,
    tenant: &TenantId,
    message: MessageId,
) -> Result<Option<i64>, StoreError> {
    on_db!(conn, |c| sqlx::query_scalar(
        "select started_at from exchange where tenant_id = $1 and message_id = $2 and from_memo = 0
         order by try_number desc, attempt desc, seq desc limit 1"
    )
    .bind(tenant.as_str())
    .bind(message.bare())
    .fetch_optional(c)
    .await)
    .doing("read when a message left")
}
