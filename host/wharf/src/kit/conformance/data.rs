//! What the suite tries, from `tests/conformance`.

use serde_json::{Map, Value};

const CONTENTS: &str = include_str!("../../../../../tests/conformance/contents.json");
const TEXTS: &str = include_str!("../../../../../tests/conformance/texts.json");
const WEBHOOKS: &str = include_str!("../../../../../tests/conformance/webhooks.json");
const ANSWERS: &str = include_str!("../../../../../tests/conformance/answers.json");

/// A content and the capabilities that promise it; one is enough.
pub(super) struct Sample {
    pub(super) capabilities: Vec<String>,
    pub(super) content: Value,
}

/// What a status must become.
pub(super) struct Meaning {
    pub(super) status: u16,
    pub(super) codes: Vec<String>,
    pub(super) not_codes: Vec<String>,
    pub(super) retry: Vec<String>,
    /// To be tried again, unless a second request could harm.
    pub(super) again: bool,
}

pub(super) fn contents() -> Result<Vec<Sample>, String> {
    let samples = list(CONTENTS)?;
    Ok(samples
        .iter()
        .map(|sample| Sample {
            capabilities: names(&sample["capability"]),
            content: sample["content"].clone(),
        })
        .collect())
}

/// Named texts that have broken software before.
pub(super) fn texts() -> Result<Vec<(String, String)>, String> {
    pairs(TEXTS)
}

/// Named bodies that no provider documents.
pub(super) fn webhooks() -> Result<Vec<(String, String)>, String> {
    pairs(WEBHOOKS)
}

pub(super) fn meanings() -> Result<Vec<Meaning>, String> {
    list(ANSWERS)?
        .iter()
        .map(|row| {
            let status = row["status"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok());
            Ok(Meaning {
                status: status.ok_or("an answer needs a status")?,
                codes: names(&row["codes"]),
                not_codes: names(&row["not-codes"]),
                retry: names(&row["retry"]),
                again: row["again"].as_bool().unwrap_or_default(),
            })
        })
        .collect()
}

fn list(text: &str) -> Result<Vec<Value>, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let members: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let pair = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
    Ok(members.into_iter().filter_map(pair).collect())
}

fn names(value: &Value) -> Vec<String> {
    let name = |value: &Value| value.as_str().map(str::to_owned);
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_data_can_be_read() {
        assert!(
            contents().is_ok_and(|all| all.iter().all(|sample| !sample.capabilities.is_empty()))
        );
        assert!(texts().is_ok_and(|all| all.len() > 10));
        assert!(webhooks().is_ok_and(|all| all.len() > 10));
        assert!(meanings().is_ok_and(|all| all.len() > 5));
    }
}
