//! What a flow must remember while it waits for somebody: sealed, and bound to tenant, plugin and flow.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use wharf_core::TenantId;
use wharf_core::provider::Question;
use wharf_runtime::Plugin;
use wharf_store::Aad;
use zeroize::Zeroizing;

use super::super::FlowError;
use crate::app::App;
use crate::exchange::Learned;

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
            secrets: secrets.collect(),
        }
    }

    pub(super) fn seal(
        &self,
        app: &App,
        tenant: Option<&TenantId>,
        plugin: &Plugin,
        flow: &str,
    ) -> Result<Vec<u8>, FlowError> {
        let text = serde_json::to_vec(self).expect("texts and numbers are JSON");
        let text = Zeroizing::new(text);
        let place = place(tenant, &plugin.descriptor().id, flow);
        Ok(app.vault.seal(&place, &text)?.bytes)
    }

    pub(super) fn open(
        app: &App,
        tenant: Option<&TenantId>,
        plugin: &Plugin,
        flow: &str,
        sealed: &[u8],
    ) -> Result<Self, FlowError> {
        let place = place(tenant, &plugin.descriptor().id, flow);
        let opened = app.vault.open(&place, sealed);
        let refuse = |reason: &dyn std::fmt::Display| FlowError::State {
            reason: reason.to_string(),
        };
        let opened = opened.map_err(|error| refuse(&error))?;
        // Whatever is wrong with it is not quoted: it holds secrets.
        serde_json::from_slice(&opened)
            .map_err(|_| refuse(&"another version of the gateway wrote it"))
    }
}

fn place<'a>(tenant: Option<&'a TenantId>, plugin: &'a str, flow: &'a str) -> Aad<'a> {
    Aad {
        purpose: "flow",
        tenant: tenant.map(TenantId::as_str),
        owner: plugin,
        name: flow,
        slot: 0,
    }
}
