//! Templates as the providers' lists have them: listed on a schedule, changed by webhooks, looked up by
//! messages that are sent.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::nearest::nearest;
use wharf_core::provider::{
    Content, Template, TemplateChange, TemplateDraft, TemplateEntry, TemplateUpdate,
    TemplatesRequest,
};
use wharf_core::request::FieldError;
use wharf_core::{ChannelId, Code, EventType, TemplateId, TenantId};
use wharf_runtime::Interface;
use wharf_store::channels::ChannelRow;
use wharf_store::templates::{self, TemplateAccount, TemplateNews, TemplateRow, TemplateSync};
use wharf_store::{Conn, StoreError, Tx};

use super::Line;
use crate::announce::{Announcer, Fact};
use crate::app::App;
use crate::clock::rfc3339;
use crate::directory::Channel;
use crate::flows::{self, Collected, FlowError, PageSink};
use crate::http::Problem;
use crate::workers::jobs;

/// Rows kept in one transaction: the writer is not held for long.
const ROWS_PER_TRANSACTION: usize = 100;
/// Names that are looked through for the one that was meant: what an account may have.
const NAMES_MAX: i64 = 6_000;
/// Names that a refusal tells.
const NEAREST_MAX: usize = 3;

pub(crate) fn account_of(channel: &Channel) -> TemplateAccount {
    TemplateAccount::of(&channel.plugin, channel.account.as_deref(), &channel.id)
}

/// Lists the account's templates and keeps what is there now. Returns how many there are.
pub(crate) async fn sync(app: &Arc<App>, line: &Line) -> Result<u64, FlowError> {
    let (tenant, of, began_at) = (
        &line.channel.tenant,
        account_of(&line.channel),
        app.now_ms(),
    );
    let mut keep = Keep {
        app,
        of: of.clone(),
        channel: line.channel.id.clone(),
        announcer: Arc::new(Announcer::of(app, tenant).await?),
        began_at,
        count: 0,
    };
    let list = TemplatesRequest::List;
    let listed = flows::templates(app, &line.plugin, &line.actor, &list, &mut keep).await;
    let count = keep.count;
    let owner = tenant.clone();
    match listed {
        Ok(()) => {
            let gone = app
                .db
                .write(move |tx| {
                    Box::pin(async move { templates::end_listing(tx, &owner, &of, began_at).await })
                })
                .await?;
            tracing::debug!(tenant.id = %tenant, channel.id = %line.channel.id, count, gone, "templates were listed");
            Ok(count)
        }
        Err(FlowError::Store(error)) => Err(FlowError::Store(error)),
        Err(error) => {
            let (reason, now) = (error.to_string(), app.now_ms());
            app.db
                .write(move |tx| {
                    Box::pin(
                        async move { templates::fail_listing(tx, &owner, &of, &reason, now).await },
                    )
                })
                .await?;
            Err(error)
        }
    }
}

/// Keeps a listing page by page.
struct Keep<'a> {
    app: &'a Arc<App>,
    of: TemplateAccount,
    channel: ChannelId,
    announcer: Arc<Announcer>,
    began_at: i64,
    count: u64,
}

impl PageSink<TemplateEntry> for Keep<'_> {
    async fn page(&mut self, items: Vec<TemplateEntry>) -> Result<(), FlowError> {
        self.count += items.len() as u64;
        for rows in items.chunks(ROWS_PER_TRANSACTION) {
            let (rows, of) = (rows.to_vec(), self.of.clone());
            let (announcer, channel) = (Arc::clone(&self.announcer), self.channel.clone());
            let times = (self.began_at, self.app.now_ms());
            self.app
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        for entry in &rows {
                            keep(tx, &announcer, &of, &channel, entry, times).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
        }
        Ok(())
    }
}

/// Keeps one entry, and tells of a status that no webhook told of.
async fn keep(
    tx: &mut Tx,
    announcer: &Announcer,
    of: &TemplateAccount,
    channel: &ChannelId,
    entry: &TemplateEntry,
    times: (i64, i64),
) -> Result<TemplateId, StoreError> {
    let kept = templates::upsert(tx, &announcer.tenant, of, entry, announcer.ids(), times).await?;
    if kept.status_before.is_some() {
        let fact = Fact {
            kind: EventType::TemplateStatus,
            channel: Some(channel.clone()),
            message: None,
            data: json!({
                "template": { "id": entry.id, "name": entry.name, "language": entry.language },
                "status": entry.status,
                "reason": entry.reason,
                "channel": channel,
            }),
        };
        announcer.announce(tx, fact, times.1).await?;
    }
    Ok(kept.id)
}

/// What a webhook says of a template. One that is not known here yet has the account listed.
pub(crate) async fn learn(
    tx: &mut Tx,
    announcer: &Announcer,
    channel: &ChannelRow,
    update: &TemplateUpdate,
    now: i64,
) -> Result<(), StoreError> {
    let of = TemplateAccount::of(&channel.plugin, channel.account.as_deref(), &channel.id);
    let mut news = TemplateNews {
        reason: update.reason.as_deref(),
        ..TemplateNews::default()
    };
    match &update.change {
        TemplateChange::Status(status) => news.status = Some(status),
        TemplateChange::Quality(quality) => news.quality = Some(quality),
        TemplateChange::Category(category) => news.category = Some(category),
        TemplateChange::Components(components) => news.definition = Some(components),
    }
    let named = (update.id.as_deref(), &*update.name, &*update.language);
    if templates::change(tx, &announcer.tenant, &of, named, &news, now).await? > 0 {
        return Ok(());
    }
    let job = jobs::templates_sync(&channel.tenant, &channel.id, &of, jobs::ASKED, (now, now));
    announcer.queues().push(tx, &[job], now).await
}

/// Gives a template message what the list knows of its template, so that the plugin can hold the message
/// against it. One that a fresh list does not have is refused; where the list is old or there is none, the
/// provider decides.
pub(crate) async fn fill(
    app: &App,
    channel: &Channel,
    content: &mut Content,
) -> Result<(), Problem> {
    let Content::Template { template } = content else {
        return Ok(());
    };
    let (tenant, of) = (&channel.tenant, account_of(channel));
    let mut conn = app.db.read().await?;
    if let Some(row) = look_up(&mut conn, tenant, &of, template).await? {
        template.id = row.entry.id;
        template.definition = Some(row.entry.definition);
        return Ok(());
    }
    if template.id.is_some() {
        return Ok(());
    }
    let sync = templates::sync_of(&mut conn, tenant, &of).await?;
    let now = app.now_ms();
    if is_fresh(&sync, now, app.config.upkeep.templates_fresh_ms) {
        let names = templates::names(&mut conn, tenant, &of, NAMES_MAX).await?;
        return Err(unknown(template, &names, channel));
    }
    drop(conn);
    if sync.synced_at.is_some() {
        let job = jobs::templates_sync(tenant, &channel.id, &of, jobs::ASKED, (now, now));
        let queues = app.queues.clone();
        let pushed = app
            .db
            .try_write(move |tx| Box::pin(async move { queues.push(tx, &[job], now).await }));
        pushed.await?;
    }
    Ok(())
}

/// By our id, by the provider's, or by name and language.
async fn look_up(
    conn: &mut Conn,
    tenant: &TenantId,
    of: &TemplateAccount,
    template: &Template,
) -> Result<Option<TemplateRow>, StoreError> {
    let Some(id) = template.id.as_deref() else {
        return templates::find(conn, tenant, of, &template.name, &template.language).await;
    };
    match id.parse::<TemplateId>() {
        Ok(ours) => {
            let row = templates::get(conn, tenant, ours).await?;
            Ok(row.filter(|row| row.of == *of))
        }
        Err(_) => templates::by_provider_id(conn, tenant, of, id).await,
    }
}

fn is_fresh(sync: &TemplateSync, now: i64, fresh_ms: u64) -> bool {
    let fresh_ms = i64::try_from(fresh_ms).unwrap_or(i64::MAX);
    sync.synced_at
        .is_some_and(|at| at > now.saturating_sub(fresh_ms))
}

fn unknown(template: &Template, names: &[(String, String)], channel: &Channel) -> Problem {
    let languages: Vec<&str> = names
        .iter()
        .filter(|(name, _)| *name == template.name)
        .map(|(_, language)| language.as_str())
        .collect();
    let (pointer, detail) = if languages.is_empty() {
        let near = nearest(
            &template.name,
            names.iter().map(|(name, _)| name.as_str()),
            NEAREST_MAX,
        );
        let hint = match near.as_slice() {
            [] => String::new(),
            near => format!("; near are {}", near.join(", ")),
        };
        let detail = format!(
            "channel {} has no template named {}{hint}",
            channel.id, template.name
        );
        ("/template/name", detail)
    } else {
        let detail = format!(
            "the template {} is not there in {}; it is in {}",
            template.name,
            template.language,
            languages.join(", ")
        );
        ("/template/language/code", detail)
    };
    Problem::new(Code::InvalidMessage)
        .detail(detail.clone())
        .with("reason", "template-unknown")
        .with(
            "remedy",
            format!(
                "Use a template of GET /v1/templates?channel={0}. One that was just made is known after POST /v1/channels/{0}/templates/sync.",
                channel.id
            ),
        )
        .errors(vec![FieldError::new(pointer, "unknown", detail)])
}

/// Has the provider make a template, and keeps it as it is then.
pub(crate) async fn create(
    app: &Arc<App>,
    line: &Line,
    draft: TemplateDraft,
) -> Result<TemplateId, FlowError> {
    let mut made = Collected::new(1);
    let request = TemplatesRequest::Create(draft);
    flows::templates(app, &line.plugin, &line.actor, &request, &mut made).await?;
    let Some(entry) = made.items.pop() else {
        return Err(FlowError::Mismatch {
            what: "no template, although it was to make one",
        });
    };
    let (of, channel) = (account_of(&line.channel), line.channel.id.clone());
    let announcer = Announcer::of(app, &line.channel.tenant).await?;
    let now = app.now_ms();
    let kept = app.db.write(move |tx| {
        Box::pin(async move { keep(tx, &announcer, &of, &channel, &entry, (now, now)).await })
    });
    Ok(kept.await?)
}

/// Has the provider delete a template, one language of it or all, and forgets it.
pub(crate) async fn delete(
    app: &Arc<App>,
    line: &Line,
    row: TemplateRow,
    all_languages: bool,
) -> Result<(), FlowError> {
    let id = row.entry.id.clone().filter(|_| !all_languages);
    let request = TemplatesRequest::Delete(row.entry.name.clone(), id);
    let mut none = Collected::new(0);
    flows::templates(app, &line.plugin, &line.actor, &request, &mut none).await?;
    let tenant = line.channel.tenant.clone();
    let forgotten = app.db.write(move |tx| {
        Box::pin(async move { templates::delete(tx, &tenant, &row, all_languages).await })
    });
    forgotten.await?;
    Ok(())
}

/// Whether the channel's provider has templates at all.
pub(crate) fn has(line: &Line) -> bool {
    line.plugin.has(Interface::Templates)
}

/// One template as the API shows it.
pub(crate) fn view_of(row: &TemplateRow) -> Value {
    let entry = &row.entry;
    let definition = entry.definition.to_value();
    let components = match definition {
        Value::Object(mut members) if members.contains_key("components") => {
            members.remove("components").unwrap_or_default()
        }
        other => other,
    };
    json!({
        "id": row.id,
        "provider": row.of.plugin,
        "account": row.of.account,
        "provider_template_id": entry.id,
        "name": entry.name,
        "language": entry.language,
        "category": entry.category,
        "status": entry.status,
        "quality": entry.quality,
        "reason": entry.reason,
        "components": components,
        "seen_at": rfc3339(row.seen_at),
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_and_young_list_refuses() {
        let synced = |synced_at| TemplateSync {
            synced_at,
            ..TemplateSync::default()
        };
        assert!(!is_fresh(&synced(None), 1_000, 500));
        assert!(is_fresh(&synced(Some(501)), 1_000, 500));
        assert!(!is_fresh(&synced(Some(500)), 1_000, 500));
        // Zero: never.
        assert!(!is_fresh(&synced(Some(1_000)), 1_000, 0));
    }
}
