//! Standard Webhooks 1.0 signatures for deliveries to tenants' endpoints.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";
/// The specification asks for 24 to 64 random bytes.
const BYTES_MIN: usize = 24;
const BYTES_MAX: usize = 64;

/// The key of one endpoint, decoded.
pub struct SigningSecret(Zeroizing<Vec<u8>>);

impl SigningSecret {
    /// Reads `whsec_` + base64.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        let refused = || {
            format!(
                "an endpoint's secret is {PREFIX} followed by {BYTES_MIN} to {BYTES_MAX} bytes in base64"
            )
        };
        let encoded = text
            .expose_secret()
            .strip_prefix(PREFIX)
            .ok_or_else(refused)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| refused())?);
        if !(BYTES_MIN..=BYTES_MAX).contains(&bytes.len()) {
            return Err(refused());
        }
        Ok(Self(bytes))
    }

    /// A new secret as the tenant keeps it.
    pub fn encode(random: &[u8; 32]) -> SecretString {
        SecretString::from(format!("{PREFIX}{}", STANDARD.encode(random)))
    }
}

/// The `webhook-signature` header over exactly these bytes; one signature for each live secret.
pub fn sign(secrets: &[SigningSecret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let mut header = String::new();
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes any key length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        header.push_str(&STANDARD.encode(mac.finalize().into_bytes()));
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_specifications_example() {
        // The example of the Standard Webhooks specification 1.0.0, section on signatures.
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let secret = SigningSecret::parse(&secret).expect("24 bytes");
        let header = sign(
            &[secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_live_secrets_give_two_signatures() {
        let secret = |n| SigningSecret::parse(&SigningSecret::encode(&[n; 32])).expect("32 bytes");
        let header = sign(&[secret(1), secret(2)], "evt_1", 1, b"{}");
        let parts: Vec<_> = header.split(' ').collect();
        assert_eq!(parts.len(), 2);
        assert_ne!(parts[0], parts[1]);
    }

    #[test]
    fn short_and_foreign_secrets_are_refused() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "secret", "whsec_!!!!"] {
            let refused = SigningSecret::parse(&SecretString::from(text.to_owned()));
            assert!(refused.is_err_and(|e| e.contains("whsec_")), "{text}");
        }
    }
}
