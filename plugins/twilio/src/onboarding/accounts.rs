//! A subaccount for one customer: WhatsApp Business Accounts and (sub)accounts belong together one to one.

use serde_json::Value;
use wharf_plugin::onboarding::{Finding, Progress, Question, Verdict};
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Outcome, Replay, Retry};
use wharf_plugin::types::Field;

use super::credentials::with;
use super::register;
use super::run::{Run, Step, failed, finding, is_passing, is_refused, question, value};
use crate::account::{API, is_sid};
use crate::ask;

const STEP: &str = "account";
/// Subaccounts of one name; more are a mistake.
const SAME_NAME_MAX: usize = 20;
const AGAIN_MS: u32 = 5_000;
/// The choice that is no SID.
const ANOTHER: &str = "new";

/// The account that makes subaccounts: the app's, else the one that was given.
fn parent<'a>(ctx: &'a Context, run: &'a Run) -> Option<(&'a str, &'static str)> {
    let of_app = ctx
        .setting("parent_account_sid")
        .filter(|sid| is_sid(sid, "AC"));
    if let Some(sid) = of_app {
        return Some((sid, "parent_auth_token"));
    }
    let given = run.draft.parent.as_str();
    is_sid(given, "AC").then_some((given, "main_auth_token"))
}

fn ask_parent(run: Run, findings: Vec<Finding>) -> Progress {
    run.ask(
        "The account in which the subaccount is made",
        vec![question("main_account_sid"), question("main_auth_token")],
        Step::Parent,
        findings,
    )
}

pub(super) fn parent_given(
    ctx: &Context,
    mut run: Run,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let sid = value(inputs, "main_account_sid").filter(|sid| is_sid(sid, "AC"));
    let (Some(sid), Some(_)) = (sid, value(inputs, "main_auth_token")) else {
        let mut wrong = finding(
            STEP,
            Verdict::Failed,
            "The credentials are incomplete",
            "They are an account SID and its auth token.",
        );
        wrong.remedy = Some("Copy both from the dashboard of Twilio's console.".to_owned());
        return Ok(ask_parent(run, vec![wrong]));
    };
    sid.clone_into(&mut run.draft.parent);
    find(ctx, run, Vec::new())
}

/// Is there an active subaccount of that name already?
pub(super) fn find(ctx: &Context, run: Run, findings: Vec<Finding>) -> Result<Progress, Error> {
    let Some((sid, token)) = parent(ctx, &run) else {
        return Ok(ask_parent(run, findings));
    };
    let exchange = Exchange::get(
        "subaccount.list",
        format!("https://{API}/2010-04-01/Accounts.json"),
    )
    .basic(sid, token)
    .query_text("FriendlyName", run.draft.account.as_str())
    .query_text("Status", "active")
    .query_text("PageSize", SAME_NAME_MAX.to_string());
    Ok(run.exchange(exchange, Step::Subaccounts, findings))
}

pub(super) fn listed(ctx: &Context, run: Run, outcome: Outcome) -> Result<Progress, Error> {
    let answer = match ask::answer(outcome, Replay::Safe) {
        Ok(answer) => answer,
        Err(error) => return again(run, Step::Subaccounts, error),
    };
    let parent_sid = parent(ctx, &run).map(|(sid, _)| sid.to_owned());
    let accounts = answer["accounts"].as_array();
    let same = accounts.into_iter().flatten().filter_map(|account| {
        let sid = account["sid"].as_str().filter(|sid| is_sid(sid, "AC"))?;
        let is_sub = parent_sid.as_deref() != Some(sid);
        (is_sub && account["friendly_name"] == *run.draft.account).then_some((sid, account))
    });
    let choices: Vec<(String, String)> = same
        .take(SAME_NAME_MAX)
        .map(|(sid, account)| (sid.to_owned(), label(sid, account)))
        .collect();
    if choices.is_empty() {
        return create(ctx, run, Vec::new());
    }
    Ok(which(run, choices))
}

fn label(sid: &str, account: &Value) -> String {
    let created = account["date_created"].as_str().unwrap_or_default();
    let plain: String = created
        .chars()
        .filter(|c| !c.is_control())
        .take(64)
        .collect();
    format!("{sid}, made {plain}")
}

fn which(run: Run, mut choices: Vec<(String, String)>) -> Progress {
    let found = finding(
        STEP,
        Verdict::Warning,
        "There is a subaccount of that name",
        "Go on with it when it is this customer's; numbers of two customers must not share one.",
    );
    choices.push((ANOTHER.to_owned(), "Make another".to_owned()));
    let question = Question {
        input: "account_sid".to_owned(),
        choices,
        many: false,
    };
    run.ask(
        "Which subaccount is it?",
        vec![question],
        Step::Which,
        vec![found],
    )
}

pub(super) fn chosen(
    ctx: &Context,
    run: Run,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    match value(inputs, "account_sid") {
        Some(ANOTHER) => create(ctx, run, Vec::new()),
        Some(sid) if is_sid(sid, "AC") => open(ctx, run, sid, Vec::new()),
        _ => find(ctx, run, Vec::new()),
    }
}

fn create(ctx: &Context, run: Run, findings: Vec<Finding>) -> Result<Progress, Error> {
    let Some((sid, token)) = parent(ctx, &run) else {
        return Ok(ask_parent(run, findings));
    };
    let fields = vec![Field::text("FriendlyName", run.draft.account.as_str())];
    let url = format!("https://{API}/2010-04-01/Accounts.json");
    let exchange = Exchange::post_form("subaccount.create", url, fields)
        .basic(sid, token)
        .capture("/auth_token", "auth_token");
    Ok(run.exchange(exchange, Step::Create, findings))
}

/// When the answer was lost, the list says whether it was made.
pub(super) fn created(ctx: &Context, run: Run, outcome: Outcome) -> Result<Progress, Error> {
    match ask::answer(outcome, Replay::Unsafe) {
        Ok(account) => enter(ctx, run, &account, "The subaccount is made"),
        Err(error) => again(run, Step::Create, error),
    }
}

/// Lifts the token of a subaccount that is there.
pub(super) fn open(
    ctx: &Context,
    run: Run,
    sub: &str,
    findings: Vec<Finding>,
) -> Result<Progress, Error> {
    let Some((sid, token)) = parent(ctx, &run) else {
        return Ok(ask_parent(run, findings));
    };
    let exchange = Exchange::get(
        "subaccount.open",
        format!("https://{API}/2010-04-01/Accounts/{sub}.json"),
    )
    .basic(sid, token)
    .capture("/auth_token", "auth_token");
    Ok(run.exchange(exchange, Step::Token(sub.to_owned()), findings))
}

pub(super) fn opened(
    ctx: &Context,
    run: Run,
    sub: &str,
    outcome: Outcome,
) -> Result<Progress, Error> {
    match ask::answer(outcome, Replay::Safe) {
        Ok(account) => enter(ctx, run, &account, "The subaccount is there"),
        Err(error) => again(run, Step::Token(sub.to_owned()), error),
    }
}

/// From here on the flow asks with the subaccount's own token.
fn enter(ctx: &Context, run: Run, account: &Value, title: &str) -> Result<Progress, Error> {
    let sid = account["sid"].as_str().filter(|sid| is_sid(sid, "AC"));
    let Some(sid) = sid else {
        return Err(Error::malformed(
            "the answer names no account",
            Replay::Unsafe,
        ));
    };
    let settings = vec![("account_sid".to_owned(), sid.to_owned())];
    let ok = finding(STEP, Verdict::Ok, title, format!("Its SID is {sid}."));
    let mut progress = register::look_up(&with(ctx, &settings), run, vec![ok])?;
    progress.settings = settings;
    Ok(progress)
}

fn again(mut run: Run, step: Step, error: Error) -> Result<Progress, Error> {
    if is_passing(&error) && run.has_patience() {
        let waiting = failed(
            STEP,
            Verdict::Waiting,
            "Twilio does not answer for the moment",
            &error,
        );
        return Ok(run.wait(AGAIN_MS, step, vec![waiting]));
    }
    if is_refused(&error) {
        let refused = failed(
            STEP,
            Verdict::Failed,
            "Twilio refuses the main account's credentials",
            &error,
        );
        if run.draft.parent.is_empty() {
            return Err(Error::new(Code::AuthFailed, Retry::Never, refused.detail)
                .remedy("Correct parent_account_sid and parent_auth_token of the app."));
        }
        return Ok(ask_parent(run, vec![refused]));
    }
    Err(error)
}
