//! Message templates as the providers' lists have them, a row for each language of one, by account.

mod look;

use wharf_core::provider::{Json, TemplateEntry};
use wharf_core::{ChannelId, IdSource, TemplateId, TenantId};

use crate::columns::{bare, foreign_key, storable};
use crate::{Context, StoreError, Tx, on_db};

pub use look::{by_provider_id, find, get, names, page, sync_of};

/// Whose templates: an account at a provider, or a channel that names no account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TemplateAccount {
    pub plugin: String,
    pub account: String,
}

impl TemplateAccount {
    pub fn of(plugin: &str, account: Option<&str>, channel: &ChannelId) -> Self {
        Self {
            plugin: plugin.to_owned(),
            account: match account {
                Some(account) => foreign_key(account).into_owned(),
                None => format!("channel:{channel}"),
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TemplateRow {
    pub id: TemplateId,
    pub of: TemplateAccount,
    pub entry: TemplateEntry,
    /// When a listing that had it began.
    pub seen_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// When an account was listed last, and how that went.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct TemplateSync {
    /// When the last complete listing began.
    pub synced_at: Option<i64>,
    /// Set when the last listing failed.
    pub failed_at: Option<i64>,
    pub error: Option<String>,
}

/// Which templates a page is made of. What is `None` does not narrow it.
#[derive(Clone, Debug, Default)]
pub struct TemplateFilter {
    pub of: Option<TemplateAccount>,
    pub name: Option<String>,
    pub language: Option<String>,
    /// Compared without regard to case: providers write it differently.
    pub status: Option<String>,
}

/// What a webhook says that changed; what is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateNews<'a> {
    pub status: Option<&'a str>,
    pub quality: Option<&'a str>,
    pub category: Option<&'a str>,
    pub definition: Option<&'a Json>,
    pub reason: Option<&'a str>,
}

/// What keeping an entry came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: TemplateId,
    /// The status that it had before, when that was another.
    pub status_before: Option<String>,
}

/// Keeps one entry of a listing that began at `seen_at`. Its id stays while the provider calls it the
/// same.
pub async fn upsert(
    tx: &mut Tx,
    tenant: &TenantId,
    of: &TemplateAccount,
    entry: &TemplateEntry,
    ids: &dyn IdSource,
    (seen_at, now): (i64, i64),
) -> Result<Kept, StoreError> {
    let ident = ident(entry);
    let before: Option<(String, String)> = on_db!(&mut **tx, |c| sqlx::query_as(
        "select id, status from template
         where tenant_id = $1 and plugin = $2 and account = $3 and ident = $4"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(&ident)
    .fetch_optional(c)
    .await)
    .doing("look for a template")?;
    let id = match &before {
        Some((id, _)) => bare("template.id", id, TemplateId::from_bare)?,
        None => TemplateId::new(ids),
    };
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into template (id, tenant_id, plugin, account, ident, provider_id, name, language,
                               category, status, quality, reason, definition, seen_at, created_at,
                               updated_at)
         values ($5, $1, $2, $3, $4, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
         on conflict (tenant_id, plugin, account, ident) do update
         set provider_id = excluded.provider_id, name = excluded.name,
             language = excluded.language, category = excluded.category,
             status = excluded.status, quality = excluded.quality, reason = excluded.reason,
             definition = excluded.definition, seen_at = excluded.seen_at,
             updated_at = case when template.status = excluded.status
                                and template.category = excluded.category
                                and template.definition = excluded.definition
                               then template.updated_at else excluded.updated_at end"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(&ident)
    .bind(id.bare())
    .bind(entry.id.as_deref().map(foreign_key))
    .bind(foreign_key(&entry.name))
    .bind(foreign_key(&entry.language))
    .bind(storable(&entry.category))
    .bind(storable(&entry.status))
    .bind(entry.quality.as_deref().map(storable))
    .bind(entry.reason.as_deref().map(storable))
    .bind(entry.definition.as_str())
    .bind(seen_at)
    .bind(now)
    .execute(c)
    .await
    .map(drop))
    .doing("keep a template")?;
    let status_before = before
        .map(|(_, status)| status)
        .filter(|status| *status != entry.status);
    Ok(Kept { id, status_before })
}

/// Ends a listing: what it did not have is gone. Returns how many went.
pub async fn end_listing(
    tx: &mut Tx,
    tenant: &TenantId,
    of: &TemplateAccount,
    began_at: i64,
) -> Result<u64, StoreError> {
    let gone = on_db!(&mut **tx, |c| sqlx::query(
        "delete from template
         where tenant_id = $1 and plugin = $2 and account = $3 and seen_at < $4"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(began_at)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("remove templates that are gone")?;
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into template_sync (tenant_id, plugin, account, synced_at) values ($1, $2, $3, $4)
         on conflict (tenant_id, plugin, account) do update
         set synced_at = excluded.synced_at, failed_at = null, error = null
         where template_sync.synced_at is null or template_sync.synced_at < excluded.synced_at"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(began_at)
    .execute(c)
    .await
    .map(drop))
    .doing("note a listing of templates")?;
    Ok(gone)
}

/// Notes that a listing came to no end.
pub async fn fail_listing(
    tx: &mut Tx,
    tenant: &TenantId,
    of: &TemplateAccount,
    error: &str,
    now: i64,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into template_sync (tenant_id, plugin, account, failed_at, error)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, plugin, account) do update
         set failed_at = excluded.failed_at, error = excluded.error"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(now)
    .bind(storable(error))
    .execute(c)
    .await
    .map(drop))
    .doing("note a failed listing of templates")
}

/// Applies what a webhook says, to the template with the provider's id where it names one and else to
/// name and language. Returns how many rows it is about.
pub async fn change(
    tx: &mut Tx,
    tenant: &TenantId,
    of: &TemplateAccount,
    (provider_id, name, language): (Option<&str>, &str, &str),
    news: &TemplateNews<'_>,
    now: i64,
) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update template
         set status = coalesce($7, status), quality = coalesce($8, quality),
             category = coalesce($9, category), definition = coalesce($10, definition),
             reason = case when cast($7 as text) is null then reason else $11 end,
             updated_at = $12
         where tenant_id = $1 and plugin = $2 and account = $3
           and (provider_id = $4 or (cast($4 as text) is null and name = $5 and language = $6))"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(provider_id.map(foreign_key))
    .bind(foreign_key(name))
    .bind(foreign_key(language))
    .bind(news.status.map(storable))
    .bind(news.quality.map(storable))
    .bind(news.category.map(storable))
    .bind(news.definition.map(Json::as_str))
    .bind(news.reason.map(storable))
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("change a template")
}

/// Removes one language of a template, or all of its name. Returns how many went.
pub async fn delete(
    tx: &mut Tx,
    tenant: &TenantId,
    row: &TemplateRow,
    all_languages: bool,
) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from template
         where tenant_id = $1 and (id = $2
            or ($3 = 1 and plugin = $4 and account = $5 and name = $6))"
    )
    .bind(tenant.as_str())
    .bind(row.id.bare())
    .bind(i64::from(all_languages))
    .bind(&row.of.plugin)
    .bind(&row.of.account)
    .bind(&row.entry.name)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("delete a template")
}

/// What the same template is known by from one listing to the next.
fn ident(entry: &TemplateEntry) -> String {
    match &entry.id {
        Some(id) => foreign_key(id).into_owned(),
        None => foreign_key(&format!("{}\n{}", entry.name, entry.language)).into_owned(),
    }
}
