//! JSON Web Tokens signed by the host, in the compact form of RFC 7515.
//!
//! Header and claims are the guest's, the algorithm is the descriptor-checked one of the piece, and
//! the key is a secret. Knows nothing of where the token goes.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use serde_json::{Map, Value};
use sha2::Sha256;
use wharf_core::provider::{Jwt, JwtAlgorithm};

/// The longest header or set of claims; both must fit into a request's header in the end.
const DOCUMENT_BYTES_MAX: usize = 4 << 10;

/// Half of a P-256 signature.
const COORDINATE_BYTES: usize = 32;

/// Signs; the reason why not is safe to show.
pub(crate) fn sign(jwt: &Jwt, key: &str) -> Result<String, &'static str> {
    let mut header = object(&jwt.header).map_err(|()| "its header must be a JSON object")?;
    let claims = object(&jwt.claims).map_err(|()| "its claims must be a JSON object")?;
    let algorithm = match jwt.algorithm {
        JwtAlgorithm::Hs256 => "HS256",
        JwtAlgorithm::Rs256 => "RS256",
        JwtAlgorithm::Es256 => "ES256",
    };
    match header.insert("alg".to_owned(), algorithm.into()) {
        None => {}
        Some(Value::String(own)) if own == algorithm => {}
        Some(_) => return Err("its header names another alg than the piece"),
    }
    // With them the signature would cover something else than what is computed here.
    if header.contains_key("b64") || header.contains_key("crit") {
        return Err("its header must have neither b64 nor crit");
    }
    let mut token = encode(&header);
    token.push('.');
    token.push_str(&encode(&claims));
    let signature = match jwt.algorithm {
        JwtAlgorithm::Hs256 => hs256(key, token.as_bytes()),
        JwtAlgorithm::Rs256 => pem_signature(key, SignatureScheme::RSA_PKCS1_SHA256, &token)
            .ok_or("its key must be an RSA private key of at least 2048 bits in PEM")?,
        JwtAlgorithm::Es256 => pem_signature(key, SignatureScheme::ECDSA_NISTP256_SHA256, &token)
            .and_then(|der| fixed(&der))
            .ok_or("its key must be a P-256 private key in PEM")?,
    };
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

fn object(text: &str) -> Result<Map<String, Value>, ()> {
    match text.len() <= DOCUMENT_BYTES_MAX {
        true => serde_json::from_str(text).map_err(|_| ()),
        false => Err(()),
    }
}

fn encode(object: &Map<String, Value>) -> String {
    let text = serde_json::to_string(object).expect("a JSON object serialises");
    URL_SAFE_NO_PAD.encode(text)
}

fn hs256(key: &str, message: &[u8]) -> Vec<u8> {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_bytes()).expect("any length is a key");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// PKCS#8, PKCS#1 and SEC 1 keys; none when the key is not one, or not one for the scheme.
fn pem_signature(pem: &str, scheme: SignatureScheme, message: &str) -> Option<Vec<u8>> {
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()?;
    let key: Arc<dyn SigningKey> = any_supported_type(&der).ok()?;
    key.choose_scheme(&[scheme])?.sign(message.as_bytes()).ok()
}

/// RFC 7518, 3.4 wants both numbers at full length; the library gives them in ASN.1.
fn fixed(der: &[u8]) -> Option<Vec<u8>> {
    let (&[0x30, length], rest) = der.split_first_chunk::<2>()? else {
        return None;
    };
    let (r, rest) = (usize::from(length) == rest.len()).then(|| integer(rest))??;
    let (s, rest) = integer(rest)?;
    rest.is_empty().then(|| [r, s].concat())
}

fn integer(der: &[u8]) -> Option<([u8; COORDINATE_BYTES], &[u8])> {
    let (&[0x02, length], rest) = der.split_first_chunk::<2>()? else {
        return None;
    };
    let (number, rest) = rest.split_at_checked(length.into())?;
    let number = number.strip_prefix(&[0]).unwrap_or(number);
    let mut out = [0; COORDINATE_BYTES];
    let start = COORDINATE_BYTES.checked_sub(number.len())?;
    out[start..].copy_from_slice(number);
    Some((out, rest))
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
