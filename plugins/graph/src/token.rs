//! What Meta says of the account's token: `debug_token`, asked with the app's own.
//! https://developers.facebook.com/docs/graph-api/reference/debug_token

use serde_json::Value;
use wharf_plugin::prelude::*;

use crate::call::{Calls, is_id, read};

/// What the plugin needs a token for.
pub(crate) const SCOPES: [&str; 2] = [
    "whatsapp_business_management",
    "whatsapp_business_messaging",
];
/// An account of a token that may use more than this is chosen by its id.
const ACCOUNTS_MAX: usize = 200;
/// Seconds of the year 9999.
const AT_S_MAX: u64 = 253_402_300_799;

/// A token, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) is_valid: bool,
    /// Meta's reason where it is not valid.
    pub(crate) reason: String,
    pub(crate) app_id: String,
    /// `SYSTEM_USER`, `USER`, `PAGE`.
    pub(crate) kind: String,
    /// Milliseconds since the epoch; none when it does not expire.
    pub(crate) expires_at: Option<u64>,
    /// Those of [`SCOPES`] that it lacks.
    pub(crate) missing: Vec<&'static str>,
    /// The WhatsApp accounts it was given; empty when Meta names none.
    pub(crate) accounts: Vec<String>,
}

pub(crate) fn inspect(calls: &Calls, app_id: &str) -> Exchange {
    let token = vec![piece::secret("access_token")];
    let exchange =
        Exchange::get("token.inspect", calls.url("debug_token")).query("input_token", token);
    calls.by_app(exchange, app_id)
}

pub(crate) fn inspected(outcome: Outcome) -> Result<Token, Error> {
    read(outcome, Replay::Safe, |response| {
        let answer: Value = response.json()?;
        token(answer.get("data")?)
    })
}

fn token(data: &Value) -> Option<Token> {
    let is_valid = data.get("is_valid")?.as_bool()?;
    let words = |name: &str| data[name].as_array().map_or(&[][..], Vec::as_slice);
    let has = |scope: &str| words("scopes").iter().any(|word| word == scope);
    let expires = |name: &str| data[name].as_u64().filter(|at| (1..=AT_S_MAX).contains(at));
    let mut accounts: Vec<String> = Vec::new();
    // Management first: the other scope may name accounts that cannot be looked at.
    for scope in SCOPES {
        let granted = words("granular_scopes")
            .iter()
            .filter(|granted| granted["scope"] == scope);
        let ids = granted.flat_map(|granted| {
            granted["target_ids"]
                .as_array()
                .map_or(&[][..], Vec::as_slice)
        });
        for id in ids.filter_map(id_of) {
            if !accounts.contains(&id) && accounts.len() < ACCOUNTS_MAX {
                accounts.push(id);
            }
        }
        if !accounts.is_empty() {
            break;
        }
    }
    Some(Token {
        is_valid,
        reason: data["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        app_id: id_of(&data["app_id"]).unwrap_or_default(),
        kind: data["type"].as_str().unwrap_or_default().to_owned(),
        // Access to data can end before the token does, and nothing works then either.
        expires_at: [expires("expires_at"), expires("data_access_expires_at")]
            .into_iter()
            .flatten()
            .min()
            .and_then(|at| at.checked_mul(1_000)),
        missing: SCOPES.into_iter().filter(|scope| !has(scope)).collect(),
        accounts,
    })
}

/// An id as text or number.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
    .filter(|id| is_id(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn granular_scopes_name_the_accounts() {
        let token = token(&json!({
            "app_id": 670843887433847_u64, "type": "SYSTEM_USER", "is_valid": true,
            "expires_at": 0, "data_access_expires_at": 0,
            "scopes": ["whatsapp_business_messaging"],
            "granular_scopes": [
                { "scope": "whatsapp_business_messaging", "target_ids": ["9"] },
                { "scope": "whatsapp_business_management", "target_ids": ["1", 2, "x/y", "1"] },
            ],
        }))
        .expect("a token");
        assert_eq!(token.accounts, ["1", "2"]);
        assert_eq!(token.missing, ["whatsapp_business_management"]);
        assert_eq!(
            (token.app_id.as_str(), token.expires_at),
            ("670843887433847", None)
        );
    }

    #[test]
    fn the_first_end_is_the_end() {
        let data = json!({ "is_valid": true, "expires_at": 1_800_000_000, "data_access_expires_at": 1_790_000_100 });
        assert_eq!(
            token(&data).and_then(|token| token.expires_at),
            Some(1_790_000_100_000)
        );
        let never = json!({ "is_valid": true, "expires_at": u64::MAX });
        assert_eq!(token(&never).and_then(|token| token.expires_at), None);
        assert_eq!(token(&json!({})), None);
    }
}
