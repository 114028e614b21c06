//! What became of a send whose answer was lost, and what was missed while nobody listened. Twilio repeats a
//! webhook for some seconds only, and has no key that makes a send safe to repeat: its list of messages is
//! the only witness of both.

mod catch_up;
mod record;

use serde::{Deserialize, Serialize};
use wharf_plugin::ReconcileProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::messages::{Content, Message};
use wharf_plugin::prelude::{Accepted, Address, Context, Error, Outcome};
use wharf_plugin::reconcile::{CatchUpProgress, Progress, Verdict};

use crate::Twilio;
use crate::inbound::End;
use record::Record;

/// A request is given up long before; what was created later is another message.
const CREATED_WITHIN_MS: u64 = 5 * 60 * 1_000;
/// Twilio's clock and ours, and its times have whole seconds.
const CLOCK_MS: u64 = 60 * 1_000;
/// Nothing says how soon a message is in the list: what is not there yet may still come.
const LISTED_AFTER_MS: u64 = 10 * 60 * 1_000;
/// 3,000 messages to one person; below the 20 steps of a flow.
const PAGES_MAX: u8 = 15;

/// The whole list of what the person was sent is read: nothing says in which order it is, and where what
/// still waits stands in it.
#[derive(Default, Serialize, Deserialize)]
struct Search {
    pages: u8,
    /// The one match so far.
    found: Option<String>,
    /// Sent to that person in that time, and not to be told from ours.
    doubtful: bool,
}

const SEARCH: Flow<Search> = Flow::new("reconcile", 1);

impl ReconcileProvider for Twilio {
    fn reconcile_start(ctx: &Context, message: &Message, _: u64) -> Result<Progress, Error> {
        if let Content::Read(_) = message.content {
            return Ok(Progress::Done(Verdict::Undecided));
        }
        let Some(to) = recipient(&message.to) else {
            return Ok(Progress::Done(Verdict::Undecided));
        };
        // Not by the day it was sent: a message that still waits has none.
        let exchange = record::list(ctx, "reconcile", &[("To", to)], None)?;
        Ok(SEARCH.ask(exchange, &Search::default()).into())
    }

    fn reconcile_resume(
        ctx: &Context,
        message: &Message,
        sent_at: u64,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let mut search = SEARCH.step(state)?;
        let (messages, next) = record::page(ctx, outcome)?;
        for value in &messages {
            match Record::of(value) {
                Some(record) => search.look_at(&record, message, sent_at),
                None => search.doubtful = true,
            }
        }
        search.pages = search.pages.saturating_add(1);
        match next {
            Some(_) if search.doubtful || search.pages >= PAGES_MAX => {
                Ok(Progress::Done(Verdict::Undecided))
            }
            Some(query) => {
                let exchange = record::list(ctx, "reconcile", &[], Some(&query))?;
                Ok(SEARCH.ask(exchange, &search).into())
            }
            None => Ok(Progress::Done(search.verdict(ctx.now, sent_at))),
        }
    }

    fn catch_up(ctx: &Context, since: u64) -> Result<CatchUpProgress, Error> {
        catch_up::start(ctx, since)
    }

    fn catch_up_resume(
        ctx: &Context,
        since: u64,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<CatchUpProgress, Error> {
        catch_up::resume(ctx, since, state, outcome)
    }
}

impl Search {
    fn look_at(&mut self, record: &Record<'_>, message: &Message, sent_at: u64) {
        let from = End::read(&message.sender);
        let is_from_us = record.from().is_none_or(|other| Some(other) == from);
        // One without a time may be ours.
        let created = record.created_at().unwrap_or(sent_at);
        let is_of_then = created >= sent_at.saturating_sub(CLOCK_MS)
            && created <= sent_at.saturating_add(CREATED_WITHIN_MS);
        if record.is_inbound() || !is_from_us || !is_of_then {
            return;
        }
        match likeness(record, &message.content) {
            Likeness::Other => {}
            Likeness::Same if self.found.is_none() => self.found = record.sid().map(str::to_owned),
            // Two with the same words: the other may be another message of ours.
            Likeness::Same | Likeness::Unknown => self.doubtful = true,
        }
    }

    fn verdict(self, now: u64, sent_at: u64) -> Verdict {
        match (self.doubtful, self.found) {
            (true, _) => Verdict::Undecided,
            (false, Some(sid)) => Verdict::Found(Accepted::id(sid).pending()),
            (false, None) if now >= sent_at.saturating_add(LISTED_AFTER_MS) => Verdict::Absent,
            (false, None) => Verdict::Undecided,
        }
    }
}

enum Likeness {
    Same,
    Other,
    Unknown,
}

/// Twilio keeps the words of texts and captions. What it makes itself (templates, buttons, places) cannot be
/// compared, nor a medium without words.
fn likeness(record: &Record<'_>, content: &Content) -> Likeness {
    let has_media = record.media_count() > 0;
    let (words, of_media) = match content {
        Content::Text(text) => (text.body.as_str(), false),
        Content::Image(media)
        | Content::Video(media)
        | Content::Audio(media)
        | Content::Document(media)
        | Content::Sticker(media) => (media.caption.as_deref().unwrap_or_default(), true),
        _ => return Likeness::Unknown,
    };
    let is_same = bare(words).eq(bare(record.body()));
    match (of_media, is_same) {
        (false, true) if !has_media => Likeness::Same,
        (false, _) => Likeness::Other,
        (true, true) if !words.is_empty() => Likeness::Same,
        // A text without a medium; a caption may be lost, and a medium not counted yet.
        (true, false) if !has_media && !record.body().is_empty() => Likeness::Other,
        (true, _) => Likeness::Unknown,
    }
}

/// White space may be trimmed and joined on the way.
fn bare(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !c.is_whitespace())
}

fn recipient(to: &Address) -> Option<String> {
    match to {
        Address::Phone(digits) => Some(format!("whatsapp:+{digits}")),
        Address::UserId(id) => Some(format!("whatsapp:{id}")),
        Address::Group(_) => None,
    }
}
