//! A sealed value opens at its own place, under its own key, unchanged, and nowhere else.

use std::collections::HashSet;

use wharf_store::{Aad, KeyRing, StoreError, Vault};

const PLACE: Aad<'static> = Aad {
    purpose: "credential",
    tenant: Some("acme"),
    owner: "channel:acme/main",
    name: "token",
    slot: 0,
};
const SECRET: &[u8] = b"EAAG-the-token";

fn ring(active: &str, keys: &[(&str, u8)]) -> Result<KeyRing, StoreError> {
    let keys = keys
        .iter()
        .map(|(id, byte)| ((*id).to_owned(), [*byte; 32]))
        .collect();
    KeyRing::new(active.to_owned(), keys)
}

fn vault(active: &str, keys: &[(&str, u8)]) -> Vault {
    Vault::new(ring(active, keys).unwrap())
}

#[test]
fn what_was_sealed_opens_at_its_place() {
    let vault = vault("k1", &[("k1", 1)]);
    for plain in [SECRET, b"", &[0xff; 10_000]] {
        let sealed = vault.seal(&PLACE, plain).unwrap();
        assert_eq!(sealed.key_id, "k1");
        assert_eq!(&**vault.open(&PLACE, &sealed.bytes).unwrap(), plain);
    }
}

#[test]
fn nothing_of_the_secret_shows_and_no_two_seals_are_alike() {
    let vault = vault("k1", &[("k1", 1)]);
    let seals: HashSet<Vec<u8>> = (0..100)
        .map(|_| vault.seal(&PLACE, SECRET).unwrap().bytes)
        .collect();
    assert_eq!(seals.len(), 100);
    for sealed in seals {
        assert!(!sealed.windows(4).any(|part| part == &SECRET[..4]));
    }
}

#[test]
fn another_place_opens_nothing() {
    let vault = vault("k1", &[("k1", 1)]);
    let sealed = vault.seal(&PLACE, SECRET).unwrap().bytes;
    let elsewhere = [
        Aad {
            purpose: "webhook address",
            ..PLACE
        },
        Aad {
            tenant: Some("other"),
            ..PLACE
        },
        Aad {
            tenant: None,
            ..PLACE
        },
        Aad {
            tenant: Some(""),
            ..PLACE
        },
        Aad {
            owner: "channel:acme/second",
            ..PLACE
        },
        Aad {
            name: "secret",
            ..PLACE
        },
        Aad { slot: 1, ..PLACE },
        // The same characters, parted elsewhere.
        Aad {
            owner: "channel:acme/mai",
            name: "ntoken",
            ..PLACE
        },
    ];
    for place in elsewhere {
        let opened = vault.open(&place, &sealed);
        assert!(matches!(opened, Err(StoreError::Sealing(_))), "{place:?}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let vault = vault("k1", &[("k1", 1), ("k0", 1)]);
    let sealed = vault.seal(&PLACE, SECRET).unwrap().bytes;
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = vault.open(&PLACE, &changed);
        assert!(matches!(opened, Err(StoreError::Sealing(_))), "bit {bit}");
    }
    for length in 0..sealed.len() {
        let opened = vault.open(&PLACE, &sealed[..length]);
        assert!(
            matches!(opened, Err(StoreError::Sealing(_))),
            "{length} bytes"
        );
    }
}

#[test]
fn an_unknown_key_and_a_changed_key_open_nothing_and_say_which() {
    let sealed = vault("k1", &[("k1", 1)]).seal(&PLACE, SECRET).unwrap();
    let unknown = vault("k2", &[("k2", 1)]).open(&PLACE, &sealed.bytes);
    let text = unknown.unwrap_err().to_string();
    assert!(
        text.contains("\"k1\"") && text.contains("add that key"),
        "{text}"
    );
    let changed = vault("k1", &[("k1", 2)]).open(&PLACE, &sealed.bytes);
    let text = changed.unwrap_err().to_string();
    assert!(text.contains("\"k1\"") && text.contains("token"), "{text}");
    assert!(!text.contains("EAAG"), "{text}");
}

#[test]
fn a_rotation_seals_with_the_new_key_and_still_opens_with_the_old() {
    let old = vault("k1", &[("k1", 1)]).seal(&PLACE, SECRET).unwrap();
    let rotated = vault("k2", &[("k1", 1), ("k2", 2)]);
    assert_eq!(&**rotated.open(&PLACE, &old.bytes).unwrap(), SECRET);
    assert_eq!(rotated.seal(&PLACE, SECRET).unwrap().key_id, "k2");
    assert_eq!(rotated.active_key_id(), "k2");
}

#[test]
fn a_ring_that_cannot_work_is_refused() {
    let long = "k".repeat(65);
    for (active, keys) in [
        ("k1", &[][..]),
        ("k2", &[("k1", 1)][..]),
        ("k1", &[("k1", 1), ("k1", 2)][..]),
        ("", &[("", 1)][..]),
        (long.as_str(), &[(long.as_str(), 1)][..]),
    ] {
        assert!(
            matches!(ring(active, keys), Err(StoreError::Sealing(_))),
            "{active} {keys:?}"
        );
    }
}
