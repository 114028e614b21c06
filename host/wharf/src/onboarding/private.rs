//! What is secret of a session: what was typed in and waits for its turn, and where a browser comes back to.

use serde::{Deserialize, Serialize};
use wharf_core::OnboardingId;
use wharf_core::TenantId;
use wharf_store::onboarding::{self, Session};
use wharf_store::{StoreError, Vault};
use zeroize::Zeroizing;

/// In the open only between here and the seal. No `Debug`: it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Private {
    /// What the browser brings back, in the path or in `state`.
    pub(super) return_token: Zeroizing<String>,
    /// Where the browser was sent; it holds the token.
    pub(super) visit: Option<String>,
    /// Settings of an app of the tenant's own.
    pub(super) settings: Vec<(String, String)>,
    pub(super) pending: Pending,
}

/// What the next turn begins with.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pending {
    Start(Vec<(String, Zeroizing<String>)>),
    Answer(Vec<(String, Vec<Zeroizing<String>>)>),
    /// After a wait.
    Nothing,
}

impl Pending {
    pub(super) fn of_answers(given: Vec<(String, Vec<String>)>) -> Self {
        let hidden = given.into_iter().map(|(name, values)| {
            let values = values.into_iter().map(Zeroizing::new).collect();
            (name, values)
        });
        Self::Answer(hidden.collect())
    }
}

impl Private {
    pub(super) fn seal(
        &self,
        vault: &Vault,
        tenant: &TenantId,
        id: OnboardingId,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(self).expect("texts are JSON");
        onboarding::seal_private(vault, tenant, id, &Zeroizing::new(plain))
    }

    pub(super) fn open(vault: &Vault, session: &Session) -> Result<Self, StoreError> {
        let plain = onboarding::open_private(vault, session)?;
        // Whatever is wrong with it is not quoted: it holds secrets.
        serde_json::from_slice(&plain).map_err(|_| StoreError::Corrupt {
            what: "onboarding.private was written by another version of the gateway".to_owned(),
        })
    }
}
