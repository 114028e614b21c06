//! The compiled-in text and the sections must name the same keys.

use std::collections::BTreeSet;

use super::Folder;
use crate::layer::Layer;
use crate::load::known_keys;
use crate::{Config, LogFormat, SendPolicy, Sources, SqliteSynchronous, defaults_toml};

fn dev() -> Config {
    let mut sources = Sources::defaults();
    sources.dev = true;
    Config::load(&sources).expect("the defaults are valid")
}

#[test]
fn every_default_is_read() {
    let config = dev();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url, None);
    assert_eq!(config.http.webhook_body_bytes_max, 4 * 1024 * 1024);
    assert_eq!(config.database.url.to_string(), "sqlite:wharf.db");
    assert_eq!(config.database.sqlite_synchronous, SqliteSynchronous::Full);
    assert_eq!(config.queue.lease_ms, 4000);
    assert_eq!(config.send.default_policy, SendPolicy::AtMostOnce);
    assert_eq!(config.send.expires_after_ms, 24 * 3600 * 1000);
    assert_eq!(
        config.delivery.schedule_s,
        [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    );
    assert_eq!(config.plugins.native.memory_bytes_max, 32 * 1024 * 1024);
    assert_eq!(
        config.plugins.native.parse_output_bytes_max,
        16 * 1024 * 1024
    );
    assert_eq!(config.log.format, LogFormat::Auto);
    assert!(config.egress.delivery_https_only);
    assert!(config.egress.connect_to.0.is_empty());
    assert!(config.secrets.is_none());
    assert!(config.tenants.is_empty());
    assert_eq!(config.tenants_dir, None);
}

/// Takes the `#` from the lines that are commented-out keys: those without a space after it.
fn uncommented() -> String {
    let lines = defaults_toml()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key,
            _ => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_text_names_every_key_and_no_other() {
    let layer = Layer::toml("wharf.toml", "".as_ref(), &uncommented()).expect("valid TOML");
    let written: BTreeSet<String> = layer.origins.keys().map(|path| path.join(".")).collect();
    let missing: Vec<_> = known_keys()
        .into_iter()
        .filter(|key| !written.contains(key))
        .collect();
    assert!(
        missing.is_empty(),
        "config/wharf.toml does not document {missing:?}"
    );
}

#[test]
fn every_commented_key_is_valid_as_it_stands() {
    let folder = Folder::with(&uncommented())
        .file("k1.key", super::RING_KEY)
        .file("meta-app-secret", "s3cret")
        .file("tenants/.keep", "")
        .without_ring()
        .change(|sources| sources.allow_connect_to = true);
    let config = folder.load();
    assert_eq!(config.apps["meta"].plugin, "graph");
    assert_eq!(config.secrets.expect("a ring").active, "k1");
    assert_eq!(config.egress.connect_to.0.len(), 1);
    assert_eq!(
        config.http.public_url.expect("a URL").as_str(),
        "https://wharf.example.com/"
    );
}

#[test]
fn every_section_and_key_has_a_comment_before_it() {
    let lines: Vec<&str> = defaults_toml().lines().collect();
    let mut explained = false;
    for line in lines {
        if line.starts_with("# ") {
            explained = true;
        } else if line.starts_with('[') || line.is_empty() {
            explained = false;
        } else {
            // A pair such as memory_bytes_max and parse_memory_bytes_max shares one comment.
            assert!(explained || line.starts_with('#'), "{line} has no comment");
        }
    }
}
