//! The customer's channels by the Partner Hub's word: which there are, whose they are, which are ready.

use serde_json::{Value, json};
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::onboarding::{Finding, Next, Progress, Prompt, Verdict};
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;

use super::work::{FLOW, NUMBERS_MAX, Number, Stage, Step, Work};
use super::{NUMBERS, begin, finding, number, progress, question, signup, wait};
use crate::address::{hub, is_segment};
use crate::failure;

const PAGE_CHANNELS: usize = 100;
const PAGE_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// A customer's channels; beyond them the list is one that never ends.
const CHANNELS_MAX: u32 = 2_000;
/// The host shows so many; a page has a fifth of them.
const CHOICES_MAX: usize = 500;
/// A number that was just registered is ready within minutes; after an hour a person must look.
const POLL_MS: u32 = 30_000;
const POLLS_MAX: u16 = 120;
/// 360dialog creates keys for channels that are running. These are on their way there; the set is open,
/// and with a word that is not known it is simply tried.
const ON_THEIR_WAY: [&str; 9] = [
    "created",
    "submitted",
    "unverified",
    "verified",
    "consents_signed",
    "porting_ready",
    "migration_code_requested",
    "waiting_for_migration_code",
    "ready_for_migration",
];
/// Nothing comes of these by itself.
const DEAD: [&str; 2] = ["error", "certificate_declined"];

/// Asks for the customer's channels.
pub(super) fn list(ctx: &Context, work: Work, findings: Vec<Finding>) -> Result<Progress, Error> {
    let filters = json!({ "client_id": work.client }).to_string();
    let exchange = hub(
        "onboarding.channels",
        HttpMethod::Get,
        signup::partner(ctx)?,
        "channels",
    )
    .query_text("filters", filters)
    .query_text("limit", PAGE_CHANNELS.to_string())
    .query_text("offset", work.offset.to_string())
    .answer_bytes_max(PAGE_BYTES_MAX);
    let exchange = FLOW.ask(exchange, &Step::List(work));
    Ok(progress(findings, Next::Exchange(exchange)))
}

pub(super) fn listed(ctx: &Context, mut work: Work, outcome: Outcome) -> Result<Progress, Error> {
    let answer = one_shot_or(
        outcome,
        Replay::Safe,
        |response| {
            response
                .json::<Value>()
                .filter(|body| body["partner_channels"].is_array())
        },
        |response| failure::of_hub(response, Replay::Safe),
    );
    let body = match answer {
        Ok(body) => body,
        Err(error) => return number::stumbled_listing(work, error),
    };
    work.tries = 0;
    let channels: Vec<&Value> = body["partner_channels"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|channel| is_of(channel, &work.client))
        .collect();
    if work.numbers.is_empty() {
        return choose(work.client, &channels);
    }
    let mut findings = Vec::new();
    for channel in &channels {
        if let Some(number) = wanted(&mut work, channel) {
            findings.extend(note(number, channel));
        }
    }
    let count = body["partner_channels"].as_array().map_or(0, Vec::len);
    let next = work
        .offset
        .saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    let total = body["total"].as_u64().unwrap_or(0);
    let is_missing = work
        .numbers
        .iter()
        .any(|number| number.title.is_empty() && !number.failed);
    if is_missing && count > 0 && u64::from(next) < total && next < CHANNELS_MAX {
        work.offset = next;
        return list(ctx, work, findings);
    }
    work.offset = 0;
    sorted_out(ctx, work, findings)
}

/// The list is read: on with what is ready, or wait for what is on its way.
fn sorted_out(
    ctx: &Context,
    mut work: Work,
    mut findings: Vec<Finding>,
) -> Result<Progress, Error> {
    for number in work
        .numbers
        .iter_mut()
        .filter(|number| number.title.is_empty() && !number.failed)
    {
        number.failed = true;
        findings.push(trouble(
            format!("The customer has no channel {}", number.id),
            "The Partner Hub does not list it among this client's channels.",
            "Check that the customer granted the number to this partner, then try it again.",
        ));
    }
    let waits = |number: &&mut Number| number.stage == Stage::Listed && !number.failed;
    let waiting = work.numbers.iter_mut().filter(waits).count();
    if waiting == 0 {
        return begin(ctx, work, findings);
    }
    if work.polls < POLLS_MAX {
        work.polls += 1;
        findings.push(finding(
            "channels",
            Verdict::Waiting,
            format!(
                "{waiting} of {} numbers are not ready yet",
                work.numbers.len()
            ),
            "360dialog and Meta are still registering them.",
        ));
        return Ok(wait(findings, POLL_MS, &Step::Poll(work)));
    }
    work.polls = 0;
    for number in work.numbers.iter_mut().filter(waits) {
        number.failed = true;
        findings.push(trouble(
            format!("{} was not ready within an hour", number.name()),
            "The Partner Hub still says that the channel is being set up.",
            "See in the Partner Hub what the channel waits for, then try it again.",
        ));
    }
    begin(ctx, work, findings)
}

/// Only what belongs to the client that came back: the Hub's filter is not taken on trust.
fn is_of(channel: &Value, client: &str) -> bool {
    let owner = channel["client_id"]
        .as_str()
        .or_else(|| channel["client"]["id"].as_str());
    owner == Some(client)
}

fn wanted<'a>(work: &'a mut Work, channel: &Value) -> Option<&'a mut Number> {
    let id = channel["id"].as_str()?;
    work.numbers
        .iter_mut()
        .find(|number| number.id == id && number.stage == Stage::Listed && !number.failed)
}

/// What the Hub says of a channel.
fn note(number: &mut Number, channel: &Value) -> Option<Finding> {
    number.rename(&title(channel));
    let status = channel["status"].as_str().unwrap_or_default();
    if !channel["terminated_at"].is_null() {
        number.failed = true;
        return Some(trouble(
            format!("{} is terminated", number.name()),
            "Its contract with 360dialog has ended.",
            "Register the number anew at 360dialog.",
        ));
    }
    if DEAD.contains(&status) {
        number.failed = true;
        let reason = match &channel["setup_info"]["error"] {
            Value::String(reason) if !reason.is_empty() => reason.clone(),
            Value::Object(reason) => Value::Object(reason.clone()).to_string(),
            _ => "no reason given".to_owned(),
        };
        return Some(trouble(
            format!("{} cannot be set up", number.name()),
            format!("360dialog says `{status}`: {reason}"),
            "Resolve it in the Partner Hub or with 360dialog's support, then try it again.",
        ));
    }
    if ON_THEIR_WAY.contains(&status) {
        return None;
    }
    number.stage = Stage::Keys;
    Some(finding(
        "channels",
        Verdict::Ok,
        format!("{} is ready", number.name()),
        format!("360dialog says `{status}`."),
    ))
}

/// The number and its name; never empty, so that a channel that was found is known by it.
fn title(channel: &Value) -> String {
    let setup = &channel["setup_info"];
    let word = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let phone = match &setup["phone_number"] {
        Value::Number(digits) => digits.to_string(),
        text => word(text),
    };
    match (phone.is_empty(), word(&setup["phone_name"])) {
        (false, name) if name.is_empty() => phone,
        (false, name) => format!("{phone} {name}"),
        (true, name) if !name.is_empty() => name,
        (true, _) => format!("channel {}", word(&channel["id"])),
    }
}

fn trouble(title: impl Into<String>, detail: impl Into<String>, remedy: &str) -> Finding {
    let mut trouble = finding("channels", Verdict::Failed, title, detail);
    trouble.remedy = Some(remedy.to_owned());
    trouble
}

/// Which of them?
fn choose(client: String, channels: &[&Value]) -> Result<Progress, Error> {
    let choices: Vec<(String, String)> = channels
        .iter()
        .filter_map(|channel| {
            let id = channel["id"].as_str().filter(|id| is_segment(id))?;
            let mut number = Number::unnamed(Stage::Listed);
            number.rename(&title(channel));
            Some((id.to_owned(), number.name()))
        })
        .take(CHOICES_MAX)
        .collect();
    if choices.is_empty() {
        return Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            format!("client {client} has no channels that the Partner Hub lists"),
        )
        .remedy("Check the client ID, or start the flow without it and let the customer grant a number."));
    }
    Ok(progress(
        Vec::new(),
        Next::Ask(Prompt {
            title: "Which numbers are to be connected?".to_owned(),
            questions: vec![question(NUMBERS, choices, true)],
            state: FLOW.state(&Step::Choose { client }),
        }),
    ))
}

pub(super) fn chosen(ctx: &Context, client: String, ids: Vec<&str>) -> Result<Progress, Error> {
    if ids.is_empty() || ids.len() > NUMBERS_MAX {
        return Err(Error::invalid(format!(
            "one flow connects 1 to {NUMBERS_MAX} numbers, {} were chosen",
            ids.len()
        ))
        .remedy("Choose at least one number and connect further ones with the same flow."));
    }
    if !ids.iter().all(|id| is_segment(id)) {
        return Err(Error::invalid("what was chosen is no channel of the list")
            .remedy("Choose among the channels that the flow shows."));
    }
    let ids = ids.into_iter().map(str::to_owned).collect();
    list(ctx, Work::partner(client, ids), Vec::new())
}
