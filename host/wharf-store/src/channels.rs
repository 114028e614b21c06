//! Channels: the sending numbers of tenants, and which of them a provider's item belongs to.

use std::collections::BTreeMap;

use wharf_core::provider::Route;
use wharf_core::{AppId, ChannelId, OnboardingId, TenantId};

use crate::columns::{bare, json, number, parsed, parsed_or_null, storable, to_json};
use crate::{Conn, Context, Origin, Owner, StoreError, Tx, on_db};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRow {
    pub tenant: TenantId,
    pub id: ChannelId,
    pub plugin: String,
    pub app_id: Option<AppId>,
    /// The provider's id of the number: what routes and `message.sender` carry.
    pub sender: String,
    pub account: Option<String>,
    pub settings: BTreeMap<String, String>,
    /// Sends a second.
    pub per_second: u32,
    pub origin: Origin,
    pub created_at: i64,
}

/// The session that made a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBy {
    pub session: OnboardingId,
    /// What the provider calls the number.
    pub title: String,
    /// It has the webhooks' addresses that the provider was told for all numbers of the session.
    pub leads: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    tenant_id: String,
    id: String,
    plugin: String,
    app_id: Option<String>,
    sender: String,
    account: Option<String>,
    settings: String,
    per_second: i64,
    origin: String,
    created_at: i64,
}

/// Creates the channel or brings it up to date (and back). Its first `created_at` stays.
pub async fn upsert(tx: &mut Tx, channel: &ChannelRow) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into channel (tenant_id, id, plugin, app_id, sender, account, settings, per_second,
                              origin, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (tenant_id, id) do update
         set plugin = excluded.plugin, app_id = excluded.app_id, sender = excluded.sender,
             account = excluded.account, settings = excluded.settings,
             per_second = excluded.per_second, origin = excluded.origin, removed_at = null"
    )
    .bind(channel.tenant.as_str())
    .bind(channel.id.as_str())
    .bind(&channel.plugin)
    .bind(channel.app_id.as_ref().map(AppId::as_str))
    .bind(&channel.sender)
    .bind(&channel.account)
    .bind(to_json(&channel.settings))
    .bind(i64::from(channel.per_second))
    .bind(channel.origin.as_str())
    .bind(channel.created_at)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a channel")
}

pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &ChannelId,
) -> Result<Option<ChannelRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, plugin, app_id, sender, account, settings, per_second, origin,
                created_at
         from channel where tenant_id = $1 and id = $2 and removed_at is null
           and exists (select 1 from tenant t
                       where t.id = channel.tenant_id and t.removed_at is null)"
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(c)
    .await)
    .doing("read a channel")?;
    row.map(typed).transpose()
}

/// The tenant's channels that are not removed, by id.
pub async fn list(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<ChannelRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, plugin, app_id, sender, account, settings, per_second, origin,
                created_at
         from channel where tenant_id = $1 and removed_at is null
           and exists (select 1 from tenant t
                       where t.id = channel.tenant_id and t.removed_at is null)
         order by id"
    )
    .bind(tenant.as_str())
    .fetch_all(c)
    .await)
    .doing("list channels")?;
    rows.into_iter().map(typed).collect()
}

/// Across tenants, for an item of a verified webhook: the channels it belongs to, at most those that
/// `owner` of the webhook may speak for. An app's webhook reaches channels connected through that
/// app; a channel's own webhook reaches channels of the same tenant, so that nobody can sign an item
/// for another tenant's number.
pub async fn by_route(
    conn: &mut Conn,
    owner: &Owner,
    plugin: &str,
    route: &Route,
) -> Result<Vec<ChannelRow>, StoreError> {
    let (sender, account) = match route {
        Route::Sender(sender) => (Some(sender.as_str()), None),
        Route::Account(account) => (None, Some(account.as_str())),
        Route::App => return Ok(Vec::new()),
    };
    let (app, tenant) = match owner {
        Owner::App(app) => (Some(app.as_str()), None),
        Owner::Channel(tenant, _) => (None, Some(tenant.as_str())),
        Owner::Account(..) | Owner::Endpoint(..) => return Ok(Vec::new()),
    };
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, plugin, app_id, sender, account, settings, per_second, origin,
                created_at
         from channel
         where plugin = $1 and (sender = $2 or account = $3) and (app_id = $4 or tenant_id = $5)
           and removed_at is null
           and exists (select 1 from tenant t
                       where t.id = channel.tenant_id and t.removed_at is null)
         order by tenant_id, id"
    )
    .bind(plugin)
    .bind(sender)
    .bind(account)
    .bind(app)
    .bind(tenant)
    .fetch_all(c)
    .await)
    .doing("find the channels of a webhook's item")?;
    rows.into_iter().map(typed).collect()
}

/// The tenant's channels that share an account at a provider.
pub async fn of_account(
    conn: &mut Conn,
    tenant: &TenantId,
    plugin: &str,
    account: &str,
) -> Result<Vec<(TenantId, ChannelId)>, StoreError> {
    let rows: Vec<(String, String)> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id from channel
         where tenant_id = $1 and plugin = $2 and account = $3 and removed_at is null"
    )
    .bind(tenant.as_str())
    .bind(plugin)
    .bind(account)
    .fetch_all(c)
    .await)
    .doing("find the channels of an account")?;
    rows.iter().map(named).collect()
}

/// Across tenants, for limits that they share: the channels connected through an app.
pub async fn of_app(
    conn: &mut Conn,
    app: &AppId,
) -> Result<Vec<(TenantId, ChannelId)>, StoreError> {
    let rows: Vec<(String, String)> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id from channel where app_id = $1 and removed_at is null"
    )
    .bind(app.as_str())
    .fetch_all(c)
    .await)
    .doing("find the channels of an app")?;
    rows.iter().map(named).collect()
}

fn named((tenant, id): &(String, String)) -> Result<(TenantId, ChannelId), StoreError> {
    Ok((
        parsed("channel.tenant_id", tenant)?,
        parsed("channel.id", id)?,
    ))
}

/// Across tenants: who has this number, at this plugin. The caller tells nobody whose it is.
pub async fn by_sender(
    conn: &mut Conn,
    plugin: &str,
    sender: &str,
) -> Result<Vec<ChannelRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, plugin, app_id, sender, account, settings, per_second, origin,
                created_at
         from channel where plugin = $1 and sender = $2 and removed_at is null
           and exists (select 1 from tenant t
                       where t.id = channel.tenant_id and t.removed_at is null)
         order by tenant_id, id"
    )
    .bind(plugin)
    .bind(sender)
    .fetch_all(c)
    .await)
    .doing("find who has a number")?;
    rows.into_iter().map(typed).collect()
}

/// Across tenants, for a new version of a plugin: the channels that the API made.
pub async fn made_by_api(conn: &mut Conn, plugin: &str) -> Result<Vec<ChannelRow>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, id, plugin, app_id, sender, account, settings, per_second, origin,
                created_at
         from channel where plugin = $1 and origin = 'api' and removed_at is null
         order by tenant_id, id"
    )
    .bind(plugin)
    .fetch_all(c)
    .await)
    .doing("list the channels that the API made")?;
    rows.into_iter().map(typed).collect()
}

/// Notes which session made the channel, and what the provider calls its number.
pub async fn note_session(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &ChannelId,
    made: &MadeBy,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update channel set onboarding_id = $3, title = $4, leads = $5
         where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .bind(made.session.bare())
    .bind(storable(&made.title))
    .bind(i64::from(made.leads))
    .execute(c)
    .await
    .map(drop))
    .doing("note which session made a channel")
}

/// Which session made the channel. None for one that a file made.
pub async fn made_by(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &ChannelId,
) -> Result<Option<MadeBy>, StoreError> {
    let row: Option<(Option<String>, Option<String>, i64)> = on_db!(conn, |c| sqlx::query_as(
        "select onboarding_id, title, leads from channel where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(c)
    .await)
    .doing("read which session made a channel")?;
    let Some((Some(session), title, leads)) = row else {
        return Ok(None);
    };
    Ok(Some(MadeBy {
        session: bare("channel.onboarding_id", &session, OnboardingId::from_bare)?,
        title: title.unwrap_or_default(),
        leads: leads != 0,
    }))
}

/// The tenant's other channels of the same session that are not removed.
pub async fn siblings(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &ChannelId,
    session: OnboardingId,
) -> Result<Vec<ChannelId>, StoreError> {
    let rows: Vec<String> = on_db!(conn, |c| sqlx::query_scalar(
        "select id from channel
         where tenant_id = $1 and id <> $2 and onboarding_id = $3 and removed_at is null
         order by id"
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .bind(session.bare())
    .fetch_all(c)
    .await)
    .doing("list the channels of a session")?;
    rows.iter().map(|id| parsed("channel.id", id)).collect()
}

/// Marks every channel of this tenant and origin removed that is not in `keep`. Returns how many.
pub async fn mark_removed_except(
    tx: &mut Tx,
    tenant: &TenantId,
    origin: Origin,
    keep: &[ChannelId],
    now: i64,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    for channel in list(tx, tenant).await? {
        if channel.origin == origin && !keep.contains(&channel.id) {
            removed += u64::from(mark_removed(tx, tenant, &channel.id, now).await?);
        }
    }
    Ok(removed)
}

/// True when the tenant had this channel and it was not removed before.
pub async fn mark_removed(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &ChannelId,
    now: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update channel set removed_at = $3
         where tenant_id = $1 and id = $2 and removed_at is null"
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("mark a channel removed")
}

fn typed(row: Row) -> Result<ChannelRow, StoreError> {
    Ok(ChannelRow {
        tenant: parsed("channel.tenant_id", &row.tenant_id)?,
        id: parsed("channel.id", &row.id)?,
        plugin: row.plugin,
        app_id: parsed_or_null("channel.app_id", row.app_id.as_deref())?,
        sender: row.sender,
        account: row.account,
        settings: json("channel.settings", &row.settings)?,
        per_second: number("channel.per_second", row.per_second)?,
        origin: parsed("channel.origin", &row.origin)?,
        created_at: row.created_at,
    })
}
