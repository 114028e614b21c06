//! Runs a case: the first call, then one call a step, each with the state of the one before.

use serde_json::{Value, json};

use crate::call::{Call, Function};
use crate::case::{Case, StepInput};

/// A webhook of 2,000 items a page has far fewer; more is a `next` that never ends.
const PAGES_MAX: usize = 64;
/// Where a result may hold an exchange.
const EXCHANGES: [&str; 4] = ["/exchange", "/page/1", "/page/next", "/next/exchange"];
/// Where else it may hold a state.
const STATES: [&str; 4] = ["/next/ask", "/next/visit", "/next/wait", "/next/mint"];

/// What a case is run against.
pub trait Subject {
    /// Calls a function. A failure that the plugin reports is `{"error": {...}}`.
    ///
    /// # Errors
    /// When no answer came: the function is missing, an argument does not fit, or it crashed.
    fn call(&mut self, function: Function, arguments: Vec<Value>) -> Result<Value, String>;

    /// Looks at an exchange as the gateway would before it is sent.
    ///
    /// # Errors
    /// Why the gateway would not send it.
    fn look_at(&mut self, context: &Value, exchange: &Value) -> Result<(), String> {
        let (_, _) = (context, exchange);
        Ok(())
    }
}

/// What came of a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ran {
    /// What each call gave, in order.
    pub results: Vec<Value>,
    /// What ended it early, or was wrong with an exchange.
    pub problems: Vec<String>,
}

/// Runs a case to its end, or to the first call that has no answer.
pub fn run(case: &Case, subject: &mut dyn Subject) -> Ran {
    let mut ran = Ran::default();
    let (function, arguments) = case.call.start(&case.context);
    let first = match &case.call {
        Call::Inbound(_) => read_all(subject, function, arguments),
        _ => subject.call(function, arguments),
    };
    if !note(&mut ran, case, subject, function, first) {
        return ran;
    }
    for (number, step) in case.then.iter().enumerate() {
        let state = ran
            .results
            .last()
            .and_then(state_of)
            .unwrap_or_else(|| json!(""));
        let next = match &step.input {
            StepInput::Outcome(outcome) => case.call.resume(&case.context, state, outcome),
            StepInput::Answer(inputs) => case.call.answer(&case.context, state, inputs),
        };
        let Some((function, arguments)) = next else {
            ran.problems
                .push(format!("then[{number}]: this call has no such step"));
            return ran;
        };
        let result = subject.call(function, arguments);
        if !note(&mut ran, case, subject, function, result) {
            return ran;
        }
    }
    ran
}

fn note(
    ran: &mut Ran,
    case: &Case,
    subject: &mut dyn Subject,
    function: Function,
    result: Result<Value, String>,
) -> bool {
    match result {
        Ok(result) => {
            if let Some(exchange) = exchange_of(&result)
                && let Err(problem) = subject.look_at(&case.context, exchange)
            {
                ran.problems.push(format!(
                    "{function}: the gateway would not send this exchange: {problem}"
                ));
            }
            ran.results.push(result);
            true
        }
        Err(problem) => {
            ran.problems.push(format!("{function}: {problem}"));
            false
        }
    }
}

/// All pages of a webhook as one.
fn read_all(
    subject: &mut dyn Subject,
    function: Function,
    arguments: Vec<Value>,
) -> Result<Value, String> {
    let mut items = Vec::new();
    let mut skip = json!(0);
    for _ in 0..PAGES_MAX {
        let mut arguments = arguments.clone();
        if let Some(last) = arguments.last_mut() {
            *last = skip;
        }
        let mut parsed = subject.call(function, arguments)?;
        if parsed.get("error").is_some() {
            return Ok(parsed);
        }
        if let Some(Value::Array(page)) = parsed.get_mut("items") {
            items.append(page);
        }
        match parsed.get("next") {
            None | Some(Value::Null) => return Ok(json!({ "items": items })),
            Some(next) => skip = next.clone(),
        }
    }
    Err(format!("its `next` asks for more than {PAGES_MAX} pages"))
}

/// The exchange that a result asks for, if it asks for one.
fn exchange_of(result: &Value) -> Option<&Value> {
    EXCHANGES
        .iter()
        .find_map(|pointer| result.pointer(pointer))
        .filter(|value| value.is_object())
}

/// The state that the next call gets back.
fn state_of(result: &Value) -> Option<Value> {
    let holder = exchange_of(result)
        .or_else(|| STATES.iter().find_map(|pointer| result.pointer(pointer)))?;
    holder.get("state").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Defaults;

    /// Answers from a list, and keeps what it was asked.
    struct Script(Vec<Value>, Vec<(String, Vec<Value>)>);

    impl Subject for Script {
        fn call(&mut self, function: Function, arguments: Vec<Value>) -> Result<Value, String> {
            self.1.push((function.to_string(), arguments));
            match self.0.is_empty() {
                true => Err("crashed".to_owned()),
                false => Ok(self.0.remove(0)),
            }
        }
    }

    fn case(file: Value) -> Case {
        let Value::Object(file) = file else {
            panic!("an object")
        };
        Case::parse("case", file, &Defaults::default()).expect("it is a case")
    }

    #[test]
    fn each_step_gets_the_state_of_the_one_before() {
        let case = case(json!({
            "media": { "fetch": "id" },
            "then": [{ "outcome": { "failed": "dns" } }, { "outcome": { "failed": "tls" } }],
        }));
        let mut script = Script(
            vec![
                json!({ "exchange": { "label": "a", "state": "one" } }),
                json!({ "page": [[], { "label": "b", "state": "two" }] }),
                json!({ "done": "deleted" }),
            ],
            Vec::new(),
        );
        let ran = run(&case, &mut script);
        assert_eq!((ran.results.len(), ran.problems.len()), (3, 0));
        let resumes: Vec<_> = script
            .1
            .iter()
            .skip(1)
            .map(|(name, given)| (name.as_str(), given[2].clone()))
            .collect();
        assert_eq!(
            resumes,
            [
                ("media.resume", json!("one")),
                ("media.resume", json!("two"))
            ]
        );
    }

    #[test]
    fn all_pages_of_a_webhook_are_one_result() {
        let case = case(json!({ "inbound": { "body": {} } }));
        let mut script = Script(
            vec![
                json!({ "items": [1, 2], "next": 2 }),
                json!({ "items": [3] }),
            ],
            Vec::new(),
        );
        let ran = run(&case, &mut script);
        assert_eq!(ran.results, [json!({ "items": [1, 2, 3] })]);
        assert_eq!(script.1[1].1[2], json!(2));
    }

    #[test]
    fn a_crash_ends_the_case_with_its_reason() {
        let case = case(json!({ "health": {}, "then": [{ "outcome": { "failed": "dns" } }] }));
        let ran = run(&case, &mut Script(Vec::new(), Vec::new()));
        assert_eq!(ran.problems, ["health.start: crashed"]);
        assert!(ran.results.is_empty());
    }

    #[test]
    fn what_is_no_case_is_refused_with_a_reason() {
        for (file, part) in [
            (json!({}), "exactly one call"),
            (json!({ "outbound": {}, "inbound": {} }), "exactly one call"),
            (json!({ "outbond": {} }), "`outbond` is unknown"),
            (
                json!({ "outbound": {}, "then": [{ "expect": {} }] }),
                "either an `outcome` or an `answer`",
            ),
            (json!({ "outbound": {}, "then": {} }), "`then` is a list"),
            (json!({ "outbound": "text" }), "a message is an object"),
            (json!({ "health": { "deep": true } }), "`deep` is unknown"),
            (json!({ "onboarding": {} }), "needs a `flow`"),
        ] {
            let Value::Object(file) = file else {
                panic!("an object")
            };
            let error = Case::parse("case", file, &Defaults::default()).expect_err("it is no case");
            assert!(error.contains(part), "{error}");
        }
    }
}
