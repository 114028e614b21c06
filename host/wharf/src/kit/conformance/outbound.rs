//! What a message becomes.

use serde_json::{Value, json};
use wharf_cases::Subject;

use super::{Found, Skip, Suite, code, data};

/// Addresses and the capability that promises each.
const ADDRESSES: [(&str, &str); 3] = [
    ("to.phone", "phone"),
    ("to.user-id", "user-id"),
    ("to.group", "group"),
];

/// Every content that a capability promises leads to an exchange, or is done at once.
pub(super) fn capabilities(suite: &mut Suite<'_>) -> Found {
    let context = suite.context();
    let mut problems = Vec::new();
    let mut tried = 0;
    for sample in data::contents().map_err(Skip)? {
        let Some(name) = sample.capabilities.iter().find(|name| suite.declares(name)) else {
            continue;
        };
        let name = name.clone();
        tried += 1;
        let message = suite.message(&sample.content);
        built(suite, &context, &message, &name, &mut problems);
    }
    for (name, case) in ADDRESSES {
        if suite.declares(name) && suite.declares("text") {
            tried += 1;
            let mut message = suite.message(&json!({ "text": { "body": "Hello" } }));
            message["to"] = json!({ case: "4915112345678" });
            built(suite, &context, &message, name, &mut problems);
        }
    }
    if tried == 0 {
        return Err(Skip(
            "the plugin declares no capability that this suite knows".to_owned(),
        ));
    }
    Ok(problems)
}

fn built(
    suite: &mut Suite<'_>,
    context: &Value,
    message: &Value,
    name: &str,
    problems: &mut Vec<String>,
) {
    match suite.start(context, message) {
        Ok(result) if result.get("error").is_none() => {}
        Ok(result) => problems.push(format!(
            "`{name}` is declared, but its message is refused: {}",
            result["error"]
        )),
        Err(problem) => problems.push(format!("`{name}`: {problem}")),
    }
}

/// What no capability promises is refused as `unsupported`, so that a tenant reads why.
pub(super) fn undeclared(suite: &mut Suite<'_>) -> Found {
    let context = suite.context();
    let mut problems = Vec::new();
    for sample in data::contents().map_err(Skip)? {
        if sample.capabilities.iter().any(|name| suite.declares(name)) {
            continue;
        }
        let message = suite.message(&sample.content);
        refused(
            suite,
            &context,
            &message,
            &sample.capabilities[0],
            &mut problems,
        );
    }
    for (name, case) in ADDRESSES {
        if !suite.declares(name) && suite.declares("text") {
            let mut message = suite.message(&json!({ "text": { "body": "Hello" } }));
            message["to"] = json!({ case: "4915112345678" });
            refused(suite, &context, &message, name, &mut problems);
        }
    }
    Ok(problems)
}

fn refused(
    suite: &mut Suite<'_>,
    context: &Value,
    message: &Value,
    name: &str,
    problems: &mut Vec<String>,
) {
    match suite.start(context, message) {
        Ok(result) if code(&result) == Some("unsupported") => {}
        Ok(result) => problems.push(format!(
            "`{name}` is not declared, so its message must be `unsupported`, not {}",
            code(&result).unwrap_or("taken")
        )),
        Err(problem) => problems.push(format!("`{name}`: {problem}")),
    }
}

/// Every exchange of every declared content passes the rules of egress.
pub(super) fn permitted(suite: &mut Suite<'_>) -> Found {
    let context = suite.context();
    let mut problems = Vec::new();
    for (name, exchange) in exchanges(suite)? {
        if let Err(problem) = suite.component.look_at(&context, &exchange) {
            problems.push(format!("`{name}`: {problem}"));
        }
    }
    Ok(problems)
}

/// Texts that look like something else reach the exchange as they are, and add no piece that is no text.
pub(super) fn verbatim(suite: &mut Suite<'_>) -> Found {
    if !suite.declares("text") {
        return Err(Skip("the plugin does not declare `text`".to_owned()));
    }
    let context = suite.context();
    let plain = suite.message(&json!({ "text": { "body": "Hello" } }));
    let plain = suite.start(&context, &plain).map_err(Skip)?;
    let mut problems = Vec::new();
    for (name, text) in data::texts().map_err(Skip)? {
        let message = suite.message(&json!({ "text": { "body": text } }));
        match suite.start(&context, &message) {
            Err(problem) => problems.push(format!("{name}: {problem}")),
            Ok(result) if result.get("error").is_some() => {
                problems.push(format!(
                    "{name}: is refused as {}",
                    code(&result).unwrap_or("an error")
                ));
            }
            Ok(result) if !holds(&result, &text) => {
                problems.push(format!("{name}: {text:?} is not in the exchange as it is"));
            }
            Ok(result) if pieces(&result) != pieces(&plain) => {
                problems.push(format!(
                    "{name}: a text changed which secrets and links the exchange names"
                ));
            }
            Ok(_) => {}
        }
    }
    Ok(problems)
}

/// A secret's name in braces means that somebody expects it to be replaced, which never happens.
pub(super) fn secret_names(suite: &mut Suite<'_>) -> Found {
    let descriptor = suite.component.plugin().descriptor().clone();
    let secrets: Vec<_> = descriptor
        .inputs
        .iter()
        .filter(|input| input.kind == wharf_core::provider::InputKind::Secret)
        .map(|input| input.name.clone())
        .collect();
    let mut problems = Vec::new();
    for (name, exchange) in exchanges(suite)? {
        for secret in &secrets {
            for form in [
                format!("{{{secret}}}"),
                format!("${secret}"),
                format!("<{secret}>"),
                format!("%{secret}%"),
            ] {
                if anywhere(&exchange, &|text| text.contains(&form)) {
                    problems.push(format!(
                        "`{name}`: a text holds {form:?}; name the secret as a piece, nothing is replaced in texts"
                    ));
                }
            }
        }
    }
    Ok(problems)
}

/// `keyed` promises that the provider tells a repetition by what the request carries: our id.
pub(super) fn keyed(suite: &mut Suite<'_>) -> Found {
    let (_, message, exchange) = suite.sent()?;
    if exchange["replay"] != "keyed" {
        return Err(Skip("the first exchange is not keyed".to_owned()));
    }
    let id = message["id"].as_str().unwrap_or_default().to_owned();
    match holds(&exchange, &id) {
        true => Ok(Vec::new()),
        false => Ok(vec![format!(
            "the exchange is `keyed`, but the message's id {id} is nowhere in it"
        )]),
    }
}

/// The same arguments give the same result, and another seed changes nothing but the exchange.
pub(super) fn deterministic(suite: &mut Suite<'_>) -> Found {
    let context = suite.context();
    let mut other = context.clone();
    other["seed"] = json!("another-seed-of-thirty-two-bytes");
    let mut problems = Vec::new();
    for sample in data::contents().map_err(Skip)? {
        let message = suite.message(&sample.content);
        let name = &sample.capabilities[0];
        let first = suite.start(&context, &message);
        if suite.start(&context, &message) != first {
            problems.push(format!("`{name}`: two equal calls differ"));
        }
        let kind = |result: &Result<Value, String>| {
            let result = result.as_ref().ok()?;
            result
                .as_object()
                .and_then(|members| members.keys().next().cloned())
        };
        if kind(&suite.start(&other, &message)) != kind(&first) {
            problems.push(format!(
                "`{name}`: another seed leads to another kind of result"
            ));
        }
    }
    Ok(problems)
}

/// The exchange of every declared content.
fn exchanges(suite: &mut Suite<'_>) -> Result<Vec<(String, Value)>, Skip> {
    let context = suite.context();
    let mut all = Vec::new();
    for sample in data::contents().map_err(Skip)? {
        let Some(name) = sample.capabilities.iter().find(|name| suite.declares(name)) else {
            continue;
        };
        let name = name.clone();
        let message = suite.message(&sample.content);
        if let Ok(result) = suite.start(&context, &message)
            && result["exchange"].is_object()
        {
            all.push((name, result["exchange"].clone()));
        }
    }
    match all.is_empty() {
        true => Err(Skip("no declared content leads to an exchange".to_owned())),
        false => Ok(all),
    }
}

/// Whether a text stands somewhere, alone or inside another, or in a document that is a text itself.
fn holds(value: &Value, text: &str) -> bool {
    let inside = |held: &str| {
        held.contains(text)
            || serde_json::from_str::<Value>(held)
                .is_ok_and(|document| !document.is_string() && holds(&document, text))
    };
    anywhere(value, &inside) || document_of(text).is_some_and(|document| contains(value, &document))
}

/// A text that reads as a document is shown as one.
fn document_of(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

fn contains(value: &Value, wanted: &Value) -> bool {
    value == wanted
        || match value {
            Value::Array(elements) => elements.iter().any(|element| contains(element, wanted)),
            Value::Object(members) => members.values().any(|member| contains(member, wanted)),
            _ => false,
        }
}

fn anywhere(value: &Value, holds: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => holds(text),
        Value::Array(elements) => elements.iter().any(|element| anywhere(element, holds)),
        Value::Object(members) => members.values().any(|member| anywhere(member, holds)),
        _ => false,
    }
}

/// How many pieces of each kind that the host fills in.
fn pieces(value: &Value) -> usize {
    const FILLED: [&str; 6] = [
        "secret",
        "basic",
        "hmac",
        "jwt",
        "webhook-url",
        "media-link",
    ];
    match value {
        Value::Array(elements) => elements.iter().map(pieces).sum(),
        Value::Object(members) => {
            let own = members
                .keys()
                .filter(|name| FILLED.contains(&name.as_str()))
                .count();
            // What stands in a document is content and no piece.
            let inner = members.iter().filter(|(name, _)| *name != "document");
            own + inner.map(|(_, member)| pieces(member)).sum::<usize>()
        }
        _ => 0,
    }
}
