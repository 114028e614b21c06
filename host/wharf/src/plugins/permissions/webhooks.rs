//! How strongly a webhook proves its origin: a weaker proof is a wider permission.
//!
//! The checks are kept as the JSON of the description, so that a scheme which this host learns later
//! is compared like the others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_core::provider::WebhookSpec;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookPermission {
    /// Whose address it is: `app`, `account` or `channel`.
    pub level: String,
    pub checks: Vec<CheckPermission>,
    /// Request headers the plugin may read.
    #[serde(default)]
    pub headers: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckPermission {
    /// `always`, or the condition's JSON.
    pub when: Value,
    /// `mac`, `public-key`, `token`, `header`, `basic`, `body-digest`, `path-token`.
    pub scheme: String,
    /// What the scheme is told.
    pub details: Value,
}

impl WebhookPermission {
    pub(super) fn of(spec: &WebhookSpec) -> Self {
        let checks = spec.checks.iter().map(|check| {
            let (scheme, details) = tagged(serde_json::to_value(&check.verify));
            CheckPermission {
                when: serde_json::to_value(&check.when).unwrap_or_default(),
                scheme,
                details,
            }
        });
        Self {
            level: tagged(serde_json::to_value(spec.level)).0,
            checks: checks.collect(),
            headers: super::lower(&spec.headers),
        }
    }

    pub(super) fn beyond(&self, name: &str, approved: Option<&Self>) -> Vec<String> {
        let Some(approved) = approved else {
            let mut lines = vec![format!(
                "+ webhook {name} ({}, {})",
                self.level,
                self.scheme()
            )];
            lines.extend(self.headers_beyond(name, None));
            return lines;
        };
        let mut lines = Vec::new();
        if self.level != approved.level {
            lines.push(format!(
                "webhook {name}: level {} -> {}",
                approved.level, self.level
            ));
        }
        if self.strength() < approved.strength() {
            let (from, to) = (approved.scheme(), self.scheme());
            lines.push(format!("webhook {name}: {from} -> {to} (weaker)"));
        } else {
            let laxer = self.laxer(approved);
            lines.extend(laxer.map(|what| format!("webhook {name}: {what} (weaker)")));
        }
        lines.extend(self.headers_beyond(name, Some(approved)));
        lines
    }

    fn headers_beyond(&self, name: &str, approved: Option<&Self>) -> Vec<String> {
        let known = |header: &String| approved.is_some_and(|a| a.headers.contains(header));
        let new = self.headers.iter().filter(|header| !known(header));
        new.map(|header| format!("+ webhook {name} shows the header {header}"))
            .collect()
    }

    /// All checks that always apply must pass, so the strongest of them counts. Where each is bound
    /// to a condition, whoever calls may choose, so the weakest counts.
    fn strength(&self) -> u8 {
        let always = self.checks.iter().filter(|check| check.when == "always");
        match always.map(CheckPermission::strength).max() {
            Some(strongest) => strongest,
            None => {
                let all = self.checks.iter().map(CheckPermission::strength);
                all.min().unwrap_or(0)
            }
        }
    }

    fn scheme(&self) -> String {
        let names: Vec<_> = self
            .checks
            .iter()
            .map(|check| check.scheme.as_str())
            .collect();
        names.join(" + ")
    }

    /// The same strength on paper, and still less is proven.
    fn laxer(&self, approved: &Self) -> Option<String> {
        for old in &approved.checks {
            let same = |new: &&CheckPermission| new.scheme == old.scheme && new.when == old.when;
            match self.checks.iter().find(same) {
                Some(new) => {
                    if let Some(what) = new.laxer(old) {
                        return Some(what);
                    }
                }
                // Another check of the same strength took its place, or it is gone.
                None if self.checks.len() < approved.checks.len() => {
                    return Some(format!("without {}", old.scheme));
                }
                None => {}
            }
        }
        None
    }
}

impl CheckPermission {
    fn strength(&self) -> u8 {
        match self.scheme.as_str() {
            "mac" | "public-key" | "token" => 3,
            // A secret that travels with each call, and says nothing of the body.
            "header" | "basic" => 2,
            "path-token" => 1,
            // A digest without a key proves nothing of the sender.
            _ => 0,
        }
    }

    fn laxer(&self, old: &Self) -> Option<String> {
        let hash = |check: &Self| check.details["hash"].as_str().map(hash_strength);
        if let (Some(new), Some(known)) = (hash(self), hash(old))
            && new < known
        {
            let (from, to) = (&old.details["hash"], &self.details["hash"]);
            return Some(format!("{} {from} -> {to}", self.scheme));
        }
        let signed = |check: &Self| check.details["over"].as_array().cloned();
        if let (Some(new), Some(known)) = (signed(self), signed(old))
            && let Some(gone) = known.iter().find(|part| !new.contains(part))
        {
            return Some(format!("{} no longer covers {gone}", self.scheme));
        }
        let window = |check: &Self| check.details["freshness"]["tolerance_s"].as_u64();
        match (window(self), window(old)) {
            (None, Some(_)) => Some(format!("{} without a replay window", self.scheme)),
            (Some(new), Some(known)) if new > known => Some(format!(
                "{} replay window {known} s -> {new} s",
                self.scheme
            )),
            _ => None,
        }
    }
}

fn hash_strength(name: &str) -> u8 {
    match name {
        "sha512" => 3,
        "sha256" => 2,
        "sha1" => 1,
        _ => 0,
    }
}

/// The tag of an enum's JSON and what it holds.
fn tagged(json: serde_json::Result<Value>) -> (String, Value) {
    match json {
        Ok(Value::String(tag)) => (tag, Value::Null),
        Ok(Value::Object(map)) => map.into_iter().next().unwrap_or_default(),
        _ => ("unknown".to_owned(), Value::Null),
    }
}
