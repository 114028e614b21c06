//! A provider's subscription handshake. Needs nothing but the declaration and the secrets, so it can be
//! answered while our own subscribe call is still open.

use super::{Configured, Refusal, secret};
use crate::provider::WebhookSpec;

/// The text to echo, to who knows the token.
pub fn challenge(
    spec: &WebhookSpec,
    query: &[(String, String)],
    configured: &dyn Configured,
) -> Result<String, Refusal> {
    let declared = spec.challenge.as_ref().ok_or(Refusal::NoChallenge)?;
    // A repeated parameter could mean either of its values.
    let value = |name: &str| {
        let mut values = query.iter().filter(|(n, _)| n == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value.as_str()),
            _ => Err(wrong(name)),
        }
    };
    for (name, wanted) in &declared.require {
        if value(name)? != wanted {
            return Err(wrong(name));
        }
    }
    let token = value(&declared.token_param)?;
    let known = secret::live(configured, &declared.token)?;
    if !secret::equals_any(&known, token) {
        return Err(wrong(&declared.token_param));
    }
    value(&declared.echo_param).map(str::to_owned)
}

fn wrong(param: &str) -> Refusal {
    Refusal::Challenge {
        param: param.to_owned(),
    }
}
