//! What a flow that connects carries from step to step, and what a step can come to.

use serde::{Deserialize, Serialize};
use wharf_plugin::flow::Flow;
use wharf_plugin::onboarding::{
    Alphabet, Connected, Finding, Finished, Mint, Next, Pause, Progress, Prompt, Question, Verdict,
    Visit,
};
use wharf_plugin::prelude::{Context, Error, Exchange};

use super::flows::{CREDENTIALS, LOGIN, RETRY, SKIP, STOP};
use crate::call::Calls;

/// Raise the version when a step changes.
const FLOW: Flow<State> = Flow::new("connect", 1);
/// A title is for people; a hundred of them have to fit into a state.
const TITLE_BYTES_MAX: usize = 48;
const PIN_DIGITS: u8 = 6;

/// How the token came.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    /// Out of Meta's window in the page.
    Popup,
    /// With a browser that came back.
    Browser,
    /// Typed in.
    Manual,
}

/// What is kept between calls.
#[derive(Serialize, Deserialize)]
struct State(Run, At);

/// What the flow knows. At most 16 KiB as a state.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) way: Way,
    /// Numbers stay in the WhatsApp Business app.
    pub(super) coexist: bool,
    /// The token was exchanged for one that lives longer.
    pub(super) extended: bool,
    /// What the browser or a person named. Not to be trusted.
    pub(super) hint_account: String,
    pub(super) hint_number: String,
    /// What the token was given. Empty once the account is chosen, or when Meta names none.
    pub(super) accounts: Vec<String>,
    pub(super) account: String,
    /// The account's numbers with their titles; empty once they are chosen.
    pub(super) found: Vec<(String, String)>,
    /// Numbers still to connect.
    pub(super) left: Vec<String>,
    pub(super) number: Number,
    /// Connected, with their titles.
    pub(super) made: Vec<(String, String)>,
    pub(super) tries: u8,
}

/// The number that is being connected.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Number {
    pub(super) id: String,
    pub(super) title: String,
    /// Its PIN has been made.
    pub(super) minted: bool,
    /// It is registered with the PIN that a person entered.
    pub(super) by_present_pin: bool,
    /// This flow registered it.
    pub(super) registered: bool,
    /// It was verified, or a person wants to try without.
    pub(super) verified: bool,
}

/// A step that can be begun, and begun again.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Goal {
    Login,
    Extend,
    Inspect,
    Subscribed,
    Subscribe,
    Numbers,
    Look,
    SendCode { voice: bool },
    Verify,
    Register,
    ReplacePin,
    AlignPin,
    Contacts,
    History,
}

/// What the flow waits for.
#[derive(Serialize, Deserialize)]
pub(super) enum At {
    Outcome(Goal),
    /// What to do about a step that failed.
    Decide(Goal),
    /// The browser's return.
    Away,
    Credentials,
    Account,
    Chosen,
    Pin,
    /// How to verify the number.
    Method,
    Code,
    Minted,
    Later(Goal),
}

/// One call: what it began with, and what it has said so far.
pub(super) struct Turn<'c> {
    pub(super) ctx: &'c Context,
    pub(super) calls: Calls,
    pub(super) run: Run,
    findings: Vec<Finding>,
    settings: Vec<(String, String)>,
}

impl<'c> Turn<'c> {
    pub(super) fn begin(ctx: &'c Context, way: Way, coexist: bool) -> Result<Self, Error> {
        let run = Run {
            way,
            coexist,
            extended: false,
            hint_account: String::new(),
            hint_number: String::new(),
            accounts: Vec::new(),
            account: String::new(),
            found: Vec::new(),
            left: Vec::new(),
            number: Number::default(),
            made: Vec::new(),
            tries: 0,
        };
        Self::of(ctx, run)
    }

    pub(super) fn resume(ctx: &'c Context, state: &[u8]) -> Result<(Self, At), Error> {
        let State(run, at) = FLOW.step(state)?;
        Ok((Self::of(ctx, run)?, at))
    }

    fn of(ctx: &'c Context, run: Run) -> Result<Self, Error> {
        Ok(Self {
            ctx,
            calls: Calls::of(ctx)?,
            run,
            findings: Vec::new(),
            settings: Vec::new(),
        })
    }

    pub(super) fn ok(&mut self, step: &str, title: &str, detail: &str) {
        self.say(step, Verdict::Ok, title, detail, None);
    }

    pub(super) fn warn(&mut self, step: &str, title: &str, detail: &str, remedy: &str) {
        self.say(step, Verdict::Warning, title, detail, Some(remedy));
    }

    pub(super) fn failed(&mut self, step: &str, title: &str, detail: &str, remedy: &str) {
        self.say(step, Verdict::Failed, title, detail, Some(remedy));
    }

    pub(super) fn say(
        &mut self,
        step: &str,
        verdict: Verdict,
        title: &str,
        detail: &str,
        remedy: Option<&str>,
    ) {
        self.findings
            .push(finding(step, verdict, title, detail, remedy));
    }

    /// A setting that holds from here on.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn send(self, exchange: Exchange, goal: Goal) -> Progress {
        let exchange = exchange.state(self.state(At::Outcome(goal)));
        self.progress(Next::Exchange(exchange))
    }

    pub(super) fn ask(self, title: &str, questions: Vec<Question>, at: At) -> Progress {
        let prompt = Prompt {
            title: title.to_owned(),
            questions,
            state: self.state(at),
        };
        self.progress(Next::Ask(prompt))
    }

    pub(super) fn wait(self, ms: u32, goal: Goal) -> Progress {
        let state = self.state(At::Later(goal));
        self.progress(Next::Wait(Pause { ms, state }))
    }

    pub(super) fn visit(self, mut visit: Visit) -> Progress {
        visit.state = self.state(At::Away);
        self.progress(Next::Visit(visit))
    }

    /// A PIN for the number, which nobody sees.
    pub(super) fn mint_pin(self) -> Progress {
        let mint = Mint {
            secret: self.pin(),
            alphabet: Alphabet::Digits,
            length: PIN_DIGITS,
            state: self.state(At::Minted),
        };
        self.progress(Next::Mint(mint))
    }

    /// The secret with the number's minted PIN.
    pub(super) fn pin(&self) -> String {
        format!("pin/{}", slot(&self.run.number.id))
    }

    /// The end: the account, and what of its numbers was connected.
    pub(super) fn done(self) -> Progress {
        let channels = self.run.made.iter().map(|(id, title)| Connected {
            slot: slot(id),
            sender: id.clone(),
            title: title.clone(),
            settings: vec![("phone_number_id".to_owned(), id.clone())],
        });
        let account = (!self.run.account.is_empty())
            .then(|| ("waba_id".to_owned(), self.run.account.clone()));
        let finished = Finished {
            settings: account.into_iter().collect(),
            channels: channels.collect(),
        };
        self.progress(Next::Done(finished))
    }

    /// A step that failed: what it says, and a person's decision.
    pub(super) fn fail(mut self, goal: Goal, error: &Error) -> Progress {
        let (step, title) = failed_title(goal);
        let detail = match &error.provider_code {
            Some(code) => format!("{} ({code})", error.detail),
            None => error.detail.clone(),
        };
        let remedy = error.remedy.as_deref().unwrap_or("Try again in a while.");
        self.failed(step, title, &detail, remedy);
        self.decide(goal)
    }

    /// Asks how to go on after a step that failed.
    pub(super) fn decide(self, goal: Goal) -> Progress {
        let anew = match self.run.way {
            Way::Manual => Some((CREDENTIALS, "Enter other credentials")),
            // Without a configuration there is no page to send a browser to.
            Way::Popup | Way::Browser => self
                .ctx
                .setting("signup_config_id")
                .map(|_| (LOGIN, "Log in at Meta again")),
        };
        let stop = (STOP, "End here, with what is connected");
        let retry = (RETRY, "Try again");
        let mut choices = Vec::new();
        match goal {
            // A code is good once.
            Goal::Login => {}
            _ => choices.push(retry),
        }
        match goal {
            Goal::Login | Goal::Extend | Goal::Inspect | Goal::Numbers => choices.extend(anew),
            Goal::Subscribed | Goal::Subscribe => {
                choices.extend(anew);
                choices.push((SKIP, "Go on without webhooks"));
            }
            Goal::Contacts | Goal::History => choices.push((SKIP, "Go on without")),
            _ => choices.push((SKIP, "Leave this number out")),
        }
        choices.push(stop);
        self.ask(
            "How is it to go on?",
            vec![decision(&choices)],
            At::Decide(goal),
        )
    }

    fn state(&self, at: At) -> Vec<u8> {
        FLOW.state(&State(self.run.clone(), at))
    }

    fn progress(self, next: Next) -> Progress {
        Progress {
            settings: self.settings,
            findings: self.findings,
            next,
        }
    }
}

pub(super) fn finding(
    step: &str,
    verdict: Verdict,
    title: &str,
    detail: &str,
    remedy: Option<&str>,
) -> Finding {
    Finding {
        step: step.to_owned(),
        verdict,
        title: title.to_owned(),
        detail: detail.to_owned(),
        remedy: remedy.map(str::to_owned),
    }
}

pub(super) fn decision(choices: &[(&str, &str)]) -> Question {
    let own = |(value, label): &(&str, &str)| ((*value).to_owned(), (*label).to_owned());
    Question {
        input: "decision".to_owned(),
        choices: choices.iter().map(own).collect(),
        many: false,
    }
}

/// An input without choices of its own.
pub(super) fn question(input: &str) -> Question {
    Question {
        input: input.to_owned(),
        choices: Vec::new(),
        many: false,
    }
}

/// A slot is a name, and names begin with a letter.
pub(super) fn slot(id: &str) -> String {
    format!("n{id}")
}

/// A name on one line, short, and of characters that need no escape in a state.
pub(super) fn title(text: &str) -> String {
    let mut title = String::new();
    let plain = text
        .chars()
        .filter(|char| !char.is_control() && !matches!(char, '"' | '\\'));
    for char in plain {
        if title.len() + char.len_utf8() > TITLE_BYTES_MAX {
            break;
        }
        title.push(char);
    }
    title
}

fn failed_title(goal: Goal) -> (&'static str, &'static str) {
    match goal {
        Goal::Login => ("login", "The login did not end in a token"),
        Goal::Extend => ("token", "The token was not exchanged for a longer one"),
        Goal::Inspect => ("token", "The token could not be checked"),
        Goal::Subscribed => ("subscribe", "The account's subscriptions could not be read"),
        Goal::Subscribe => ("subscribe", "The account could not be subscribed to"),
        Goal::Numbers => ("numbers", "The account's numbers could not be listed"),
        Goal::Look => ("register", "The number could not be looked at"),
        Goal::SendCode { .. } => ("register", "No code was sent to the number"),
        Goal::Verify => ("register", "The number was not verified"),
        Goal::Register => ("register", "The number was not registered"),
        Goal::ReplacePin | Goal::AlignPin => ("register", "The number's PIN was not changed"),
        Goal::Contacts => ("sync", "The contacts were not asked for"),
        Goal::History => ("sync", "The history was not asked for"),
    }
}

/// The end of a flow that connects nothing.
pub(super) fn done(findings: Vec<Finding>) -> Progress {
    let finished = Finished {
        settings: Vec::new(),
        channels: Vec::new(),
    };
    progress(findings, Next::Done(finished))
}

/// A step of a flow that sets nothing.
pub(super) fn progress(findings: Vec<Finding>, next: Next) -> Progress {
    Progress {
        settings: Vec::new(),
        findings,
        next,
    }
}
