//! What a flow must remember while it waits for somebody: sealed, and bound to tenant,
//! owner, plugin, version and flow.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use wharf_core::TenantId;
use wharf_core::provider::Question;
use wharf_store::{Aad, Owner};
use zeroize::Zeroizing;

use super::super::FlowError;
use crate::app::App;
use crate::exchange::Learned;
use crate::plugins::Digest;

/// What is waited for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Awaited {
    Answers(Vec<Question>),
    /// Parameters of the browser's return.
    Return(Vec<String>),
    Nothing,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    /// The plugin's own.
    pub(super) state: Vec<u8>,
    pub(super) awaited: Awaited,
    pub(super) settings: Vec<(String, String)>,
    /// What a person gave, of what only a person may: see `guarded`.
    pub(super) answered: Vec<(String, String)>,
    pub(super) secrets: Vec<SavedSecret>,
}

/// In the open only between here and the seal.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedSecret {
    name: String,
    value: Zeroizing<String>,
    expires_at: Option<i64>,
}

impl SavedSecret {
    pub(super) fn learned(self) -> (String, Learned) {
        let learned = Learned {
            value: SecretString::from(self.value.as_str()),
            expires_at: self.expires_at,
        };
        (self.name, learned)
    }
}

impl Saved {
    pub(super) fn new(
        state: Vec<u8>,
        awaited: Awaited,
        settings: Vec<(String, String)>,
        answered: Vec<(String, String)>,
        held: Vec<(String, Learned)>,
    ) -> Self {
        let secrets = held.into_iter().map(|(name, learned)| SavedSecret {
            name,
            value: Zeroizing::new(learned.value.expose_secret().to_owned()),
            expires_at: learned.expires_at,
        });
        Self {
            state,
            awaited,
            settings,
            answered,
            secrets: secrets.collect(),
        }
    }

    /// The digest of the version stands before what is sealed, and is part of its place: whoever changes
    /// it cannot have it opened.
    pub(super) fn seal(&self, app: &App, place: &Place<'_>) -> Result<Vec<u8>, FlowError> {
        let text = serde_json::to_vec(self).expect("texts and numbers are JSON");
        let text = Zeroizing::new(text);
        let owner = place.owner_text();
        let sealed = app.vault.seal(&place.aad(&owner), &text)?.bytes;
        Ok([&place.digest.bytes()[..], &sealed].concat())
    }

    pub(super) fn open(app: &App, place: &Place<'_>, saved: &[u8]) -> Result<Self, FlowError> {
        let refuse = |reason: &dyn std::fmt::Display| FlowError::State {
            reason: reason.to_string(),
        };
        let sealed = saved.get(DIGEST_BYTES..).unwrap_or_default();
        let owner = place.owner_text();
        let opened = app.vault.open(&place.aad(&owner), sealed);
        let opened = opened.map_err(|error| refuse(&error))?;
        // Whatever is wrong with it is not quoted: it holds secrets.
        serde_json::from_slice(&opened)
            .map_err(|_| refuse(&"another version of the gateway wrote it"))
    }
}

const DIGEST_BYTES: usize = 32;

/// The version that wrote this, if it is as it claims; what is opened is proved to be.
pub(super) fn digest_of(saved: &[u8]) -> Result<Digest, FlowError> {
    match saved.first_chunk::<DIGEST_BYTES>() {
        Some(digest) => Ok(Digest::from_bytes(*digest)),
        None => Err(FlowError::State {
            reason: "it is too short".to_owned(),
        }),
    }
}

/// Whose flow of which version this is.
pub(super) struct Place<'a> {
    pub(super) tenant: Option<&'a TenantId>,
    pub(super) owner: &'a Owner,
    /// By its description.
    pub(super) plugin: &'a str,
    pub(super) digest: Digest,
    pub(super) flow: &'a str,
}

impl Place<'_> {
    /// No two alike: the digest has a fixed length, and neither ids nor owners hold a space.
    fn owner_text(&self) -> String {
        format!("{} {} {}", self.digest.hex(), self.plugin, self.owner)
    }

    fn aad<'b>(&'b self, owner: &'b str) -> Aad<'b> {
        Aad {
            purpose: "flow",
            tenant: self.tenant.map(TenantId::as_str),
            owner,
            name: self.flow,
            slot: 0,
        }
    }
}
