//! Webhooks to items. What a call is, its own fields say, not the name it was called by: people paste the
//! same URL into several places of Twilio's console.
//!
//! Forms: messages, statuses, debugger events. JSON: event streams.

mod address;
mod content;
mod debugger;
mod events;
mod form;
mod message;
mod referral;
mod status;

use wharf_plugin::prelude::*;

pub(crate) use address::{End, PREFIX, is_name, route};
pub(crate) use content::media_kind;
pub(crate) use message::{media_items, message_key};
pub(crate) use status::{state_of, status_key};

use form::Form;

pub(crate) fn parse(webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
    let body = webhook.body.trim_ascii_start();
    match body.first() {
        Some(b'{' | b'[') => events::parse(&webhook.body, webhook.received_at, skip),
        _ => of_form(webhook, skip),
    }
}

fn of_form(webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
    let form = Form::read(&webhook.body);
    if form.is_empty() {
        return Err(unreadable("holds nothing"));
    }
    let call = Call {
        form: &form,
        ours: query(webhook, crate::descriptor::MESSAGE_PARAM),
        at: webhook.received_at,
    };
    let items = [status::read, message::read, debugger::read]
        .into_iter()
        .find_map(|read| read(&call))
        .unwrap_or_else(|| vec![call.other()]);
    let mut page = Page::new(skip);
    for item in items {
        page.offer(webhook.body.len(), || item);
    }
    Ok(page.finish())
}

/// One form, and what stands around it.
pub(crate) struct Call<'a> {
    form: &'a Form,
    /// Our own id of the message, from the URL that was given with the send.
    ours: Option<&'a str>,
    at: u64,
}

impl Call<'_> {
    fn route(&self, ours: &str) -> Route {
        address::route(self.form.get(ours), self.form.get("AccountSid"))
    }

    /// What is not understood, whole.
    fn other(&self) -> Item {
        let raw = wharf_plugin::document(&self.form.document().to_string());
        let key = format!("form:{}", fingerprint(&[&raw]));
        Item::new(
            address::account_route(self.form.get("AccountSid")),
            key,
            Event::Other(raw),
        )
    }
}

fn query<'a>(webhook: &'a Webhook, name: &str) -> Option<&'a str> {
    let mut pairs = webhook.query.iter();
    let (_, value) = pairs.find(|(known, _)| known == name)?;
    Some(value.as_str()).filter(|value| is_name(value))
}

fn unreadable(problem: &str) -> Error {
    Error::new(
        Code::MalformedResponse,
        Retry::Never,
        format!("the webhook's body {problem}, though its signature is right"),
    )
    .remedy("Look at the stored webhook; Twilio's console says which URLs it was told to call.")
}
