//! The conformance suite: what every plugin owes the gateway, whatever its provider.
//!
//! The plugin's own golden cases say how it is used: the first of them that sends is the message that
//! answers are tried on, the first that reads a webhook is the seed that is bent and multiplied.

mod answers;
mod data;
mod inbound;
mod optional;
mod outbound;
mod volume;

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};
use wharf_cases::{Call, Case, Defaults, Subject};

use super::report::Row;
use super::subject::Component;
use super::{cases, policy};

const SUITE: &str = "conformance";
/// More are one mistake seen many times.
const PROBLEMS_MAX: usize = 12;

/// What the checks work on.
struct Suite<'a> {
    component: &'a mut Component,
    defaults: Defaults,
    cases: Vec<Case>,
    rows: Vec<Row>,
}

/// What one check found.
type Found = Result<Vec<String>, Skip>;
/// One check.
type Check = fn(&mut Suite<'_>) -> Found;
/// Why there is nothing to check.
struct Skip(String);

/// Runs the whole suite; `folder` holds the golden cases.
pub fn run(component: &mut Component, folder: &Path, filter: Option<&str>) -> Result<Vec<Row>> {
    let loaded = cases::load(folder)?;
    let mut suite = Suite {
        component,
        defaults: loaded.defaults,
        cases: loaded.cases.into_iter().map(|(_, case)| case).collect(),
        rows: Vec::new(),
    };
    let checks: [(&str, Check); 18] = [
        ("every declared capability is built", outbound::capabilities),
        ("what is not declared is unsupported", outbound::undeclared),
        ("exchanges keep to the permissions", outbound::permitted),
        ("a text arrives verbatim", outbound::verbatim),
        ("no text names a secret", outbound::secret_names),
        ("a keyed exchange carries our id", outbound::keyed),
        ("same input, same output", outbound::deterministic),
        ("statuses mean what they say", answers::statuses),
        ("every transport failure has a meaning", answers::failures),
        ("broken answers are typed errors", answers::broken),
        ("wrong states are typed errors", answers::states),
        ("unknown webhooks are kept", inbound::unknown),
        ("cut and doubled webhooks are survived", inbound::bent),
        ("every unit of time is survived", inbound::times),
        ("every text is survived", inbound::texts),
        ("keys are unique and stable", inbound::keys),
        ("3 MiB and 1,000 changes stay in budget", volume::large),
        ("optional interfaces survive anything", optional::all),
    ];
    for (name, check) in checks {
        if filter.is_some_and(|filter| !name.contains(filter)) {
            continue;
        }
        suite.component.take_used();
        let (mut problems, skipped) = match check(&mut suite) {
            Ok(problems) => (problems, None),
            Err(Skip(reason)) => (Vec::new(), Some(reason)),
        };
        if problems.len() > PROBLEMS_MAX {
            let more = problems.len() - PROBLEMS_MAX;
            problems.truncate(PROBLEMS_MAX);
            problems.push(format!("and {more} more of this kind"));
        }
        let used = suite.component.take_used();
        suite.rows.push(Row {
            suite: SUITE,
            name: name.to_owned(),
            problems,
            skipped,
            used,
        });
    }
    Ok(suite.rows)
}

impl Suite<'_> {
    /// The settings of the first case that sends, else the defaults.
    fn context(&self) -> Value {
        let sends = self
            .cases
            .iter()
            .find(|case| matches!(case.call, Call::Outbound(_)));
        match sends {
            Some(case) => case.context.clone(),
            None => self.defaults.context(&Map::new()),
        }
    }

    /// A message with this content, from the sender of the cases.
    fn message(&self, content: &Value) -> Value {
        let mut own = Map::new();
        let sent = self.cases.iter().find_map(|case| match &case.call {
            Call::Outbound(message) => Some(message),
            _ => None,
        });
        if let Some(sent) = sent {
            own.insert("sender".to_owned(), sent["sender"].clone());
        } else {
            let settings = policy::settings(&self.context());
            let name = &self.component.plugin().descriptor().sender_setting;
            if let Some((_, sender)) = settings.iter().find(|(setting, _)| setting == name) {
                own.insert("sender".to_owned(), json!(sender));
            }
        }
        own.insert("content".to_owned(), content.clone());
        self.defaults.message(&own)
    }

    fn start(&mut self, context: &Value, message: &Value) -> Result<Value, String> {
        let call = Call::Outbound(message.clone());
        let (function, arguments) = call.start(context);
        self.component.call(function, arguments)
    }

    fn resume(
        &mut self,
        context: &Value,
        message: &Value,
        state: &Value,
        outcome: &Value,
    ) -> Result<Value, String> {
        let call = Call::Outbound(message.clone());
        match call.resume(context, state.clone(), outcome) {
            Some((function, arguments)) => self.component.call(function, arguments),
            None => Err("a message has no further step".to_owned()),
        }
    }

    /// One page of a webhook.
    fn parse(&mut self, context: &Value, webhook: &Value, skip: u32) -> Result<Value, String> {
        let call = Call::Inbound(webhook.clone());
        let (function, mut arguments) = call.start(context);
        if let Some(last) = arguments.last_mut() {
            *last = json!(skip);
        }
        self.component.call(function, arguments)
    }

    fn declares(&self, capability: &str) -> bool {
        let descriptor = self.component.plugin().descriptor();
        descriptor
            .capabilities
            .iter()
            .any(|declared| declared.name == capability)
    }

    /// The message that answers are tried on, and its exchange.
    fn sent(&mut self) -> Result<(Value, Value, Value), Skip> {
        let context = self.context();
        let contents = data::contents().map_err(Skip)?;
        let contents = contents
            .iter()
            .filter(|sample| sample.capabilities.iter().any(|name| self.declares(name)))
            .map(|sample| sample.content.clone())
            .collect::<Vec<_>>();
        for content in contents {
            let message = self.message(&content);
            if let Ok(result) = self.start(&context, &message)
                && result["exchange"].is_object()
            {
                return Ok((context, message, result["exchange"].clone()));
            }
        }
        Err(Skip(
            "no message leads to an exchange; declare a capability, and give the settings that it \
             needs in cases/defaults.json"
                .to_owned(),
        ))
    }
}

/// The code of a failure, when the result is one.
fn code(result: &Value) -> Option<&str> {
    result.pointer("/error/code").and_then(Value::as_str)
}

/// The advice of a failure: the name of its case.
fn retry(result: &Value) -> &str {
    match &result["error"]["retry"] {
        Value::String(name) => name,
        Value::Object(members) => members.keys().next().map_or("", String::as_str),
        _ => "",
    }
}
