//! The partner's webhook: what 360dialog tells of customers and their channels, `{id, event, data}`. It is
//! the operator's news: no event names a number by the ID that messages carry.

use wharf_cloud_api::json::Object;
use wharf_plugin::prelude::*;

/// News of customers, channels and accounts; the rest is kept as it came.
const ACCOUNT_EVENTS: [&str; 7] = [
    "client_",
    "channel_",
    "template_messaging_",
    "account_",
    "cancellation_",
    "waba_",
    "number_",
];

/// One body is one event.
pub(crate) fn parse(webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
    let unreadable = |problem| {
        Error::new(
            Code::MalformedResponse,
            Retry::Never,
            format!("the partner webhook's body {problem}, though its signature is right"),
        )
    };
    let body = std::str::from_utf8(&webhook.body).map_err(|_| unreadable("is not UTF-8"))?;
    let Some(event) = Object::read(body) else {
        return Err(unreadable("is not a JSON object"));
    };
    let name = event.text("event").unwrap_or_default();
    let is_account = ACCOUNT_EVENTS.iter().any(|start| name.starts_with(start));
    let mut page = Page::new(skip);
    page.offer(body.len(), || {
        let raw = wharf_plugin::document(body);
        let event = match is_account {
            true => Event::Account(raw),
            false => Event::Other(raw),
        };
        // `id` is said to be the event's; should it be the channel's, the body still tells two apart.
        Item::new(
            Route::App,
            format!("partner:{}", fingerprint(&[body])),
            event,
        )
        .pointer("")
    });
    Ok(page.finish())
}
