//! Every optional interface that the component exports, with good requests and bad ends.

use serde_json::{Value, json};
use wharf_cases::{Call, Subject};
use wharf_runtime::Interface;

use super::{Found, Skip, Suite, data};

const FAILURES: [&str; 11] = [
    "dns",
    "connect",
    "tls",
    "timeout-before-send",
    "timeout-after-send",
    "reset",
    "body-too-large",
    "denied",
    "canceled",
    "interrupted",
    "other",
];
/// Where a step may ask for an exchange.
const EXCHANGES: [&str; 4] = ["/exchange", "/page/1", "/page/next", "/next/exchange"];

pub(super) fn all(suite: &mut Suite<'_>) -> Found {
    let interfaces = suite.component.plugin().interfaces().to_vec();
    if interfaces.is_empty() {
        return Err(Skip("the component exports none".to_owned()));
    }
    let context = suite.context();
    let message = suite.message(&json!({ "text": { "body": "Hello" } }));
    let mut problems = Vec::new();
    for interface in interfaces {
        for call in calls(suite, interface, &message) {
            survives(suite, &context, &call, &mut problems);
        }
    }
    Ok(problems)
}

fn calls(suite: &Suite<'_>, interface: Interface, message: &Value) -> Vec<Call> {
    let media = json!({
        "handle": "handle-1", "content-type": "image/png", "size": 1024,
        "sha256": "sha256-of-a-stored-object-32-byt", "filename": "a.png",
    });
    let template = json!({
        "name": "hello", "language": "en_US", "category": "UTILITY",
        "definition": [{ "type": "BODY", "text": "Hello {{1}}" }],
    });
    let requests = |name: &'static str, requests: Vec<Value>| {
        requests
            .into_iter()
            .map(|request| Call::Request(name, request))
            .collect()
    };
    match interface {
        Interface::Media => requests(
            "media",
            vec![
                json!({ "fetch": "locator" }),
                json!({ "upload": media }),
                json!({ "delete": "id" }),
            ],
        ),
        Interface::Templates => requests(
            "templates",
            vec![
                json!("list"),
                json!({ "create": template }),
                json!({ "edit": ["id", template] }),
                json!({ "delete": ["hello", null] }),
                json!({ "delete": ["hello", "id"] }),
            ],
        ),
        Interface::Profile => requests(
            "profile",
            vec![json!("get"), json!({ "set": { "about": "Hello" } })],
        ),
        Interface::Health => vec![Call::Health],
        Interface::Reconcile => vec![
            Call::Reconcile(message.clone(), json!(1_789_999_000_000_u64)),
            Call::CatchUp(json!(1_789_999_000_000_u64)),
        ],
        Interface::Onboarding => {
            let descriptor = suite.component.plugin().descriptor();
            let mut flows: Vec<_> = descriptor
                .flows
                .iter()
                .map(|flow| flow.id.clone())
                .collect();
            flows.push("no-such-flow".to_owned());
            flows
                .into_iter()
                .map(|flow| Call::Onboarding(json!(flow), json!({})))
                .collect()
        }
    }
}

/// Begins the call, and ends its first exchange in every way; none may crash.
fn survives(suite: &mut Suite<'_>, context: &Value, call: &Call, problems: &mut Vec<String>) {
    let (function, arguments) = call.start(context);
    let result = match suite.component.call(function, arguments.clone()) {
        Ok(result) => result,
        Err(problem) => {
            problems.push(format!("{function}: {problem}"));
            return;
        }
    };
    let exchange = EXCHANGES
        .iter()
        .find_map(|pointer| result.pointer(pointer))
        .filter(|exchange| exchange.is_object())
        .cloned();
    if let Some(exchange) = &exchange
        && let Err(problem) = suite.component.look_at(context, exchange)
    {
        problems.push(format!("{function}: {problem}"));
    }
    let state = exchange.map_or_else(|| json!(""), |exchange| exchange["state"].clone());
    let mut outcomes: Vec<_> = FAILURES
        .iter()
        .map(|failure| json!({ "failed": failure }))
        .collect();
    for (_, body) in data::webhooks().unwrap_or_default() {
        for status in [200, 400, 401, 404, 429, 500] {
            outcomes.push(json!({ "response": { "status": status, "body": body } }));
        }
    }
    outcomes.push(json!({ "stored": { "status": 200, "media": {
        "handle": "h", "content-type": "image/png", "size": 1, "sha256": "s",
    }}}));
    for state in [state, json!(""), json!({ "base64": "//4A" })] {
        for outcome in &outcomes {
            let Some((function, arguments)) = call.resume(context, state.clone(), outcome) else {
                continue;
            };
            if let Err(problem) = suite.component.call(function, arguments) {
                problems.push(format!("{function} after {outcome}: {problem}"));
            }
        }
        if let Some((function, arguments)) =
            call.answer(context, state, &json!({ "no-such-input": ["x"] }))
            && let Err(problem) = suite.component.call(function, arguments)
        {
            problems.push(format!("{function}: {problem}"));
        }
    }
}
