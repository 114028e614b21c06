//! A message as Twilio's list has it.

use serde_json::Value;
use wharf_plugin::document;
use wharf_plugin::inbound::{Content, Message, State, Status};
use wharf_plugin::prelude::{Context, Error, Event, Exchange, Item, Outcome, Replay};

use crate::account::{account_url, authorize, is_sid};
use crate::inbound::{End, media_items, message_key, route, state_of, status_key};
use crate::{ask, failure, moment};

/// Of the 1,000 that Twilio allows: some 300 KiB, read in one call.
const PAGE_SIZE: &str = "200";

/// One message.
pub(super) struct Record<'a>(&'a Value);

impl<'a> Record<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let record = Self(value);
        record.sid().map(|_| record)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0[name].as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn sid(&self) -> Option<&'a str> {
        self.text("sid")
            .filter(|sid| is_sid(sid, "SM") || is_sid(sid, "MM"))
    }

    pub(super) fn created_at(&self) -> Option<u64> {
        moment::of_rfc2822(self.text("date_created")?)
    }

    /// When it was last heard of.
    pub(super) fn updated_at(&self) -> Option<u64> {
        let updated = self.text("date_updated").and_then(moment::of_rfc2822);
        updated.or_else(|| self.created_at())
    }

    pub(super) fn is_inbound(&self) -> bool {
        self.text("direction") == Some("inbound")
    }

    pub(super) fn to(&self) -> Option<End> {
        End::read(self.text("to")?)
    }

    pub(super) fn from(&self) -> Option<End> {
        End::read(self.text("from")?)
    }

    pub(super) fn body(&self) -> &'a str {
        self.text("body").unwrap_or_default()
    }

    pub(super) fn media_count(&self) -> u32 {
        let count = &self.0["num_media"];
        let number = count.as_u64().and_then(|count| u32::try_from(count).ok());
        number
            .or_else(|| count.as_str()?.parse().ok())
            .unwrap_or_default()
    }

    /// A report on a message of ours, by the key that its callback has.
    pub(super) fn status(&self, now: u64) -> Option<Item> {
        let (sid, word) = (self.sid()?, self.text("status")?.to_ascii_lowercase());
        let state = state_of(&word)?;
        let code = match &self.0["error_code"] {
            Value::Number(code) => code.to_string(),
            _ => String::new(),
        };
        let status = Status {
            recipient: self.to().map(End::party),
            error: (state == State::Failed)
                .then(|| failure::from_status(&code, self.text("error_message"))),
            ..Status::new(sid, state, self.updated_at().unwrap_or(now))
        };
        Some(Item::new(
            route(self.text("from"), self.text("account_sid")),
            status_key(sid, &word),
            Event::Status(status),
        ))
    }

    /// What somebody wrote, as far as the list says it.
    pub(super) fn message(&self, now: u64) -> Option<Message> {
        Some(Message::new(
            self.sid()?,
            self.from()?.party(),
            self.created_at().unwrap_or(now),
            Content::Text(self.body().to_owned()),
        ))
    }

    /// The items of an inbound message without media.
    pub(super) fn items(&self, now: u64) -> Vec<Item> {
        let ours = route(self.text("to"), self.text("account_sid"));
        match self.message(now) {
            // Buttons, places and contacts are not in the list; without a text there is nothing to show.
            Some(message) if !self.body().is_empty() => {
                let content = message.content.clone();
                media_items(ours, &message, vec![content])
            }
            Some(message) => {
                let content = Content::Other(document(&self.0.to_string()));
                media_items(ours, &message, vec![content])
            }
            None => self.other(),
        }
    }

    /// What cannot be read, whole.
    pub(super) fn other(&self) -> Vec<Item> {
        let sid = self.sid().unwrap_or_default();
        vec![Item::new(
            route(self.text("to"), self.text("account_sid")),
            message_key(sid, 0),
            Event::Other(document(&self.0.to_string())),
        )]
    }
}

pub(super) fn list_url(ctx: &Context) -> Result<String, Error> {
    account_url(ctx, "Messages.json")
}

/// A page of the list: the first by these filters, another by its query.
pub(super) fn list(
    ctx: &Context,
    label: &str,
    filters: &[(&str, String)],
    query: Option<&str>,
) -> Result<Exchange, Error> {
    let mut exchange = Exchange::get(label, list_url(ctx)?).answer_bytes_max(ask::PAGE_BYTES_MAX);
    match query {
        Some(query) => exchange = exchange.raw_query(query),
        None => {
            for (name, value) in filters {
                exchange = exchange.query_text(name, value.as_str());
            }
            exchange = exchange.query_text("PageSize", PAGE_SIZE);
        }
    }
    authorize(ctx, exchange)
}

/// A page as it is, and the query of the next.
pub(super) fn page(ctx: &Context, outcome: Outcome) -> Result<(Vec<Value>, Option<String>), Error> {
    let mut answer = ask::answer(outcome, Replay::Safe)?;
    let next = ask::next_query(&answer["next_page_uri"], &list_url(ctx)?)?;
    match answer["messages"].take() {
        Value::Array(messages) => Ok((messages, next)),
        _ => Err(Error::malformed("the list holds no messages", Replay::Safe)),
    }
}
