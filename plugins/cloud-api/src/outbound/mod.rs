//! A message of any kind on its way out: checked against WhatsApp's limits, its stored media uploaded, then
//! sent. A pure function of the message, so that every step finds the same plan again.

use serde::{Deserialize, Serialize};
use wharf_plugin::flow::Flow;
use wharf_plugin::prelude::*;

use crate::api::CloudApi;

mod accepted;
mod contacts;
mod draft;
mod envelope;
mod gone;
mod interactive;
mod kinds;
mod limit;
mod media;
mod raw;
mod read;
mod template;
mod text;
mod upload;

pub use kinds::KINDS;
pub(crate) use media::check_upload;
pub(crate) use upload::{exchange as upload_exchange, id as uploaded_id, repeatable};

use draft::Draft;

/// Raise the version when a step changes: a message may be resumed by a newer plugin.
const SEND: Flow<Step> = Flow::new("send", 1);

/// What a message may ask of the host (`wit/provider.wit`).
const EXCHANGES_MAX: usize = 6;

/// What is known when the outcome of an exchange comes. Media are numbered as the draft has them.
#[derive(Serialize, Deserialize)]
enum Step {
    /// The next medium is being uploaded; these are the ids of those before it.
    Upload { ids: Vec<String> },
    /// The message is being sent.
    Send { ids: Vec<String>, refreshed: bool },
    /// The first of the stale media is being uploaded anew.
    Refresh { ids: Vec<String>, stale: Vec<usize> },
}

/// The first step: an upload, or the message itself.
///
/// # Errors
/// What WhatsApp does not take, with the member and its limit.
pub fn start(api: &impl CloudApi, message: &Message) -> Result<Progress, Error> {
    match &message.content {
        Content::Read(receipt) => read::start(api, message, receipt),
        Content::Text(text) if !envelope::has_options(message) => text::start(api, message, text),
        _ => next(api, &Draft::of(message)?, Vec::new()),
    }
}

/// Goes on with an outcome.
///
/// # Errors
/// What the provider answered.
pub fn resume(
    api: &impl CloudApi,
    message: &Message,
    state: &[u8],
    outcome: Outcome,
) -> Result<Progress, Error> {
    if matches!(message.content, Content::Read(_)) {
        return read::resume(api, outcome);
    }
    // A message without stored media keeps nothing: its only exchange is the message.
    let step = match state {
        [] => Step::Send {
            ids: Vec::new(),
            refreshed: false,
        },
        state => SEND.step(state)?,
    };
    match step {
        Step::Upload { mut ids } => {
            ids.push(upload::id(api, outcome)?);
            next(api, &Draft::of(message)?, ids)
        }
        Step::Refresh { mut ids, mut stale } => {
            let id = upload::id(api, outcome)?;
            if !stale.is_empty()
                && let Some(old) = ids.get_mut(stale.remove(0))
            {
                *old = id;
            }
            refresh(api, &Draft::of(message)?, ids, stale)
        }
        Step::Send { ids, refreshed } => match outcome {
            Outcome::Response(response) if response.is_success() => {
                accepted::read(&response).ok_or_else(|| api.refused(&response))
            }
            Outcome::Response(response) => {
                refused(api, message, ids, refreshed, api.refused(&response))
            }
            Outcome::Failed(failure) => Err(Error::transport(failure, false)),
            Outcome::Stored(_) => Err(Error::malformed(
                "the answer to a send was stored as media",
                Replay::Unsafe,
            )),
        },
    }
}

/// The next upload, or the message when all media have an id.
fn next(api: &impl CloudApi, draft: &Draft<'_>, ids: Vec<String>) -> Result<Progress, Error> {
    match draft.uploads().get(ids.len()) {
        Some(media) => {
            let exchange = upload::exchange(api, media);
            Ok(SEND.ask(exchange, &Step::Upload { ids }).into())
        }
        None => Ok(send(api, draft, ids, false)),
    }
}

/// The next stale medium, or the message again when none is left.
fn refresh(
    api: &impl CloudApi,
    draft: &Draft<'_>,
    ids: Vec<String>,
    stale: Vec<usize>,
) -> Result<Progress, Error> {
    let media = stale.first().and_then(|index| draft.uploads().get(*index));
    match media {
        Some(media) => {
            let exchange = upload::exchange(api, media).refresh_memo();
            Ok(SEND.ask(exchange, &Step::Refresh { ids, stale }).into())
        }
        None => Ok(send(api, draft, ids, true)),
    }
}

fn send(api: &impl CloudApi, draft: &Draft<'_>, ids: Vec<String>, refreshed: bool) -> Progress {
    let mut exchange = draft.exchange(api.messages_url(), &ids);
    if !draft.uploads().is_empty() {
        exchange = SEND.ask(exchange, &Step::Send { ids, refreshed });
    }
    api.authenticate(exchange).into()
}

/// Media whose remembered id the provider no longer has are uploaded anew, once an attempt; any other refusal
/// is the message's.
fn refused(
    api: &impl CloudApi,
    message: &Message,
    ids: Vec<String>,
    refreshed: bool,
    error: Error,
) -> Result<Progress, Error> {
    if !gone::says(&error) {
        return Err(error);
    }
    let draft = Draft::of(message)?;
    let stale = draft.stale(&error.detail);
    if stale.is_empty() {
        return Err(gone::given_by_the_tenant(error));
    }
    if refreshed {
        return Err(gone::again(error));
    }
    // What was spent, the uploads to come, and the message once more.
    if ids.len() + 1 + stale.len() + 1 > EXCHANGES_MAX {
        // Which of several is gone was not said, and all anew are more than fit. Links need no upload.
        return Ok(send(api, &draft, Vec::new(), true));
    }
    refresh(api, &draft, ids, stale)
}
