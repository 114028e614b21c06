//! When a message goes out, for how long it is worth sending, in which order, and where else it may go.

use jiff::Timestamp;
use serde_json::Value;

use super::FieldError;
use super::limits;
use super::reader::{Object, Reader};
use crate::ids::ChannelId;

/// What of a request is about its way rather than its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Not before this time: Unix milliseconds.
    pub send_at_ms: Option<i64>,
    /// Not worth sending after this time.
    pub expires_at_ms: Option<i64>,
    /// Whether it waits for earlier ordered messages to the same recipient. None: as configured.
    pub ordered: Option<bool>,
    /// Channels to go through when the ones before certainly sent nothing, in this order.
    pub fallback: Vec<ChannelId>,
}

/// A time that has passed by less than this is now: clocks differ, and requests take their time.
const SEND_AT_LATE_MS_MAX: i64 = 5 * 60_000;

impl Plan {
    /// What is wrong with the times, as seen at `now_ms`. `ahead_ms_max`: how far ahead a message may be
    /// scheduled.
    pub fn check(&self, now_ms: i64, ahead_ms_max: i64) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |pointer: &str, detail: String| {
            errors.push(FieldError::new(pointer, "invalid", detail));
        };
        let starts_at = self.send_at_ms.map_or(now_ms, |at| at.max(now_ms));
        match self.send_at_ms {
            Some(at) if at < now_ms - SEND_AT_LATE_MS_MAX => {
                wrong(
                    "/send_at",
                    "this time has passed; leave it out to send at once".to_owned(),
                );
            }
            Some(at) if at > now_ms.saturating_add(ahead_ms_max) => {
                let days = ahead_ms_max / 86_400_000;
                wrong(
                    "/send_at",
                    format!("at most {days} days ahead; the limit is send.schedule_days_max"),
                );
            }
            _ => {}
        }
        match self.expires_at_ms {
            Some(at) if at <= starts_at => {
                let detail = "not after the time at which it is to be sent; it would never be";
                wrong("/expires_at", detail.to_owned());
            }
            Some(at) if at > starts_at.saturating_add(ttl_ms_max()) => {
                let days = limits::TTL_S_MAX / 86_400;
                wrong(
                    "/expires_at",
                    format!("at most {days} days after it is to be sent"),
                );
            }
            _ => {}
        }
        errors
    }
}

fn ttl_ms_max() -> i64 {
    i64::try_from(limits::TTL_S_MAX * 1000).unwrap_or(i64::MAX)
}

pub(super) fn plan(read: &mut Reader, envelope: &Object<'_>) -> Plan {
    let plan = Plan {
        send_at_ms: time(read, envelope, "send_at"),
        expires_at_ms: time(read, envelope, "expires_at"),
        ordered: envelope
            .has("ordered")
            .then(|| read.flag(envelope, "ordered")),
        fallback: fallback(read, envelope),
    };
    if envelope.has("expires_at") && envelope.has("ttl_s") {
        let detail = "give `expires_at` or `ttl_s`, not both";
        read.error("/expires_at", "invalid", detail);
    }
    if plan.ordered == Some(true) && envelope.has("send_at") {
        let detail =
            "a scheduled message takes its place by its time; leave out `ordered` or `send_at`";
        read.error("/ordered", "invalid", detail);
    }
    plan
}

fn time(read: &mut Reader, envelope: &Object<'_>, name: &str) -> Option<i64> {
    let text = read.string(envelope, name)?;
    let parsed = text.parse::<Timestamp>().ok().map(|at| at.as_millisecond());
    if parsed.is_none() {
        let detail = "give a time as RFC 3339 has it, with its offset: 2026-12-24T18:00:00Z";
        read.error(&envelope.pointer(name), "invalid", detail);
    }
    parsed
}

fn fallback(read: &mut Reader, envelope: &Object<'_>) -> Vec<ChannelId> {
    let Some(value) = envelope.get("fallback") else {
        return Vec::new();
    };
    let Value::Array(items) = value else {
        read.error("/fallback", "wrong-type", "give a list of channels");
        return Vec::new();
    };
    if items.len() > limits::FALLBACK_CHANNELS_MAX {
        let max = limits::FALLBACK_CHANNELS_MAX;
        read.error("/fallback", "too-many", format!("at most {max} channels"));
        return Vec::new();
    }
    let first = envelope.get("channel").and_then(Value::as_str);
    let mut channels = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let pointer = format!("/fallback/{i}");
        let Some(text) = item.as_str() else {
            read.error(&pointer, "wrong-type", "give the name of a channel");
            continue;
        };
        match text.parse::<ChannelId>() {
            Ok(id) if channels.contains(&id) || first == Some(text) => {
                let detail = "this channel is named before; each is tried once";
                read.error(&pointer, "duplicate", detail);
            }
            Ok(id) => channels.push(id),
            Err(error) => read.error(&pointer, "invalid", error.to_string()),
        }
    }
    channels
}
