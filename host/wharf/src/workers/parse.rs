//! A stored webhook, read by its plugin, becomes messages, statuses and events, atom by atom.
//!
//! Each atom's effects and the note that they are in go into one transaction, so a repeated webhook,
//! a repeated job and a crash in between change nothing twice. An atom whose number or message is
//! not known yet brings the whole job back later; what is in already is skipped then.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use wharf_core::provider::{CallContext, InboundItem, Route, WebhookRequest};
use wharf_core::retry::backoff_ms;
use wharf_core::{TenantId, WebhookId};
use wharf_queue::{Job, Outcome};
use wharf_runtime::CallError;
use wharf_store::channels::ChannelRow;
use wharf_store::webhooks::{self, WebhookRow};
use wharf_store::{Owner, StoreError, channels};

use super::effects::{Placed, apply};
use super::jobs;
use crate::announce::Announcer;
use crate::app::App;
use crate::clock::{jitter, random};
use crate::upkeep::media::rule_of;

#[derive(Deserialize)]
struct Payload {
    webhook: WebhookId,
}

/// Atoms whose effects share one transaction: enough to make its commit cheap, few enough that the
/// writer is not held for long.
const ATOMS_PER_TRANSACTION: usize = 64;
/// Tries of a body that breaks its plugin: the same call mostly ends the same way, and the body is
/// kept with the reason.
const UNREADABLE_ATTEMPTS_MAX: i64 = 5;
/// Pages of one webhook. The largest body Meta sends holds some thousand atoms, a page 2,000.
const PAGES_MAX: u32 = 100;
/// Waits before a call is read again: from one second, for a status that overtook its message, to
/// an hour, for a channel that is not configured yet.
const AGAIN_BASE_MS: i64 = 1_000;
const AGAIN_MAX_MS: i64 = 3_600_000;

pub(super) async fn handle(job: Job, app: Arc<App>) -> Outcome {
    let payload: Payload = match job.decode() {
        Ok(payload) => payload,
        Err(outcome) => return outcome,
    };
    match run(&app, &job, payload.webhook).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(webhook.id = %payload.webhook, error = %crate::http::Chain(&error), "a webhook met a failing store");
            again(&app, &job, "the database failed".to_owned())
        }
    }
}

fn again(app: &App, job: &Job, reason: String) -> Outcome {
    let wait = backoff_ms(
        jobs::attempt_of(job),
        AGAIN_BASE_MS,
        2,
        AGAIN_MAX_MS,
        jitter(),
    );
    Outcome::Retry {
        due_at: app.now_ms() + wait,
        reason,
    }
}

async fn run(app: &Arc<App>, job: &Job, id: WebhookId) -> Result<Outcome, StoreError> {
    let mut conn = app.db.read().await?;
    let Some(webhook) = webhooks::get(&mut conn, id).await? else {
        return Ok(Outcome::Dead {
            reason: "its webhook is gone".to_owned(),
        });
    };
    drop(conn);
    let late = app.now_ms() - webhook.received_at > jobs::UNROUTED_MS_MAX;
    let Some(plugin) = app.plugins.get(&webhook.plugin) else {
        return Ok(again(
            app,
            job,
            format!("no plugin named {} is loaded", webhook.plugin),
        ));
    };
    let plugin = match webhook.owner.tenant() {
        Some(tenant) => plugin.on_behalf_of(tenant.as_str()),
        None => plugin.on_behalf_of_many(&webhook.owner.to_string()),
    };
    let request = request_of(&webhook);
    let mut reader = Reader::new(app, webhook.owner.clone(), &webhook.plugin);
    let (mut items, mut skip, mut pages) = (0, 0, 0);
    let mut left = Left::default();
    loop {
        let parsed = match plugin.parse(&context(app), &request, skip).await {
            Ok(parsed) => parsed,
            Err(error) => return unreadable(app, job, &webhook, error, late).await,
        };
        items += parsed.items.len();
        left.add(&reader.take_all(&parsed.items).await?);
        pages += 1;
        match parsed.next {
            Some(next) if next > skip && pages < PAGES_MAX => skip = next,
            _ => break,
        }
    }
    let age_ms = app.now_ms() - webhook.received_at;
    if left.is_worth_waiting_for(age_ms) {
        return Ok(again(app, job, left.describe(items)));
    }
    let error = (left.unrouted + left.unmatched > 0).then(|| left.describe(items));
    finish(
        app,
        job,
        &webhook,
        u32::try_from(items).unwrap_or(u32::MAX),
        error,
    )
    .await
}

/// Atoms that could not be applied yet.
#[derive(Default)]
pub(super) struct Left {
    /// Their number or account is no channel's here.
    unrouted: usize,
    /// They speak of a message that is not known here.
    unmatched: usize,
}

impl Left {
    fn add(&mut self, other: &Self) {
        self.unrouted += other.unrouted;
        self.unmatched += other.unmatched;
    }

    fn is_worth_waiting_for(&self, age_ms: i64) -> bool {
        (self.unrouted > 0 && age_ms < jobs::UNROUTED_MS_MAX)
            || (self.unmatched > 0 && age_ms < jobs::UNMATCHED_MS_MAX)
    }

    fn describe(&self, items: usize) -> String {
        let Self {
            unrouted,
            unmatched,
        } = self;
        format!("of {items} items {unrouted} have no channel here and {unmatched} no message")
    }
}

fn context(app: &App) -> CallContext {
    CallContext {
        settings: Vec::new(),
        now_ms: u64::try_from(app.now_ms()).unwrap_or(0),
        seed: random(),
        locale: None,
    }
}

fn request_of(webhook: &WebhookRow) -> WebhookRequest {
    WebhookRequest {
        name: webhook.webhook.clone(),
        method: webhook.method,
        query: webhook.query.clone(),
        headers: webhook.headers.clone(),
        body: webhook.body.clone(),
        received_at_ms: u64::try_from(webhook.received_at).unwrap_or(0),
    }
}

/// A body that the plugin refuses is kept with the reason; one that breaks it is tried again, for a
/// mended plugin may come.
async fn unreadable(
    app: &Arc<App>,
    job: &Job,
    webhook: &WebhookRow,
    error: CallError,
    late: bool,
) -> Result<Outcome, StoreError> {
    tracing::warn!(webhook.id = %webhook.id, plugin.name = webhook.plugin, error = %error, "a webhook could not be read");
    match error {
        CallError::Guest(refusal) => finish(app, job, webhook, 0, Some(refusal.to_string())).await,
        CallError::CircuitOpen { retry_after_ms, .. } if !late => Ok(Outcome::Retry {
            due_at: app.now_ms().saturating_add_unsigned(retry_after_ms),
            reason: error.to_string(),
        }),
        CallError::Overloaded { .. } | CallError::Unavailable { .. } if !late => {
            Ok(again(app, job, error.to_string()))
        }
        other if late || job.attempt >= UNREADABLE_ATTEMPTS_MAX => {
            finish(app, job, webhook, 0, Some(other.to_string())).await
        }
        other => Ok(again(app, job, other.to_string())),
    }
}

async fn finish(
    app: &Arc<App>,
    job: &Job,
    webhook: &WebhookRow,
    items: u32,
    error: Option<String>,
) -> Result<Outcome, StoreError> {
    let (id, now, lease) = (webhook.id, app.now_ms(), Arc::clone(&job.lease));
    app.db
        .write(move |tx| {
            Box::pin(async move {
                webhooks::mark_parsed(tx, id, items, error.as_deref(), now).await?;
                if wharf_queue::complete(tx, &lease).await? {
                    Ok(())
                } else {
                    Err(StoreError::Refused(
                        "the job's lease was lost; its new owner ends it".to_owned(),
                    ))
                }
            })
        })
        .await?;
    Ok(Outcome::DoneInTx)
}

/// Gives items to the channels they belong to, of those that `owner` may speak for.
pub(super) struct Reader<'a> {
    app: &'a Arc<App>,
    owner: Owner,
    plugin: &'a str,
    announcers: HashMap<TenantId, Announcer>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(app: &'a Arc<App>, owner: Owner, plugin: &'a str) -> Self {
        Self {
            app,
            owner,
            plugin,
            announcers: HashMap::new(),
        }
    }

    /// As [`Reader::take`] for any number of items.
    pub(super) async fn take_all(&mut self, items: &[InboundItem]) -> Result<Left, StoreError> {
        let mut left = Left::default();
        for chunk in items.chunks(ATOMS_PER_TRANSACTION) {
            left.add(&self.take(chunk).await?);
        }
        Ok(left)
    }

    /// Applies what can be placed and tells what could not.
    async fn take(&mut self, items: &[InboundItem]) -> Result<Left, StoreError> {
        let owner = self.owner.clone();
        let mut routes: HashMap<String, Vec<ChannelRow>> = HashMap::new();
        let mut placed = Vec::with_capacity(items.len());
        let mut left = Left::default();
        for item in items {
            let key = route_key(&item.route);
            if !routes.contains_key(&key) {
                let found = self.channels_of(&owner, &item.route).await?;
                routes.insert(key.clone(), found);
            }
            let channels = &routes[&key];
            // What concerns the whole app, and nobody's number, is kept with its raw webhook.
            if channels.is_empty() && item.route != Route::App {
                left.unrouted += 1;
            }
            for channel in channels {
                let announcer = self.announcer(&channel.tenant).await?;
                placed.push(Placed {
                    item: item.clone(),
                    media: rule_of(&self.app.config, &channel.tenant, &channel.id),
                    channel: channel.clone(),
                    announcer,
                });
            }
        }
        if placed.is_empty() {
            return Ok(left);
        }
        let (plugin, now) = (self.plugin.to_owned(), self.app.now_ms());
        let ids = Arc::clone(&self.app.ids);
        left.unmatched = self
            .app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let mut waiting = 0;
                    for atom in &placed {
                        if !apply(tx, &plugin, atom, &*ids, now).await? {
                            waiting += 1;
                        }
                    }
                    Ok(waiting)
                })
            })
            .await?;
        Ok(left)
    }

    async fn channels_of(
        &self,
        owner: &Owner,
        route: &Route,
    ) -> Result<Vec<ChannelRow>, StoreError> {
        let mut conn = self.app.db.read().await?;
        channels::by_route(&mut conn, owner, self.plugin, route).await
    }

    async fn announcer(&mut self, tenant: &TenantId) -> Result<Announcer, StoreError> {
        if let Some(known) = self.announcers.get(tenant) {
            return Ok(known.clone());
        }
        let announcer = Announcer::of(self.app, tenant).await?;
        self.announcers.insert(tenant.clone(), announcer.clone());
        Ok(announcer)
    }
}

fn route_key(route: &Route) -> String {
    match route {
        Route::Sender(id) => format!("sender:{id}"),
        Route::Account(id) => format!("account:{id}"),
        Route::App => "app".to_owned(),
    }
}
