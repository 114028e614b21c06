//! Sealing of secrets: an AEAD under a key ring, each value bound to the place where it is kept.
//!
//! A sealed value opens only with the key it names and only for the very row it was sealed for, so
//! that a copied or swapped column opens nowhere. Knows no table and no database.

use std::collections::HashMap;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand::TryRngCore;
use rand::rngs::OsRng;
use zeroize::{Zeroize, Zeroizing};

use crate::error::StoreError;

/// First byte of every sealed value; another layout gets another number.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
/// The id's length stands in one byte; 64 is ample for a name or a date.
const KEY_ID_BYTES_MAX: usize = 64;

/// The keys of this deployment. New values are sealed with the active one; the others only open.
pub struct KeyRing {
    active_id: String,
    keys: HashMap<String, XChaCha20Poly1305>,
}

impl KeyRing {
    pub fn new(active_id: String, keys: Vec<(String, [u8; 32])>) -> Result<Self, StoreError> {
        let mut ciphers = HashMap::new();
        for (id, mut key) in keys {
            let cipher = XChaCha20Poly1305::new((&key).into());
            key.zeroize();
            if id.is_empty() || id.len() > KEY_ID_BYTES_MAX {
                return Err(StoreError::Sealing(format!(
                    "the sealing key's id {id:?} must have 1 to {KEY_ID_BYTES_MAX} bytes"
                )));
            }
            if ciphers.insert(id.clone(), cipher).is_some() {
                return Err(StoreError::Sealing(format!(
                    "two sealing keys have the id {id:?}; give each its own"
                )));
            }
        }
        if !ciphers.contains_key(&active_id) {
            return Err(StoreError::Sealing(format!(
                "the active sealing key {active_id:?} is not among the keys; add it or name another"
            )));
        }
        Ok(Self {
            active_id,
            keys: ciphers,
        })
    }
}

/// Where a value is kept. Opening it for any other place fails.
#[derive(Clone, Copy, Debug)]
pub struct Aad<'a> {
    /// The table, or what stands for it.
    pub purpose: &'static str,
    /// None where tenants share it.
    pub tenant: Option<&'a str>,
    pub owner: &'a str,
    pub name: &'a str,
    pub slot: i64,
}

impl Aad<'_> {
    /// Every part carries its length, so that no two places are written alike.
    fn bytes(&self, header: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(header);
        let mut part = |text: Option<&str>| {
            out.push(u8::from(text.is_some()));
            let text = text.unwrap_or_default();
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        part(Some(self.purpose));
        part(self.tenant);
        part(Some(self.owner));
        part(Some(self.name));
        out.extend_from_slice(&self.slot.to_be_bytes());
        out
    }
}

/// A value that may be stored anywhere. `bytes` names its key itself; `key_id` is for the column by
/// which rows of an old key are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    /// Version, length and text of the key's id, nonce, ciphertext with tag.
    pub bytes: Vec<u8>,
}

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    ring: Arc<KeyRing>,
}

impl Vault {
    pub fn new(ring: KeyRing) -> Self {
        Self {
            ring: Arc::new(ring),
        }
    }

    /// The id of the key that new values are sealed with.
    pub fn active_key_id(&self) -> &str {
        &self.ring.active_id
    }

    pub fn seal(&self, aad: &Aad<'_>, plain: &[u8]) -> Result<Sealed, StoreError> {
        let id = &self.ring.active_id;
        let cipher = self.ring.keys.get(id).expect("KeyRing::new checked it");
        let mut nonce = [0_u8; NONCE_BYTES];
        OsRng.try_fill_bytes(&mut nonce).map_err(|why| {
            StoreError::Sealing(format!("the system gave no randomness to seal with: {why}"))
        })?;
        let mut bytes = Vec::with_capacity(2 + id.len() + NONCE_BYTES + plain.len() + 16);
        bytes.push(VERSION);
        bytes.push(u8::try_from(id.len()).expect("KeyRing::new limits it"));
        bytes.extend_from_slice(id.as_bytes());
        let payload = Payload {
            msg: plain,
            aad: &aad.bytes(&bytes),
        };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Sealing(format!("could not seal {}", place(aad))))?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(Sealed {
            key_id: id.clone(),
            bytes,
        })
    }

    /// Fails closed: an unknown key, another place, a changed bit or a cut value opens to nothing.
    pub fn open(&self, aad: &Aad<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let parts = split(sealed).ok_or_else(|| {
            StoreError::Sealing(format!(
                "the sealed {} is damaged; enter it again",
                place(aad)
            ))
        })?;
        let cipher = self.ring.keys.get(parts.key_id).ok_or_else(|| {
            StoreError::Sealing(format!(
                "{} is sealed with the key {:?}, which this configuration does not have; add that key",
                place(aad),
                parts.key_id
            ))
        })?;
        let payload = Payload {
            msg: parts.ciphertext,
            aad: &aad.bytes(parts.header),
        };
        cipher
            .decrypt(&XNonce::from(parts.nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| {
                StoreError::Sealing(format!(
                    "{} does not open with the key {:?}: the value or the key was changed",
                    place(aad),
                    parts.key_id
                ))
            })
    }
}

struct Parts<'a> {
    header: &'a [u8],
    key_id: &'a str,
    nonce: [u8; NONCE_BYTES],
    ciphertext: &'a [u8],
}

fn split(sealed: &[u8]) -> Option<Parts<'_>> {
    let (&version, rest) = sealed.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if version != VERSION {
        return None;
    }
    let (key_id, rest) = rest.split_at_checked(usize::from(length))?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>()?;
    Some(Parts {
        header: &sealed[..2 + key_id.len()],
        key_id: std::str::from_utf8(key_id).ok()?,
        nonce: *nonce,
        ciphertext,
    })
}

/// Names a value in an error without showing it.
fn place(aad: &Aad<'_>) -> String {
    format!("{} {:?} of {}", aad.purpose, aad.name, aad.owner)
}
