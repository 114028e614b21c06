//! What becomes of a message after its acceptance: its states and the callbacks that tell them.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::books::Books;
use super::error::text_of;
use super::message::Message;
use super::webhooks::Webhook;
use super::{StatusPlan, fetch};

/// Statuses and when they come, counted from the acceptance.
type Steps = Vec<(&'static str, Duration)>;

/// Content types that are sent within a session only.
const SESSION_TYPES: &[&str] = &["twilio/list-picker", "twilio/location"];
/// Content types that need an approval even within a session.
const APPROVED_TYPES: &[&str] = &["twilio/carousel", "whatsapp/authentication"];
/// Quick replies of a content that nobody approved.
const QUICK_REPLIES_UNAPPROVED_MAX: usize = 3;
/// Codes that say that the channel took the message and could not hand it over.
const UNDELIVERED: &[u32] = &[63_003, 63_024, 63_032, 63_049];

/// Sets a message on its way: its sender if a service has to choose, its states, its callbacks.
pub(super) fn start(shared: &Arc<Shared>, sid: &str) {
    let now_ms = shared.clock.now_ms();
    let failure = {
        let mut books = shared.books();
        choose_sender(&mut books, sid);
        let Some(message) = books.find_message(sid).cloned() else {
            return;
        };
        objection(shared, &mut books, &message, now_ms)
    };
    let plan = shared.statuses();
    if let Some(code) = failure {
        let status = if UNDELIVERED.contains(&code) {
            "undelivered"
        } else {
            "failed"
        };
        let delay = plan.sent.unwrap_or_default();
        play(shared, sid, status, Some(code), delay, plan.copies);
        return;
    }
    let planned = [
        ("sent", plan.sent),
        ("delivered", plan.delivered),
        ("read", plan.read),
    ];
    let mut steps: Steps = planned
        .into_iter()
        .filter_map(|(status, delay)| Some((status, delay?)))
        .collect();
    if plan.reversed {
        let mut delays: Vec<_> = steps.iter().map(|step| step.1).collect();
        delays.reverse();
        for (step, delay) in steps.iter_mut().zip(delays) {
            step.1 = delay;
        }
    }
    let url = shared.books().find_message(sid).and_then(fetch::url_of);
    match url {
        Some(url) if shared.config.fetches_media => fetch_and_play(shared, sid, url, steps, &plan),
        _ => play_all(shared, sid, steps, plan.copies),
    }
}

fn play_all(shared: &Arc<Shared>, sid: &str, steps: Steps, copies: u32) {
    for (status, delay) in steps {
        play(shared, sid, status, None, delay, copies);
    }
}

/// Fetches the file first; without it the message fails.
fn fetch_and_play(shared: &Arc<Shared>, sid: &str, url: String, steps: Steps, plan: &StatusPlan) {
    let weak = Arc::downgrade(shared);
    let sid = sid.to_owned();
    let (delay, copies) = (plan.sent.unwrap_or_default(), plan.copies);
    tokio::spawn(async move {
        let Some(shared) = weak.upgrade() else { return };
        match fetch::fetch(&shared, &sid, &url).await {
            Ok(()) => play_all(&shared, &sid, steps, copies),
            Err(code) => play(&shared, &sid, "failed", Some(code), delay, copies),
        }
    });
}

fn choose_sender(books: &mut Books, sid: &str) {
    let Some(message) = books.find_message(sid) else {
        return;
    };
    if message.from.is_some() {
        return;
    }
    let number = message
        .service_sid
        .as_ref()
        .and_then(|service| books.service(&message.account_sid, service))
        .and_then(|service| service.numbers.first())
        .cloned();
    if let (Some(number), Ok(message)) = (number, books.message_mut(sid)) {
        message.from = Some(super::address::Address::Phone(number));
        message.status = "queued".to_owned();
    }
}

/// Why the channel will not deliver the message.
fn objection(shared: &Shared, books: &mut Books, message: &Message, now_ms: u64) -> Option<u32> {
    if let Some(code) = shared.delivery_failure(message.to.key()) {
        return Some(code);
    }
    let limits = &shared.config.limits;
    let number = message.from.as_ref()?.key().to_owned();
    if books.is_beyond_rate(&number, limits, now_ms) {
        return Some(63_018);
    }
    books.review(now_ms);
    let content = message
        .content_sid
        .as_ref()
        .and_then(|sid| books.content(&message.account_sid, sid).ok());
    let approval = content.and_then(|content| content.approval.as_ref());
    if approval.is_some_and(|approval| approval.status == "paused") {
        return Some(63_041);
    }
    let is_approved = content.is_some_and(super::content::Content::is_approved);
    if let Some(content) = content
        && !is_approved
    {
        let replies = content.types["twilio/quick-reply"]["actions"].as_array();
        if replies.is_some_and(|replies| replies.len() > QUICK_REPLIES_UNAPPROVED_MAX) {
            return Some(63_021);
        }
        if content
            .type_names()
            .any(|name| APPROVED_TYPES.contains(&name))
        {
            return Some(63_021);
        }
    }
    let is_of_session = content.is_some_and(|content| {
        content
            .type_names()
            .any(|name| SESSION_TYPES.contains(&name))
    });
    let is_free = is_approved && !is_of_session;
    let is_open = books.is_window_open(&number, &message.to, now_ms);
    (limits.window && !is_free && !is_open).then_some(63_016)
}

pub(super) fn play(
    shared: &Arc<Shared>,
    sid: &str,
    status: &'static str,
    code: Option<u32>,
    delay: Duration,
    copies: u32,
) {
    for copy in 0..copies.max(1) {
        let weak = Arc::downgrade(shared);
        let sid = sid.to_owned();
        shared.webhooks.deliver(delay, move || {
            let shared = weak.upgrade()?;
            if copy == 0 {
                advance(&shared, &sid, status, code);
            }
            callback(&shared, &sid, status, code)
        });
    }
}

/// The resource keeps the furthest state, whatever order the callbacks have.
fn advance(shared: &Shared, sid: &str, status: &str, code: Option<u32>) {
    let rank = |status: &str| match status {
        "sent" => 1,
        "delivered" => 2,
        "read" | "failed" | "undelivered" | "canceled" => 3,
        _ => 0,
    };
    let now_ms = shared.clock.now_ms();
    let mut books = shared.books();
    let Ok(message) = books.message_mut(sid) else {
        return;
    };
    if rank(status) <= rank(&message.status) {
        return;
    }
    status.clone_into(&mut message.status);
    message.error_code = code;
    message.updated_ms = now_ms;
    if code.is_none() {
        message.sent_ms.get_or_insert(now_ms);
    }
}

/// The callback of one status, if anybody wants it.
fn callback(shared: &Shared, sid: &str, status: &str, code: Option<u32>) -> Option<Webhook> {
    let books = shared.books();
    let message = books.find_message(sid)?;
    let from = message.from.as_ref()?;
    let sender = books.online_sender(&message.account_sid, from.key())?;
    let own_url = message.status_callback.clone();
    let url = own_url.or_else(|| sender.url("status_callback_url"))?;
    let form = callback_form(message, &sender.sid, status, code);
    Some(Webhook {
        url,
        fallback_url: None,
        account_sid: message.account_sid.clone(),
        form,
    })
}

/// As captures of the WhatsApp channel have it; only failures carry a code.
fn callback_form(
    message: &Message,
    sender_sid: &str,
    status: &str,
    code: Option<u32>,
) -> Vec<(String, String)> {
    let to = message.to.to_string();
    let mut pairs = vec![
        ("ChannelPrefix", "whatsapp".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("MessageStatus", status.to_owned()),
        ("SmsSid", message.sid.clone()),
        ("SmsStatus", status.to_owned()),
        ("ChannelInstallSid", sender_sid.to_owned()),
        ("To", to.clone()),
        (
            "From",
            message
                .from
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        ("MessageSid", message.sid.clone()),
        ("StructuredMessage", "false".to_owned()),
        ("AccountSid", message.account_sid.clone()),
        ("ChannelToAddress", masked(message.to.key())),
    ];
    if let Some(service) = &message.service_sid {
        pairs.push(("MessagingServiceSid", service.clone()));
    }
    if ["read", "delivered", "undelivered"].contains(&status) {
        pairs.push(("EventType", status.to_uppercase()));
    }
    if let Some(code) = code {
        pairs.push(("ErrorCode", code.to_string()));
        pairs.push(("ErrorMessage", text_of(code).to_owned()));
        pairs.push(("ChannelStatusMessage", text_of(code).to_owned()));
    }
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// `+1555XXXX`: the last four are hidden.
fn masked(key: &str) -> String {
    let kept = key.chars().count().saturating_sub(4);
    key.chars().take(kept).chain("XXXX".chars()).collect()
}
