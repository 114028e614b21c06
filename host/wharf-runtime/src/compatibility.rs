//! Whether native code fits an engine: one hash of everything that decides about it.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::admission::RULES_REVISION;

/// Equal for two engines when code compiled for one runs on the other and passed the same admission:
/// wasmtime's version, the target with its features, the settings, and this host's rules.
pub(crate) fn of(engine: &Engine) -> [u8; 32] {
    let mut hasher = ShaHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.update(RULES_REVISION.to_le_bytes());
    hasher.0.finalize().into()
}

/// `std`'s hashers may change between releases; a file name must not.
struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.clone().finalize();
        u64::from_le_bytes(*hash.first_chunk().expect("SHA-256 has 32 bytes"))
    }
}
