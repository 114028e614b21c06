//! Which version of a plugin goes on with a message: the one that began, wherever that matters.
//!
//! An attempt that was left open names the version that made its state. That version goes on, in
//! service or not. When it cannot be had any more, another one may begin again as long as nothing
//! that went out may have acted; otherwise the outcome is unknown, and the reason says why.

use std::sync::Arc;

use wharf_core::provider::Replay;
use wharf_runtime::Plugin;
use wharf_store::StoreError;
use wharf_store::journal::{self, AttemptKey, OpenAttempt};
use wharf_store::messages::Message;

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
    let mut exchanges = open.exchanges.iter();
    if exchanges.any(|sent| may_have_acted(sent.replay, sent.outcome.as_ref())) {
        let number = open.number;
        tracing::error!(message.id = %message.id, error = %gone, "an attempt cannot be continued");
        return Ok(Choice::Gone(number, Box::new(unknown(&gone))));
    }
    match current() {
        Some(plugin) => begin_again(app, message, channel, plugin, open, &gone).await,
        None => Ok(Choice::Absent),
    }
}

/// Hands the attempt to the version in service, which starts its flow from the beginning.
async fn begin_again(
    app: &Arc<App>,
    message: &Message,
    channel: &Channel,
    plugin: Arc<Plugin>,
    mut open: OpenAttempt,
    gone: &Gone,
) -> Result<Choice, StoreError> {
    tracing::warn!(
        message.id = %message.id, error = %gone,
        "an attempt begins again with the version in service"
    );
    // Nothing of what came back can be read by another version. What went out may go out again.
    if let Some(last) = open.exchanges.last_mut() {
        last.outcome = None;
        last.replay = Replay::Safe;
    }
    let key = AttemptKey {
        message: message.id,
        try_number: open.try_number,
        number: open.number,
    };
    let (tenant, digest) = (channel.tenant.clone(), hex::encode(plugin.digest()));
    app.db
        .write(move |tx| {
            Box::pin(async move { journal::pin_attempt(tx, &tenant, key, &digest).await })
        })
        .await?;
    Ok(Choice::Plugin(plugin, Some(open)))
}

fn unknown(gone: &Gone) -> Failed {
    let mut error = SendError::new("plugin-version-gone", gone.to_string());
    error.remedy = Some(
        "a status webhook may still settle it; keep earlier versions by `wharf plugin add` instead of replacing files"
            .to_owned(),
    );
    Failed::ambiguous(error)
}
