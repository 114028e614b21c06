//! Plugins come and go: sources, the lock, what waits for approval, and a gateway that follows while it
//! serves.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod changes;
mod commands;
mod following;
mod lockfile;
mod oci;
mod pinned;
mod proofs;
mod sources;
mod stage;

use wharf::plugins::install::{Actor, Candidate};
use wharf::plugins::lock::Version;
use wharf::plugins::{Digest, Permissions};

use crate::runtime::guest::{Guest, Input};

const ACTOR: Actor<'static> = Actor {
    by: "alice",
    at: "2026-01-02T03:04:05.000Z",
};

/// A component of this version; `more` names secrets it asks for besides.
fn component(release: &'static str, more: &[&'static str]) -> Vec<u8> {
    let mut guest = Guest::new();
    guest.release = release;
    let secrets = more.iter().map(|name| Input { name, secret: true });
    guest.inputs.extend(secrets);
    guest.build()
}

/// A candidate whose bytes are its number.
fn candidate(number: u8, version: &str, permissions: Permissions) -> Candidate {
    Candidate {
        id: "dev.wharf.test".to_owned(),
        version: Version {
            digest: Digest::of(&[number]),
            version: version.to_owned(),
            source: "path:/tmp/test.wasm".to_owned(),
            manifest_digest: None,
            size_bytes: 1,
            added_at: ACTOR.at.to_owned(),
        },
        permissions,
    }
}
