//! What a plugin may do, as far as an operator must know: taken from its description, kept in the
//! lock, and compared when another version comes.
//!
//! Comparing is one question: does the new version ask for anything that the approved one did not
//! have? It is answered rule by rule, and in doubt with yes.

mod compare;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wharf_core::provider::{Descriptor, InputKind};

use super::digest::Digest;
pub use webhooks::WebhookPermission;

/// Interfaces that every plugin has; the others are permissions of their own.
const REQUIRED: [&str; 3] = ["manifest", "outbound", "inbound"];

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// Where requests may go.
    #[serde(default)]
    pub endpoints: BTreeSet<Reach>,
    /// Which hosts each secret may be sent to.
    #[serde(default)]
    pub secrets: BTreeMap<String, BTreeSet<String>>,
    /// How each webhook proves where it comes from.
    #[serde(default)]
    pub webhooks: BTreeMap<String, WebhookPermission>,
    /// Headers of providers' answers that the plugin may read.
    #[serde(default)]
    pub response_headers: BTreeSet<String>,
    /// Optional interfaces it exports: `media`, `onboarding`, ...
    #[serde(default)]
    pub interfaces: BTreeSet<String>,
}

/// One method on one path pattern of one host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    pub host: String,
    /// The host part is this setting's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_setting: Option<String>,
    pub method: String,
    pub path: String,
}

impl Permissions {
    /// `exports`: names of the component's exports, as `wharf:provider/media@1.0.0`.
    pub fn of(descriptor: &Descriptor, exports: &[String]) -> Self {
        let secrets = descriptor.inputs.iter();
        let secrets = secrets.filter(|input| input.kind == InputKind::Secret);
        Self {
            endpoints: descriptor.endpoints.iter().flat_map(reaches).collect(),
            secrets: secrets
                .map(|input| (input.name.clone(), lower(&input.audience)))
                .collect(),
            webhooks: descriptor
                .webhooks
                .iter()
                .map(|spec| (spec.name.clone(), WebhookPermission::of(spec)))
                .collect(),
            response_headers: lower(&descriptor.response_headers),
            interfaces: exports.iter().filter_map(|name| optional(name)).collect(),
        }
    }

    /// Of the canonical JSON: keys and entries are sorted.
    pub fn hash(&self) -> Digest {
        let json = serde_json::to_vec(self).expect("names and lists are JSON");
        Digest::from_bytes(Sha256::digest(json).into())
    }

    /// Everything it may do, a line each.
    pub fn lines(&self) -> Vec<String> {
        self.beyond(&Self::default())
    }
}

fn reaches(endpoint: &wharf_core::provider::Endpoint) -> Vec<Reach> {
    let mut all = Vec::new();
    for method in &endpoint.methods {
        for path in &endpoint.paths {
            all.push(Reach {
                host: endpoint.host.to_ascii_lowercase(),
                host_setting: endpoint.host_setting.clone(),
                method: method.as_str().to_owned(),
                path: path.clone(),
            });
        }
    }
    all
}

fn lower(names: &[String]) -> BTreeSet<String> {
    names.iter().map(|name| name.to_ascii_lowercase()).collect()
}

/// `media` of `wharf:provider/media@1.0.0`, `None` for what every plugin exports.
fn optional(export: &str) -> Option<String> {
    let name = export.rsplit('/').next()?.split('@').next()?;
    (!REQUIRED.contains(&name)).then(|| name.to_owned())
}
