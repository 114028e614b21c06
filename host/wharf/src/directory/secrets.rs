//! Secrets as exchanges and checks see them: merged from their owners, what was captured first.

use std::collections::HashMap;

use secrecy::SecretString;
use wharf_store::{Conn, Owner, StoreError, Vault, credentials};

/// Decrypted secrets by name; the newest first, two during a rotation.
#[derive(Default)]
pub struct SecretSet(HashMap<String, Vec<SecretString>>);

/// One owner's secrets: what people configured, and what exchanges captured.
#[derive(Default)]
pub(super) struct Stored {
    configured: HashMap<String, Vec<SecretString>>,
    captured: HashMap<String, SecretString>,
}

impl SecretSet {
    /// From the narrowest owner to the widest: of what is configured the narrowest owner's values
    /// count, and before them what was captured last, since exchanges replace what they began with.
    pub(super) fn merge(narrow_first: Vec<Stored>) -> Self {
        let mut set: HashMap<String, Vec<SecretString>> = HashMap::new();
        let mut captured = HashMap::new();
        for owner in narrow_first {
            for (name, values) in owner.configured {
                set.entry(name).or_insert(values);
            }
            for (name, value) in owner.captured {
                captured.entry(name).or_insert(value);
            }
        }
        for (name, value) in captured {
            set.entry(name).or_default().insert(0, value);
        }
        Self(set)
    }

    pub fn live(&self, name: &str) -> Vec<SecretString> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

impl wharf_egress::Secrets for SecretSet {
    fn get(&self, name: &str) -> Option<SecretString> {
        self.0.get(name).and_then(|values| values.first()).cloned()
    }

    fn live(&self, name: &str) -> Vec<SecretString> {
        let of_name = |known: &str| {
            let rest = known.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let named = self.0.iter().filter(|(known, _)| of_name(known));
        named.flat_map(|(_, values)| values).cloned().collect()
    }
}

impl Stored {
    pub(super) async fn read(
        conn: &mut Conn,
        vault: &Vault,
        owner: &Owner,
        now: i64,
    ) -> Result<Self, StoreError> {
        let mut stored = Self::default();
        for (name, slot, secret) in credentials::all_of(conn, vault, owner, now).await? {
            match slot {
                credentials::CAPTURED_SLOT => {
                    stored.captured.insert(name, secret);
                }
                _ => stored.configured.entry(name).or_default().push(secret),
            }
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use wharf_egress::Secrets;

    use super::*;

    #[test]
    fn every_value_of_a_secret_is_live_and_the_captured_one_is_sent() {
        let text = |text: &str| SecretString::from(text);
        let stored = Stored {
            configured: HashMap::from([
                ("token".to_owned(), vec![text("new"), text("old")]),
                ("token2".to_owned(), vec![text("another")]),
            ]),
            captured: HashMap::from([
                ("token".to_owned(), text("captured")),
                ("token/a".to_owned(), text("slot")),
            ]),
        };
        let set = SecretSet::merge(vec![stored]);
        let mut live: Vec<_> = Secrets::live(&set, "token")
            .iter()
            .map(|value| value.expose_secret().to_owned())
            .collect();
        live.sort();
        assert_eq!(live, ["captured", "new", "old", "slot"]);
        let sent = set.get("token").unwrap();
        assert_eq!(sent.expose_secret(), "captured");
        assert!(Secrets::live(&set, "nobody").is_empty());
    }
}
