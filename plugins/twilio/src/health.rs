//! What Twilio says of the account, its money and the number.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_plugin::HealthProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::health::{Finding, Progress, Report, Verdict};
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Outcome, Replay};

use crate::Twilio;
use crate::account::{API, account_sid, account_url};
use crate::ask;
use crate::senders::{self, Found, Sender};

#[derive(Serialize, Deserialize)]
enum Step {
    Account,
    Balance(Facts),
    Sender(Facts),
}

/// What is known so far.
#[derive(Default, Serialize, Deserialize)]
struct Facts {
    status: String,
    kind: String,
    name: String,
    /// Amount and currency.
    balance: Option<(String, String)>,
}

const HEALTH: Flow<Step> = Flow::new("health", 1);

impl HealthProvider for Twilio {
    fn health_start(ctx: &Context) -> Result<Progress, Error> {
        let url = format!(
            "https://{API}/2010-04-01/Accounts/{}.json",
            account_sid(ctx)?
        );
        Ok(HEALTH
            .ask(
                as_account(ctx, Exchange::get("health.account", url))?,
                &Step::Account,
            )
            .into())
    }

    fn health_resume(ctx: &Context, state: &[u8], outcome: Outcome) -> Result<Progress, Error> {
        match HEALTH.step(state)? {
            Step::Account => account(ctx, outcome),
            Step::Balance(facts) => balance(ctx, facts, outcome),
            Step::Sender(facts) => sender(ctx, facts, outcome),
        }
    }
}

/// Accounts are shown to their own token, not to every API key.
fn as_account(ctx: &Context, exchange: Exchange) -> Result<Exchange, Error> {
    Ok(exchange.basic(account_sid(ctx)?, "auth_token"))
}

fn account(ctx: &Context, outcome: Outcome) -> Result<Progress, Error> {
    let account = match ask::answer(outcome, Replay::Safe) {
        Ok(account) => account,
        Err(error) if error.code == Code::AuthFailed => return Ok(Progress::Done(refused(&error))),
        Err(error) => return Err(error),
    };
    let text = |name: &str| word(&account[name]).unwrap_or_default();
    let facts = Facts {
        status: text("status"),
        kind: text("type"),
        name: text("friendly_name"),
        balance: None,
    };
    // Subaccounts spend their parent's money and show none of their own.
    if text("owner_account_sid") != text("sid") {
        return find(ctx, &facts);
    }
    let exchange = Exchange::get("health.balance", account_url(ctx, "Balance.json")?);
    Ok(HEALTH
        .ask(as_account(ctx, exchange)?, &Step::Balance(facts))
        .into())
}

/// Of an answer, what a state has room for beside the rest.
fn word(value: &Value) -> Option<String> {
    const CHARS_MAX: usize = 100;
    Some(value.as_str()?.chars().take(CHARS_MAX).collect())
}

/// Without it the rest is as true.
fn balance(ctx: &Context, mut facts: Facts, outcome: Outcome) -> Result<Progress, Error> {
    if let Ok(answer) = ask::answer(outcome, Replay::Safe) {
        let text = |name: &str| word(&answer[name]);
        facts.balance = text("balance").zip(text("currency"));
    }
    find(ctx, &facts)
}

fn find(ctx: &Context, facts: &Facts) -> Result<Progress, Error> {
    let step = Step::Sender(Facts {
        status: facts.status.clone(),
        kind: facts.kind.clone(),
        name: facts.name.clone(),
        balance: facts.balance.clone(),
    });
    Ok(HEALTH.ask(senders::find(ctx)?, &step).into())
}

fn sender(ctx: &Context, facts: Facts, outcome: Outcome) -> Result<Progress, Error> {
    let sender = match senders::found(ctx, outcome) {
        Ok(Found::More(exchange)) => {
            return Ok(HEALTH.ask(*exchange, &Step::Sender(facts)).into());
        }
        Ok(Found::Sender(sender)) => Some(sender),
        Ok(Found::Nowhere) => None,
        Err(error) if error.code == Code::AuthFailed => return Ok(Progress::Done(refused(&error))),
        // A SID that is no longer there.
        Err(error) if error.provider_code.as_deref() == Some("20404") => None,
        Err(error) => return Err(error),
    };
    let mut findings = vec![of_account(&facts)];
    findings.extend(of_balance(&facts));
    findings.extend(of_sender(sender.as_deref()));
    Ok(Progress::Done(Report {
        verdict: worst(&findings),
        findings,
        token_expires: None,
        quality: sender.as_ref().and_then(|sender| sender.quality.clone()),
        messaging_limit: sender.as_ref().and_then(|sender| sender.limit.clone()),
        messages_per_second: None,
    }))
}

fn refused(error: &Error) -> Report {
    Report {
        verdict: Verdict::Blocked,
        findings: vec![Finding {
            verdict: Verdict::Blocked,
            title: "Twilio refuses the credentials".to_owned(),
            detail: error.detail.clone(),
            remedy: Some(
                "Copy account SID and auth token from Twilio's console again; after a rotation the new token must be primary."
                    .to_owned(),
            ),
        }],
        token_expires: None,
        quality: None,
        messaging_limit: None,
        messages_per_second: None,
    }
}

fn finding(
    verdict: Verdict,
    title: impl Into<String>,
    detail: String,
    remedy: Option<&str>,
) -> Finding {
    Finding {
        verdict,
        title: title.into(),
        detail,
        remedy: remedy.map(str::to_owned),
    }
}

fn of_account(facts: &Facts) -> Finding {
    let detail = format!("The account {:?} is {}.", facts.name, facts.status);
    match (facts.status.as_str(), facts.kind.as_str()) {
        ("active", "Trial") => finding(
            Verdict::Degraded,
            "The account is a trial",
            detail,
            Some("Upgrade the account: a trial reaches verified numbers only."),
        ),
        ("active", _) => finding(Verdict::Ok, "The account is active", detail, None),
        ("suspended", _) => finding(
            Verdict::Blocked,
            "The account is suspended",
            detail,
            Some(
                "Settle what Twilio's console asks for; a suspended parent suspends its subaccounts too.",
            ),
        ),
        ("closed", _) => finding(
            Verdict::Blocked,
            "The account is closed",
            detail,
            Some("Connect the number through another account."),
        ),
        _ => finding(
            Verdict::Unknown,
            "The account's state is unknown",
            detail,
            None,
        ),
    }
}

fn of_balance(facts: &Facts) -> Option<Finding> {
    let (amount, currency) = facts.balance.as_ref()?;
    let detail = format!("{amount} {currency} are left.");
    let is_spent = amount
        .trim()
        .parse::<f64>()
        .is_ok_and(|amount| amount <= 0.0);
    Some(match is_spent {
        true => finding(
            Verdict::Degraded,
            "The balance is used up",
            detail,
            Some("Add funds in Twilio's console, or switch on auto-recharge."),
        ),
        false => finding(Verdict::Ok, "There is a balance", detail, None),
    })
}

fn of_sender(sender: Option<&Sender>) -> Vec<Finding> {
    let Some(sender) = sender else {
        let error = senders::not_registered();
        return vec![finding(
            Verdict::Blocked,
            "The number is no sender of this account",
            error.detail,
            error.remedy.as_deref(),
        )];
    };
    let detail = format!("Twilio says {} of {}.", sender.status, sender.number);
    let mut findings = vec![match sender.status.as_str() {
        _ if sender.is_online() => finding(Verdict::Ok, "The number is online", detail, None),
        "OFFLINE" => finding(
            Verdict::Blocked,
            "The number is offline",
            detail,
            Some("See the reasons beside this; without any, open the sender in Twilio's console."),
        ),
        "CREATING"
        | "PENDING_VERIFICATION"
        | "VERIFYING"
        | "TWILIO_REVIEW"
        | "DRAFT"
        | "STUBBED" => finding(
            Verdict::Blocked,
            "The number is not registered to the end",
            detail,
            Some("Run the flow that registers numbers for it again: it goes on where it is."),
        ),
        _ => finding(
            Verdict::Unknown,
            "The number's state is unknown",
            detail,
            None,
        ),
    }];
    findings.extend(sender.reasons.iter().map(|reason| {
        let detail = format!("{}: {}", reason.code, reason.message);
        finding(
            Verdict::Blocked,
            "A reason for being offline",
            detail,
            Some(reason.remedy()),
        )
    }));
    findings.extend(of_quality(sender));
    findings
}

fn of_quality(sender: &Sender) -> Option<Finding> {
    let quality = sender.quality.as_deref()?;
    let detail = format!("WhatsApp rates the number {quality}.");
    Some(match quality.to_ascii_uppercase().as_str() {
        "HIGH" | "GREEN" => finding(Verdict::Ok, "The quality is good", detail, None),
        "MEDIUM" | "YELLOW" => finding(
            Verdict::Degraded,
            "The quality is falling",
            detail,
            Some("Send fewer unexpected messages and give people a way to opt out."),
        ),
        "LOW" | "RED" => finding(
            Verdict::Degraded,
            "The quality is low",
            detail,
            Some("Stop marketing for now: WhatsApp lowers the limit of numbers that people block."),
        ),
        _ => finding(
            Verdict::Unknown,
            "The quality is not known yet",
            detail,
            None,
        ),
    })
}

fn worst(findings: &[Finding]) -> Verdict {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Ok => 0,
        Verdict::Unknown => 1,
        Verdict::Degraded => 2,
        Verdict::Blocked => 3,
    };
    let verdicts = findings.iter().map(|finding| finding.verdict);
    verdicts
        .max_by_key(|verdict| rank(*verdict))
        .unwrap_or(Verdict::Unknown)
}
