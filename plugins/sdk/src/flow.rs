//! Providers that need several exchanges, written straight: named steps, each with what it has to keep.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use wharf_plugin::flow::Flow;
//! use wharf_plugin::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! enum Step {
//!     Upload,
//!     Send { media: String },
//! }
//! /// Raise the version when a step changes: a message may be resumed by a newer plugin.
//! const SEND: Flow<Step> = Flow::new("send", 1);
//!
//! fn start(url: &str) -> Progress {
//!     SEND.ask(Exchange::get("upload", url), &Step::Upload).into()
//! }
//!
//! fn resume(state: &[u8], outcome: Outcome) -> Result<Progress, Error> {
//!     match SEND.step(state)? {
//!         Step::Upload => {
//!             let media = one_shot(outcome, Replay::Safe, |answer| answer.json::<String>())?;
//!             let exchange = Exchange::post_json("send", "https://api.example.com/", "{}");
//!             Ok(SEND.ask(exchange, &Step::Send { media }).into())
//!         }
//!         Step::Send { media } => Ok(Accepted::id(media).into()),
//!     }
//! }
//! # assert!(resume(b"garbage", Outcome::Failed(TransportFailure::Dns)).is_err());
//! # let _ = start;
//! ```

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::{Code, Error, Retry};
use crate::types::{Exchange, HttpResponse, Outcome, Replay};

/// What the host keeps of a state.
pub const STATE_BYTES_MAX: usize = 16 * 1024;
/// Between the parts of a state; no flow's name holds one.
const SEPARATOR: u8 = b':';

/// What a step keeps while the host performs its exchange. Every serde type is one; a plugin without serde
/// implements it for its own type.
pub trait State: Sized {
    /// The step as bytes. No secrets: the host stores them.
    fn encode(&self) -> Vec<u8>;

    /// The step again, `None` for bytes that are none.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

impl<T: Serialize + DeserializeOwned> State for T {
    fn encode(&self) -> Vec<u8> {
        // Only a map with keys that are no text cannot be written; the empty state is then refused by `step`.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The steps of one flow.
pub struct Flow<S> {
    name: &'static str,
    version: u16,
    steps: PhantomData<fn() -> S>,
}

impl<S: State> Flow<S> {
    /// A flow with a name of its own (letters and hyphens) and the version of its steps.
    #[must_use]
    pub const fn new(name: &'static str, version: u16) -> Self {
        Self {
            name,
            version,
            steps: PhantomData,
        }
    }

    /// The exchange that leads to `next`: its outcome is handed to that step.
    #[must_use]
    pub fn ask(&self, exchange: Exchange, next: &S) -> Exchange {
        exchange.state(self.state(next))
    }

    /// A step as a state, for what is not an exchange: a prompt, a visit, a wait.
    #[must_use]
    pub fn state(&self, next: &S) -> Vec<u8> {
        let mut state = format!("{}:{}:", self.name, self.version).into_bytes();
        state.extend(next.encode());
        state
    }

    /// The step that a state leads to.
    ///
    /// # Errors
    /// A typed error for a state that is not this flow's, is another version's, or is broken.
    pub fn step(&self, state: &[u8]) -> Result<S, Error> {
        self.step_or(state, |_, _| None)
    }

    /// The same, with a way to read the states of other versions: `older` gets the version and its bytes.
    ///
    /// # Errors
    /// As [`Flow::step`].
    pub fn step_or(
        &self,
        state: &[u8],
        older: impl FnOnce(u16, &[u8]) -> Option<S>,
    ) -> Result<S, Error> {
        let mut parts = state.splitn(3, |byte| *byte == SEPARATOR);
        let name = parts.next().unwrap_or_default();
        let version = parts
            .next()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse::<u16>().ok());
        let (Some(version), Some(bytes)) = (version, parts.next()) else {
            return Err(self.wrong("is none"));
        };
        if name != self.name.as_bytes() {
            return Err(self.wrong("belongs to another flow"));
        }
        if version != self.version {
            return older(version, bytes).ok_or_else(|| {
                self.wrong(&format!(
                    "is of version {version}, this plugin reads {}",
                    self.version
                ))
            });
        }
        S::decode(bytes).ok_or_else(|| self.wrong("cannot be read"))
    }

    fn wrong(&self, problem: &str) -> Error {
        Error::new(
            Code::Misconfigured,
            Retry::Uncertain,
            format!("the state of `{}` {problem}", self.name),
        )
        .remedy("Let the plugin version that began it finish it, or send it again once it is known not to have arrived.")
    }
}

/// What a parser of a 2xx answer may give: a value, nothing, or its own error.
pub trait Answer<T> {
    /// As a result; nothing is an answer that makes no sense.
    fn into_result(self, replay: Replay) -> Result<T, Error>;
}

impl<T> Answer<T> for Option<T> {
    fn into_result(self, replay: Replay) -> Result<T, Error> {
        self.ok_or_else(|| {
            Error::malformed("the answer is not what the provider documents", replay)
        })
    }
}

impl<T> Answer<T> for Result<T, Error> {
    fn into_result(self, _: Replay) -> Result<T, Error> {
        self
    }
}

/// The outcome of a single exchange: what `parse` makes of a 2xx answer, or the usual error for everything
/// else ([`Error::transport`], [`Error::status`]). `replay` is the exchange's.
///
/// # Errors
/// As said.
pub fn one_shot<T, A: Answer<T>>(
    outcome: Outcome,
    replay: Replay,
    parse: impl FnOnce(&HttpResponse) -> A,
) -> Result<T, Error> {
    one_shot_or(outcome, replay, parse, |response| {
        Error::status(response, replay)
    })
}

/// The same with the provider's own table of refusals.
///
/// # Errors
/// What `refused` says of an answer that is not 2xx, and as [`one_shot`].
pub fn one_shot_or<T, A: Answer<T>>(
    outcome: Outcome,
    replay: Replay,
    parse: impl FnOnce(&HttpResponse) -> A,
    refused: impl FnOnce(&HttpResponse) -> Error,
) -> Result<T, Error> {
    match outcome {
        Outcome::Response(response) if response.is_success() => {
            parse(&response).into_result(replay)
        }
        Outcome::Response(response) => Err(refused(&response)),
        Outcome::Failed(failure) => Err(Error::transport(failure, replay != Replay::Unsafe)),
        Outcome::Stored(_) => Err(Error::malformed("the answer was stored as media", replay)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TransportFailure;

    const FLOW: Flow<(String, u8)> = Flow::new("send", 2);

    /// A step without serde.
    #[derive(Debug, PartialEq)]
    enum Plain {
        One,
        Two,
    }

    impl State for Plain {
        fn encode(&self) -> Vec<u8> {
            match self {
                Self::One => b"1".to_vec(),
                Self::Two => b"2".to_vec(),
            }
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            match bytes {
                b"1" => Some(Self::One),
                b"2" => Some(Self::Two),
                _ => None,
            }
        }
    }

    #[test]
    fn a_step_comes_back_as_it_was_kept() {
        let step = ("a:b".to_owned(), 7);
        assert_eq!(FLOW.step(&FLOW.state(&step)), Ok(step));
        let plain = Flow::<Plain>::new("plain", 1);
        for step in [Plain::One, Plain::Two] {
            assert_eq!(plain.step(&plain.state(&step)), Ok(step));
        }
    }

    #[test]
    fn a_wrong_state_is_a_typed_error() {
        for state in [
            &b""[..],
            b"send",
            b"send:2",
            b"send:2:",
            b"send:2:{",
            b"send:x:[\"a\",1]",
            b"other:2:[\"a\",1]",
            b"send:1:[\"a\",1]",
            b"send:70000:[\"a\",1]",
            &[0xff; 100],
        ] {
            let error = FLOW.step(state).expect_err("the state is wrong");
            assert_eq!(
                (error.code, error.retry),
                (Code::Misconfigured, Retry::Uncertain)
            );
        }
    }

    #[test]
    fn states_of_older_versions_can_be_read() {
        let step = FLOW.step_or(b"send:1:7", |version, bytes| {
            Some((version.to_string(), *bytes.first()?))
        });
        assert_eq!(step, Ok(("1".to_owned(), b'7')));
    }

    #[test]
    fn one_shot_names_every_end() {
        let answer = |status, body: &str| {
            Outcome::Response(HttpResponse {
                status,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            })
        };
        let read = |outcome, replay| one_shot(outcome, replay, |response| response.json::<u8>());
        assert_eq!(read(answer(200, "7"), Replay::Unsafe), Ok(7));
        let code =
            |outcome, replay| read(outcome, replay).map_err(|error| (error.code, error.retry));
        assert_eq!(
            code(answer(200, "x"), Replay::Unsafe),
            Err((Code::MalformedResponse, Retry::Uncertain))
        );
        assert_eq!(
            code(answer(200, "x"), Replay::Keyed),
            Err((Code::MalformedResponse, Retry::Backoff))
        );
        assert_eq!(
            code(answer(401, ""), Replay::Unsafe),
            Err((Code::AuthFailed, Retry::Never))
        );
        assert_eq!(
            code(Outcome::Failed(TransportFailure::Reset), Replay::Unsafe),
            Err((Code::ProviderUnavailable, Retry::Uncertain))
        );
    }
}
