//! Building provider failures. Knows no provider: which code means what is each plugin's own table.

use crate::errors::{Code, Error, Retry};
use crate::types::{Bucket, Pace, TransportFailure};

impl Error {
    /// A failure in the gateway's words. `detail` is for operators: no secrets, no message content.
    #[must_use]
    pub fn new(code: Code, retry: Retry, detail: impl Into<String>) -> Self {
        Self {
            code,
            retry,
            provider_code: None,
            trace_id: None,
            detail: detail.into(),
            remedy: None,
            pace: Vec::new(),
        }
    }

    /// The message itself is wrong; nobody needs to try it again.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidMessage, Retry::Never, detail)
    }

    /// This provider cannot send `what` (a content kind or an address form, by its name).
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self::new(
            Code::Unsupported,
            Retry::Never,
            format!("this provider plugin cannot send `{what}`"),
        )
        .remedy("Use a kind of message that the channel's provider lists in its capabilities.")
    }

    /// A setting is missing or wrong.
    #[must_use]
    pub fn setting(name: &str, problem: &str) -> Self {
        Self::new(
            Code::Misconfigured,
            Retry::Never,
            format!("setting `{name}` {problem}"),
        )
        .remedy("Correct the channel's settings, then send again.")
    }

    /// What an exchange without an answer means. `replayable`: the same request may be sent twice, so
    /// that a lost answer is no reason to wait for a status.
    #[must_use]
    pub fn transport(failure: TransportFailure, replayable: bool) -> Self {
        use TransportFailure as F;
        let lost = if replayable {
            Retry::Backoff
        } else {
            Retry::Uncertain
        };
        let (code, retry, detail) = match failure {
            F::Dns => (
                Code::ProviderUnavailable,
                Retry::Backoff,
                "the provider's name did not resolve",
            ),
            F::Connect => (
                Code::ProviderUnavailable,
                Retry::Backoff,
                "no connection to the provider",
            ),
            F::Tls => (
                Code::ProviderUnavailable,
                Retry::Backoff,
                "no secure connection to the provider",
            ),
            F::TimeoutBeforeSend => (
                Code::ProviderUnavailable,
                Retry::Backoff,
                "timed out before the request was sent",
            ),
            F::TimeoutAfterSend => (
                Code::ProviderUnavailable,
                lost,
                "the request was sent, but no answer came in time",
            ),
            F::Reset => (
                Code::ProviderUnavailable,
                lost,
                "the connection broke before an answer came",
            ),
            F::Interrupted => (
                Code::ProviderUnavailable,
                lost,
                "the gateway stopped while the request was under way",
            ),
            F::Canceled => (
                Code::ProviderUnavailable,
                lost,
                "the request was canceled while under way",
            ),
            F::Other => (
                Code::ProviderUnavailable,
                lost,
                "the request failed without an answer",
            ),
            F::BodyTooLarge => (
                Code::MalformedResponse,
                lost,
                "the answer was larger than the limit",
            ),
            F::Denied => (
                Code::Misconfigured,
                Retry::Never,
                "the gateway's egress policy refused the request",
            ),
        };
        let error = Self::new(code, retry, detail);
        match failure {
            F::Denied => {
                error.remedy("Check the plugin's approved endpoints and secret audiences.")
            }
            _ => error,
        }
    }

    /// What the reader can do about it, one sentence.
    #[must_use]
    pub fn remedy(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned());
        self
    }

    /// The provider's own code, verbatim.
    #[must_use]
    pub fn provider_code(mut self, code: impl Into<String>) -> Self {
        self.provider_code = Some(code.into());
        self
    }

    /// The provider's trace or request id.
    #[must_use]
    pub fn trace(mut self, id: Option<impl Into<String>>) -> Self {
        self.trace_id = id.map(Into::into);
        self
    }

    /// Pause a bucket: what the failure says about speed.
    #[must_use]
    pub fn pause(mut self, bucket: Bucket, pause_ms: u64) -> Self {
        self.pace.push(Pace {
            bucket,
            pause_ms: Some(pause_ms),
            per_second: None,
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_is_uncertain_only_when_a_repeat_could_harm() {
        for failure in [
            TransportFailure::TimeoutAfterSend,
            TransportFailure::Reset,
            TransportFailure::Interrupted,
            TransportFailure::Canceled,
            TransportFailure::BodyTooLarge,
            TransportFailure::Other,
        ] {
            assert_eq!(Error::transport(failure, false).retry, Retry::Uncertain);
            assert_eq!(Error::transport(failure, true).retry, Retry::Backoff);
        }
    }

    #[test]
    fn what_was_never_sent_may_be_repeated() {
        for failure in [
            TransportFailure::Dns,
            TransportFailure::Connect,
            TransportFailure::Tls,
            TransportFailure::TimeoutBeforeSend,
        ] {
            assert_eq!(Error::transport(failure, false).retry, Retry::Backoff);
        }
        let denied = Error::transport(TransportFailure::Denied, false);
        assert_eq!(
            (denied.code, denied.retry),
            (Code::Misconfigured, Retry::Never)
        );
    }
}
