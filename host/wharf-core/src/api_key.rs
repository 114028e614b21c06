//! API keys: `wk_` + public id + `_` + secret + checksum.
//!
//! The checksum lets a typing error be told apart from a wrong key before the database is asked, and
//! lets secret scanners recognise a leaked key. Only the SHA-256 of the whole key is stored: with a
//! secret of 256 random bits a slow hash would protect nothing more.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "wk_";
const ID_LENGTH: usize = 10;
/// 32 bytes need 43 characters of base 62.
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new key: what to show once, and what to keep.
pub struct NewKey {
    pub key: SecretString,
    pub id: String,
    pub hash: String,
}

/// A key as presented, of the right shape and with a right checksum.
#[derive(Debug, PartialEq, Eq)]
pub struct PresentedKey {
    pub id: String,
    pub hash: String,
}

/// Makes a key out of at least 64 random bytes.
pub fn create(random: &[u8; 64]) -> NewKey {
    let letters: Vec<u8> = random
        .iter()
        .map(|b| ALPHABET[usize::from(*b) % 62])
        .collect();
    let text = String::from_utf8(letters).expect("the alphabet is ASCII");
    let id = text[..ID_LENGTH].to_owned();
    let body = format!(
        "{PREFIX}{id}_{}",
        &text[ID_LENGTH..ID_LENGTH + SECRET_LENGTH]
    );
    let key = format!("{body}{}", checksum(&body));
    NewKey {
        id,
        hash: hash(&key),
        key: SecretString::from(key),
    }
}

/// Reads a presented key; `None` when it cannot be one of ours.
pub fn parse(key: &SecretString) -> Option<PresentedKey> {
    let key = key.expose_secret();
    if !key.is_ascii()
        || key.len() != PREFIX.len() + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH
    {
        return None;
    }
    let (body, sum) = key.split_at(key.len() - CHECKSUM_LENGTH);
    let id = body.strip_prefix(PREFIX)?.get(..ID_LENGTH)?;
    (checksum(body) == sum).then(|| PresentedKey {
        id: id.to_owned(),
        hash: hash(key),
    })
}

/// How a key with this public id begins; what people recognise it by.
pub fn prefix(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// What is stored of a key, lower-case hex.
pub fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest[..CHECKSUM_LENGTH]
        .iter()
        .map(|b| char::from(ALPHABET[usize::from(*b) % 62]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> [u8; 64] {
        std::array::from_fn(|i| (i as u8).wrapping_mul(37).wrapping_add(11))
    }

    #[test]
    fn a_key_reads_back_as_what_is_stored() {
        let new = create(&random());
        let presented = parse(&new.key).expect("our own key");
        assert_eq!((presented.id, presented.hash), (new.id, new.hash));
    }

    #[test]
    fn every_single_typing_error_is_seen() {
        let key = create(&random()).key.expose_secret().to_owned();
        for i in 0..key.len() {
            let mut typed = key.clone().into_bytes();
            typed[i] = if typed[i] == b'x' { b'y' } else { b'x' };
            let typed = SecretString::from(String::from_utf8(typed).expect("ASCII"));
            assert_eq!(parse(&typed), None, "position {i}");
        }
        for bad in [
            "",
            "wk_",
            "Bearer x",
            &key[..key.len() - 1],
            &format!("{key}a"),
            &"é".repeat(31),
        ] {
            assert_eq!(parse(&SecretString::from(bad.to_owned())), None);
        }
    }
}
