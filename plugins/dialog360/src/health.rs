//! What 360dialog says of a number: Meta's health status, and for a partner's number the quality and the
//! limit that the Partner Hub shows. An API key has no expiry.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::health::{Finding, Progress, Report, Verdict};
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;
use wharf_plugin::{HealthProvider, text};

use crate::address::{self, is_segment};
use crate::descriptor::{CHANNEL_ID, PARTNER_ID};
use crate::{Dialog360, failure};

/// Raise the version when a step changes.
const HEALTH: Flow<Step> = Flow::new("health", 1);
/// The host takes 64; Meta names four entities with a few errors each.
const FINDINGS_MAX: usize = 60;
/// Meta's sentences, with room.
const TEXT_CHARS_MAX: usize = 500;

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
        problem: Some(cut(&detail)),
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

/// One entity of a health status.
pub(crate) struct Entity {
    pub kind: String,
    pub id: String,
    can_send: String,
    errors: Vec<(String, Option<String>)>,
    notes: Vec<String>,
}

/// The health status that an answer holds: the overall word and its entities.
pub(crate) fn read(response: &HttpResponse) -> Option<(String, Vec<Entity>)> {
    let body: Value = response.json()?;
    let status = &body["health_status"];
    let overall = status["can_send_message"].as_str()?.to_owned();
    let entities = status["entities"].as_array().cloned().unwrap_or_default();
    Some((overall, entities.iter().map(entity).collect()))
}

fn entity(entity: &Value) -> Entity {
    let errors = entity["errors"].as_array().cloned().unwrap_or_default();
    let notes = entity["additional_info"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    Entity {
        kind: text_of(&entity["entity_type"]),
        id: text_of(&entity["id"]),
        can_send: text_of(&entity["can_send_message"]),
        errors: errors.iter().map(problem).collect(),
        notes: notes.iter().map(text_of).collect(),
    }
}

/// Meta's sentence with its code, and what it advises.
fn problem(error: &Value) -> (String, Option<String>) {
    let description = text_of(&error["error_description"]);
    let detail = match text_of(&error["error_code"]) {
        code if code.is_empty() => description,
        code => format!("{description} (code {code})"),
    };
    let advice = text_of(&error["possible_solution"]);
    (detail, Some(advice).filter(|advice| !advice.is_empty()))
}

/// A text, or a number's digits, cut.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn status(outcome: Outcome, hub: Hub) -> Result<Progress, Error> {
    let answered = one_shot_or(outcome, Replay::Safe, read, |response| {
        failure::of(response, Replay::Safe)
    });
    match answered {
        Ok((overall, entities)) => Ok(Progress::Done(report(&overall, &entities, hub))),
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
    let finding = Finding {
        verdict: Verdict::Blocked,
        title: title.to_owned(),
        detail: error.detail,
        remedy: error.remedy,
    };
    Ok(Progress::Done(bare(Verdict::Blocked, vec![finding])))
}

fn report(overall: &str, entities: &[Entity], hub: Hub) -> Report {
    let mut findings: Vec<Finding> = entities.iter().flat_map(findings).collect();
    findings.truncate(FINDINGS_MAX);
    let mut report = bare(verdict(overall), findings);
    if let Some(problem) = hub.problem {
        report.findings.push(Finding {
            verdict: Verdict::Unknown,
            title: "The Partner Hub did not tell the number's quality".to_owned(),
            detail: problem,
            remedy: Some(
                "Check the partner ID, the partner API key and the channel's ID.".to_owned(),
            ),
        });
    }
    let is_bad = |word: &&String| ["low", "red"].contains(&word.to_lowercase().as_str());
    if let Some(quality) = hub.quality.as_ref().filter(is_bad) {
        report.findings.push(Finding {
            verdict: Verdict::Degraded,
            title: "The number's quality is low".to_owned(),
            detail: format!("The Partner Hub rates it {quality}."),
            remedy: Some(
                "Send fewer messages that people block or report, or the messaging limit falls."
                    .to_owned(),
            ),
        });
        if report.verdict == Verdict::Ok {
            report.verdict = Verdict::Degraded;
        }
    }
    report.quality = hub.quality;
    report.messaging_limit = hub.limit;
    report
}

/// One for each error that Meta names, or one for the entity.
fn findings(entity: &Entity) -> Vec<Finding> {
    let verdict = verdict(&entity.can_send);
    let name = match entity.kind.as_str() {
        "PHONE_NUMBER" => "The number",
        "WABA" => "The WhatsApp Business account",
        "BUSINESS" => "The business portfolio",
        "APP" => "360dialog's app",
        "MESSAGE_TEMPLATE" => "A template",
        _ => "Another part of the account",
    };
    let title = match verdict {
        Verdict::Ok => format!("{name} may send"),
        Verdict::Degraded => format!("{name} may send with limits"),
        Verdict::Blocked => format!("{name} may not send"),
        Verdict::Unknown => format!("{name} has a state that is not known"),
    };
    if entity.errors.is_empty() {
        let mut detail = format!("{} {}: {}", entity.kind, entity.id, entity.can_send);
        for note in entity.notes.iter().filter(|note| !note.is_empty()) {
            detail.push_str(". ");
            detail.push_str(note.trim_end_matches('.'));
        }
        return vec![Finding {
            verdict,
            title,
            detail,
            remedy: (verdict != Verdict::Ok).then(|| ADVICE.to_owned()),
        }];
    }
    let errors = entity.errors.iter();
    errors
        .map(|(detail, advice)| Finding {
            verdict,
            title: title.clone(),
            detail: detail.clone(),
            remedy: Some(advice.clone().unwrap_or_else(|| ADVICE.to_owned())),
        })
        .collect()
}

const ADVICE: &str =
    "Look at the number in the 360dialog Hub and at the account in WhatsApp Manager.";

/// Meta's word.
fn verdict(word: &str) -> Verdict {
    match word {
        "AVAILABLE" => Verdict::Ok,
        "LIMITED" => Verdict::Degraded,
        "BLOCKED" => Verdict::Blocked,
        _ => Verdict::Unknown,
    }
}

fn bare(verdict: Verdict, findings: Vec<Finding>) -> Report {
    Report {
        verdict,
        findings,
        token_expires: None,
        quality: None,
        messaging_limit: None,
        messages_per_second: None,
    }
}
