//! The interface `onboarding`.

use bumpalo::Bump;
use wharf_core::provider::{
    Alphabet, Connected, Finding, FindingVerdict, Finished, FlowNext, FlowProgress, Mint, Pause,
    Prompt, Question, Visit,
};

use super::super::bindings::exports::wharf::provider::onboarding as guest;
use super::exchange::{boxed, field};
use super::{list, slice};
use crate::output::shown;

/// An input with all its values, as `answer` takes them.
pub(in super::super) type Answers<'a> = &'a [(&'a str, &'a [&'a str])];

pub(in super::super) fn answers_to_guest<'a>(
    arena: &'a Bump,
    inputs: &'a [(String, Vec<String>)],
) -> Answers<'a> {
    slice(arena, inputs, |(name, values)| {
        (name.as_str(), slice(arena, values, String::as_str))
    })
}

pub(in super::super) fn from_guest(progress: guest::Progress) -> FlowProgress {
    FlowProgress {
        settings: progress.settings,
        findings: list(progress.findings, finding),
        next: match progress.next {
            guest::Next::Exchange(exchange) => FlowNext::Exchange(boxed(exchange)),
            guest::Next::Ask(prompt) => FlowNext::Ask(self::prompt(prompt)),
            guest::Next::Visit(visit) => FlowNext::Visit(Visit {
                url: visit.url,
                query: list(visit.query, field),
                returns: visit.returns,
                state: visit.state,
            }),
            guest::Next::Wait(pause) => FlowNext::Wait(Pause {
                ms: pause.ms,
                state: pause.state,
            }),
            guest::Next::Mint(mint) => FlowNext::Mint(Mint {
                secret: mint.secret,
                alphabet: match mint.alphabet {
                    guest::Alphabet::Digits => Alphabet::Digits,
                    guest::Alphabet::Hex => Alphabet::Hex,
                    guest::Alphabet::Base64url => Alphabet::Base64url,
                },
                length: mint.length,
                state: mint.state,
            }),
            guest::Next::Done(finished) => FlowNext::Done(Finished {
                settings: finished.settings,
                channels: list(finished.channels, |channel| Connected {
                    slot: channel.slot,
                    sender: channel.sender,
                    title: channel.title,
                    settings: channel.settings,
                }),
            }),
        },
    }
}

fn finding(finding: guest::Finding) -> Finding {
    Finding {
        step: finding.step,
        verdict: match finding.verdict {
            guest::Verdict::Ok => FindingVerdict::Ok,
            guest::Verdict::Warning => FindingVerdict::Warning,
            guest::Verdict::Failed => FindingVerdict::Failed,
            guest::Verdict::Waiting => FindingVerdict::Waiting,
        },
        title: shown(&finding.title),
        detail: shown(&finding.detail),
        remedy: finding.remedy.as_deref().map(shown),
    }
}

fn prompt(prompt: guest::Prompt) -> Prompt {
    Prompt {
        title: prompt.title,
        questions: list(prompt.questions, |question| Question {
            input: question.input,
            choices: question.choices,
            many: question.many,
        }),
        state: prompt.state,
    }
}
