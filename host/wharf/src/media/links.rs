//! Signed, expiring links to stored objects. Whoever has one may read that object until it ends.
//!
//! A token is `ULID.EXPIRY.MAC`; the tenant is part of what is signed and not of what is shown. Knows
//! no database.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wharf_core::{MediaId, TenantId};

/// The keys that links are signed with, derived from those of the ring. A link that was signed before
/// the ring's active key changed is good as long as that key is in the ring.
pub struct LinkKeys {
    /// The active one first.
    keys: Vec<[u8; 32]>,
}

impl LinkKeys {
    /// `keys` of the ring, the active one first; there is at least one.
    pub fn derive<'a>(keys: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let derived = |key: &[u8; 32]| tag(key, &[b"wharf media link"]);
        Self {
            keys: keys.into_iter().map(derived).collect(),
        }
    }

    pub(super) fn sign(&self, tenant: &TenantId, media: MediaId, expires_at: i64) -> String {
        let key = self.keys.first().expect("a ring has an active key");
        let mac = tag(
            key,
            &parts(tenant, media, expires_at)
                .each_ref()
                .map(Vec::as_slice),
        );
        let mac = URL_SAFE_NO_PAD.encode(mac);
        format!("{}.{expires_at:x}.{mac}", media.bare())
    }

    /// In constant time for each key.
    pub(super) fn signed(&self, link: &Link, tenant: &TenantId) -> bool {
        let parts = parts(tenant, link.media, link.expires_at);
        self.keys.iter().any(|key| {
            let mac = tag(key, &parts.each_ref().map(Vec::as_slice));
            bool::from(subtle::ConstantTimeEq::ct_eq(&mac[..], &link.mac[..]))
        })
    }
}

/// A token that has the right shape and proves nothing yet.
pub(super) struct Link {
    pub(super) media: MediaId,
    /// Unix milliseconds.
    pub(super) expires_at: i64,
    mac: [u8; 32],
}

impl Link {
    pub(super) fn parse(token: &str) -> Option<Self> {
        let (media, rest) = token.split_once('.')?;
        let (expires, mac) = rest.split_once('.')?;
        let link = Self {
            media: MediaId::from_bare(media).ok()?,
            expires_at: i64::from_str_radix(expires, 16).ok()?,
            mac: URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?,
        };
        // One way to write each link: what a cache or a log knows it by is what was signed.
        let same = media == link.media.bare() && expires == format!("{:x}", link.expires_at);
        same.then_some(link)
    }
}

fn parts(tenant: &TenantId, media: MediaId, expires_at: i64) -> [Vec<u8>; 3] {
    [
        tenant.as_str().as_bytes().to_vec(),
        media.bare().into_bytes(),
        expires_at.to_be_bytes().to_vec(),
    ]
}

/// Each part carries its length, so that no two lists are signed alike.
fn tag(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
