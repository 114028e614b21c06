//! Building provider failures. Knows no provider: which code means what is each plugin's own table.

use crate::errors::{Code, Error, Retry};
use crate::types::{Bucket, HttpResponse, Level, Pace, Replay, TransportFailure};

/// How long a provider that says 429 without a time is left alone.
const RATE_LIMITED_MS: u64 = 5_000;

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

    /// An answer that is not what the provider documents. The provider may have acted on the request, so a
    /// message whose exchange must not be repeated waits for a status.
    #[must_use]
    pub fn malformed(detail: impl Into<String>, replay: Replay) -> Self {
        let retry = match replay {
            Replay::Unsafe => Retry::Uncertain,
            Replay::Safe | Replay::Keyed => Retry::Backoff,
        };
        Self::new(Code::MalformedResponse, retry, detail)
    }

    /// What an answer that is not 2xx means where the provider says nothing more. A provider's own table of
    /// codes comes first; this is for the rows it does not have.
    #[must_use]
    pub fn status(response: &HttpResponse, replay: Replay) -> Self {
        let detail = format!("the provider answered HTTP {}", response.status);
        match response.status {
            401 => Self::new(Code::AuthFailed, Retry::Never, detail)
                .remedy("Check the credentials of this channel."),
            402 => Self::new(Code::PaymentRequired, Retry::Never, detail)
                .remedy("Check the balance of the account at the provider."),
            403 => Self::new(Code::AuthFailed, Retry::Never, detail)
                .remedy("Check what the credentials of this channel are allowed to do."),
            408 => Self::new(Code::ProviderUnavailable, Retry::Backoff, detail),
            429 => {
                let wait_ms = response.retry_after_ms().unwrap_or(RATE_LIMITED_MS);
                Self::new(Code::RateLimited, Retry::AfterMs(wait_ms), detail)
                    .pause(Bucket::Level(Level::Channel), wait_ms)
            }
            500..=599 => {
                let retry = match (replay, response.retry_after_ms()) {
                    (_, Some(wait_ms)) if response.status == 503 => Retry::AfterMs(wait_ms),
                    // It says that nothing was done.
                    (Replay::Unsafe, _) if response.status != 503 => Retry::Uncertain,
                    _ => Retry::Backoff,
                };
                Self::new(Code::ProviderUnavailable, retry, detail)
            }
            400..=499 => Self::new(Code::Other, Retry::Never, detail),
            _ => Self::malformed(detail, replay),
        }
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
    fn a_status_says_who_must_act_and_when() {
        let answer = |status, retry_after: Option<&str>| HttpResponse {
            status,
            headers: retry_after
                .map(|wait| ("retry-after".to_owned(), wait.to_owned()))
                .into_iter()
                .collect(),
            body: Vec::new(),
        };
        for (status, wait, code, retry) in [
            (401, None, Code::AuthFailed, Retry::Never),
            (402, None, Code::PaymentRequired, Retry::Never),
            (403, None, Code::AuthFailed, Retry::Never),
            (404, None, Code::Other, Retry::Never),
            (408, None, Code::ProviderUnavailable, Retry::Backoff),
            (429, Some("7"), Code::RateLimited, Retry::AfterMs(7_000)),
            (429, Some("soon"), Code::RateLimited, Retry::AfterMs(5_000)),
            (
                429,
                Some("99999999999"),
                Code::RateLimited,
                Retry::AfterMs(86_400_000),
            ),
            (500, None, Code::ProviderUnavailable, Retry::Uncertain),
            (503, None, Code::ProviderUnavailable, Retry::Backoff),
            (
                503,
                Some("2"),
                Code::ProviderUnavailable,
                Retry::AfterMs(2_000),
            ),
            (302, None, Code::MalformedResponse, Retry::Uncertain),
        ] {
            let error = Error::status(&answer(status, wait), Replay::Unsafe);
            assert_eq!((error.code, error.retry), (code, retry), "HTTP {status}");
        }
        let safe = Error::status(&answer(500, None), Replay::Safe);
        assert_eq!(safe.retry, Retry::Backoff);
    }

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
