//! A step of a flow: what it asks for, where it sends somebody, and what it leaves behind.

use std::collections::HashSet;

use wharf_core::provider::{
    Connected, Finding, Finished, FlowNext, FlowProgress, InputKind, Mint, Piece, Prompt, Visit,
};

use super::exchange::{check_exchange, fields};
use super::{Checked, ID_BYTES_MAX, LINE_BYTES_MAX, Rules, id, line, require, within};
use crate::descriptor::names::{is_slug, matches_host};

const FINDINGS_MAX: usize = 64;
const SETTINGS_MAX: usize = 64;
const SETTING_BYTES_MAX: usize = 2048;
const QUESTIONS_MAX: usize = 32;
/// Numbers of an account to choose from: Meta lets a business have a hundred and more.
const CHOICES_MAX: usize = 500;
/// Channels of one flow.
const CHANNELS_MAX: usize = 100;
const RETURNS_MAX: usize = 16;
const URL_BYTES_MAX: usize = 8 * 1024;
/// A day; what takes longer begins anew.
const PAUSE_MS_MAX: u32 = 24 * 3600 * 1000;
/// Shorter secrets are guessed; a PIN has six digits.
const MINT_LENGTH_MIN: u8 = 6;
const MINT_LENGTH_MAX: u8 = 128;

pub(crate) fn onboarding(progress: &FlowProgress, flow: &str, rules: &Rules<'_>) -> Checked {
    let rules = &rules.of_flow(flow);
    settings("settings", &progress.settings, rules)?;
    within("findings", progress.findings.len(), 0, FINDINGS_MAX)?;
    for (number, finding) in progress.findings.iter().enumerate() {
        check_finding(finding, flow, rules).map_err(|what| format!("findings[{number}] {what}"))?;
    }
    match &progress.next {
        FlowNext::Exchange(exchange) => check_exchange(exchange, rules),
        FlowNext::Ask(prompt) => check_prompt(prompt, rules),
        FlowNext::Visit(visit) => check_visit(visit, rules),
        FlowNext::Wait(pause) => {
            require(pause.ms <= PAUSE_MS_MAX, "wait", "is longer than a day")?;
            rules.state("wait.state", &pause.state)
        }
        FlowNext::Mint(mint) => check_mint(mint, rules),
        FlowNext::Done(finished) => check_finished(finished, rules),
    }
}

fn check_finding(finding: &Finding, flow: &str, rules: &Rules<'_>) -> Checked {
    let steps = rules
        .descriptor
        .flow(flow)
        .map_or(&[][..], |flow| &flow.steps);
    if !steps.iter().any(|(name, _)| *name == finding.step) {
        let step = &finding.step;
        return Err(format!("names the step `{step}`, which the flow has not"));
    }
    require(!finding.title.trim().is_empty(), "", "has no title")
}

/// Only what is declared, and never a secret: the value passed through the guest.
/// Who runs the flow refuses in addition those that decide where requests go, unless a person gave them:
/// that takes the answers, which no single call shows.
fn settings(place: &str, settings: &[(String, String)], rules: &Rules<'_>) -> Checked {
    within(place, settings.len(), 0, SETTINGS_MAX)?;
    for (name, value) in settings {
        match rules.descriptor.input(name) {
            None => {
                return Err(format!("{place} sets `{name}`, which is no declared input"));
            }
            Some(input) if input.kind == InputKind::Secret => {
                return Err(format!(
                    "{place} sets the secret `{name}`; secrets are captured or minted"
                ));
            }
            Some(_) => line(&format!("{place} `{name}`"), value, SETTING_BYTES_MAX)?,
        }
    }
    Ok(())
}

fn check_prompt(prompt: &Prompt, rules: &Rules<'_>) -> Checked {
    rules.state("ask.state", &prompt.state)?;
    line("ask.title", &prompt.title, LINE_BYTES_MAX)?;
    within("ask.questions", prompt.questions.len(), 1, QUESTIONS_MAX)?;
    for question in &prompt.questions {
        let name = &question.input;
        let Some(input) = rules.input(name) else {
            return Err(format!(
                "ask names the input `{name}`, which is not declared"
            ));
        };
        within("ask.choices", question.choices.len(), 0, CHOICES_MAX)?;
        for (value, label) in &question.choices {
            line("ask.choices value", value, ID_BYTES_MAX)?;
            line("ask.choices label", label, LINE_BYTES_MAX)?;
        }
        let many_of_nothing = question.many && question.choices.is_empty();
        require(!many_of_nothing, "ask", "wants many of no choices")?;
        let is_secret = input.kind == InputKind::Secret;
        require(
            !is_secret || question.choices.is_empty(),
            "ask",
            "offers choices for a secret",
        )?;
    }
    Ok(())
}

/// A browser goes only where the operator could read that it may, and takes no secret there.
fn check_visit(visit: &Visit, rules: &Rules<'_>) -> Checked {
    rules.state("visit.state", &visit.state)?;
    line("visit.url", &visit.url, URL_BYTES_MAX)?;
    let Some(rest) = visit.url.strip_prefix("https://") else {
        return Err("visit.url must begin with https://".to_owned());
    };
    require(
        !visit.url.contains(['?', '#', '\\', ' ']),
        "visit.url",
        "has a query, a fragment or a character of no URL",
    )?;
    let host = rest.split('/').next().unwrap_or(rest);
    let endpoints = &rules.descriptor.endpoints;
    if !endpoints
        .iter()
        .any(|endpoint| matches_host(&endpoint.host, host))
    {
        return Err(format!(
            "visit.url leads to {host}, which no endpoint names"
        ));
    }
    fields("visit.query", &visit.query, rules)?;
    for piece in visit.query.iter().flat_map(|field| &field.value) {
        require(
            matches!(piece, Piece::Text(_) | Piece::ReturnUrl),
            "visit.query",
            "may hold texts and the return URL only: a browser sees it",
        )?;
    }
    within("visit.returns", visit.returns.len(), 0, RETURNS_MAX)?;
    for name in &visit.returns {
        line("visit.returns", name, LINE_BYTES_MAX)?;
    }
    Ok(())
}

fn check_mint(mint: &Mint, rules: &Rules<'_>) -> Checked {
    rules.state("mint.state", &mint.state)?;
    rules.secret("mint", &mint.secret)?;
    within(
        "mint.length",
        mint.length.into(),
        MINT_LENGTH_MIN.into(),
        MINT_LENGTH_MAX.into(),
    )
}

fn check_finished(finished: &Finished, rules: &Rules<'_>) -> Checked {
    settings("done.settings", &finished.settings, rules)?;
    within("done.channels", finished.channels.len(), 0, CHANNELS_MAX)?;
    let mut slots = HashSet::new();
    for channel in &finished.channels {
        check_channel(channel, rules)?;
        if !slots.insert(&channel.slot) {
            let slot = &channel.slot;
            return Err(format!("done.channels names the slot `{slot}` twice"));
        }
    }
    Ok(())
}

fn check_channel(channel: &Connected, rules: &Rules<'_>) -> Checked {
    require(
        is_slug(&channel.slot),
        "channel.slot",
        "must be a name of a-z, 0-9, `.`, `-` and `_`",
    )?;
    id("channel.sender", &channel.sender)?;
    line("channel.title", &channel.title, LINE_BYTES_MAX)?;
    settings("channel.settings", &channel.settings, rules)
}
