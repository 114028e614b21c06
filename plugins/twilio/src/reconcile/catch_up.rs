//! What came and what was reported since a moment: two lists, of messages to our number and of messages from
//! it. Media stand in a list of their own for each message that has some.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_plugin::flow::Flow;
use wharf_plugin::inbound::{Content, Media, Message};
use wharf_plugin::prelude::*;
use wharf_plugin::reconcile::{CatchUpProgress, Page as ItemPage};

use super::record::{self, Record};
use crate::account::{account_url, authorize, is_sid};
use crate::inbound::{End, media_items, media_kind};
use crate::{ask, moment};

/// A report may come a day after its message; filters go by the day a message was sent.
const REPORTS_MS: u64 = 24 * 60 * 60 * 1_000;
/// Twilio's clock and ours.
const CLOCK_MS: u64 = 60 * 1_000;
/// Of the 16 KiB that a state may have; what waits in it has a caption each.
const STATE_BYTES_MAX: usize = 12 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Side {
    To,
    From,
}

#[derive(Serialize, Deserialize)]
enum Step {
    List(Side),
    /// The media of the first; then the next page of the list.
    Media {
        waiting: Vec<Waiting>,
        side: Side,
        next: Option<String>,
    },
}

/// An inbound message whose media are still to be asked for.
#[derive(Serialize, Deserialize)]
struct Waiting {
    sid: String,
    from: String,
    at: u64,
    caption: String,
}

const CATCH_UP: Flow<Step> = Flow::new("catch-up", 1);

pub(super) fn start(ctx: &Context, since: u64) -> Result<CatchUpProgress, Error> {
    first(ctx, since, Side::To).map(CatchUpProgress::Exchange)
}

fn first(ctx: &Context, since: u64, side: Side) -> Result<Exchange, Error> {
    let number = format!("whatsapp:{}", ctx.required("number")?);
    let (name, from) = match side {
        Side::To => ("To", since.saturating_sub(CLOCK_MS)),
        Side::From => ("From", since.saturating_sub(REPORTS_MS)),
    };
    let filters = [(name, number), ("DateSent>", moment::day(from))];
    let exchange = record::list(ctx, "catch-up", &filters, None)?;
    Ok(CATCH_UP.ask(exchange, &Step::List(side)))
}

pub(super) fn resume(
    ctx: &Context,
    since: u64,
    state: &[u8],
    outcome: Outcome,
) -> Result<CatchUpProgress, Error> {
    let (items, waiting, side, next) = match CATCH_UP.step(state)? {
        Step::List(side) => {
            let (messages, next) = record::page(ctx, outcome)?;
            let (items, waiting) = sorted(ctx, &messages, side, since.saturating_sub(CLOCK_MS));
            (items, waiting, side, next)
        }
        Step::Media {
            mut waiting,
            side,
            next,
        } => {
            let items = match waiting.is_empty() {
                true => Vec::new(),
                false => with_media(ctx, waiting.remove(0), outcome)?,
            };
            (items, waiting, side, next)
        }
    };
    let next = after(ctx, since, waiting, side, next)?;
    Ok(CatchUpProgress::Page(ItemPage { items, next }))
}

/// Media that wait, then the list's next page, then the other list.
fn after(
    ctx: &Context,
    since: u64,
    waiting: Vec<Waiting>,
    side: Side,
    next: Option<String>,
) -> Result<Option<Exchange>, Error> {
    if let Some(message) = waiting.first() {
        let url = account_url(ctx, &format!("Messages/{}/Media.json", message.sid))?;
        let exchange = authorize(ctx, Exchange::get("catch-up.media", url))?;
        let step = Step::Media {
            waiting,
            side,
            next,
        };
        return Ok(Some(CATCH_UP.ask(exchange, &step)));
    }
    if let Some(query) = next {
        let exchange = record::list(ctx, "catch-up", &[], Some(&query))?;
        return Ok(Some(CATCH_UP.ask(exchange, &Step::List(side))));
    }
    match side {
        Side::To => first(ctx, since, Side::From).map(Some),
        Side::From => Ok(None),
    }
}

/// What can be told at once, and what waits for its media.
fn sorted(
    ctx: &Context,
    messages: &[Value],
    side: Side,
    earliest: u64,
) -> (Vec<Item>, Vec<Waiting>) {
    let (mut items, mut waiting, mut bytes) = (Vec::new(), Vec::new(), 0);
    for record in messages.iter().filter_map(Record::of) {
        if record.updated_at().is_some_and(|at| at < earliest) {
            continue;
        }
        match side {
            Side::From if !record.is_inbound() => items.extend(record.status(ctx.now)),
            Side::To if record.is_inbound() && record.media_count() > 0 => {
                match Waiting::of(&record, ctx.now) {
                    // A state has no room for more captions: the message is told as Twilio lists it.
                    Some(message) if bytes + message.size() <= STATE_BYTES_MAX => {
                        bytes += message.size();
                        waiting.push(message);
                    }
                    _ => items.extend(record.other()),
                }
            }
            Side::To if record.is_inbound() => items.extend(record.items(ctx.now)),
            Side::To | Side::From => {}
        }
    }
    (items, waiting)
}

impl Waiting {
    fn of(record: &Record<'_>, now: u64) -> Option<Self> {
        let from = match record.from()? {
            End::Phone(digits) => format!("+{digits}"),
            End::User(id) => id,
        };
        Some(Self {
            sid: record.sid()?.to_owned(),
            from,
            at: record.created_at().unwrap_or(now),
            caption: record.body().to_owned(),
        })
    }

    /// As JSON, where a character may take six bytes.
    fn size(&self) -> usize {
        let plain =
            |text: &str| serde_json::to_string(text).map_or(text.len() * 6, |json| json.len());
        plain(&self.caption) + plain(&self.from) + 128
    }
}

/// The message with the media that the list names. A list that is gone leaves the words.
fn with_media(ctx: &Context, waiting: Waiting, outcome: Outcome) -> Result<Vec<Item>, Error> {
    let gone = matches!(&outcome, Outcome::Response(response) if response.status == 404);
    let listed = match gone {
        true => Value::Null,
        false => ask::answer(outcome, Replay::Safe)?["media_list"].take(),
    };
    let Some(from) = End::read(&waiting.from) else {
        return Ok(Vec::new());
    };
    let mut caption = Some(waiting.caption.clone()).filter(|text| !text.is_empty());
    let mut contents = Vec::new();
    for medium in listed.as_array().into_iter().flatten() {
        contents.extend(content(ctx, &waiting.sid, medium, &mut caption)?);
    }
    if contents.is_empty() {
        contents.push(match caption.take() {
            Some(words) => Content::Text(words),
            None => Content::Unsupported(r#"{"media":"deleted"}"#.to_owned()),
        });
    }
    let message = Message::new(
        waiting.sid,
        from.party(),
        waiting.at,
        Content::Text(String::new()),
    );
    let route = Route::Sender(ctx.required("number")?.to_owned());
    Ok(media_items(route, &message, contents))
}

fn content(
    ctx: &Context,
    message: &str,
    medium: &Value,
    caption: &mut Option<String>,
) -> Result<Option<Content>, Error> {
    let Some(sid) = medium["sid"].as_str().filter(|sid| is_sid(sid, "ME")) else {
        return Ok(None);
    };
    let content_type = medium["content_type"].as_str();
    let content_type = content_type.filter(|text| crate::inbound::is_name(text));
    let locator = account_url(ctx, &format!("Messages/{message}/Media/{sid}"))?;
    Ok(Some(Content::Media(Media {
        kind: media_kind(None, content_type),
        locator,
        content_type: content_type.map(str::to_owned),
        sha256: None,
        caption: caption.take(),
        filename: None,
    })))
}
