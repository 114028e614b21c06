//! What 360dialog says of a number: Meta's health status, and for a partner's number the quality and the
//! limit that the Partner Hub shows. An API key has no expiry.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_cloud_api::health::Health;
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::health::{Progress, Report, Verdict};
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;
use wharf_plugin::{HealthProvider, text};

use crate::address::{self, is_segment};
use crate::descriptor::{CHANNEL_ID, PARTNER_ID};
use crate::{Dialog360, failure};

/// Raise the version when a step changes.
const HEALTH: Flow<Step> = Flow::new("health", 1);
/// Of a refusal that is kept.
const DETAIL_CHARS_MAX: usize = 600;
/// Of an ID of Meta's.
const ID_DIGITS_MAX: usize = 32;
/// Kept between two exchanges, and a word of the host's: at most 255 bytes.
const TEXT_CHARS_MAX: usize = 60;

#[derive(Serialize, Deserialize)]
enum Step {
    Hub,
    Status(Hub),
}

/// What the Partner Hub told.
#[derive(Default, Serialize, Deserialize)]
struct Hub {
    quality: Option<String>,
    limit: Option<String>,
    /// Why it told nothing.
    problem: Option<String>,
}

impl HealthProvider for Dialog360 {
    fn health_start(ctx: &Context) -> Result<Progress, Error> {
        Ok(match hub_exchange(ctx) {
            Some(exchange) => HEALTH.ask(exchange, &Step::Hub).into(),
            None => ask_status(Hub::default()),
        })
    }

    fn health_resume(_: &Context, state: &[u8], outcome: Outcome) -> Result<Progress, Error> {
        match HEALTH.step(state)? {
            Step::Hub => Ok(ask_status(hub(&outcome))),
            Step::Status(hub) => status(outcome, hub),
        }
    }
}

fn ask_status(hub: Hub) -> Progress {
    HEALTH
        .ask(status_exchange(address::API_KEY), &Step::Status(hub))
        .into()
}

/// Only a partner can ask the Hub, and only about a channel whose ID is known.
fn hub_exchange(ctx: &Context) -> Option<Exchange> {
    let partner = ctx.setting(PARTNER_ID).filter(|id| is_segment(id))?;
    let channel = ctx.setting(CHANNEL_ID).filter(|id| is_segment(id))?;
    let filters = serde_json::json!({ "id": channel }).to_string();
    let exchange = address::hub("health.quality", HttpMethod::Get, partner, "channels");
    Some(exchange.query("filters", text(filters)))
}

/// The Hub is a help: whatever it answers, the number itself is asked next.
fn hub(outcome: &Outcome) -> Hub {
    let problem = |detail: String| Hub {
        problem: Some(detail.chars().take(DETAIL_CHARS_MAX).collect()),
        ..Hub::default()
    };
    let response = match outcome {
        Outcome::Response(response) if response.is_success() => response,
        Outcome::Response(response) => {
            return problem(failure::of_hub(response, Replay::Safe).detail);
        }
        Outcome::Failed(failure) => return problem(Error::transport(*failure, true).detail),
        Outcome::Stored(_) => return problem("The answer was stored as media.".to_owned()),
    };
    let body: Value = response.json().unwrap_or_default();
    let channel = &body["partner_channels"][0];
    if !channel.is_object() {
        return problem("It knows no channel with this ID.".to_owned());
    }
    let word = |name: &str| Some(text_of(&channel[name])).filter(|word| !word.is_empty());
    Hub {
        quality: word("current_quality_rating"),
        limit: word("current_limit"),
        problem: None,
    }
}

/// The question, with the API key of this name.
pub(crate) fn status_exchange(key: &str) -> Exchange {
    address::api_with("health.status", HttpMethod::Get, "health_status", key)
}

/// The object `health_status` of an answer.
pub(crate) fn read(response: &HttpResponse) -> Option<Value> {
    let body: Value = response.json()?;
    let status = &body["health_status"];
    status["can_send_message"]
        .is_string()
        .then(|| status.clone())
}

/// The ID of the first entity of a type: digits, as webhooks carry it.
pub(crate) fn id_of(status: &Value, kind: &str) -> Option<String> {
    let entities = status["entities"].as_array()?;
    let entity = entities
        .iter()
        .find(|entity| entity["entity_type"] == kind)?;
    Some(text_of(&entity["id"])).filter(|id| is_digits(id))
}

/// Meta's ids of numbers and accounts.
pub(crate) fn is_digits(id: &str) -> bool {
    (1..=ID_DIGITS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text, or a number's digits, cut.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// As the host takes it: one line.
fn cut(text: &str) -> String {
    let line = text.chars().filter(|char| !char.is_control());
    line.take(TEXT_CHARS_MAX).collect()
}

fn status(outcome: Outcome, hub: Hub) -> Result<Progress, Error> {
    let answered = one_shot_or(outcome, Replay::Safe, read, |response| {
        failure::of(response, Replay::Safe)
    });
    match answered {
        Ok(status) => Ok(Progress::Done(report(&status, hub))),
        Err(error) => refused(error),
    }
}

/// A refusal that is about the account is its health; any other says nothing of it.
fn refused(error: Error) -> Result<Progress, Error> {
    let title = match error.code {
        Code::AuthFailed => "360dialog refuses the API key",
        Code::PaymentRequired => "360dialog has not been paid",
        Code::AccountRestricted => "360dialog has shut the number's API",
        _ => return Err(error),
    };
    let mut health = Health::default();
    health.say(
        Verdict::Blocked,
        title,
        &error.detail,
        error.remedy.as_deref(),
    );
    Ok(Progress::Done(health.report()))
}

fn report(status: &Value, hub: Hub) -> Report {
    let mut health = Health::default();
    health.entities(status);
    if let Some(problem) = hub.problem {
        health.say(
            Verdict::Unknown,
            "The Partner Hub did not tell the number's quality",
            &problem,
            Some("Check the partner ID, the partner API key and the channel's ID."),
        );
    }
    // The Hub's own words for what Meta calls GREEN, YELLOW and RED.
    let is_bad = |word: &&String| ["low", "red"].contains(&word.to_lowercase().as_str());
    if let Some(quality) = hub.quality.as_ref().filter(is_bad) {
        health.say(
            Verdict::Degraded,
            "The number's quality is low",
            &format!("The Partner Hub rates it {quality}."),
            Some("Send fewer messages that people block or report, or the messaging limit falls."),
        );
    }
    health.quality = hub.quality;
    health.messaging_limit = hub.limit;
    health.report()
}
