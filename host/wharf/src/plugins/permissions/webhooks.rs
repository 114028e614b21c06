//! How a webhook proves its origin: any other proof than the approved one is a wider permission, unless
//! it is known to be stricter.
//!
//! The checks are kept as the JSON of the description, so that a scheme which this host learns later
//! is compared like the others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wharf_core::provider::WebhookSpec;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookPermission {
    /// Whose address it is: `app`, `account` or `channel`.
    pub level: String,
    pub checks: Vec<CheckPermission>,
    /// The handshake that the host answers, as JSON; null without one.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub challenge: Value,
    /// Request headers the plugin may read.
    #[serde(default)]
    pub headers: BTreeSet<String>,
    /// The largest body that is taken.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub body_bytes_max: u32,
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
            challenge: serde_json::to_value(&spec.challenge).unwrap_or_default(),
            headers: super::lower(&spec.headers),
            body_bytes_max: spec.max_body,
        }
    }

    pub(super) fn beyond(&self, name: &str, approved: Option<&Self>) -> Vec<String> {
        let Some(approved) = approved else {
            let mut lines = vec![format!(
                "+ webhook {name} ({}, {})",
                self.level,
                self.scheme()
            )];
            lines.extend(self.challenge_beyond(name, &Value::Null));
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
            let other = self.other_proof(approved);
            lines.extend(other.map(|what| format!("webhook {name}: {what}")));
        }
        lines.extend(self.challenge_beyond(name, &approved.challenge));
        let (from, to) = (approved.body_bytes_max, self.body_bytes_max);
        if to > from {
            lines.push(format!("webhook {name}: bodies of {from} -> {to} bytes"));
        }
        lines.extend(self.headers_beyond(name, Some(approved)));
        lines
    }

    /// A handshake that is answered differently lets another party subscribe.
    fn challenge_beyond(&self, name: &str, approved: &Value) -> Option<String> {
        if self.challenge.is_null() || dense(&self.challenge) == dense(approved) {
            return None;
        }
        let secret = self.challenge["token"].as_str().unwrap_or_default();
        Some(match approved.is_null() {
            true => format!("+ webhook {name} answers a challenge proven by the secret {secret}"),
            false => format!(
                "webhook {name}: its challenge differs in {}",
                differing(&self.challenge, approved)
            ),
        })
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

    /// Not weaker on paper, and still other things are proven: `None` when each approved check is there,
    /// as it was or known to be stricter, and what else is there lets nobody in.
    fn other_proof(&self, approved: &Self) -> Option<String> {
        let mut left: Vec<_> = self.checks.iter().collect();
        for old in &approved.checks {
            match left.iter().position(|new| new.covers(old)) {
                Some(at) => drop(left.remove(at)),
                None => return Some(self.without(old, approved)),
            }
        }
        // One check whose condition holds is enough, so another condition is another way in, unless an
        // approved check stands in each way.
        let open = |new: &&&CheckPermission| {
            !approved
                .checks
                .iter()
                .any(|old| old.when == "always" || old.when == new.when)
        };
        let added = left.iter().find(open)?;
        Some(format!(
            "calls that no check took before pass by {}",
            added.scheme
        ))
    }

    /// What became of an approved check that is not met any more.
    fn without(&self, old: &CheckPermission, approved: &Self) -> String {
        let mut alike = self.checks.iter().filter(|new| new.scheme == old.scheme);
        let Some(new) = alike.next() else {
            let (from, to) = (approved.scheme(), self.scheme());
            return format!("{from} -> {to} (another proof)");
        };
        if self.checks.len() < approved.checks.len() && alike.next().is_none() {
            let kept = |new: &CheckPermission| approved.checks.iter().any(|old| new.covers(old));
            if kept(new) {
                return format!("without one of its checks by {}", old.scheme);
            }
        }
        if new.when != old.when {
            return format!("{} applies under another condition", old.scheme);
        }
        match new.laxer(old) {
            Some(what) => format!("{what} (weaker)"),
            None => format!(
                "{} differs in {} (another proof)",
                old.scheme,
                differing(&new.details, &old.details)
            ),
        }
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

    /// True when whatever passes this check would have passed `old`.
    fn covers(&self, old: &Self) -> bool {
        if self.scheme != old.scheme || self.when != old.when {
            return false;
        }
        let (new, known) = (dense(&self.details), dense(&old.details));
        let hash = |details: &Value| hash_strength(details["hash"].as_str().unwrap_or_default());
        // A hash that this program does not know is compared like anything else.
        let stronger = hash(&known) > 0 && hash(&new) > hash(&known);
        let narrower = match (&new["freshness"], &known["freshness"]) {
            (_, Value::Null) => true,
            (new, known) => {
                let window = |freshness: &Value| freshness["tolerance_s"].as_u64();
                let windows = window(new).zip(window(known));
                windows.is_some_and(|(new, known)| new <= known)
                    && without_key(new, "tolerance_s") == without_key(known, "tolerance_s")
            }
        };
        let rest = |details: &Value| {
            let rest = without_key(details, "freshness");
            match stronger {
                true => without_key(&rest, "hash"),
                false => rest,
            }
        };
        narrower && rest(&new) == rest(&known)
    }

    /// In which way less is proven, where it can be said.
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

/// What an older lock does not say is not written either, so that its hash stays right.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives a reference to the member"
)]
fn is_zero(bytes: &u32) -> bool {
    *bytes == 0
}

/// Without members that are null: a lock of an earlier program does not have what this one added.
fn dense(json: &Value) -> Value {
    match json {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key.clone(), dense(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn without_key(json: &Value, key: &str) -> Value {
    let mut json = json.clone();
    if let Some(members) = json.as_object_mut() {
        members.remove(key);
    }
    json
}

/// The names of the members in which two differ.
fn differing(one: &Value, other: &Value) -> String {
    let (one, other) = (dense(one), dense(other));
    let none = Map::new();
    let (left, right) = (
        one.as_object().unwrap_or(&none),
        other.as_object().unwrap_or(&none),
    );
    let names: BTreeSet<_> = left
        .keys()
        .chain(right.keys())
        .filter(|key| left.get(*key) != right.get(*key))
        .map(String::as_str)
        .collect();
    match names.is_empty() {
        // Details that are no object: the names of a header and of its secret.
        true => "its names".to_owned(),
        false => names.into_iter().collect::<Vec<_>>().join(", "),
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
