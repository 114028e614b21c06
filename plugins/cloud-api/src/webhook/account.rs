//! The fields that are one atom as a whole: news of a number, news of its account, and what is neither.
//! What bears on whether a number may send, and how fast, is a `channel` event with Meta's words; what
//! else concerns the account is an `account` event.

use wharf_plugin::inbound::{ChannelUpdate, Verdict};
use wharf_plugin::prelude::*;

use super::{Atom, Change, Setting, people, template};
use crate::failure;
use crate::json::Object;
use wharf_plugin::document;

/// The throughput that a `THROUGHPUT_UPGRADE` grants, messages a second:
/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput>.
const UPGRADED_PER_SECOND: u32 = 1_000;

/// A notice to a solution partner comes in an entry of its business, which is no account.
pub(super) fn route(change: &Change<'_>, setting: &Setting<'_>) -> Route {
    match change.field.as_str() {
        "partner_solutions" => Route::App,
        _ => setting.route.clone(),
    }
}

pub(super) fn read(change: &Change<'_>, setting: &Setting<'_>) -> Event {
    let value = &change.value;
    let known = match change.field.as_str() {
        "message_template_status_update"
        | "message_template_quality_update"
        | "message_template_components_update"
        | "template_category_update" => template::read(change),
        "account_update" => account_update(value),
        "account_alerts" => account_alert(value),
        "account_review_update" => account_review(value),
        "business_capability_update" => capability(value),
        "business_username_update" => username(value),
        "phone_number_name_update" => name(value),
        "phone_number_quality_update" => quality(value),
        "security" => security(value),
        "account_settings_update" => Some(update(None, "The number's settings changed".to_owned())),
        "user_id_update" => people::user_id_change(value, setting).map(Event::Identity),
        _ => None,
    };
    match known {
        Some(Event::Channel(update)) => Event::Channel(ChannelUpdate {
            detail: document(change.raw),
            ..update
        }),
        Some(event) => event,
        None if is_account_field(&change.field) => Event::Account(document(change.raw)),
        None => Event::Other(document(change.raw)),
    }
}

fn is_account_field(field: &str) -> bool {
    const OTHERS: [&str; 3] = ["flows", "payment_configuration_update", "partner_solutions"];
    let prefixes = [
        "account_",
        "business_",
        "phone_number_",
        "message_template_",
    ];
    OTHERS.contains(&field)
        || prefixes.iter().any(|prefix| field.starts_with(prefix))
        || matches!(field, "template_category_update" | "security")
}

/// An error that concerns neither a message nor a status. It has no id: who and when tell it apart.
pub(super) fn error(raw: &str, setting: &Setting<'_>) -> Option<Atom> {
    let object = Object::read(raw)?;
    let code = object.code("code")?;
    let error = failure::from_webhook(raw);
    let verdict = match error.code {
        Code::AccountRestricted | Code::PaymentRequired | Code::AuthFailed => {
            Some(Verdict::Blocked)
        }
        Code::RateLimited => Some(Verdict::Degraded),
        _ => None,
    };
    let [contacts, time] = setting.about;
    let key = format!("errors:{}", fingerprint(&[contacts, time, raw]));
    let event = Event::Channel(ChannelUpdate {
        detail: document(raw),
        ..channel(
            verdict,
            format!("Meta reports error {code}: {}", error.detail),
        )
    });
    Some((key, event))
}

fn update(verdict: Option<Verdict>, title: String) -> Event {
    Event::Channel(channel(verdict, title))
}

fn channel(verdict: Option<Verdict>, title: String) -> ChannelUpdate {
    ChannelUpdate {
        verdict,
        quality: None,
        messages_per_second: None,
        messaging_limit: None,
        title,
        detail: "{}".to_owned(),
    }
}

/// Those that bear on sending; the rest are news of the account.
fn account_update(value: &Object<'_>) -> Option<Event> {
    let event = value.text("event")?;
    let ban = value
        .object("ban_info")
        .and_then(|info| info.text("waba_ban_state"));
    let (verdict, title) = match (event.as_str(), ban.as_deref()) {
        ("DISABLED_UPDATE", Some("DISABLE")) => (Verdict::Blocked, "Meta disabled the account"),
        ("DISABLED_UPDATE", Some("REINSTATE")) => (Verdict::Ok, "Meta reinstated the account"),
        ("DISABLED_UPDATE", Some("SCHEDULE_FOR_DISABLE")) => {
            (Verdict::Degraded, "Meta will disable the account")
        }
        ("ACCOUNT_RESTRICTION", _) => (Verdict::Degraded, "Meta restricted the account"),
        ("ACCOUNT_VIOLATION", _) => (Verdict::Degraded, "The account violated a policy"),
        ("ACCOUNT_DELETED", _) => (Verdict::Blocked, "The account was deleted"),
        ("ACCOUNT_OFFBOARDED", _) => (Verdict::Blocked, "The account left the Cloud API"),
        ("ACCOUNT_RECONNECTED", _) => (Verdict::Ok, "The account was connected again"),
        ("PARTNER_REMOVED", _) => (Verdict::Blocked, "The account was taken from this partner"),
        _ => return None,
    };
    let kind = |list: &str, member: &str| {
        let kinds = value.list(list).into_iter().flatten();
        let kinds: Vec<String> = kinds
            .filter_map(|raw| Object::read(raw)?.text(member))
            .collect();
        (!kinds.is_empty()).then(|| kinds.join(", "))
    };
    let violation = value.object("violation_info").unwrap_or_default();
    let reason = kind("restriction_info", "restriction_type")
        .or_else(|| violation.text("violation_type"))
        .or_else(|| value.object("disconnection_info")?.text("reason"));
    Some(update(Some(verdict), with(title, reason)))
}

fn with(title: &str, what: Option<String>) -> String {
    match what {
        Some(what) => format!("{title}: {what}"),
        None => title.to_owned(),
    }
}

/// Older alerts have their members in the value itself.
fn account_alert(value: &Object<'_>) -> Option<Event> {
    let info = value.object("alert_info");
    let alert = info.as_ref().unwrap_or(value);
    let kind = alert.text("alert_type")?;
    let is_critical = alert.text("alert_severity").as_deref() == Some("CRITICAL");
    let is_over = alert.text("alert_status").as_deref() == Some("NONE");
    let verdict = (is_critical && !is_over).then_some(Verdict::Degraded);
    let title = match alert.text("alert_description") {
        Some(words) => format!("Alert {kind}: {words}"),
        None => format!("Alert {kind}"),
    };
    Some(update(verdict, title))
}

fn account_review(value: &Object<'_>) -> Option<Event> {
    let decision = value.text("decision")?;
    let verdict = match decision.as_str() {
        "APPROVED" => Some(Verdict::Ok),
        "REJECTED" => Some(Verdict::Blocked),
        _ => None,
    };
    Some(update(
        verdict,
        format!("Review of the account: {decision}"),
    ))
}

fn capability(value: &Object<'_>) -> Option<Event> {
    let limit = messaging_limit(value);
    let title = match &limit {
        Some(limit) => format!("Messaging limit of the business: {limit}"),
        None => "The capabilities of the business changed".to_owned(),
    };
    Some(Event::Channel(ChannelUpdate {
        messaging_limit: limit,
        ..channel(None, title)
    }))
}

/// The name of a tier; before 2026 a number, of which -1 is none.
fn messaging_limit(value: &Object<'_>) -> Option<String> {
    [
        "max_daily_conversations_per_business",
        "max_daily_conversation_per_phone",
        "current_limit",
    ]
    .iter()
    .find_map(|name| value.line(name))
    .map(|limit| match limit.as_str() {
        "-1" => "TIER_UNLIMITED".to_owned(),
        _ => limit,
    })
}

fn quality(value: &Object<'_>) -> Option<Event> {
    let event = value.text("event")?;
    let verdict = match event.as_str() {
        "FLAGGED" => Some(Verdict::Degraded),
        "UNFLAGGED" => Some(Verdict::Ok),
        _ => None,
    };
    let title = format!("{}: {event}", number(value, "Quality"));
    Some(Event::Channel(ChannelUpdate {
        messaging_limit: messaging_limit(value),
        messages_per_second: (event == "THROUGHPUT_UPGRADE").then_some(UPGRADED_PER_SECOND),
        ..channel(verdict, title)
    }))
}

fn name(value: &Object<'_>) -> Option<Event> {
    let decision = value.text("decision")?;
    let mut title = format!("{}: {decision}", number(value, "Display name"));
    if let Some(name) = value.text("requested_verified_name") {
        title = format!("{title} ({name})");
    }
    let reason = value.text("rejection_reason").filter(|why| why != "NONE");
    Some(update(None, with(&title, reason)))
}

fn username(value: &Object<'_>) -> Option<Event> {
    let status = value.text("status")?;
    let username = value.text("username");
    let title = format!("{}: {status}", number(value, "Username"));
    Some(update(None, with(&title, username)))
}

fn security(value: &Object<'_>) -> Option<Event> {
    let event = value.text("event")?;
    let title = format!("{}: {event}", number(value, "Two-step verification"));
    Some(update(None, title))
}

/// What the news is about, and of which of the account's numbers.
fn number(value: &Object<'_>, what: &str) -> String {
    match value.text("display_phone_number") {
        Some(number) => format!("{what} of {number}"),
        None => what.to_owned(),
    }
}
