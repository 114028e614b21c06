//! A JSON web token in a header. Its algorithm is the declared one, whatever the token says of itself,
//! and its claims are read only after its signature held.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::public_key::{is_signed, keys};
use super::{Configured, Incoming, Refusal, mac, secret, url};
use crate::provider::{Hash, PublicKeyAlgorithm, Token, TokenAlgorithm};

/// A token with a certificate chain in it stays below.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// What clocks may differ by.
const LEEWAY_S: f64 = 60.0;
/// How old a token may be that does not say when it expires.
const AGE_S_MAX: f64 = 300.0;

pub(super) fn verify(
    declared: &Token,
    call: &Incoming<'_>,
    configured: &dyn Configured,
) -> Result<(), Refusal> {
    let presented = call.header(&declared.header)?.trim();
    let token = presented
        .strip_prefix(declared.prefix.as_str())
        .unwrap_or(presented)
        .trim();
    let refuse = |reason| Refusal::Token {
        header: declared.header.clone(),
        reason,
    };
    if token.len() > TOKEN_BYTES_MAX {
        return Err(refuse("it is longer than 16 KiB"));
    }
    let (signed, signature) = token
        .rsplit_once('.')
        .ok_or_else(|| refuse("it does not have three parts"))?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| refuse("its signature is not base64url"))?;
    if !is_proven(declared, configured, signed.as_bytes(), &signature)? {
        return Err(refuse("its signature does not match"));
    }
    let claims = claims(declared.algorithm, signed).map_err(refuse)?;
    check_time(&claims, call.now_s).map_err(refuse)?;
    check_claims(declared, &claims, call, refuse)
}

fn is_proven(
    declared: &Token,
    configured: &dyn Configured,
    signed: &[u8],
    presented: &[u8],
) -> Result<bool, Refusal> {
    let values = secret::live(configured, &declared.key)?;
    let algorithm = match declared.algorithm {
        TokenAlgorithm::Hs256 => {
            let mut matched = Choice::from(0);
            for value in &values {
                let key = value.expose_secret().as_bytes();
                matched |= mac::digest(Hash::Sha256, key, signed).ct_eq(presented);
            }
            return Ok(matched.into());
        }
        TokenAlgorithm::Rs256 => PublicKeyAlgorithm::RsaPkcs1Sha256,
        // RFC 7518, 3.4: the two numbers one after the other, never DER.
        TokenAlgorithm::Es256 if presented.len() != ES256_BYTES => return Ok(false),
        TokenAlgorithm::Es256 => PublicKeyAlgorithm::EcdsaP256Sha256,
    };
    let mut matched = false;
    for value in &values {
        let keys =
            keys(algorithm, value.expose_secret()).map_err(|reason| Refusal::SecretUnreadable {
                secret: declared.key.clone(),
                reason,
            })?;
        matched |= keys
            .iter()
            .any(|key| is_signed(algorithm, key, signed, presented));
    }
    Ok(matched)
}

const ES256_BYTES: usize = 64;

/// What a proven token says, when its header fits what was proven.
fn claims(algorithm: TokenAlgorithm, signed: &str) -> Result<Map<String, Value>, &'static str> {
    let (header, claims) = signed
        .split_once('.')
        .ok_or("it does not have three parts")?;
    let object = |part: &str| -> Option<Map<String, Value>> {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let header = object(header).ok_or("its header is not a JSON object in base64url")?;
    let name = match algorithm {
        TokenAlgorithm::Hs256 => "HS256",
        TokenAlgorithm::Rs256 => "RS256",
        TokenAlgorithm::Es256 => "ES256",
    };
    if header.get("alg").and_then(Value::as_str) != Some(name) {
        return Err("it names another algorithm than the plugin declares");
    }
    // RFC 7515, 4.1.11: who does not understand them must refuse. None is understood here.
    if header.contains_key("crit") {
        return Err("it has critical extensions");
    }
    object(claims).ok_or("its claims are not a JSON object in base64url")
}

fn check_time(claims: &Map<String, Value>, now_s: i64) -> Result<(), &'static str> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since the epoch fit a double exactly for the next 285 million years"
    )]
    let now = now_s as f64;
    // RFC 7519, 2: a NumericDate may have fractions.
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or("a time in it is no number"),
    };
    if time("nbf")?.is_some_and(|from| now + LEEWAY_S < from) {
        return Err("it is not valid yet");
    }
    let (expires, issued) = (time("exp")?, time("iat")?);
    match (expires, issued) {
        (Some(expires), _) if now >= expires + LEEWAY_S => Err("it has expired"),
        (Some(_), _) => Ok(()),
        (None, Some(issued)) if (now - issued).abs() > AGE_S_MAX => {
            Err("it was issued more than 300 s ago or ahead, and does not say when it expires")
        }
        (None, Some(_)) => Ok(()),
        (None, None) => Err("it says neither when it was issued nor when it expires"),
    }
}

fn check_claims(
    declared: &Token,
    claims: &Map<String, Value>,
    call: &Incoming<'_>,
    refuse: impl Fn(&'static str) -> Refusal,
) -> Result<(), Refusal> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if let Some(issuer) = &declared.issuer
        && text("iss") != Some(issuer)
    {
        return Err(refuse("it is of another issuer"));
    }
    if let Some(claim) = &declared.body_hash_claim
        && !is_hash_of(text(claim), call.body)
    {
        return Err(refuse("it is for another body"));
    }
    if let Some(claim) = &declared.url_hash_claim {
        let forms = url::forms(call.url.ok_or(Refusal::UrlUnknown)?);
        let claimed = text(claim);
        if !forms.iter().any(|url| is_hash_of(claimed, url.as_bytes())) {
            return Err(refuse("it is for another URL"));
        }
    }
    Ok(())
}

/// Is this the SHA-256 of the bytes, in hex?
fn is_hash_of(claimed: Option<&str>, bytes: &[u8]) -> bool {
    claimed
        .and_then(|text| hex::decode(text).ok())
        .is_some_and(|claimed| claimed.ct_eq(&Sha256::digest(bytes)[..]).into())
}
