//! The message resource: how it is shown, listed, changed and deleted.

use serde_json::{Value, json};

use super::address::Address;
use super::error::{TwilioError, text_of};
use super::paging::{self, Page};
use super::parameters::{self, Form};
use super::serve::Reply;
use super::{Shared, date};
use crate::cloud::serve::Request;

/// A message in the books, outbound or inbound.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// `SM` and 32 digits, `MM` with media.
    pub sid: String,
    pub account_sid: String,
    /// `None` until a messaging service has chosen.
    pub from: Option<Address>,
    pub to: Address,
    pub body: String,
    pub direction: &'static str,
    /// `queued`, `accepted`, `scheduled`, `sent`, `delivered`, `read`, `failed`, ..
    pub status: String,
    pub error_code: Option<u32>,
    pub service_sid: Option<String>,
    /// What the recipient gets, with variables filled in; `types` of a content.
    pub content: Option<Value>,
    pub content_sid: Option<String>,
    pub media_urls: Vec<String>,
    /// `geo:` of a place.
    pub place: Option<String>,
    pub status_callback: Option<String>,
    /// Media that Twilio keeps.
    pub media_count: usize,
    pub created_ms: u64,
    pub updated_ms: u64,
    pub sent_ms: Option<u64>,
}

impl Message {
    pub(super) fn shown(&self) -> Value {
        let uri = format!(
            "/2010-04-01/Accounts/{}/Messages/{}",
            self.account_sid, self.sid
        );
        let segments = if self.status == "scheduled" { "0" } else { "1" };
        json!({
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": date::rfc2822(self.created_ms),
            "date_updated": date::rfc2822(self.updated_ms),
            "date_sent": self.sent_ms.map(date::rfc2822),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": self.error_code.map(text_of),
            "from": self.from.as_ref().map(ToString::to_string),
            "to": self.to.to_string(),
            "messaging_service_sid": self.service_sid,
            "num_media": self.media_count.to_string(),
            "num_segments": segments,
            "price": null,
            "price_unit": null,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": { "media": format!("{uri}/Media.json") },
            "uri": format!("{uri}.json"),
        })
    }

    /// Whether the filters of a list let it pass. A message that was not sent yet counts by its creation.
    fn passes(&self, query: &Form) -> Result<bool, TwilioError> {
        let from = self.from.as_ref().map(ToString::to_string);
        let is_from = query
            .get("From")
            .is_none_or(|wanted| from.as_deref() == Some(wanted));
        let is_to = query
            .get("To")
            .is_none_or(|wanted| self.to.to_string() == wanted);
        let at_ms = self.sent_ms.unwrap_or(self.created_ms);
        let mut is_when = true;
        for (name, value) in &query.0 {
            let span = || {
                date::span_of(value).ok_or_else(|| {
                    TwilioError::invalid(format_args!("'{name}' cannot be '{value}'"))
                })
            };
            is_when &= match name.as_str() {
                "DateSent" => (span()?.0..=span()?.1).contains(&at_ms),
                "DateSent<" => at_ms <= span()?.1,
                "DateSent>" => at_ms >= span()?.0,
                _ => true,
            };
        }
        Ok(is_from && is_to && is_when)
    }
}

pub(super) fn list(
    shared: &Shared,
    request: &Request,
    account: &str,
) -> Result<Reply, TwilioError> {
    let query = parameters::query(request, parameters::MESSAGE_LIST)?;
    let books = shared.books();
    let mut found = Vec::new();
    let of_account = books.messages.values();
    for message in of_account.filter(|message| message.account_sid == account) {
        if message.passes(&query)? {
            found.push(message);
        }
    }
    // Newest first; those of one moment in the order of their arrival.
    found.sort_by_key(|message| std::cmp::Reverse(message.created_ms));
    let all: Vec<_> = found
        .into_iter()
        .map(|message| (message.sid.clone(), message.shown()))
        .collect();
    let page = Page::of(&query, &all)?;
    let path = &request.path;
    Ok(Reply::ok(paging::by_uri(path, "messages", &query, &page)))
}

pub(super) fn fetch(shared: &Shared, account: &str, sid: &str) -> Result<Reply, TwilioError> {
    Ok(Reply::ok(shared.books().message(account, sid)?.shown()))
}

/// Redacts or cancels.
pub(super) fn update(
    shared: &Shared,
    request: &Request,
    account: &str,
    sid: &str,
) -> Result<Reply, TwilioError> {
    let form = parameters::form(request, parameters::MESSAGE_UPDATE)?;
    let now_ms = shared.clock.now_ms();
    let mut books = shared.books();
    books.message(account, sid)?;
    let message = books.message_mut(sid)?;
    if form.get("Status").is_some() {
        if message.status != "scheduled" {
            let status = &message.status;
            return Err(TwilioError::invalid(format_args!(
                "only a scheduled message can be cancelled, this one is {status}"
            )));
        }
        message.status = "canceled".to_owned();
    }
    match form.get("Body") {
        Some("") => message.body.clear(),
        Some(_) => return Err(TwilioError::invalid("a body can only be made empty")),
        None => {}
    }
    message.updated_ms = now_ms;
    Ok(Reply::ok(message.shown()))
}

pub(super) fn delete(shared: &Shared, account: &str, sid: &str) -> Result<Reply, TwilioError> {
    let mut books = shared.books();
    let message = books.message(account, sid)?;
    let is_under_way =
        ["queued", "accepted", "scheduled", "sending"].contains(&message.status.as_str());
    if is_under_way {
        return Err(TwilioError::invalid(
            "a message that is under way cannot be deleted",
        ));
    }
    books.forget_message(sid);
    Ok(Reply::NoContent)
}

pub(super) fn feedback(
    shared: &Shared,
    request: &Request,
    account: &str,
    sid: &str,
) -> Result<Reply, TwilioError> {
    let form = parameters::form(request, parameters::FEEDBACK)?;
    let books = shared.books();
    let message = books.message(account, sid)?;
    let now = date::rfc2822(shared.clock.now_ms());
    Ok(Reply::created(json!({
        "account_sid": account,
        "message_sid": message.sid,
        "outcome": form.get("Outcome").unwrap_or("confirmed"),
        "date_created": now,
        "date_updated": now,
        "uri": request.path,
    })))
}
