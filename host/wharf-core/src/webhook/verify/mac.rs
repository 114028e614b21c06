//! A keyed hash over declared parts of the call.

use hmac::{Hmac, KeyInit};
use secrecy::ExposeSecret;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::encoding::{self, decode};
use super::message::{self, check_freshness};
use super::{Configured, Incoming, Refusal, secret};
use crate::provider::{Hash, Mac};

/// Signatures in one header: providers send one for each live key and version of their scheme, which
/// are two or three. Each costs no more than a comparison, but a header is the caller's.
const SIGNATURES_MAX: usize = 16;

pub(super) fn verify(
    mac: &Mac,
    call: &Incoming<'_>,
    configured: &dyn Configured,
) -> Result<(), Refusal> {
    let presented = candidates(mac, call.header(&mac.header)?)?;
    check_freshness(mac.freshness.as_ref(), call)?;
    let messages = message::signed(&mac.over, call)?;
    let mut matched = Choice::from(0);
    for key in keys(mac, configured)? {
        for message in &messages {
            let wanted = digest(mac.hash, &key, message);
            for candidate in &presented {
                matched |= candidate.ct_eq(&wanted);
            }
        }
    }
    bool::from(matched)
        .then_some(())
        .ok_or_else(|| Refusal::mismatch(&mac.header))
}

/// The signatures in the header; what cannot be one is left out.
fn candidates(mac: &Mac, header: &str) -> Result<Vec<Vec<u8>>, Refusal> {
    let read = |text: &str| {
        let text = text.trim();
        let text = text.strip_prefix(mac.prefix.as_str()).unwrap_or(text);
        decode(mac.encoding, text)
    };
    let Some(separator) = &mac.separator else {
        return Ok(read(header).into_iter().collect());
    };
    let mut found = Vec::new();
    for (number, text) in header.split(separator.as_str()).enumerate() {
        if number == SIGNATURES_MAX {
            return Err(Refusal::TooManySignatures {
                header: mac.header.clone(),
                signatures_max: SIGNATURES_MAX,
            });
        }
        found.extend(read(text));
    }
    Ok(found)
}

/// The live keys as bytes. One that is not in the declared encoding is passed over while another is.
fn keys(mac: &Mac, configured: &dyn Configured) -> Result<Vec<Zeroizing<Vec<u8>>>, Refusal> {
    let values = secret::live(configured, &mac.key)?;
    let keys: Vec<_> = values
        .iter()
        .filter_map(|value| match mac.key_encoding {
            None => Some(value.expose_secret().as_bytes().to_vec()),
            Some(encoding) => decode(encoding, value.expose_secret()),
        })
        // An empty key would let anybody sign.
        .filter(|key| !key.is_empty())
        .map(Zeroizing::new)
        .collect();
    if keys.is_empty() {
        let encoding = mac.key_encoding.map_or("text", encoding::name);
        return Err(Refusal::SecretUnreadable {
            secret: mac.key.clone(),
            reason: format!("it is not {encoding}"),
        });
    }
    Ok(keys)
}

pub(super) fn digest(hash: Hash, key: &[u8], message: &[u8]) -> Vec<u8> {
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
