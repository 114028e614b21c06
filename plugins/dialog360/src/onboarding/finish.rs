//! The end of a flow: the channels it made, and what becomes of the numbers that failed.

use wharf_plugin::onboarding::{Connected, Finding, Finished, Next, Progress, Prompt};
use wharf_plugin::prelude::*;

use super::work::{FLOW, Number, Stage, Step, Work, slot};
use super::{NUMBERS, progress, question};
use crate::descriptor::{CHANNEL_ID, SENDER, WABA};

/// All numbers had their turn.
pub(super) fn end(work: Work, findings: Vec<Finding>) -> Result<Progress, Error> {
    let is_failed = |(_, number): &(usize, &Number)| number.failed;
    let numbered = || work.numbers.iter().enumerate();
    let choices: Vec<(String, String)> = numbered()
        .filter(is_failed)
        .map(|(at, number)| (slot(at), number.name()))
        .collect();
    if choices.is_empty() {
        return Ok(done(&work, findings));
    }
    let title = format!(
        "{} of {} numbers could not be connected. Which are to be tried again? The others are left out.",
        choices.len(),
        work.numbers.len()
    );
    let prompt = Prompt {
        title,
        questions: vec![question(NUMBERS, choices, true)],
        state: FLOW.state(&Step::Again(work)),
    };
    Ok(progress(findings, Next::Ask(prompt)))
}

/// Those that are chosen once more, each from where it stopped; the others stay out.
pub(super) fn again(ctx: &Context, mut work: Work, slots: Vec<&str>) -> Result<Progress, Error> {
    if slots.is_empty() {
        if work.numbers.iter().all(|number| number.failed) {
            return Err(Error::new(
                Code::Misconfigured,
                Retry::Never,
                "no number was connected",
            )
            .remedy("Follow the remedies of the failed steps, then choose the numbers to try again."));
        }
        return Ok(done(&work, Vec::new()));
    }
    for (at, number) in work.numbers.iter_mut().enumerate() {
        if slots.contains(&slot(at).as_str()) {
            number.failed = false;
        }
    }
    (work.at, work.tries, work.polls) = (0, 0, 0);
    super::begin(ctx, work, Vec::new())
}

fn done(work: &Work, findings: Vec<Finding>) -> Progress {
    let connected = |(at, number): (usize, &Number)| {
        let mut settings = vec![(SENDER.to_owned(), number.sender.clone())];
        for (name, value) in [(WABA, &number.waba), (CHANNEL_ID, &number.id)] {
            if !value.is_empty() {
                settings.push((name.to_owned(), value.clone()));
            }
        }
        let title = match number.title.is_empty() {
            true => format!("360dialog {}", number.sender),
            false => number.title.clone(),
        };
        Connected {
            slot: slot(at),
            sender: number.sender.clone(),
            title,
            settings,
        }
    };
    let channels = match work.mends {
        true => Vec::new(),
        false => work
            .numbers
            .iter()
            .enumerate()
            .filter(|(_, number)| number.stage == Stage::Done && !number.failed)
            .map(connected)
            .collect(),
    };
    let finished = Finished {
        settings: Vec::new(),
        channels,
    };
    progress(findings, Next::Done(finished))
}
