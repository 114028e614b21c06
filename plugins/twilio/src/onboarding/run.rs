//! What a flow remembers, and the small words that its steps are made of.

use serde::{Deserialize, Serialize};
use wharf_plugin::flow::Flow;
use wharf_plugin::onboarding::{
    Connected, Finding, Finished, Next, Pause, Progress, Prompt, Question, Verdict,
};
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Retry};

use crate::account::account_sid;
use crate::senders::{SENDER_SID, Sender};

/// Twilio's limit for a verified business; more are another flow.
const NUMBERS_MAX: usize = 20;
const E164_DIGITS: std::ops::RangeInclusive<usize> = 6..=15;
const TEXT_CHARS_MAX: usize = 256;
const LOSSES_MAX: u8 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Connect,
    Webhooks,
    Register,
    Subaccount,
}

impl Kind {
    pub(super) fn of(flow: &str) -> Option<Self> {
        Some(match flow {
            "connect" => Self::Connect,
            "webhooks" => Self::Webhooks,
            "register" => Self::Register,
            "subaccount" | "signup" => Self::Subaccount,
            _ => return None,
        })
    }
}

/// Where a flow stands: what was asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    Credentials,
    Account,
    Senders,
    Choose,
    Own,
    Webhooks,
    Details,
    Parent,
    Subaccounts,
    Which,
    Create,
    Token(String),
    Lookup,
    Register,
    Poll(String),
    Code(String),
    Verify(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) kind: Kind,
    pub(super) step: Step,
    pub(super) draft: Draft,
    /// Senders to choose from, or whose webhooks are still to be set.
    pub(super) senders: Vec<Known>,
    /// Connected so far.
    pub(super) online: Vec<Known>,
    /// Why numbers were left behind.
    pub(super) failed: Vec<String>,
    /// The next page of a list.
    pub(super) page: Option<String>,
    /// Repetitions of this step.
    pub(super) tries: u8,
    /// Answers that were lost, and limits that were met, of what is being made.
    pub(super) losses: u8,
}

/// A sender, as far as a flow needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) sid: String,
    pub(super) number: String,
    pub(super) title: String,
}

/// What is to be registered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Draft {
    /// The first is the current one.
    pub(super) numbers: Vec<String>,
    pub(super) waba: String,
    pub(super) name: String,
    pub(super) by_voice: bool,
    /// The name of the subaccount.
    pub(super) account: String,
    /// The parent account, where a person gave it.
    pub(super) parent: String,
}

pub(super) const RUN: Flow<Run> = Flow::new("twilio-onboarding", 1);

impl Run {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            step: Step::Credentials,
            draft: Draft::default(),
            senders: Vec::new(),
            online: Vec::new(),
            failed: Vec::new(),
            page: None,
            tries: 0,
            losses: 0,
        }
    }

    fn at(&mut self, step: Step) -> Vec<u8> {
        if self.step != step {
            self.tries = 0;
        }
        self.step = step;
        RUN.state(self)
    }

    pub(super) fn exchange(
        mut self,
        exchange: Exchange,
        step: Step,
        findings: Vec<Finding>,
    ) -> Progress {
        let exchange = exchange.state(self.at(step));
        progress(findings, Next::Exchange(exchange))
    }

    pub(super) fn ask(
        mut self,
        title: &str,
        questions: Vec<Question>,
        step: Step,
        findings: Vec<Finding>,
    ) -> Progress {
        let prompt = Prompt {
            title: title.to_owned(),
            questions,
            state: self.at(step),
        };
        progress(findings, Next::Ask(prompt))
    }

    /// The step again after a while.
    pub(super) fn wait(mut self, ms: u32, step: Step, findings: Vec<Finding>) -> Progress {
        let tries = if self.step == step { self.tries } else { 0 };
        self.step = step.clone();
        self.tries = tries.saturating_add(1);
        let state = self.at(step);
        progress(findings, Next::Wait(Pause { ms, state }))
    }

    /// The same after a loss, until there were too many.
    pub(super) fn has_patience(&mut self) -> bool {
        self.losses = self.losses.saturating_add(1);
        self.losses <= LOSSES_MAX
    }

    pub(super) fn done(self, ctx: &Context, findings: Vec<Finding>) -> Result<Progress, Error> {
        let account = account_sid(ctx)?.to_owned();
        let channels = self.online.into_iter().map(|sender| Connected {
            slot: format!("n{}", sender.number.trim_start_matches('+')),
            sender: sender.number.clone(),
            title: sender.title,
            settings: vec![
                ("number".to_owned(), sender.number),
                (SENDER_SID.to_owned(), sender.sid),
            ],
        });
        let finished = Finished {
            settings: vec![("account_sid".to_owned(), account)],
            channels: channels.collect(),
        };
        Ok(progress(findings, Next::Done(finished)))
    }
}

impl Known {
    pub(super) fn of(sender: &Sender) -> Self {
        let plain = |c: &char| !c.is_control();
        let title: String = sender.title().chars().filter(plain).take(40).collect();
        Self {
            sid: sender.sid.clone(),
            number: sender.number.clone(),
            title: if title.trim().is_empty() {
                sender.number.clone()
            } else {
                title
            },
        }
    }
}

impl Draft {
    pub(super) fn read(&mut self, inputs: &[(String, String)]) -> Result<(), Error> {
        for (name, value) in inputs {
            self.take(name, value.trim())?;
        }
        Ok(())
    }

    pub(super) fn read_answers(&mut self, inputs: &[(String, Vec<String>)]) -> Result<(), Error> {
        for (name, values) in inputs {
            for value in values {
                self.take(name, value.trim())?;
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Error> {
        if value.is_empty() {
            return Ok(());
        }
        if value.chars().count() > TEXT_CHARS_MAX && name != "numbers" {
            return Err(Error::invalid(format!(
                "`{name}` has at most {TEXT_CHARS_MAX} characters"
            )));
        }
        match name {
            "numbers" => self.numbers = numbers(value)?,
            "waba_id" => self.waba = waba(value)?,
            "display_name" => value.clone_into(&mut self.name),
            "subaccount_name" => value.clone_into(&mut self.account),
            "verification_method" => self.by_voice = value == "voice",
            "main_account_sid" => value.clone_into(&mut self.parent),
            _ => {}
        }
        Ok(())
    }
}

fn waba(value: &str) -> Result<String, Error> {
    if value.bytes().all(|byte| byte.is_ascii_digit()) && value.len() <= 32 {
        return Ok(value.to_owned());
    }
    Err(
        Error::invalid("the id of a WhatsApp Business Account has digits only")
            .remedy("Copy it from Meta's Business Manager, WhatsApp accounts, settings."),
    )
}

/// Numbers as people list them, in E.164 with the plus sign, each once.
fn numbers(value: &str) -> Result<Vec<String>, Error> {
    let mut numbers: Vec<String> = Vec::new();
    for word in value.split([',', ';', '\n']) {
        let digits: String = word
            .chars()
            .filter(|c| !" -()./\t\r".contains(*c))
            .collect();
        if digits.is_empty() {
            continue;
        }
        let bare = digits.strip_prefix('+').unwrap_or(&digits);
        let fits = E164_DIGITS.contains(&bare.len())
            && !bare.starts_with('0')
            && bare.bytes().all(|byte| byte.is_ascii_digit());
        if !fits {
            return Err(Error::invalid("a number is not one with its country code")
                .remedy("Write numbers like +14155238886, separated by commas."));
        }
        let number = format!("+{bare}");
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    if numbers.len() > NUMBERS_MAX {
        return Err(Error::invalid(format!(
            "a business has at most {NUMBERS_MAX} numbers at Twilio, these are {}",
            numbers.len()
        )));
    }
    Ok(numbers)
}

pub(super) fn progress(findings: Vec<Finding>, next: Next) -> Progress {
    Progress {
        settings: Vec::new(),
        findings,
        next,
    }
}

pub(super) fn finding(
    step: &str,
    verdict: Verdict,
    title: impl Into<String>,
    detail: impl Into<String>,
) -> Finding {
    Finding {
        step: step.to_owned(),
        verdict,
        title: title.into(),
        detail: detail.into(),
        remedy: None,
    }
}

/// What a failure of Twilio's says, for whoever runs the flow.
pub(super) fn failed(step: &str, verdict: Verdict, title: &str, error: &Error) -> Finding {
    let code = error.provider_code.as_deref();
    let detail = match code {
        Some(code) => format!("{} (Twilio's code {code})", error.detail),
        None => error.detail.clone(),
    };
    Finding {
        remedy: error.remedy.clone(),
        ..finding(step, verdict, title, detail)
    }
}

/// Whether trying again can help, also where nobody knows if the request arrived: the flow looks first.
pub(super) fn is_passing(error: &Error) -> bool {
    !matches!(error.retry, Retry::Never)
}

pub(super) fn is_refused(error: &Error) -> bool {
    error.code == Code::AuthFailed
}

pub(super) fn question(input: &str) -> Question {
    Question {
        input: input.to_owned(),
        choices: Vec::new(),
        many: false,
    }
}

/// The answer to a question; an empty one is none.
pub(super) fn value<'a>(inputs: &'a [(String, Vec<String>)], name: &str) -> Option<&'a str> {
    let (_, values) = inputs.iter().find(|(known, _)| known == name)?;
    values
        .first()
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
}
