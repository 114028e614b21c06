//! What the end of an exchange becomes.

use serde_json::{Value, json};

use super::{Found, Skip, Suite, code, data, retry};

/// As much of an answer as an exchange of the SDK asks for.
const ANSWER_BYTES_DEFAULT: u64 = 64 * 1024;
/// What the gateway hands in at most, whatever an exchange asks for, in this suite.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
const STATE_BYTES_MAX: usize = 16 * 1024;
const NESTING: usize = 20_000;
/// Failures after which the provider may have acted.
const AMBIGUOUS: [&str; 5] = [
    "timeout-after-send",
    "reset",
    "body-too-large",
    "interrupted",
    "other",
];
const CERTAIN: [&str; 4] = ["dns", "connect", "tls", "timeout-before-send"];

fn answer(status: u16, body: &str) -> Value {
    json!({ "response": {
        "status": status,
        "headers": [["content-type", "application/json"]],
        "body": body,
    }})
}

/// Each status that has one meaning everywhere, without a body and with one that says nothing.
pub(super) fn statuses(suite: &mut Suite<'_>) -> Found {
    let (context, message, exchange) = suite.sent()?;
    let may_repeat = exchange["replay"] != "unsafe";
    let mut problems = Vec::new();
    for meaning in data::meanings().map_err(Skip)? {
        for body in ["", "{}", "<html>error</html>"] {
            let outcome = answer(meaning.status, body);
            let status = meaning.status;
            let result = match suite.resume(&context, &message, &exchange["state"], &outcome) {
                Ok(result) => result,
                Err(problem) => {
                    problems.push(format!("HTTP {status} {body:?}: {problem}"));
                    continue;
                }
            };
            let (code, retry) = (code(&result).unwrap_or("no error"), retry(&result));
            let known = meaning.codes.is_empty() || meaning.codes.iter().any(|known| known == code);
            if code == "no error" || !known || meaning.not_codes.iter().any(|not| not == code) {
                problems.push(format!(
                    "HTTP {status} {body:?} became {code}, expected {}",
                    if meaning.codes.is_empty() {
                        "another error".to_owned()
                    } else {
                        meaning.codes.join(" or ")
                    }
                ));
            }
            let advice_fits = match meaning.again {
                true if may_repeat => matches!(retry, "backoff" | "after-ms"),
                true => matches!(retry, "backoff" | "after-ms" | "uncertain"),
                false => {
                    meaning.retry.is_empty() || meaning.retry.iter().any(|known| known == retry)
                }
            };
            if !advice_fits {
                problems.push(format!(
                    "HTTP {status} {body:?} became {code} with the advice `{retry}`"
                ));
            }
        }
    }
    Ok(problems)
}

/// Every way to end without an answer.
pub(super) fn failures(suite: &mut Suite<'_>) -> Found {
    let (context, message, exchange) = suite.sent()?;
    let may_repeat = exchange["replay"] != "unsafe";
    let mut problems = Vec::new();
    let all = AMBIGUOUS
        .iter()
        .chain(&CERTAIN)
        .chain(&["denied", "canceled"]);
    for failure in all.copied() {
        let outcome = json!({ "failed": failure });
        let result = match suite.resume(&context, &message, &exchange["state"], &outcome) {
            Ok(result) => result,
            Err(problem) => {
                problems.push(format!("{failure}: {problem}"));
                continue;
            }
        };
        let retry = retry(&result);
        let expected: &[&str] = match failure {
            "denied" => &["never"],
            "canceled" => &["backoff", "uncertain", "after-ms"],
            failure if CERTAIN.contains(&failure) || may_repeat => &["backoff", "after-ms"],
            _ => &["uncertain"],
        };
        match code(&result) {
            None => problems.push(format!("{failure}: must be an error, got {result}")),
            Some(code) if !expected.contains(&retry) => problems.push(format!(
                "{failure} became {code} with the advice `{retry}`, expected {}",
                expected.join(" or ")
            )),
            Some(_) => {}
        }
    }
    Ok(problems)
}

/// Nothing, HTML, cut and nested JSON, other types, no text, as large as the exchange allows.
pub(super) fn broken(suite: &mut Suite<'_>) -> Found {
    let (context, message, exchange) = suite.sent()?;
    let mut bodies: Vec<Value> = data::webhooks()
        .map_err(Skip)?
        .into_iter()
        .map(|(_, body)| json!(body))
        .collect();
    bodies.push(json!({ "base64": "//4A" }));
    bodies.push(json!("[".repeat(NESTING)));
    bodies.push(json!("{\"a\":".repeat(NESTING)));
    let asked = exchange["sink"]["buffer"]
        .as_u64()
        .unwrap_or(ANSWER_BYTES_DEFAULT);
    let size = usize::try_from(asked.min(ANSWER_BYTES_MAX)).unwrap_or_default();
    bodies.push(json!("x".repeat(size)));
    bodies.push(json!(format!(
        "{{\"a\":\"{}\"}}",
        "y".repeat(size.saturating_sub(8))
    )));
    let mut problems = Vec::new();
    for body in &bodies {
        for status in [200, 201, 204, 302, 400, 404, 429, 500] {
            let outcome = json!({ "response": { "status": status, "body": body } });
            let shown: String = body.to_string().chars().take(60).collect();
            match suite.resume(&context, &message, &exchange["state"], &outcome) {
                Err(problem) => problems.push(format!("HTTP {status} {shown}: {problem}")),
                Ok(result) if result.get("error").is_some() => {}
                Ok(result) if result["exchange"].is_object() => {}
                Ok(_) if status < 300 && message["content"].get("read").is_some() => {}
                Ok(result)
                    if status < 300 && result.pointer("/done/provider-message-id").is_none() => {}
                Ok(result) => problems.push(format!("HTTP {status} {shown} was taken as {result}")),
            }
        }
    }
    let stored = json!({ "stored": { "status": 200, "media": {
        "handle": "h", "content-type": "image/png", "size": 1, "sha256": "s",
    }}});
    match suite.resume(&context, &message, &exchange["state"], &stored) {
        Ok(result) if result.get("error").is_some() || result["exchange"].is_object() => {}
        Ok(result) => problems.push(format!(
            "an answer in the media store was taken as {result}"
        )),
        Err(problem) => problems.push(format!("an answer in the media store: {problem}")),
    }
    Ok(problems)
}

/// A state of another version, of nobody, and as large as a state may be.
pub(super) fn states(suite: &mut Suite<'_>) -> Found {
    let (context, message, exchange) = suite.sent()?;
    let mut problems = Vec::new();
    let large = "s".repeat(STATE_BYTES_MAX);
    for state in [
        json!(""),
        json!("{}"),
        json!("null"),
        json!("send:65535:{}"),
        json!({ "base64": "//4AAQ==" }),
        json!(large),
        json!("["),
        exchange["state"].clone(),
    ] {
        for outcome in [
            answer(200, "{}"),
            answer(400, "{}"),
            json!({ "failed": "reset" }),
        ] {
            if let Err(problem) = suite.resume(&context, &message, &state, &outcome) {
                let shown: String = state.to_string().chars().take(40).collect();
                problems.push(format!("state {shown}: {problem}"));
            }
        }
    }
    Ok(problems)
}
