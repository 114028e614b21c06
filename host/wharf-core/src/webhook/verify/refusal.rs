//! Why a call is not believed. Shown to operators, never to the caller.

/// Why a call is not believed, and what whoever configured it can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no declared check applies to this call")]
    NothingApplies,
    #[error("the header {header} is missing or repeated")]
    HeaderMissing { header: String },
    #[error(
        "the secret {secret} is not set for this webhook; set it and let the provider call again"
    )]
    SecretMissing { secret: String },
    #[error("the secret {secret} does not have the form that the plugin declares: {reason}")]
    SecretUnreadable { secret: String, reason: String },
    #[error("the setting {setting} is not set for this webhook; set it to the provider's key")]
    KeyMissing { setting: String },
    #[error("the setting {setting} holds no key that can be used: {reason}")]
    KeyUnreadable { setting: String, reason: String },
    #[error("the proof in {header} does not match the call")]
    Mismatch { header: String },
    #[error("{header} holds more than {signatures_max} signatures")]
    TooManySignatures {
        header: String,
        signatures_max: usize,
    },
    #[error(
        "the call's time in {header} is {seconds} s from ours, at most {tolerance_s} s are allowed"
    )]
    Stale {
        header: String,
        seconds: u64,
        tolerance_s: u64,
    },
    #[error("{header} does not hold the seconds since the epoch")]
    TimeUnreadable { header: String },
    #[error(
        "this check signs the URL, and http.public_url is not set; set it to what the provider calls"
    )]
    UrlUnknown,
    #[error("its form cannot be read: {reason}")]
    Form { reason: &'static str },
    #[error("the token in {header} is not valid: {reason}")]
    Token {
        header: String,
        reason: &'static str,
    },
    #[error("the query parameter {param} is missing, repeated or not the digest of the body")]
    Digest { param: String },
    #[error("it must come by the webhook's own path, and came by a shared one")]
    PathShared,
    #[error("this webhook has no subscription handshake")]
    NoChallenge,
    #[error("the subscription's {param} does not match")]
    Challenge { param: String },
}

impl Refusal {
    pub(super) fn mismatch(header: &str) -> Self {
        Self::Mismatch {
            header: header.to_owned(),
        }
    }
}
