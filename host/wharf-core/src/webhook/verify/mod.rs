//! Verification of provider calls by the checks a plugin declares, over raw bytes and in constant time.
//!
//! Nothing of a call is parsed here before it is proven, beyond what the declared scheme signs. What
//! is refused says why to the operator and nothing to the caller. Knows no plugin and no HTTP server.

mod body_digest;
mod challenge;
mod encoding;
mod form;
mod mac;
mod message;
mod public_key;
mod refusal;
mod secret;
mod token;
mod url;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use crate::provider::{Check, Condition, Verification, WebhookSpec};

pub use challenge::challenge;
pub use public_key::check_public_keys;
pub use refusal::Refusal;

/// The call as received. Header names are lower-case; a value that is not UTF-8 has lost what is not,
/// so that it is present and equals nothing.
pub struct Incoming<'a> {
    pub headers: &'a [(String, String)],
    pub query: &'a [(String, String)],
    pub body: &'a [u8],
    /// The public URL as configured, with the query as received. None while there is none.
    pub url: Option<&'a str>,
    /// It came by the unguessable path of this very webhook, not by one that webhooks share.
    pub by_own_path: bool,
    /// Unix seconds.
    pub now_s: i64,
}

impl Incoming<'_> {
    /// The one value of a header; a repeated header proves nothing and counts as absent.
    fn header(&self, name: &str) -> Result<&str, Refusal> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Refusal::HeaderMissing {
                header: name.to_owned(),
            }),
        }
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter();
        named
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Type and subtype, without parameters; none when the header is absent.
    fn content_type(&self) -> Result<Option<&str>, Refusal> {
        const NAME: &str = "content-type";
        if self.values(NAME).next().is_none() {
            return Ok(None);
        }
        // Twice, each reader may choose another: that must not choose the checks.
        let value = self.header(NAME)?;
        Ok(value.split(';').next().map(str::trim))
    }
}

/// What the owner of a webhook has configured.
pub trait Configured {
    /// Every live value of a secret: two during a rotation, none when it is not set.
    fn live(&self, secret: &str) -> Vec<SecretString>;
    /// A setting's value.
    fn setting(&self, name: &str) -> Option<&str>;
}

/// Believes the call only when every check whose condition holds passes, and at least one holds.
pub fn verify(
    spec: &WebhookSpec,
    call: &Incoming<'_>,
    configured: &dyn Configured,
) -> Result<(), Refusal> {
    let content_type = call.content_type()?;
    let applies = |check: &&Check| match &check.when {
        Condition::Always => true,
        Condition::ContentType(wanted) => {
            content_type.is_some_and(|given| given.eq_ignore_ascii_case(wanted))
        }
        Condition::HeaderPresent(name) => call.values(name).next().is_some(),
    };
    let mut passed = 0_usize;
    for check in spec.checks.iter().filter(applies) {
        verify_one(&check.verify, call, configured)?;
        passed += 1;
    }
    if passed == 0 {
        return Err(Refusal::NothingApplies);
    }
    Ok(())
}

/// True when one of the webhook's checks reads its proof from this header.
pub fn uses_header(spec: &WebhookSpec, name: &str) -> bool {
    spec.checks.iter().any(|check| {
        let header = match &check.verify {
            Verification::Mac(mac) => &mac.header,
            Verification::PublicKey(key) => &key.header,
            Verification::Token(token) => &token.header,
            Verification::Header(header, _) => header,
            Verification::Basic(..) => AUTHORIZATION,
            Verification::BodyDigest(_) | Verification::PathToken => return false,
        };
        header.eq_ignore_ascii_case(name)
    })
}

const AUTHORIZATION: &str = "authorization";

fn verify_one(
    check: &Verification,
    call: &Incoming<'_>,
    configured: &dyn Configured,
) -> Result<(), Refusal> {
    match check {
        Verification::Mac(mac) => mac::verify(mac, call, configured),
        Verification::PublicKey(key) => public_key::verify(key, call, configured),
        Verification::Token(token) => token::verify(token, call, configured),
        Verification::BodyDigest(digest) => body_digest::verify(digest, call),
        Verification::Header(name, secret) => verify_header(name, secret, call, configured),
        Verification::Basic(user, password) => verify_basic(user, password, call, configured),
        // It led to this webhook, and it is unguessable: that is the whole proof declared.
        Verification::PathToken if call.by_own_path => Ok(()),
        Verification::PathToken => Err(Refusal::PathShared),
    }
}

fn verify_header(
    name: &str,
    secret: &str,
    call: &Incoming<'_>,
    configured: &dyn Configured,
) -> Result<(), Refusal> {
    let presented = call.header(name)?;
    let known = secret::live(configured, secret)?;
    secret::equals_any(&known, presented)
        .then_some(())
        .ok_or_else(|| Refusal::mismatch(name))
}

fn verify_basic(
    user: &str,
    password: &str,
    call: &Incoming<'_>,
    configured: &dyn Configured,
) -> Result<(), Refusal> {
    const SCHEME: &str = "basic ";
    let mismatch = || Refusal::mismatch(AUTHORIZATION);
    let presented = call.header(AUTHORIZATION)?;
    // RFC 9110, 11.1: the scheme's name in any case.
    let (scheme, credentials) = presented
        .split_at_checked(SCHEME.len())
        .ok_or_else(mismatch)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(mismatch());
    }
    let presented = STANDARD
        .decode(credentials.trim())
        .map_err(|_| mismatch())?;
    let users = secret::live(configured, user)?;
    let passwords = secret::live(configured, password)?;
    let mut matched = Choice::from(0);
    for user in &users {
        for password in &passwords {
            let wanted = SecretString::from(format!(
                "{}:{}",
                user.expose_secret(),
                password.expose_secret()
            ));
            matched |= wanted.expose_secret().as_bytes().ct_eq(&presented);
        }
    }
    bool::from(matched).then_some(()).ok_or_else(mismatch)
}

#[cfg(test)]
mod tests;
