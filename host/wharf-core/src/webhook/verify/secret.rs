//! Live values of secrets, and comparison with them in constant time.

use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use super::{Configured, Refusal};

/// Every live value that is not empty: an empty one would let anybody in.
pub(super) fn live(
    configured: &dyn Configured,
    secret: &str,
) -> Result<Vec<SecretString>, Refusal> {
    let mut found = configured.live(secret);
    found.retain(|value| !value.expose_secret().is_empty());
    if found.is_empty() {
        return Err(Refusal::SecretMissing {
            secret: secret.to_owned(),
        });
    }
    Ok(found)
}

/// Looks at all of them: how long it takes does not tell which one matched.
pub(super) fn equals_any(known: &[SecretString], presented: &str) -> bool {
    let mut matched = Choice::from(0);
    for value in known {
        matched |= value.expose_secret().as_bytes().ct_eq(presented.as_bytes());
    }
    matched.into()
}
