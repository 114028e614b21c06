//! Media of messages that come in: which are fetched, and what a failed attempt means.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::provider::{ErrorClass, PlatformError, Retry};
use crate::retry::backoff_ms;

/// What is fetched by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRule {
    pub is_on: bool,
    pub bytes_max: u64,
    /// `image/png` or `image/*`, in lower case; empty for all.
    pub types: Vec<String>,
}

impl FetchRule {
    /// Whether a medium of this type is wanted. One whose type is not known yet is looked at.
    pub fn wants(&self, content_type: Option<&str>) -> bool {
        let Some(given) = content_type.filter(|_| !self.types.is_empty()) else {
            return true;
        };
        let essence = given.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        self.types
            .iter()
            .any(|wanted| match wanted.strip_suffix('*') {
                Some(kind) => essence.starts_with(kind),
                None => essence == *wanted,
            })
    }
}

/// Whether the bytes are those that the provider spoke of, when its digest can be read: hex or base64 of
/// SHA-256.
pub fn digest_fits(told: &str, sha256: &[u8]) -> Option<bool> {
    let told = told.trim();
    let read = hex::decode(told)
        .ok()
        .filter(|bytes| bytes.len() == 32)
        .or_else(|| STANDARD.decode(told).ok())
        .or_else(|| URL_SAFE_NO_PAD.decode(told).ok())
        .filter(|bytes| bytes.len() == 32)?;
    Some(read == sha256)
}

/// Of attempts to fetch one medium.
#[derive(Clone, Copy, Debug)]
pub struct FetchPolicy {
    pub attempts_max: u32,
    pub backoff_base_ms: i64,
    pub backoff_max_ms: i64,
}

/// What a failed attempt leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDecision {
    RetryAt(i64),
    GiveUp,
}

/// Whether another attempt may bring it, by what the plugin says of the failure. A medium that is gone or
/// refused stays so; credentials are mended by people, within the attempts that there are.
pub fn may_come(error: &PlatformError) -> bool {
    match error.class {
        ErrorClass::MediaRejected | ErrorClass::InvalidMessage | ErrorClass::Unsupported => false,
        ErrorClass::AuthFailed | ErrorClass::AccountRestricted | ErrorClass::PaymentRequired => {
            true
        }
        _ => error.retry != Retry::Never,
    }
}

/// `attempt` is the number of the one that failed, from 1; `wait_ms` what the provider asked for.
pub fn after_failure(
    attempt: u32,
    wait_ms: Option<u64>,
    now: i64,
    policy: &FetchPolicy,
    jitter: u64,
) -> FetchDecision {
    if attempt >= policy.attempts_max {
        return FetchDecision::GiveUp;
    }
    let backoff = backoff_ms(
        attempt,
        policy.backoff_base_ms,
        2,
        policy.backoff_max_ms,
        jitter,
    );
    // Longer than the longest backoff nobody is believed: the medium would be gone by then.
    let asked = wait_ms.map_or(0, |ms| i64::try_from(ms).unwrap_or(i64::MAX));
    let wait = backoff.max(asked.min(policy.backoff_max_ms));
    FetchDecision::RetryAt(now.saturating_add(wait))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn rule(types: &[&str]) -> FetchRule {
        FetchRule {
            is_on: true,
            bytes_max: 1,
            types: types.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    #[test]
    fn types_are_named_whole_or_by_their_kind() {
        for (types, given, wanted) in [
            (&[][..], Some("video/mp4"), true),
            (&["image/*"][..], Some("image/png"), true),
            (&["image/*"][..], Some("IMAGE/PNG; q=1"), true),
            (&["image/*"][..], Some("imagery/png"), false),
            (&["image/png", "audio/*"][..], Some("image/jpeg"), false),
            (
                &["image/png", "audio/*"][..],
                Some("audio/ogg; codecs=opus"),
                true,
            ),
            (&["image/png"][..], None, true),
        ] {
            assert_eq!(rule(types).wants(given), wanted, "{types:?} {given:?}");
        }
    }

    #[test]
    fn a_digest_is_read_in_either_writing_and_nothing_else_is_believed() {
        let sha256 = Sha256::digest(b"picture");
        for told in [
            hex::encode(sha256),
            STANDARD.encode(sha256),
            URL_SAFE_NO_PAD.encode(sha256),
        ] {
            assert_eq!(digest_fits(&told, &sha256), Some(true), "{told}");
            assert_eq!(digest_fits(&told, &[0; 32]), Some(false), "{told}");
        }
        for told in ["", "abc", "no digest at all", "AAAA"] {
            assert_eq!(digest_fits(told, &sha256), None, "{told}");
        }
    }

    #[test]
    fn attempts_end_and_waits_grow_to_their_limit() {
        let policy = FetchPolicy {
            attempts_max: 4,
            backoff_base_ms: 100,
            backoff_max_ms: 250,
        };
        let at = |attempt, wait| after_failure(attempt, wait, 1_000, &policy, 0);
        assert_eq!(at(1, None), FetchDecision::RetryAt(1_100));
        assert_eq!(at(3, None), FetchDecision::RetryAt(1_250));
        assert_eq!(at(1, Some(200)), FetchDecision::RetryAt(1_200));
        assert_eq!(at(1, Some(u64::MAX)), FetchDecision::RetryAt(1_250));
        assert_eq!(at(4, None), FetchDecision::GiveUp);
    }

    #[test]
    fn what_is_gone_is_final_and_what_people_mend_is_not() {
        let of = |class, retry| {
            may_come(&PlatformError {
                class,
                retry,
                provider_code: None,
                trace_id: None,
                detail: String::new(),
                remedy: None,
                pace: Vec::new(),
            })
        };
        assert!(!of(ErrorClass::MediaRejected, Retry::Backoff));
        assert!(!of(ErrorClass::Other, Retry::Never));
        assert!(of(ErrorClass::AuthFailed, Retry::Never));
        assert!(of(ErrorClass::ProviderUnavailable, Retry::Backoff));
        assert!(of(ErrorClass::RateLimited, Retry::AfterMs(5)));
    }
}
