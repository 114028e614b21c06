//! Signatures of a provider's private key, checked with the public one in a setting.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::encoding::decode;
use super::message::{self, check_freshness};
use super::{Configured, Incoming, Refusal};
use crate::provider::{Encoding, PublicKey, PublicKeyAlgorithm};

/// Two live keys are a rotation; a few more, so that nobody has to hurry.
const KEYS_MAX: usize = 4;
/// Four RSA keys of 8192 bits in PEM take less than 8 KiB.
const KEY_TEXT_BYTES_MAX: usize = 16 * 1024;
const ED25519_KEY_BYTES: usize = 32;
const P256_POINT_BYTES: usize = 65;
const P256_POINT_UNCOMPRESSED: u8 = 4;

pub(super) fn verify(
    declared: &PublicKey,
    call: &Incoming<'_>,
    configured: &dyn Configured,
) -> Result<(), Refusal> {
    let presented = call.header(&declared.header)?.trim();
    check_freshness(declared.freshness.as_ref(), call)?;
    let setting = &declared.key_setting;
    let text = configured
        .setting(setting)
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Refusal::KeyMissing {
            setting: setting.clone(),
        })?;
    let keys = keys(declared.algorithm, text).map_err(|reason| Refusal::KeyUnreadable {
        setting: setting.clone(),
        reason,
    })?;
    let mismatch = || Refusal::mismatch(&declared.header);
    let presented = decode(declared.encoding, presented).ok_or_else(mismatch)?;
    let messages = message::signed(&declared.over, call)?;
    // Nothing here is secret: the first that matches may end it.
    let matches = keys.iter().any(|key| {
        let mut messages = messages.iter();
        messages.any(|message| is_signed(declared.algorithm, key, message, &presented))
    });
    matches.then_some(()).ok_or_else(mismatch)
}

/// What is wrong with the text of a public key, for whoever writes it into a setting.
pub fn check_public_keys(algorithm: PublicKeyAlgorithm, text: &str) -> Result<(), String> {
    keys(algorithm, text).map(drop)
}

/// One signature of this algorithm and no other. An ECDSA signature is DER (as OpenSSL writes it) or
/// the two numbers one after the other (as in JWT): which of the two does not weaken it.
pub(super) fn is_signed(
    algorithm: PublicKeyAlgorithm,
    key: &[u8],
    message: &[u8],
    presented: &[u8],
) -> bool {
    let verifies = |with: &'static dyn VerificationAlgorithm| {
        UnparsedPublicKey::new(with, key)
            .verify(message, presented)
            .is_ok()
    };
    match algorithm {
        PublicKeyAlgorithm::Ed25519 => verifies(&signature::ED25519),
        PublicKeyAlgorithm::EcdsaP256Sha256 => {
            verifies(&signature::ECDSA_P256_SHA256_ASN1)
                || verifies(&signature::ECDSA_P256_SHA256_FIXED)
        }
        PublicKeyAlgorithm::RsaPkcs1Sha256 => verifies(&signature::RSA_PKCS1_2048_8192_SHA256),
    }
}

/// The keys in a text, as the cryptography wants them: PEM blocks `PUBLIC KEY`, or words in base64 or
/// hex that hold the same DER, the bare key, or for RSA the DER of PKCS #1. Several are a rotation.
pub(super) fn keys(algorithm: PublicKeyAlgorithm, text: &str) -> Result<Vec<Vec<u8>>, String> {
    if text.len() > KEY_TEXT_BYTES_MAX {
        return Err(format!(
            "it is longer than {KEY_TEXT_BYTES_MAX} bytes; write at most {KEYS_MAX} public keys"
        ));
    }
    let found = match text.contains("-----BEGIN ") {
        true => pem_keys(algorithm, text)?,
        false => text
            .split_whitespace()
            .map(|word| bare_key(algorithm, word))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| refused(algorithm))?,
    };
    match found.len() {
        0 => Err(refused(algorithm)),
        1..=KEYS_MAX => Ok(found),
        more => Err(format!(
            "it holds {more} keys; write at most {KEYS_MAX}, those that are in use"
        )),
    }
}

fn pem_keys(algorithm: PublicKeyAlgorithm, text: &str) -> Result<Vec<Vec<u8>>, String> {
    SubjectPublicKeyInfoDer::pem_slice_iter(text.as_bytes())
        .map(|der| {
            let der = der.ok()?;
            of_der(algorithm, &der)
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| refused(algorithm))
}

fn bare_key(algorithm: PublicKeyAlgorithm, word: &str) -> Option<Vec<u8>> {
    // Hex digits are base64 letters too, but what they would mean then is no key.
    [Encoding::Hex, Encoding::Base64, Encoding::Base64url]
        .into_iter()
        .filter_map(|encoding| decode(encoding, word))
        .find_map(|bytes| of_der(algorithm, &bytes).or_else(|| of_raw(algorithm, bytes)))
}

/// SubjectPublicKeyInfo of RFC 5280, when it is of the right kind.
fn of_der(algorithm: PublicKeyAlgorithm, der: &[u8]) -> Option<Vec<u8>> {
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    let info = SubjectPublicKeyInfoRef::try_from(der).ok()?;
    let fits = match algorithm {
        PublicKeyAlgorithm::Ed25519 => info.algorithm.oid == ED25519,
        PublicKeyAlgorithm::EcdsaP256Sha256 => {
            info.algorithm.oid == EC && info.algorithm.parameters_oid().ok() == Some(P256)
        }
        PublicKeyAlgorithm::RsaPkcs1Sha256 => info.algorithm.oid == RSA,
    };
    let key = info.subject_public_key.as_bytes()?;
    if !fits {
        return None;
    }
    of_raw(algorithm, key.to_vec())
}

fn of_raw(algorithm: PublicKeyAlgorithm, key: Vec<u8>) -> Option<Vec<u8>> {
    let fits = match algorithm {
        PublicKeyAlgorithm::Ed25519 => key.len() == ED25519_KEY_BYTES,
        PublicKeyAlgorithm::EcdsaP256Sha256 => {
            key.len() == P256_POINT_BYTES && key.first() == Some(&P256_POINT_UNCOMPRESSED)
        }
        PublicKeyAlgorithm::RsaPkcs1Sha256 => is_rsa_key(&key),
    };
    fits.then_some(key)
}

/// RSAPublicKey of RFC 8017 with a modulus of 2048 to 8192 bits, as the cryptography takes it.
fn is_rsa_key(der: &[u8]) -> bool {
    use spki::der::asn1::UintRef;
    use spki::der::{Decode, Reader, SliceReader};
    const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
    let Ok(mut reader) = SliceReader::new(der) else {
        return false;
    };
    let modulus = reader.sequence(|inner| {
        let modulus = UintRef::decode(inner)?;
        UintRef::decode(inner)?;
        Ok::<_, spki::der::Error>(modulus.as_bytes().len())
    });
    modulus.is_ok_and(|bytes| MODULUS_BYTES.contains(&bytes)) && reader.is_finished()
}

fn refused(algorithm: PublicKeyAlgorithm) -> String {
    let (kind, bare) = match algorithm {
        PublicKeyAlgorithm::Ed25519 => ("an Ed25519", "its 32 bytes"),
        PublicKeyAlgorithm::EcdsaP256Sha256 => ("an ECDSA P-256", "its uncompressed point"),
        PublicKeyAlgorithm::RsaPkcs1Sha256 => ("an RSA (2048 to 8192 bits)", "its PKCS #1 DER"),
    };
    format!(
        "write {kind} public key as PEM (-----BEGIN PUBLIC KEY-----), or {bare} in base64 or hex"
    )
}
