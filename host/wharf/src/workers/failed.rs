//! Why an attempt failed, and whether what went out before makes a repetition dangerous.

use serde_json::{Value, json};
use wharf_core::Reason;
use wharf_core::provider::{Outcome, Pace, PlatformError, Replay};
use wharf_core::retry::Failure;
use wharf_runtime::CallError;

/// Why an attempt failed, as people read it and as the retry rule needs it.
pub(super) struct Failed {
    pub(super) error: SendError,
    kind: Kind,
    /// The provider's own words on speed.
    advice: Option<PlatformError>,
}

enum Kind {
    Provider(PlatformError),
    PluginFault,
    Deterministic,
    Overloaded,
    /// The plugin is left alone for a while; nothing went out.
    Paused {
        ms: i64,
    },
    /// This host could not read an answer that is there; nothing is lost by reading it later.
    Suspended {
        ms: i64,
    },
    Ambiguous,
}

/// Before an answer that could not be read is read again, at least.
const SUSPENDED_WAIT_MS: i64 = 500;

fn wait_ms(error: &CallError) -> i64 {
    i64::try_from(error.retry_after_ms().unwrap_or(0)).unwrap_or(i64::MAX)
}

impl Failed {
    /// What a failed plugin call means, given what had gone out before it.
    pub(super) fn of_call(error: CallError, last: Option<&Last>) -> Self {
        let uncertain = last.is_some_and(Last::is_uncertain);
        match error {
            CallError::Guest(error) => Self {
                error: SendError::from(&*error),
                // Whatever the plugin advises: no answer to an unsafe exchange is never "try again",
                // nor is a failure after one that was answered.
                kind: if uncertain {
                    Kind::Ambiguous
                } else {
                    Kind::Provider((*error).clone())
                },
                advice: Some(*error),
            },
            other => {
                let acted = last.is_some_and(Last::may_have_acted);
                let kind = match &other {
                    // The answer is journalled and the attempt stays open: it is read again later.
                    error if error.is_not_called() && acted => Kind::Suspended {
                        ms: wait_ms(error).max(SUSPENDED_WAIT_MS),
                    },
                    CallError::CircuitOpen { .. } => Kind::Paused {
                        ms: wait_ms(&other),
                    },
                    CallError::Overloaded { .. } | CallError::Unavailable { .. } => {
                        Kind::Overloaded
                    }
                    _ if acted => Kind::Ambiguous,
                    CallError::Fault { .. } => Kind::PluginFault,
                    _ => Kind::Deterministic,
                };
                Self {
                    error: SendError::new(other.reason(), other.to_string()),
                    kind,
                    advice: None,
                }
            }
        }
    }

    /// A refusal of this host's own: the same call ends the same way, unless something went out before.
    pub(super) fn of_refusal(error: SendError, last: Option<&Last>) -> Self {
        let acted = last.is_some_and(Last::may_have_acted);
        Self {
            error,
            kind: if acted {
                Kind::Ambiguous
            } else {
                Kind::Deterministic
            },
            advice: None,
        }
    }

    /// A limit of the provider's has no room before then. Nothing went out for this exchange; what went
    /// before it stands in the journal, and the attempt goes on from there.
    pub(super) fn closed(wait_ms: i64, is_begun: bool) -> Self {
        let detail = "a limit of the provider's is used up for the moment";
        Self {
            error: SendError::new(Reason::RateLimited, detail),
            kind: match is_begun {
                true => Kind::Suspended { ms: wait_ms },
                false => Kind::Paused { ms: wait_ms },
            },
            advice: None,
        }
    }

    /// There is nobody to ask: the channel or its plugin has gone.
    pub(super) fn absent(reason: &str) -> Self {
        Self {
            error: SendError::new(Reason::ChannelAbsent, reason),
            kind: Kind::Overloaded,
            advice: None,
        }
    }

    /// Nobody can tell any more what an exchange that went out has done.
    pub(super) fn ambiguous(error: SendError) -> Self {
        Self {
            error,
            kind: Kind::Ambiguous,
            advice: None,
        }
    }

    /// How long to wait when the attempt is not over: it goes on from its journal then.
    pub(super) fn suspended_ms(&self) -> Option<i64> {
        match self.kind {
            Kind::Suspended { ms } => Some(ms),
            _ => None,
        }
    }

    /// What the provider said about speed.
    pub(super) fn pace(&self) -> &[Pace] {
        self.advice.as_ref().map_or(&[], |error| &error.pace)
    }

    pub(super) fn failure(&self) -> Failure<'_> {
        match &self.kind {
            Kind::Provider(error) => Failure::Provider(error),
            Kind::PluginFault => Failure::PluginFault,
            Kind::Deterministic => Failure::Deterministic,
            Kind::Overloaded | Kind::Suspended { .. } => Failure::Overloaded,
            Kind::Paused { ms } => Failure::Paused { ms: *ms },
            Kind::Ambiguous => Failure::Ambiguous,
        }
    }
}

/// A failure as messages, timelines and events show it.
pub(super) struct SendError {
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) remedy: String,
    pub(super) provider_code: Option<String>,
    pub(super) trace_id: Option<String>,
}

impl SendError {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            code: reason.as_str().to_owned(),
            detail: detail.into(),
            remedy: reason.remedy().to_owned(),
            provider_code: None,
            trace_id: None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "detail": self.detail,
            "remedy": self.remedy,
            "provider_code": self.provider_code,
            "trace_id": self.trace_id,
        })
    }
}

impl From<&PlatformError> for SendError {
    fn from(error: &PlatformError) -> Self {
        Self {
            code: error.class.as_str().to_owned(),
            detail: error.detail.clone(),
            remedy: error.what_to_do().to_owned(),
            provider_code: error.provider_code.clone(),
            trace_id: error.trace_id.clone(),
        }
    }
}

/// True when an exchange that must not be repeated went out and the provider may have acted on it.
pub(super) fn may_have_acted(replay: Replay, outcome: Option<&Outcome>) -> bool {
    replay == Replay::Unsafe
        && match outcome {
            None | Some(Outcome::Response(_) | Outcome::Stored(_)) => true,
            Some(Outcome::Failed(failure)) => failure.is_ambiguous(),
        }
}

/// The last exchange that went out in this attempt.
pub(super) struct Last {
    pub(super) replay: Replay,
    pub(super) outcome: Outcome,
    /// Something before it in this attempt may have made the provider act already.
    pub(super) acted_before: bool,
}

impl Last {
    /// True when repeating the send could send twice.
    pub(super) fn may_have_acted(&self) -> bool {
        self.acted_before || may_have_acted(self.replay, Some(&self.outcome))
    }

    /// True when whatever the plugin makes of it, nobody knows whether the message went out.
    fn is_uncertain(&self) -> bool {
        let unanswered = matches!(self.outcome, Outcome::Failed(_));
        self.acted_before || (unanswered && may_have_acted(self.replay, Some(&self.outcome)))
    }
}
