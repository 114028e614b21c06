//! One number after the other: its key, a first question to it, its webhook. A number that fails leaves the
//! others alone, and can be tried again.

use serde_json::Value;
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::onboarding::{Finding, Next, Progress, Prompt, Verdict};
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;

use super::work::{FLOW, Number, Stage, Step, Work};
use super::{ask_key, failed, finding, finish, listing, progress, question, signup, wait};
use crate::address::{API, WEBHOOK_HEADER, WEBHOOK_SECRET, api_with, hub, is_segment};
use crate::descriptor::{CHANNEL_ID, MAIN, SENDER, TAKEOVER};
use crate::{failure, health};

/// Of one exchange, in all; beyond it a person decides.
const TRIES_MAX: u8 = 4;
const TRY_AGAIN_MS: u64 = 5_000;
const TRY_AGAIN_MS_MAX: u64 = 600_000;
/// Between two numbers: what is done is saved then, and each has its full count of steps.
const NEXT_MS: u32 = 100;

/// The next thing to do for the present number, or for the one after it.
pub(super) fn go_on(
    ctx: &Context,
    mut work: Work,
    findings: Vec<Finding>,
) -> Result<Progress, Error> {
    let Some(number) = work.number() else {
        return finish::end(work, findings);
    };
    if number.failed || number.stage == Stage::Done {
        work.at += 1;
        work.tries = 0;
        return match work.number() {
            None => finish::end(work, findings),
            Some(_) => Ok(wait(findings, NEXT_MS, &Step::Go(work))),
        };
    }
    let key = work.key();
    let exchange = match number.stage {
        Stage::Listed => return listing::list(ctx, work, findings),
        Stage::Keys if ctx.setting(TAKEOVER) == Some("true") => {
            work.stage(Stage::Create);
            create(ctx, &work)?
        }
        Stage::Keys => hub(
            "onboarding.keys",
            HttpMethod::Get,
            signup::partner(ctx)?,
            &keys_path(number)?,
        ),
        Stage::Create => create(ctx, &work)?,
        Stage::Health => health::status_exchange(&key),
        Stage::Sender => return Ok(ask_sender(work, findings)),
        Stage::Hook | Stage::Done => hook(&key),
    };
    let exchange = FLOW.ask(exchange, &Step::Run(work));
    Ok(progress(findings, Next::Exchange(exchange)))
}

fn keys_path(number: &Number) -> Result<String, Error> {
    if !is_segment(&number.id) {
        return Err(Error::setting(
            CHANNEL_ID,
            "must be the ID that the Partner Hub shows",
        ));
    }
    Ok(format!("channels/{}/api_keys", number.id))
}

/// A new key replaces the former one; so doing it twice leaves one that works, the last.
fn create(ctx: &Context, work: &Work) -> Result<Exchange, Error> {
    let path = work
        .number()
        .map(keys_path)
        .transpose()?
        .unwrap_or_default();
    let exchange = hub(
        "onboarding.key",
        HttpMethod::Post,
        signup::partner(ctx)?,
        &path,
    )
    .json("{}")
    .capture("/api_key", &work.key())
    .replay(Replay::Safe);
    Ok(exchange)
}

/// Where webhooks go, and what they carry to prove themselves.
fn hook(key: &str) -> Exchange {
    api_with(
        "onboarding.webhook",
        HttpMethod::Post,
        "v1/configs/webhook",
        key,
    )
    .json(r#"{"headers":{}}"#)
    .insert("/url", vec![piece::webhook_url(MAIN)])
    .insert(
        &format!("/headers/{WEBHOOK_HEADER}"),
        vec![piece::secret(WEBHOOK_SECRET)],
    )
    .replay(Replay::Safe)
}

/// The present number's exchange has ended.
pub(super) fn ran(ctx: &Context, mut work: Work, outcome: Outcome) -> Result<Progress, Error> {
    let Some(number) = work.number() else {
        return finish::end(work, Vec::new());
    };
    let name = number.name();
    let result = match number.stage {
        Stage::Keys => keys_read(&mut work, &name, outcome),
        Stage::Create => created(&mut work, &name, outcome),
        Stage::Health => answered(ctx, &mut work, &name, outcome),
        Stage::Hook => hooked(&mut work, &name, outcome),
        Stage::Listed | Stage::Sender | Stage::Done => Err(super::no_exchange()),
    };
    match result {
        Ok(finding) => go_on(ctx, work, finding.into_iter().collect()),
        Err(error) => stumbled(ctx, work, error),
    }
}

/// Whether somebody has a key for the number. Whoever runs the flow names the number by what their browser
/// says, so without this anybody could take away the numbers of the partner's other customers.
fn keys_read(work: &mut Work, name: &str, outcome: Outcome) -> Result<Option<Finding>, Error> {
    let is_none = matches!(&outcome, Outcome::Response(response) if response.status == 404);
    let count = match is_none {
        true => 0,
        false => one_shot_or(
            outcome,
            Replay::Safe,
            |response| count_of(&response.json()?),
            |response| failure::of_hub(response, Replay::Safe),
        )?,
    };
    if count > 0 {
        return Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            format!("{name} has an API key already, which a new one would cut off"),
        )
        .remedy("Delete the number's API key in the 360dialog Hub if nobody needs it, then try it again; `takeover` in the app's settings allows it for all numbers."));
    }
    work.stage(Stage::Create);
    Ok(None)
}

/// How many a list holds: bare, or a member beside its counts. None for what is no list.
fn count_of(body: &Value) -> Option<u64> {
    let objects = |list: &Vec<Value>| {
        let count = list.iter().filter(|entry| entry.is_object()).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    };
    match body {
        Value::Array(list) => Some(objects(list)),
        Value::Object(members) => {
            let counted = ["total", "count"]
                .iter()
                .filter_map(|name| body[*name].as_u64());
            let listed = members.values().filter_map(Value::as_array).map(objects);
            counted.chain(listed).max()
        }
        _ => None,
    }
}

/// The key itself is captured; what is left says where it is good for.
fn created(work: &mut Work, name: &str, outcome: Outcome) -> Result<Option<Finding>, Error> {
    let address = one_shot_or(
        outcome,
        Replay::Safe,
        |response| {
            let body: Value = response.json()?;
            Some(body["address"].as_str().unwrap_or_default().to_owned())
        },
        |response| failure::of_hub(response, Replay::Safe),
    )?;
    let host = address.trim_start_matches("https://").trim_end_matches('/');
    if !host.is_empty() && host != API {
        return Err(Error::new(
            Code::Unsupported,
            Retry::Never,
            format!("the key of {name} is for `{host}`, and this plugin speaks to {API} only"),
        )
        .remedy("Have the number moved to 360dialog's Cloud API."));
    }
    work.stage(Stage::Health);
    Ok(Some(finding(
        "key",
        Verdict::Ok,
        format!("{name} has a new API key"),
        "It is stored; earlier keys no longer work.",
    )))
}

/// The first question with the key; its answer names the number and the account as webhooks do.
fn answered(
    ctx: &Context,
    work: &mut Work,
    name: &str,
    outcome: Outcome,
) -> Result<Option<Finding>, Error> {
    let status = one_shot_or(outcome, Replay::Safe, health::read, |response| {
        failure::of(response, Replay::Safe)
    })?;
    let sender = health::id_of(&status, "PHONE_NUMBER").unwrap_or_default();
    let known = ctx.setting(SENDER).filter(|_| work.mends);
    if let Some(known) = known.filter(|known| !sender.is_empty() && *known != sender) {
        return Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            format!("the key belongs to the number with the ID {sender}, this channel is {known}"),
        )
        .remedy("Use the API key of this channel's number."));
    }
    let needs_id = sender.is_empty() && !work.mends;
    if let Some(number) = work.numbers.get_mut(work.at) {
        number.sender = sender;
        number.waba = health::id_of(&status, "WABA").unwrap_or_default();
    }
    work.stage(if needs_id { Stage::Sender } else { Stage::Hook });
    let overall = status["can_send_message"].as_str().unwrap_or_default();
    let (verdict, title) = match overall {
        "AVAILABLE" => (Verdict::Ok, format!("{name} may send")),
        _ => (Verdict::Warning, format!("{name} may not send freely yet")),
    };
    let mut finding = finding(
        "number",
        verdict,
        title,
        format!("360dialog says {overall}."),
    );
    if verdict != Verdict::Ok {
        finding.remedy = Some("See the channel's health for what stands in its way.".to_owned());
    }
    Ok(Some(finding))
}

fn hooked(work: &mut Work, name: &str, outcome: Outcome) -> Result<Option<Finding>, Error> {
    one_shot_or(
        outcome,
        Replay::Safe,
        |_| Some(()),
        |response| failure::of(response, Replay::Safe),
    )?;
    work.stage(Stage::Done);
    Ok(Some(finding(
        "webhook",
        Verdict::Ok,
        format!("Webhooks of {name} come to this gateway"),
        "360dialog sends a secret header with each of them.",
    )))
}

fn ask_sender(work: Work, findings: Vec<Finding>) -> Progress {
    let name = work.number().map_or_else(String::new, Number::name);
    let prompt = Prompt {
        title: format!("360dialog did not name the phone number ID of {name}"),
        questions: vec![question(SENDER, Vec::new(), false)],
        state: FLOW.state(&Step::Sender(work)),
    };
    progress(findings, Next::Ask(prompt))
}

pub(super) fn named(ctx: &Context, mut work: Work, ids: Vec<&str>) -> Result<Progress, Error> {
    let Some(id) = ids
        .first()
        .map(|id| id.trim())
        .filter(|id| health::is_digits(id))
    else {
        return Err(Error::invalid("a phone number ID has digits only")
            .remedy("Copy the ID (not the number) from WhatsApp Manager."));
    };
    if let Some(number) = work.numbers.get_mut(work.at) {
        id.clone_into(&mut number.sender);
    }
    work.stage(Stage::Hook);
    go_on(ctx, work, Vec::new())
}

/// An exchange failed: once more a little later, or the number is left for a person.
fn stumbled(ctx: &Context, mut work: Work, error: Error) -> Result<Progress, Error> {
    let stage = work.number().map_or(Stage::Done, |number| number.stage);
    // A key may be known everywhere only seconds after it was created.
    let is_fresh_key = error.code == Code::AuthFailed
        && stage == Stage::Health
        && work.number().is_some_and(|number| !number.id.is_empty());
    if let Some(wait_ms) = try_again_ms(&error, work.tries, is_fresh_key) {
        work.tries += 1;
        return Ok(wait(Vec::new(), wait_ms, &Step::Go(work)));
    }
    let (step, title) = match stage {
        Stage::Listed | Stage::Keys | Stage::Create => ("key", "no API key was created for"),
        Stage::Health | Stage::Sender => ("number", "360dialog does not let us use"),
        Stage::Hook | Stage::Done => ("webhook", "the webhook was not set for"),
    };
    let name = work.number().map_or_else(String::new, Number::name);
    let finding = failed(step, format!("Failed: {title} {name}"), &error);
    let is_own_key = work.number().is_some_and(|number| number.id.is_empty());
    if is_own_key && stage == Stage::Health && error.code == Code::AuthFailed {
        return Ok(ask_key(work, vec![finding]));
    }
    // Of a single number there is nothing to save by going on.
    if is_own_key || work.mends {
        return Err(error);
    }
    work.fail();
    go_on(ctx, work, vec![finding])
}

/// The list of channels failed: it is everybody's, so it is tried again or the flow stops here.
pub(super) fn stumbled_listing(mut work: Work, error: Error) -> Result<Progress, Error> {
    match try_again_ms(&error, work.tries, false) {
        Some(wait_ms) => {
            work.tries += 1;
            Ok(wait(Vec::new(), wait_ms, &Step::Poll(work)))
        }
        None => Err(error),
    }
}

/// 5, 10, 20 s, or as long as the provider says, up to ten minutes.
fn try_again_ms(error: &Error, tries: u8, is_fresh_key: bool) -> Option<u32> {
    if tries.saturating_add(1) >= TRIES_MAX {
        return None;
    }
    let wait_ms = match error.retry {
        Retry::AfterMs(wait_ms) => wait_ms,
        Retry::Backoff => TRY_AGAIN_MS << tries,
        Retry::Never | Retry::Uncertain if is_fresh_key => TRY_AGAIN_MS << tries,
        Retry::Never | Retry::Uncertain => return None,
    };
    u32::try_from(wait_ms.min(TRY_AGAIN_MS_MAX)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_counted_in_any_list() {
        for (body, count) in [
            (json!([]), Some(0)),
            (json!([{ "id": "K1" }]), Some(1)),
            (
                json!({ "api_keys": [{}, {}], "count": 2, "total": 2 }),
                Some(2),
            ),
            (
                json!({ "count": 0, "total": 0, "api_keys": [], "sort": ["id"] }),
                Some(0),
            ),
            (json!({ "api_keys": [] }), Some(0)),
            (json!({ "total": 0 }), Some(0)),
            (json!({}), None),
            (json!("x"), None),
        ] {
            assert_eq!(count_of(&body), count, "{body}");
        }
    }
}
