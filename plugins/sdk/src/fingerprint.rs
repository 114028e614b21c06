//! A stable name for something the provider gave no id.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The first 128 bits of a SHA-256 over the parts, in hex. Parts are length-prefixed, so that `ab` + `c`
/// and `a` + `bc` differ. A plain hash would do against accidents; tenants' customers choose parts of
/// what is hashed here, so it must also be hard to collide on purpose.
#[must_use]
pub fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut hex = String::with_capacity(32);
    for byte in hash.finalize().iter().take(16) {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn is_stable_across_versions_and_separates_parts() {
        // Known answer: the host keeps dedupe keys for days, so a new plugin version must agree.
        assert_eq!(
            fingerprint(&["a", "bc"]),
            "3fafa1cf2f19a7c1129beb20cf0983f7"
        );
        assert_ne!(fingerprint(&["a", "bc"]), fingerprint(&["ab", "c"]));
    }
}
