//! `GET /v1/messages`: pages of messages, narrowed by filters and words; `GET /v1/stats`: counts of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Map, Value, json};
use wharf_core::provider::Address;
use wharf_core::{ChannelId, MessageId, Status, phone};
use wharf_store::inbound_media;
use wharf_store::messages::{self, Direction, Filter};
use wharf_store::stats::{self, MessageCounts};

use super::Problem;
use super::auth::{Caller, bound_elsewhere};
use super::openapi::shapes::messages::{MessagePage, Stats};
use super::openapi::{Operation, shape};
use super::query::{PAGE_DEFAULT, PAGE_MAX, Query};
use super::routes::Routes;
use crate::app::App;
use crate::clock::rfc3339;
use crate::view;

const PARAMETERS: [&str; 11] = [
    "limit",
    "cursor",
    "status",
    "direction",
    "channel",
    "to",
    "from",
    "reference",
    "since",
    "until",
    "search",
];

/// A user's id, a reference or some words; the longest that can be stored is shorter.
const TEXT_CHARS_MAX: usize = 512;

/// What counts cover unless told otherwise.
const STATS_MS: i64 = 24 * 3600 * 1000;

pub(super) fn routes() -> Routes {
    let text = || json!({"type": "string", "minLength": 1, "maxLength": TEXT_CHARS_MAX});
    let time = || json!({"type": "string", "format": "date-time"});
    let statuses = Status::ALL.map(Status::as_str);
    Routes::new()
        .on(
            Operation::get("/v1/messages", "list_messages")
                .about("messages", "Messages of both directions, newest first")
                .more("Filters narrow together. A page may be followed by `cursor` while the filters stay the same.")
                .query("limit", "Messages on a page", json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}))
                .query("cursor", "The next_cursor of an earlier page", json!({"type": "string"}))
                .query("status", "Outbound messages that show this status", json!({"type": "string", "enum": statuses}))
                .query("direction", "Only these", json!({"type": "string", "enum": Direction::ALL.map(Direction::as_str)}))
                .query("channel", "Through this channel", json!({"type": "string"}))
                .query("to", "Outbound messages to this phone number, or user id", text())
                .query("from", "Inbound messages of this phone number, or user id", text())
                .query("reference", "With this reference of yours", text())
                .query("since", "Accepted or received at this time or later", time())
                .query("until", "Accepted or received before this time", time())
                .query("search", "Some text of the content has these letters, in any case", text())
                .answers(200, "One page", shape::<MessagePage>()),
            list_messages,
        )
        .on(counts(Operation::get("/v1/stats", "get_stats")), get_stats)
        .on(
            counts(Operation::get("/api/whatsapp/official/stats", "get_simple_stats"))
                .more("The same as `/v1/stats`."),
            get_stats,
        )
}

fn counts(operation: Operation) -> Operation {
    let time = json!({"type": "string", "format": "date-time"});
    operation
        .about("stats", "Counts of messages")
        .query(
            "since",
            "Accepted or received at this time or later; 24 hours ago unless said",
            time,
        )
        .answers(200, "The counts", shape::<Stats>())
}

async fn list_messages(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::read(query.as_deref(), &PARAMETERS)?;
    let limit = query.limit()?;
    let cursor = query.parsed("cursor", "the next_cursor of an earlier page", |text| {
        text.parse::<MessageId>().ok()
    })?;
    let filter = filter(&query, &caller)?;
    let mut conn = app.db.read().await?;
    let asked = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found = messages::find(&mut conn, &caller.tenant, &filter, cursor, asked).await?;
    let page: Vec<_> = found.iter().take(limit).collect();
    let last = page.last().filter(|_| found.len() > limit);
    let next_cursor = last.map(|message| message.id());
    let ids: Vec<_> = page.iter().map(|message| message.id()).collect();
    let media = inbound_media::of_messages(&mut conn, &caller.tenant, &ids).await?;
    let data = page.iter().map(|message| {
        let mut shown = view::stored(message);
        if let Some(row) = media.iter().find(|row| row.message == message.id()) {
            shown["media"] = crate::upkeep::media::view_of(row);
        }
        shown
    });
    let data: Vec<_> = data.collect();
    Ok(Json(json!({ "data": data, "next_cursor": next_cursor })))
}

fn filter(query: &Query, caller: &Caller) -> Result<Filter, Problem> {
    let channel = query.parsed("channel", "a channel's name", |text| {
        text.parse::<ChannelId>().ok()
    })?;
    let channels = match (channel, caller.channels()) {
        (Some(named), Some(bound)) if !bound.contains(&named) => {
            return Err(bound_elsewhere(bound));
        }
        (Some(named), _) => Some(vec![named]),
        (None, bound) => bound.map(<[_]>::to_vec),
    };
    let words = |name| {
        let is = format!("1 to {TEXT_CHARS_MAX} characters");
        query.parsed(name, &is, |text| {
            let fits = (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
            (fits && !text.contains('\0')).then(|| text.to_owned())
        })
    };
    let statuses = Status::ALL.map(Status::as_str).join(", ");
    Ok(Filter {
        status: query.parsed("status", &format!("one of {statuses}"), |text| {
            Status::ALL.into_iter().find(|it| it.as_str() == text)
        })?,
        direction: query.parsed("direction", "outbound or inbound", |text| {
            Direction::ALL.into_iter().find(|it| it.as_str() == text)
        })?,
        channels,
        to: words("to")?.map(address),
        from: words("from")?.map(|text| phone::parse(&text).unwrap_or(text)),
        reference: words("reference")?,
        since: query.time("since")?,
        until: query.time("until")?,
        search: words("search")?,
    })
}

/// What is no phone number is a user's id.
fn address(text: String) -> Address {
    match phone::parse(&text) {
        Ok(digits) => Address::Phone(digits),
        Err(_) => Address::UserId(text),
    }
}

async fn get_stats(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::read(query.as_deref(), &["since"])?;
    let since = query.time("since")?.unwrap_or(app.now_ms() - STATS_MS);
    let mut conn = app.db.read().await?;
    let mut channels = stats::message_counts(&mut conn, &caller.tenant, since).await?;
    channels.retain(|channel, _| caller.may_use(channel));
    let mut all = MessageCounts::default();
    channels.values().for_each(|counts| all.add(counts));
    let mut answer = counted(&all);
    let channels = channels.iter();
    answer["channels"] = channels
        .map(|(channel, counts)| (channel.to_string(), counted(counts)))
        .collect::<Map<_, _>>()
        .into();
    answer["since"] = rfc3339(since).into();
    Ok(Json(answer))
}

fn counted(counts: &MessageCounts) -> Value {
    let by_status: Map<_, _> = counts
        .outbound
        .iter()
        .map(|(status, count)| (status.as_str().to_owned(), json!(count)))
        .collect();
    let read = counts.showing(&[Status::Read, Status::Played]);
    let delivered = read + counts.showing(&[Status::Delivered]);
    let failed = counts.showing(&[Status::Failed]);
    let settled = delivered + failed + counts.showing(&[Status::Sent]);
    json!({
        "outbound": by_status,
        "outbound_total": counts.outbound.values().sum::<i64>(),
        "inbound": counts.inbound,
        "rates": {
            "delivered": share(delivered, settled),
            "read": share(read, delivered),
            "failed": share(failed, settled),
        },
    })
}

/// Counts of messages lie far below 2^52, so nothing is rounded before the division.
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
