//! Faults on order: which request fails, how often and how.

use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How one well-formed request goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A Graph error with the HTTP status that Graph gives this code; not accepted.
    GraphError(u32),
    /// HTTP 500 with a page of HTML, as a broken front end answers; not accepted.
    InternalServerError,
    /// HTTP 503 with an empty body; not accepted.
    Unavailable,
    /// Accepted and answered, but late.
    Slow(Duration),
    /// The request is read, then the connection is reset; not accepted.
    Reset,
    /// The request is read, then the connection ends in good order; not accepted.
    Drop,
    /// Accepted, statuses follow, but the connection is reset before the answer.
    AcceptAndReset,
    /// Accepted, statuses follow, but the connection ends before the answer.
    AcceptAndDrop,
    /// Accepted, statuses follow, but the answer breaks off in the middle of its JSON.
    AcceptAndTruncate,
    /// Accepted, statuses follow, and the answer is 200 with something that is not JSON.
    AcceptAndGarble,
    /// Accepted, statuses follow, and the answer is 200 with these bytes.
    AcceptAndAnswer {
        content_type: &'static str,
        body: Bytes,
    },
    /// Accepted, but the connection is reset after this many bytes of the answer.
    ResetAfter(usize),
    /// Not accepted; this is the answer, byte for byte.
    Answer {
        status: u16,
        content_type: &'static str,
        body: String,
    },
}

impl Fault {
    /// Whether the request has no effect.
    pub(crate) fn prevents(&self) -> bool {
        matches!(
            self,
            Self::GraphError(_)
                | Self::InternalServerError
                | Self::Unavailable
                | Self::Reset
                | Self::Drop
                | Self::Answer { .. }
        )
    }
}

/// The name of a send among the calls that rules may be narrowed to.
pub(crate) const SEND: &str = "messages.send";

/// A fault together with the requests it applies to: all sends, unless it is told otherwise.
#[derive(Debug, Clone)]
pub struct FaultRule {
    fault: Fault,
    call: String,
    to: Option<String>,
    skip: u32,
    times: Option<u32>,
    probability: f64,
}

impl FaultRule {
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            call: SEND.to_owned(),
            to: None,
            skip: 0,
            times: None,
            probability: 1.0,
        }
    }

    /// Another call than a send, by the name that `RecordedRequest::call` shows: `media.upload`.
    #[must_use]
    pub fn on(mut self, call: impl Into<String>) -> Self {
        self.call = call.into();
        self
    }

    /// Only sends to this recipient: the digits of a number, or a user id.
    #[must_use]
    pub fn to(mut self, recipient: impl Into<String>) -> Self {
        self.to = Some(recipient.into());
        self
    }

    /// Lets the first `count` matching requests pass.
    #[must_use]
    pub fn after(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }

    /// Stops after this many faults.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.times = Some(count);
        self
    }

    /// Strikes this share of the matching requests, between 0 and 1.
    #[must_use]
    pub fn with_probability(mut self, share: f64) -> Self {
        self.probability = share.clamp(0.0, 1.0);
        self
    }
}

/// The rules in force and the dice.
pub(crate) struct FaultPlan {
    rules: Vec<FaultRule>,
    dice: StdRng,
}

impl FaultPlan {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rules: Vec::new(),
            dice: StdRng::seed_from_u64(seed),
        }
    }

    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault that strikes a send to `recipient` now; the oldest rule that applies wins.
    pub(crate) fn strike(&mut self, recipient: &str) -> Option<Fault> {
        self.strike_call(SEND, recipient)
    }

    /// The fault that strikes any call.
    pub(crate) fn strike_call(&mut self, call: &str, recipient: &str) -> Option<Fault> {
        for rule in &mut self.rules {
            let applies = rule.call == call && rule.to.as_deref().is_none_or(|to| to == recipient);
            if !applies || rule.times == Some(0) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.probability < 1.0 && !self.dice.random_bool(rule.probability) {
                continue;
            }
            if let Some(left) = &mut rule.times {
                *left -= 1;
            }
            return Some(rule.fault.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_narrow_by_recipient_count_and_turn() {
        let mut plan = FaultPlan::new(1);
        plan.add(FaultRule::new(Fault::Reset).to("1").after(1).times(2));
        plan.add(FaultRule::new(Fault::Unavailable).to("2"));
        let struck: Vec<_> = ["1", "1", "2", "1", "1", "3"]
            .map(|to| plan.strike(to))
            .to_vec();
        let reset = Some(Fault::Reset);
        assert_eq!(
            struck,
            [
                None,
                reset.clone(),
                Some(Fault::Unavailable),
                reset,
                None,
                None
            ]
        );
        plan.clear();
        assert_eq!(plan.strike("2"), None);
    }

    #[test]
    fn chance_is_repeatable_and_near_its_share() {
        let strikes = |seed| {
            let mut plan = FaultPlan::new(seed);
            plan.add(FaultRule::new(Fault::Drop).with_probability(0.25));
            (0..1000)
                .map(|_| plan.strike("1").is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(strikes(7), strikes(7));
        let hits = strikes(7).into_iter().filter(|hit| *hit).count();
        assert!(
            (180..320).contains(&hits),
            "{hits} of 1000 struck, 250 expected"
        );
    }
}
