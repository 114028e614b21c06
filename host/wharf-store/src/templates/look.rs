//! Looking templates up, one by one and in pages.

use wharf_core::provider::TemplateEntry;
use wharf_core::{TemplateId, TenantId};

use super::{TemplateAccount, TemplateFilter, TemplateRow, TemplateSync};
use crate::columns::{bare, foreign_key, json};
use crate::{Conn, Context, StoreError, on_db};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    plugin: String,
    account: String,
    provider_id: Option<String>,
    name: String,
    language: String,
    category: String,
    status: String,
    quality: Option<String>,
    reason: Option<String>,
    definition: String,
    seen_at: i64,
    created_at: i64,
    updated_at: i64,
}

/// How the account's listings went; nothing is known of one that never had any.
pub async fn sync_of(
    conn: &mut Conn,
    tenant: &TenantId,
    of: &TemplateAccount,
) -> Result<TemplateSync, StoreError> {
    let row: Option<TemplateSync> = on_db!(conn, |c| sqlx::query_as(
        "select synced_at, failed_at, error from template_sync
         where tenant_id = $1 and plugin = $2 and account = $3"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .fetch_optional(c)
    .await)
    .doing("read how a listing of templates went")?;
    Ok(row.unwrap_or_default())
}

/// The template of this name and language; of several the approved one that changed last. A language is
/// found however its parts are joined.
pub async fn find(
    conn: &mut Conn,
    tenant: &TenantId,
    of: &TemplateAccount,
    name: &str,
    language: &str,
) -> Result<Option<TemplateRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| {
        sqlx::query_as(
        "select id, plugin, account, provider_id, name, language, category, status, quality, reason,
                definition, seen_at, created_at, updated_at
         from template
         where tenant_id = $1 and plugin = $2 and account = $3 and name = $4
           and lower(replace(language, '-', '_')) = lower(replace($5, '-', '_'))
         order by case when lower(status) = 'approved' then 0 else 1 end, updated_at desc, id
         limit 1"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(foreign_key(name))
    .bind(foreign_key(language))
    .fetch_optional(c)
    .await
    })
    .doing("look a template up")?;
    row.map(typed).transpose()
}

/// The template that the provider gave this id.
pub async fn by_provider_id(
    conn: &mut Conn,
    tenant: &TenantId,
    of: &TemplateAccount,
    provider_id: &str,
) -> Result<Option<TemplateRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| {
        sqlx::query_as(
        "select id, plugin, account, provider_id, name, language, category, status, quality, reason,
                definition, seen_at, created_at, updated_at
         from template
         where tenant_id = $1 and plugin = $2 and account = $3 and ident = $4"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(foreign_key(provider_id))
    .fetch_optional(c)
    .await
    })
    .doing("look a template up by the provider's id")?;
    row.map(typed).transpose()
}

/// Name and language of the account's templates, in that order, at most `limit`.
pub async fn names(
    conn: &mut Conn,
    tenant: &TenantId,
    of: &TemplateAccount,
    limit: i64,
) -> Result<Vec<(String, String)>, StoreError> {
    on_db!(conn, |c| sqlx::query_as(
        "select name, language from template
         where tenant_id = $1 and plugin = $2 and account = $3 order by name, language limit $4"
    )
    .bind(tenant.as_str())
    .bind(&of.plugin)
    .bind(&of.account)
    .bind(limit)
    .fetch_all(c)
    .await)
    .doing("list the names of templates")
}

pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: TemplateId,
) -> Result<Option<TemplateRow>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| {
        sqlx::query_as(
        "select id, plugin, account, provider_id, name, language, category, status, quality, reason,
                definition, seen_at, created_at, updated_at
         from template where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await
    })
    .doing("read a template")?;
    row.map(typed).transpose()
}

/// At most `limit` templates, newest first: those after the template `after`.
pub async fn page(
    conn: &mut Conn,
    tenant: &TenantId,
    filter: &TemplateFilter,
    after: Option<TemplateId>,
    limit: i64,
) -> Result<Vec<TemplateRow>, StoreError> {
    let of = filter.of.as_ref();
    let rows: Vec<Row> = on_db!(conn, |c| {
        sqlx::query_as(
        "select id, plugin, account, provider_id, name, language, category, status, quality, reason,
                definition, seen_at, created_at, updated_at
         from template
         where tenant_id = $1
           and (cast($2 as text) is null or (plugin = $2 and account = $3))
           and (cast($4 as text) is null or name = $4)
           and (cast($5 as text) is null or language = $5)
           and (cast($6 as text) is null or lower(status) = lower($6))
           and (cast($7 as text) is null or id < $7)
         order by id desc limit $8"
    )
    .bind(tenant.as_str())
    .bind(of.map(|of| of.plugin.as_str()))
    .bind(of.map(|of| of.account.as_str()))
    .bind(filter.name.as_deref())
    .bind(filter.language.as_deref())
    .bind(filter.status.as_deref())
    .bind(after.map(|id| id.bare()))
    .bind(limit)
    .fetch_all(c)
    .await
    })
    .doing("list templates")?;
    rows.into_iter().map(typed).collect()
}

fn typed(row: Row) -> Result<TemplateRow, StoreError> {
    Ok(TemplateRow {
        id: bare("template.id", &row.id, TemplateId::from_bare)?,
        of: TemplateAccount {
            plugin: row.plugin,
            account: row.account,
        },
        entry: TemplateEntry {
            id: row.provider_id,
            name: row.name,
            language: row.language,
            category: row.category,
            status: row.status,
            quality: row.quality,
            reason: row.reason,
            definition: json("template.definition", &row.definition)?,
        },
        seen_at: row.seen_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
