//! Verification of a delivery by the Standard Webhooks specification, written from its text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The three headers and the bytes that they vouch for.
pub(super) struct Signed<'a> {
    pub(super) id: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) signatures: &'a str,
    pub(super) body: &'a [u8],
}

/// The key inside of `whsec_...`.
pub(super) fn key_of(secret: &str) -> Result<Vec<u8>, String> {
    let encoded = secret
        .strip_prefix("whsec_")
        .ok_or("a secret must start with whsec_")?;
    let key = STANDARD
        .decode(encoded)
        .map_err(|error| format!("a secret must be base64: {error}"))?;
    if (24..=64).contains(&key.len()) {
        Ok(key)
    } else {
        Err(format!(
            "a secret must have 24 to 64 bytes, this one has {}",
            key.len()
        ))
    }
}

/// Succeeds when one of the signatures fits one of the keys and the time is near `now_s`.
pub(super) fn verify(
    signed: &Signed<'_>,
    keys: &[Vec<u8>],
    now_s: u64,
    tolerance_s: u64,
) -> Result<(), String> {
    if signed.id.is_empty() || signed.id.contains('.') {
        return Err(format!(
            "webhook-id '{}' must be there and have no dot",
            signed.id
        ));
    }
    let sent_s: u64 = signed.timestamp.parse().map_err(|_| {
        format!(
            "webhook-timestamp '{}' is not in Unix seconds",
            signed.timestamp
        )
    })?;
    if sent_s.abs_diff(now_s) > tolerance_s {
        return Err(format!(
            "webhook-timestamp is {} s off",
            sent_s.abs_diff(now_s)
        ));
    }
    let fits = signed
        .signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|encoded| STANDARD.decode(encoded).ok())
        .any(|signature| {
            keys.iter()
                .any(|key| is_signature_of(signed, key, &signature))
        });
    if fits {
        Ok(())
    } else {
        Err("no v1 signature in webhook-signature fits".to_owned())
    }
}

fn is_signature_of(signed: &Signed<'_>, key: &[u8], signature: &[u8]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(signed.id.as_bytes());
    mac.update(b".");
    mac.update(signed.timestamp.as_bytes());
    mac.update(b".");
    mac.update(signed.body);
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification's reference libraries test with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNED: Signed<'static> = Signed {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        body: br#"{"test": 2432232314}"#,
    };

    fn check(signed: &Signed<'_>, secret: &str, now_s: u64) -> Result<(), String> {
        verify(signed, &[key_of(secret).unwrap()], now_s, 300)
    }

    #[test]
    fn accepts_the_published_example_and_any_fitting_signature_in_a_list() {
        assert_eq!(check(&SIGNED, SECRET, 1_614_265_400), Ok(()));
        let signatures = format!("v1,bm90IHRoaXMgb25l v1a,xyz {}", SIGNED.signatures);
        assert_eq!(
            check(
                &Signed {
                    signatures: &signatures,
                    ..SIGNED
                },
                SECRET,
                1_614_265_330
            ),
            Ok(())
        );
    }

    #[test]
    fn refuses_other_bytes_keys_times_and_ids() {
        let now = 1_614_265_330;
        let other_key = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for (signed, secret, now_s) in [
            (
                Signed {
                    body: b"{\"test\": 2432232315}",
                    ..SIGNED
                },
                SECRET,
                now,
            ),
            (
                Signed {
                    signatures: "v1,",
                    ..SIGNED
                },
                SECRET,
                now,
            ),
            (
                Signed {
                    id: "msg_other",
                    ..SIGNED
                },
                SECRET,
                now,
            ),
            (
                Signed {
                    id: "msg.p5",
                    ..SIGNED
                },
                SECRET,
                now,
            ),
            (
                Signed {
                    timestamp: "now",
                    ..SIGNED
                },
                SECRET,
                now,
            ),
            (SIGNED, other_key, now),
            (SIGNED, SECRET, now + 301),
        ] {
            let refused = check(&signed, secret, now_s);
            assert!(
                refused.is_err(),
                "{}.{} passed",
                signed.id,
                signed.timestamp
            );
        }
        assert!(key_of("whsec_c2hvcnQ=").is_err());
        assert!(key_of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err());
    }
}
