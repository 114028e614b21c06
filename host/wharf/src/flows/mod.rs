//! Runs the optional interfaces of a plugin to their end: media, templates, health, reconcile, profile and
//! onboarding.
//!
//! A function for each, for whoever serves a request or runs a job. All go the same way: the plugin
//! names an exchange, [`crate::exchange::perform`] performs it for an [`Actor`], the plugin reads the
//! outcome, until it is done or a limit is reached. Nothing here knows HTTP routes, jobs or messages.

mod driver;
mod error;
pub mod onboarding;
mod question;
mod run;

use wharf_core::provider::{
    HealthReport, InboundItem, Json, MediaAnswer, MediaRef, MediaRequest, OutboundMessage,
    ProfileRequest, Reconciled, TemplateEntry, TemplatesRequest,
};
use wharf_runtime::{Interface, Plugin};

use crate::app::App;
use crate::exchange::Actor;
use driver::{Driver, Limits};
pub use error::FlowError;
use question::{Health, Lost, Missed};
pub use run::{Collected, PageSink};

/// Fetches what an inbound message names into the media store, uploads a stored object, or deletes
/// what was uploaded.
pub async fn media(
    app: &App,
    plugin: &Plugin,
    actor: &Actor,
    request: &MediaRequest,
) -> Result<MediaAnswer, FlowError> {
    let driver = Driver::new(app, plugin, actor, Interface::Media, Limits::of_flow(app))?;
    let answer = run::to_end(driver, request).await?;
    match (request, answer) {
        (MediaRequest::Fetch(_), MediaAnswer::Fetched(media)) => {
            let stored = fetched(app, actor, &media).await?;
            Ok(MediaAnswer::Fetched(stored))
        }
        (MediaRequest::Upload(_), answer @ MediaAnswer::Uploaded(_))
        | (MediaRequest::Delete(_), answer @ MediaAnswer::Deleted) => Ok(answer),
        _ => Err(FlowError::Mismatch {
            what: "something else than was asked for",
        }),
    }
}

/// The object by its row: a plugin may name any handle, and only those of its tenant are there.
async fn fetched(app: &App, actor: &Actor, named: &MediaRef) -> Result<MediaRef, FlowError> {
    let missing = FlowError::Mismatch {
        what: "a stored object that its tenant does not have",
    };
    let (Some(tenant), Ok(id)) = (&actor.tenant, named.handle.parse()) else {
        return Err(missing);
    };
    let mut conn = app.db.read().await?;
    let row = wharf_store::media::get(&mut conn, tenant, id, app.now_ms()).await?;
    let row = row.ok_or(missing)?;
    Ok(MediaRef {
        handle: row.id.to_string(),
        content_type: row.content_type,
        size: row.size_bytes,
        sha256: hex::decode(&row.sha256).unwrap_or_default(),
        filename: row.filename,
    })
}

/// What the provider says of the account.
pub async fn health(app: &App, plugin: &Plugin, actor: &Actor) -> Result<HealthReport, FlowError> {
    let driver = Driver::new(app, plugin, actor, Interface::Health, Limits::of_flow(app))?;
    run::to_end(driver, &Health).await
}

/// Reads or writes the public profile of the number; answers with the profile as it is then.
pub async fn profile(
    app: &App,
    plugin: &Plugin,
    actor: &Actor,
    request: &ProfileRequest,
) -> Result<Json, FlowError> {
    let driver = Driver::new(app, plugin, actor, Interface::Profile, Limits::of_flow(app))?;
    run::to_end(driver, request).await
}

/// What became of a message whose answer was lost. `sent_at_ms` is when it left, Unix milliseconds.
pub async fn reconcile(
    app: &App,
    plugin: &Plugin,
    actor: &Actor,
    message: &OutboundMessage,
    sent_at_ms: u64,
) -> Result<Reconciled, FlowError> {
    let limits = Limits::of_flow(app);
    let driver = Driver::new(app, plugin, actor, Interface::Reconcile, limits)?;
    let lost = Lost {
        message,
        sent_at_ms,
    };
    run::to_end(driver, &lost).await
}

/// Lists, creates, edits or deletes templates. A list is given to `sink` page by page, so that what came
/// in before a failure need not be lost.
pub async fn templates(
    app: &App,
    plugin: &Plugin,
    actor: &Actor,
    request: &TemplatesRequest,
    sink: &mut impl PageSink<TemplateEntry>,
) -> Result<(), FlowError> {
    let limits = Limits::of_sync(app);
    let driver = Driver::new(app, plugin, actor, Interface::Templates, limits)?;
    run::to_last_page(driver, request, sink).await
}

/// What the provider received since then (Unix milliseconds) while nobody listened, page by page.
pub async fn catch_up(
    app: &App,
    plugin: &Plugin,
    actor: &Actor,
    since_ms: u64,
    sink: &mut impl PageSink<InboundItem>,
) -> Result<(), FlowError> {
    let limits = Limits::of_sync(app);
    let driver = Driver::new(app, plugin, actor, Interface::Reconcile, limits)?;
    run::to_last_page(driver, &Missed { since_ms }, sink).await
}
