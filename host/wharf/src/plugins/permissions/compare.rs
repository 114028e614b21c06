//! What one set of permissions has beyond another, in words.

use std::collections::BTreeSet;

use super::{Permissions, Reach};

impl Permissions {
    /// What this asks for that `approved` does not cover; empty when it asks for no more.
    pub fn beyond(&self, approved: &Self) -> Vec<String> {
        let mut more = Vec::new();
        for reach in &self.endpoints {
            if !approved.endpoints.iter().any(|known| known.covers(reach)) {
                more.push(format!("+ host {reach}"));
            }
        }
        for (secret, hosts) in &self.secrets {
            more.extend(secret_beyond(secret, hosts, approved));
        }
        for (name, webhook) in &self.webhooks {
            more.extend(webhook.beyond(name, approved.webhooks.get(name)));
        }
        for header in self.response_headers.difference(&approved.response_headers) {
            more.push(format!("+ reads the response header {header}"));
        }
        for interface in self.interfaces.difference(&approved.interfaces) {
            more.push(format!("+ interface {interface}"));
        }
        more.iter().map(|line| printable(line)).collect()
    }

    /// Webhooks that `approved` had and this has no more: providers were told their addresses.
    pub fn lost_webhooks(&self, approved: &Self) -> Vec<String> {
        let same =
            |name: &str, level: &str| self.webhooks.get(name).is_some_and(|it| it.level == level);
        let lost = approved
            .webhooks
            .iter()
            .filter(|(name, it)| !same(name, &it.level));
        lost.map(|(name, _)| {
            format!("it has no webhook {name} any more, whose address providers were told; install it under another name, or use a version that keeps it")
        })
        .collect()
    }
}

fn secret_beyond(secret: &str, hosts: &BTreeSet<String>, approved: &Permissions) -> Vec<String> {
    let known = approved.secrets.get(secret);
    if known.is_none() && hosts.is_empty() {
        return vec![format!("+ secret {secret} (sent nowhere)")];
    }
    let covered = |host: &str| known.is_some_and(|k| k.iter().any(|k| host_covers(k, host)));
    hosts
        .iter()
        .filter(|host| !covered(host))
        .map(|host| format!("+ secret {secret} may go to {host}"))
        .collect()
}

impl Reach {
    fn covers(&self, other: &Self) -> bool {
        // A setting narrows what the pattern allows; without it the plugin chooses the host itself.
        let setting = self.host_setting.is_none() || self.host_setting == other.host_setting;
        setting
            && self.method == other.method
            && host_covers(&self.host, &other.host)
            && path_covers(&self.path, &other.path)
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.host, self.method, self.path)?;
        match &self.host_setting {
            Some(setting) => write!(f, " (host from the setting {setting})"),
            None => Ok(()),
        }
    }
}

/// Exact, or `*.` and a suffix that the other ends in.
fn host_covers(pattern: &str, other: &str) -> bool {
    let suffix = pattern
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'));
    pattern == other
        || suffix.is_some_and(|suffix| other.len() > suffix.len() && other.ends_with(suffix))
}

/// Segment by segment; `{name}` stands for any one, a `/` at the end for whatever follows.
fn path_covers(pattern: &str, other: &str) -> bool {
    let (prefix, open) = match pattern.strip_suffix('/') {
        Some(prefix) => (prefix, true),
        None => (pattern, false),
    };
    let wanted: Vec<_> = prefix.split('/').collect();
    let found: Vec<_> = other.split('/').collect();
    let length_fits = match open {
        true => found.len() > wanted.len(),
        false => found.len() == wanted.len(),
    };
    let fits = |(wanted, found): (&&str, &&str)| {
        wanted == found || (is_variable(wanted) && !found.is_empty())
    };
    length_fits && wanted.iter().zip(&found).all(fits)
}

fn is_variable(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// Paths are the plugin's own text.
fn printable(line: &str) -> String {
    let escaped = line.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    escaped.collect()
}
