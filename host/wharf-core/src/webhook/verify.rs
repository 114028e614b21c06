//! Verification of provider calls by the checks a plugin declares, over raw bytes and in constant time.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::provider::{Condition, Encoding, Hash, Mac, Signed, Verification, WebhookSpec};

/// The call as received. Header names are lower-case.
pub struct Incoming<'a> {
    pub headers: &'a [(String, String)],
    pub query: &'a [(String, String)],
    pub body: &'a [u8],
    /// The public URL as configured, with the query as received.
    pub url: &'a str,
    pub now_s: i64,
}

impl Incoming<'_> {
    /// The one value of a header; a repeated header proves nothing and counts as absent.
    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let first = values.next()?;
        values.next().is_none().then_some(first.1.as_str())
    }
}

/// Every live value of a secret: two during a rotation, none when it is not set.
pub type SecretLookup<'a> = dyn Fn(&str) -> Vec<SecretString> + 'a;

/// Why a call is not believed. Shown to operators, never to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no declared check applies to this call")]
    NothingApplies,
    #[error("the header {header} is missing or repeated")]
    HeaderMissing { header: String },
    #[error(
        "the secret {secret} is not set for this webhook; set it and let the provider call again"
    )]
    SecretMissing { secret: String },
    #[error("the signature in {header} does not match the body")]
    Mismatch { header: String },
    #[error("the call's time is outside the allowed window")]
    Stale,
    #[error("this host does not verify {scheme} yet")]
    Unsupported { scheme: String },
    #[error("the subscription's {param} does not match")]
    Challenge { param: String },
}

/// Believes the call only when every check whose condition holds passes, and at least one holds.
pub fn verify(
    spec: &WebhookSpec,
    call: &Incoming<'_>,
    secrets: &SecretLookup<'_>,
) -> Result<(), Refusal> {
    let mut passed = 0;
    for check in &spec.checks {
        let applies = match &check.when {
            Condition::Always => true,
            Condition::ContentType(wanted) => call.header("content-type").is_some_and(|v| {
                v.split(';')
                    .next()
                    .is_some_and(|t| t.trim().eq_ignore_ascii_case(wanted))
            }),
            Condition::HeaderPresent(name) => call
                .headers
                .iter()
                .any(|(n, _)| n.eq_ignore_ascii_case(name)),
        };
        if applies {
            verify_one(&check.verify, call, secrets)?;
            passed += 1;
        }
    }
    if passed == 0 {
        Err(Refusal::NothingApplies)
    } else {
        Ok(())
    }
}

/// True when one of the webhook's checks reads its proof from this header.
pub fn uses_header(spec: &WebhookSpec, name: &str) -> bool {
    spec.checks.iter().any(|check| match &check.verify {
        Verification::Mac(mac) => mac.header.eq_ignore_ascii_case(name),
        Verification::Header(header, _) => header.eq_ignore_ascii_case(name),
        Verification::Basic(..) => name.eq_ignore_ascii_case("authorization"),
        Verification::PathToken | Verification::Unsupported(_) => false,
    })
}

/// Answers a subscription handshake: the text to echo.
pub fn challenge(
    spec: &WebhookSpec,
    query: &[(String, String)],
    secrets: &SecretLookup<'_>,
) -> Result<String, Refusal> {
    let wrong = |param: &str| Refusal::Challenge {
        param: param.to_owned(),
    };
    let declared = spec.challenge.as_ref().ok_or(Refusal::NothingApplies)?;
    let value = |name: &str| {
        let mut found = query.iter().filter(|(n, _)| n == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.1.as_str())
    };
    for (name, wanted) in &declared.require {
        if value(name) != Some(wanted.as_str()) {
            return Err(wrong(name));
        }
    }
    let token = value(&declared.token_param).ok_or_else(|| wrong(&declared.token_param))?;
    let known = live(secrets, &declared.token)?;
    if !any_equal(&known, token.as_bytes()) {
        return Err(wrong(&declared.token_param));
    }
    let echo = value(&declared.echo_param).ok_or_else(|| wrong(&declared.echo_param))?;
    Ok(echo.to_owned())
}

fn verify_one(
    check: &Verification,
    call: &Incoming<'_>,
    secrets: &SecretLookup<'_>,
) -> Result<(), Refusal> {
    let header = |name: &str| {
        call.header(name).ok_or_else(|| Refusal::HeaderMissing {
            header: name.to_owned(),
        })
    };
    let mismatch = |name: &str| Refusal::Mismatch {
        header: name.to_owned(),
    };
    match check {
        Verification::Mac(mac) => verify_mac(mac, call, header(&mac.header)?, secrets),
        Verification::Header(name, secret) => {
            let presented = header(name)?;
            let known = live(secrets, secret)?;
            any_equal(&known, presented.as_bytes())
                .then_some(())
                .ok_or_else(|| mismatch(name))
        }
        Verification::Basic(user, password) => {
            let presented = header("authorization")?;
            let decoded = presented
                .strip_prefix("Basic ")
                .and_then(|text| STANDARD.decode(text.trim()).ok())
                .ok_or_else(|| mismatch("authorization"))?;
            let users = live(secrets, user)?;
            let passwords = live(secrets, password)?;
            let matched = users.iter().any(|u| {
                passwords.iter().any(|p| {
                    let wanted = format!("{}:{}", u.expose_secret(), p.expose_secret());
                    bool::from(wanted.as_bytes().ct_eq(&decoded))
                })
            });
            matched
                .then_some(())
                .ok_or_else(|| mismatch("authorization"))
        }
        // The path led to this webhook, and it is unguessable: that is the whole proof declared.
        Verification::PathToken => Ok(()),
        Verification::Unsupported(scheme) => Err(Refusal::Unsupported {
            scheme: scheme.clone(),
        }),
    }
}

fn verify_mac(
    mac: &Mac,
    call: &Incoming<'_>,
    presented: &str,
    secrets: &SecretLookup<'_>,
) -> Result<(), Refusal> {
    if let Some(freshness) = &mac.freshness {
        let at = call
            .header(&freshness.header)
            .and_then(|v| v.parse::<i64>().ok());
        let at = at.ok_or_else(|| Refusal::HeaderMissing {
            header: freshness.header.clone(),
        })?;
        if call.now_s.abs_diff(at) > u64::from(freshness.tolerance_s) {
            return Err(Refusal::Stale);
        }
    }
    let message = signed_bytes(mac, call)?;
    let candidates: Vec<Vec<u8>> = match &mac.separator {
        Some(separator) => presented.split(separator.as_str()).collect::<Vec<_>>(),
        None => vec![presented],
    }
    .into_iter()
    .filter_map(|text| decode(mac.encoding, text.trim().strip_prefix(mac.prefix.as_str())?))
    .collect();
    for key in live(secrets, &mac.key)? {
        let key = match mac.key_encoding {
            None => key.expose_secret().as_bytes().to_vec(),
            Some(encoding) => decode(encoding, key.expose_secret()).unwrap_or_default(),
        };
        // An empty key would let anybody sign.
        if key.is_empty() {
            continue;
        }
        let wanted = digest(mac.hash, &key, &message);
        if candidates.iter().any(|c| bool::from(c.ct_eq(&wanted))) {
            return Ok(());
        }
    }
    Err(Refusal::Mismatch {
        header: mac.header.clone(),
    })
}

fn signed_bytes(mac: &Mac, call: &Incoming<'_>) -> Result<Vec<u8>, Refusal> {
    let mut message = Vec::with_capacity(call.body.len());
    for part in &mac.over {
        match part {
            Signed::Body => message.extend_from_slice(call.body),
            Signed::Url => message.extend_from_slice(call.url.as_bytes()),
            Signed::Text(text) => message.extend_from_slice(text.as_bytes()),
            Signed::Header(name) => {
                let value = call.header(name);
                let value = value.ok_or_else(|| Refusal::HeaderMissing {
                    header: name.clone(),
                })?;
                message.extend_from_slice(value.as_bytes());
            }
            Signed::FormSorted => {
                return Err(Refusal::Unsupported {
                    scheme: "a signature over sorted form fields".to_owned(),
                });
            }
        }
    }
    Ok(message)
}

fn digest(hash: Hash, key: &[u8], message: &[u8]) -> Vec<u8> {
    fn run<M: hmac::Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes any key length");
        mac.update(message);
        mac.finalize().into_bytes().to_vec()
    }
    match hash {
        Hash::Sha1 => run::<Hmac<Sha1>>(key, message),
        Hash::Sha256 => run::<Hmac<Sha256>>(key, message),
        Hash::Sha512 => run::<Hmac<Sha512>>(key, message),
    }
}

fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => STANDARD.decode(text).ok(),
        Encoding::Base64url => URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok(),
    }
}

fn live(secrets: &SecretLookup<'_>, name: &str) -> Result<Vec<SecretString>, Refusal> {
    let found = secrets(name);
    if found.iter().all(|s| s.expose_secret().is_empty()) {
        return Err(Refusal::SecretMissing {
            secret: name.to_owned(),
        });
    }
    Ok(found)
}

fn any_equal(known: &[SecretString], presented: &[u8]) -> bool {
    known
        .iter()
        .filter(|s| !s.expose_secret().is_empty())
        .any(|s| bool::from(s.expose_secret().as_bytes().ct_eq(presented)))
}

#[cfg(test)]
mod tests;
