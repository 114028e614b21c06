//! Which version of a plugin goes on with a message: the one that began, wherever that matters.
//!
//! An attempt that was left open names the version that made its state. That version goes on, in
//! service or not. When it cannot be had any more, another one may begin the next attempt as long as
//! nothing that went out may have acted; otherwise the outcome is unknown, and the reason says why.

use std::sync::Arc;

use wharf_core::Reason;
use wharf_core::provider::Replay;
use wharf_runtime::Plugin;
use wharf_store::StoreError;
use wharf_store::journal::{self, AttemptOutcome, EndAttempt, ExchangeRow, OpenAttempt};
use wharf_store::messages::Message;

use super::attempt::replay_of;
use super::failed::{Failed, SendError, may_have_acted};
use crate::app::App;
use crate::directory::Channel;
use crate::plugins::Digest;
use crate::plugins::lifecycle::Gone;

/// Who goes on, and from where.
pub(super) enum Choice {
    Plugin(Arc<Plugin>, Option<OpenAttempt>),
    /// There is no plugin of this name; the message waits.
    Absent,
    /// The attempt of this number ends here.
    Gone(u32, Box<Failed>),
}

pub(super) async fn choose(
    app: &Arc<App>,
    message: &Message,
    channel: &Channel,
    open: Option<OpenAttempt>,
) -> Result<Choice, StoreError> {
    let current = || app.plugins.get(&channel.plugin);
    let pinned = open.as_ref().and_then(|open| open.plugin_digest.clone());
    let (Some(open), Some(pinned)) = (open.clone(), pinned) else {
        return Ok(current().map_or(Choice::Absent, |plugin| Choice::Plugin(plugin, open)));
    };
    let digest: Digest = pinned.parse().map_err(|_| StoreError::Corrupt {
        what: format!("attempt.plugin_digest: {pinned:?}"),
    })?;
    let gone = match app.lifecycle.pinned(&channel.plugin, &digest).await {
        Ok(plugin) => return Ok(Choice::Plugin(plugin, Some(open))),
        Err(gone) => gone,
    };
    if open.exchanges.iter().any(acted_for_another) {
        let number = open.number;
        tracing::error!(message.id = %message.id, error = %gone, "an attempt cannot be continued");
        return Ok(Choice::Gone(number, Box::new(unknown(&gone))));
    }
    match current() {
        Some(plugin) => begin_again(app, message, channel, plugin, &open, &gone).await,
        None => Ok(Choice::Absent),
    }
}

/// True when another version must not send the message again. A key keeps only those repetitions apart
/// from new requests that the same version makes, so what has one counts as what has none.
fn acted_for_another(sent: &ExchangeRow) -> bool {
    let replay = match replay_of(sent.replay, sent.from_memo) {
        Replay::Safe => Replay::Safe,
        Replay::Keyed | Replay::Unsafe => Replay::Unsafe,
    };
    may_have_acted(replay, sent.outcome.as_ref())
}

/// Ends the attempt, so that the version in service begins the next one. Nothing of what came back can
/// be read by another version, and after this nobody is given it, whenever a crash comes.
async fn begin_again(
    app: &Arc<App>,
    message: &Message,
    channel: &Channel,
    plugin: Arc<Plugin>,
    open: &OpenAttempt,
    gone: &Gone,
) -> Result<Choice, StoreError> {
    tracing::warn!(
        message.id = %message.id, error = %gone,
        "an attempt ends, and the version in service begins the next"
    );
    let (tenant, id) = (channel.tenant.clone(), message.id);
    let (try_number, number, ended_at) = (open.try_number, open.number, app.now_ms());
    let error = SendError::new(Reason::PluginVersionGone, gone.to_string()).to_json();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let end = EndAttempt {
                    message: id,
                    try_number,
                    number,
                    outcome: AttemptOutcome::Interrupted,
                    error: Some(&error),
                    retry_at: None,
                    ended_at,
                };
                journal::end_attempt(tx, &tenant, &end).await
            })
        })
        .await?;
    Ok(Choice::Plugin(plugin, None))
}

fn unknown(gone: &Gone) -> Failed {
    let mut error = SendError::new(Reason::PluginVersionGone, gone.to_string());
    error.remedy = "a status webhook may still settle it; keep earlier versions by `wharf plugin add` instead of replacing files"
        .to_owned();
    Failed::ambiguous(error)
}
