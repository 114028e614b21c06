//! Who calls: tokens, what they may see, the proof of the app's secret, and codes that become tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::config::FakeGraphConfig;
use crate::cloud::GraphError;
use crate::cloud::serve::Request;

/// How long the code of a signup may be exchanged.
const CODE_LIFETIME_MS: u64 = 30_000;
/// How old a proof with a time may be.
const PROOF_AGE_S_MAX: u64 = 5 * 60;
pub(super) const SCOPES: &[&str] = &[
    "whatsapp_business_management",
    "whatsapp_business_messaging",
];

/// What a token is good for.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) accounts: Vec<String>,
    pub(super) issued_ms: u64,
    /// 0 for never.
    pub(super) expires_ms: u64,
    /// The subcode and the reason why it is no longer good.
    pub(super) revoked: Option<(u32, String)>,
    pub(super) scopes: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) accounts: Vec<String>,
    pub(super) issued_ms: u64,
    pub(super) redirect_uri: Option<String>,
    pub(super) token_lifetime: Option<Duration>,
    pub(super) used: bool,
}

/// Who a request comes from.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// With `{app_id}|{app_secret}`.
    App,
    User {
        token: String,
        accounts: Vec<String>,
    },
}

impl Caller {
    pub(super) fn sees(&self, account_id: &str) -> bool {
        match self {
            Self::App => false,
            Self::User { accounts, .. } => accounts.iter().any(|account| account == account_id),
        }
    }
}

#[derive(Default)]
pub(super) struct Access {
    pub(super) tokens: BTreeMap<String, Token>,
    codes: BTreeMap<String, Code>,
}

impl Access {
    /// The tokens of the configuration never end and see the accounts of their numbers.
    pub(super) fn new(config: &FakeGraphConfig, now_ms: u64) -> Self {
        let mut access = Self::default();
        for number in &config.numbers {
            let token = access
                .tokens
                .entry(number.token.clone())
                .or_insert_with(|| Token::new(Vec::new(), now_ms));
            token.accounts.push(number.account_id.clone());
        }
        access
    }

    pub(super) fn add_code(&mut self, code: &str, grant: Code) {
        self.codes.insert(code.to_owned(), grant);
    }

    /// Exchanges a code, once and in time.
    pub(super) fn take_code(
        &mut self,
        code: &str,
        redirect_uri: Option<&str>,
        now_ms: u64,
    ) -> Result<Code, GraphError> {
        let spent = |subcode, why: &str| GraphError {
            subcode: Some(subcode),
            ..GraphError::parameter(why)
        };
        let Some(grant) = self.codes.get_mut(code) else {
            return Err(spent(36_009, "This authorization code is not valid."));
        };
        if std::mem::replace(&mut grant.used, true) {
            return Err(spent(36_009, "This authorization code has been used."));
        }
        if grant.issued_ms.saturating_add(CODE_LIFETIME_MS) <= now_ms {
            return Err(spent(36_007, "This authorization code has expired."));
        }
        if grant.redirect_uri.as_deref() != redirect_uri {
            return Err(spent(
                36_008,
                "Error validating verification code. The redirect_uri must be identical to the one of the dialog.",
            ));
        }
        Ok(grant.clone())
    }

    /// Reads the token of a request and says who calls.
    pub(super) fn authorize(
        &self,
        request: &Request,
        config: &FakeGraphConfig,
        scheme: &str,
        now_ms: u64,
    ) -> Result<Caller, GraphError> {
        let token = match (
            request.header("authorization"),
            request.parameter("access_token"),
        ) {
            (Some(value), _) => value.strip_prefix(scheme).ok_or_else(unreadable)?,
            (None, Some(token)) => token,
            (None, None) => return Err(GraphError::of_code(104)),
        };
        if token == format!("{}|{}", config.app_id, config.app_secret) {
            return Ok(Caller::App);
        }
        let known = self.tokens.get(token).ok_or_else(unreadable)?;
        known.check(now_ms)?;
        check_proof(request, config, token, now_ms / 1000)?;
        Ok(Caller::User {
            token: token.to_owned(),
            accounts: known.accounts.clone(),
        })
    }

    /// What `debug_token` says about a token.
    pub(super) fn inspect(&self, token: &str, app_id: &str, now_ms: u64) -> Value {
        let Some(known) = self.tokens.get(token) else {
            let error = json!({ "code": 190, "message": "Invalid OAuth access token." });
            return json!({ "data": { "is_valid": false, "scopes": [], "error": error } });
        };
        let granular: Vec<Value> = known
            .scopes
            .iter()
            .map(|scope| json!({ "scope": scope, "target_ids": known.accounts }))
            .collect();
        let mut data = json!({
            "app_id": app_id,
            "type": "SYSTEM_USER",
            "application": "Gateway",
            "is_valid": known.check(now_ms).is_ok(),
            "issued_at": known.issued_ms / 1000,
            "expires_at": known.expires_ms / 1000,
            "data_access_expires_at": 0,
            "scopes": known.scopes,
            "granular_scopes": granular,
            "user_id": "122094450000000000",
        });
        if let Err(error) = known.check(now_ms) {
            data["error"] = json!({
                "code": error.code,
                "subcode": error.subcode,
                "message": error.message,
            });
        }
        json!({ "data": data })
    }
}

impl Token {
    pub(super) fn new(accounts: Vec<String>, now_ms: u64) -> Self {
        Self {
            accounts,
            issued_ms: now_ms,
            expires_ms: 0,
            revoked: None,
            scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }

    fn check(&self, now_ms: u64) -> Result<(), GraphError> {
        if let Some((subcode, why)) = &self.revoked {
            return Err(GraphError::token(*subcode, why));
        }
        if self.expires_ms != 0 && self.expires_ms <= now_ms {
            return Err(GraphError::token(463, "Session has expired."));
        }
        Ok(())
    }
}

impl Code {
    pub(super) fn new(accounts: Vec<String>, issued_ms: u64) -> Self {
        Self {
            accounts,
            issued_ms,
            redirect_uri: None,
            token_lifetime: None,
            used: false,
        }
    }
}

fn unreadable() -> GraphError {
    GraphError {
        subcode: Some(467),
        message: "Invalid OAuth access token - Cannot parse access token".to_owned(),
        ..GraphError::of_code(190)
    }
}

/// The proof that a token's caller knows the app's secret: a wrong one is refused, none too where the
/// app asks for it.
fn check_proof(
    request: &Request,
    config: &FakeGraphConfig,
    token: &str,
    now_s: u64,
) -> Result<(), GraphError> {
    let Some(given) = request.parameter("appsecret_proof") else {
        if config.requires_proof {
            return Err(GraphError::parameter(
                "API calls from the server require an appsecret_proof argument",
            ));
        }
        return Ok(());
    };
    let invalid = || GraphError::parameter("Invalid appsecret_proof provided in the API argument");
    let wanted = match request.parameter("appsecret_time") {
        None => proof(&config.app_secret, token),
        Some(time) => {
            let at: u64 = time.parse().map_err(|_| invalid())?;
            if at.abs_diff(now_s) > PROOF_AGE_S_MAX {
                return Err(invalid());
            }
            proof(&config.app_secret, &format!("{token}|{time}"))
        }
    };
    if given == wanted {
        Ok(())
    } else {
        Err(invalid())
    }
}

/// Hex HMAC-SHA256 of a token under the app's secret.
pub(super) fn proof(app_secret: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_the_published_ones() {
        let key = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            proof(key, "EAAJB123token"),
            "d214091373df14018fa101510941e4b4a75ae559900e7977c1be891ee4fc4eda"
        );
        assert_eq!(
            proof(key, "EAAJB123token|1700000000"),
            "dd12a9f42385ea1de80329bf76252c4d5ad425acfdc26b088df09278b4671447"
        );
    }
}
