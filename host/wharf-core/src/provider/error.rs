//! The taxonomy of provider failures.

use serde::{Deserialize, Serialize};

use super::exchange::Pace;
use crate::Reason;

/// Closed on purpose: the host and its API act on these. Anything else is `Other` with the
/// provider's own code. Called `code` in the interface and class inside the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    InvalidMessage,
    Unsupported,
    RecipientUnknown,
    RecipientOptedOut,
    WindowClosed,
    TemplateUnknown,
    TemplatePaused,
    TemplateMismatch,
    MediaRejected,
    PolicyBlocked,
    AuthFailed,
    AccountRestricted,
    PaymentRequired,
    RateLimited,
    PairRateLimited,
    ProviderUnavailable,
    MalformedResponse,
    Misconfigured,
    Other,
}

impl ErrorClass {
    /// What it means and what to do, in the catalogue of reasons.
    pub fn reason(self) -> Reason {
        match self {
            Self::InvalidMessage => Reason::InvalidMessage,
            Self::Unsupported => Reason::Unsupported,
            Self::RecipientUnknown => Reason::RecipientUnknown,
            Self::RecipientOptedOut => Reason::RecipientOptedOut,
            Self::WindowClosed => Reason::WindowClosed,
            Self::TemplateUnknown => Reason::TemplateUnknown,
            Self::TemplatePaused => Reason::TemplatePaused,
            Self::TemplateMismatch => Reason::TemplateMismatch,
            Self::MediaRejected => Reason::MediaRejected,
            Self::PolicyBlocked => Reason::PolicyBlocked,
            Self::AuthFailed => Reason::AuthFailed,
            Self::AccountRestricted => Reason::AccountRestricted,
            Self::PaymentRequired => Reason::PaymentRequired,
            Self::RateLimited => Reason::RateLimited,
            Self::PairRateLimited => Reason::PairRateLimited,
            Self::ProviderUnavailable => Reason::ProviderUnavailable,
            Self::MalformedResponse => Reason::MalformedResponse,
            Self::Misconfigured => Reason::Misconfigured,
            Self::Other => Reason::Other,
        }
    }

    /// The stable slug, as stored and as shown by the API.
    pub fn as_str(self) -> &'static str {
        self.reason().as_str()
    }
}

/// The plugin's advice; the host caps it by policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    Never,
    Backoff,
    AfterMs(u64),
    /// It may have been accepted: wait for a status, do not resend.
    Uncertain,
}

/// A failure as the plugin reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformError {
    pub class: ErrorClass,
    pub retry: Retry,
    /// The provider's own code, verbatim.
    pub provider_code: Option<String>,
    /// Provider trace or request id.
    pub trace_id: Option<String>,
    /// For operators. No secrets, no message content.
    pub detail: String,
    /// What the reader can do about it, one sentence.
    pub remedy: Option<String>,
    pub pace: Vec<Pace>,
}

impl PlatformError {
    /// The plugin's remedy, which fits best, or what holds for the whole class.
    pub fn what_to_do(&self) -> &str {
        let of_class = self.class.reason().remedy();
        self.remedy.as_deref().unwrap_or(of_class)
    }
}

impl std::fmt::Display for PlatformError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.class.as_str(), self.detail)
    }
}

impl std::error::Error for PlatformError {}
