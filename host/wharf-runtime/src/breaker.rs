//! The circuit breaker of a digest: a plugin that keeps failing is left alone for a while.
//!
//! Only crashes, limits and forbidden values count, never an error that the plugin returns. Two rules
//! keep one party's poison message (a party is whoever's input the call worked on, usually a tenant)
//! from stopping the others:
//!
//! - Each party has a circuit of its own, and what one party adds to the common circuit always stays
//!   one short of what opens it. A party alone can only stop itself; it takes a second one to show
//!   that the plugin is at fault. A shared party (an app whose webhooks carry many tenants' input) adds
//!   nothing to it: a tenant that reaches it too would be two parties.
//! - A circuit opens only when the faults are a considerable share of the calls, so that bad messages
//!   among many good ones, as in a shared webhook, do not stop the good ones.
//!
//! And no circuit stays open: after its pause one call at a time tries whether it works again. A pure
//! state machine: the time comes in by argument. It must not know what a call or a tenant is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::BreakerConfig;

/// Parts of the window: a fault counts for the window's length, give or take a sixth.
const SLICES: i64 = 6;
/// Parties with recent faults that are told apart; more of them at once are the plugin's fault.
const PARTIES_MAX: usize = 1024;
/// When to come again while the one trial call runs.
const TRIAL_WAIT_MS: u64 = 500;

/// Where a circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    Closed,
    /// Calls are refused.
    Open {
        retry_after_ms: u64,
    },
    /// One call at a time is let through; its end decides.
    HalfOpen,
}

impl CircuitState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// How the plugin of a digest does, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub circuit: CircuitState,
    /// Faults that count at the moment.
    pub recent_faults: u32,
    /// Parties that are refused for themselves.
    pub parties_refused: usize,
}

/// Whose input a call works on.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) name: Arc<str>,
    /// It carries the input of others, each of whom may be a party too.
    pub(crate) is_shared: bool,
}

/// How an admitted call ended, as far as the circuit cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A value or the plugin's own error came back.
    Answered,
    Faulted,
    /// It did not come to an end of the plugin's: given up, no permit, no room.
    Unknown,
}

/// Must be handed back with the call's verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticket {
    tries_all: bool,
    tries_party: bool,
}

/// A change worth a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) to: CircuitState,
    /// Of one party's circuit, not of the common one.
    pub(crate) of_party: bool,
}

pub(crate) struct Breaker {
    config: BreakerConfig,
    all: Circuit,
    /// Those that had a fault lately.
    parties: HashMap<Arc<str>, Own>,
}

/// What is known of one party.
#[derive(Default)]
struct Own {
    circuit: Circuit,
    /// Its faults that counted for the common circuit.
    given: Window,
}

impl Breaker {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            all: Circuit::default(),
            parties: HashMap::new(),
        }
    }

    /// `Err` says when to come again, in milliseconds.
    pub(crate) fn admit(&mut self, party: Option<&str>, now_ms: i64) -> Result<Ticket, u64> {
        let own = party.and_then(|party| self.parties.get_mut(party));
        let tries_party = match own {
            Some(own) => own.circuit.admit(now_ms)?,
            None => false,
        };
        match self.all.admit(now_ms) {
            Ok(tries_all) => Ok(Ticket {
                tries_all,
                tries_party,
            }),
            Err(wait) => {
                if tries_party {
                    self.end_of_party(party, true, Verdict::Unknown, now_ms);
                }
                Err(wait)
            }
        }
    }

    pub(crate) fn end(
        &mut self,
        party: Option<&Party>,
        ticket: Ticket,
        verdict: Verdict,
        now_ms: i64,
    ) -> [Option<Change>; 2] {
        if let (Some(party), Verdict::Faulted) = (party, verdict) {
            self.remember(&party.name, now_ms);
        }
        let key = party.map(|party| &*party.name);
        let is_shared = party.is_some_and(|party| party.is_shared);
        let of_party = self.end_of_party(key, ticket.tries_party, verdict, now_ms);
        let counted = match verdict {
            Verdict::Faulted if is_shared || !self.may_give(key, now_ms) => Verdict::Unknown,
            other => other,
        };
        let of_all = self
            .all
            .end(ticket.tries_all, counted, now_ms, &self.config);
        [
            of_all.map(|to| Change {
                to,
                of_party: false,
            }),
            of_party.map(|to| Change { to, of_party: true }),
        ]
    }

    pub(crate) fn health(&self, now_ms: i64) -> Health {
        let refused = self
            .parties
            .values()
            .filter(|own| own.circuit.state(now_ms) != CircuitState::Closed);
        Health {
            circuit: self.all.state(now_ms),
            recent_faults: self.all.window.sums(&self.config, now_ms).faults,
            parties_refused: refused.count(),
        }
    }

    fn end_of_party(
        &mut self,
        party: Option<&str>,
        tries: bool,
        verdict: Verdict,
        now_ms: i64,
    ) -> Option<CircuitState> {
        let own = self.parties.get_mut(party?)?;
        own.circuit.end(tries, verdict, now_ms, &self.config)
    }

    /// False once one more fault of this party would say more about it than about the plugin.
    fn may_give(&mut self, party: Option<&str>, now_ms: i64) -> bool {
        let Some(own) = party.and_then(|party| self.parties.get_mut(party)) else {
            return true;
        };
        let given = own.given.sums(&self.config, now_ms).faults;
        let may = given < self.config.faults_max.saturating_sub(1).max(1);
        if may {
            own.given.count(true, &self.config, now_ms);
        }
        may
    }

    fn remember(&mut self, party: &Arc<str>, now_ms: i64) {
        if self.parties.contains_key(party) {
            return;
        }
        if self.parties.len() >= PARTIES_MAX {
            let config = self.config;
            self.parties.retain(|_, own| {
                own.circuit.state(now_ms) != CircuitState::Closed
                    || own.given.sums(&config, now_ms).faults > 0
            });
        }
        if self.parties.len() < PARTIES_MAX {
            self.parties.insert(Arc::clone(party), Own::default());
        }
    }
}

#[derive(Default)]
struct Circuit {
    phase: Phase,
    window: Window,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Closed,
    Open {
        until_ms: i64,
    },
    HalfOpen {
        trying: bool,
    },
}

impl Circuit {
    /// `Ok(true)` for the call that tries whether it works again.
    fn admit(&mut self, now_ms: i64) -> Result<bool, u64> {
        match self.phase {
            Phase::Closed => Ok(false),
            Phase::Open { until_ms } if now_ms < until_ms => Err(until_ms.abs_diff(now_ms)),
            Phase::HalfOpen { trying: true } => Err(TRIAL_WAIT_MS),
            Phase::Open { .. } | Phase::HalfOpen { trying: false } => {
                self.phase = Phase::HalfOpen { trying: true };
                Ok(true)
            }
        }
    }

    /// The new state, when it changed.
    fn end(
        &mut self,
        tries: bool,
        verdict: Verdict,
        now_ms: i64,
        config: &BreakerConfig,
    ) -> Option<CircuitState> {
        if tries {
            return match verdict {
                Verdict::Answered => {
                    *self = Self::default();
                    Some(CircuitState::Closed)
                }
                Verdict::Faulted => Some(self.open(now_ms, config)),
                Verdict::Unknown => {
                    self.phase = Phase::HalfOpen { trying: false };
                    None
                }
            };
        }
        // A call from before the circuit opened says nothing new.
        if self.phase != Phase::Closed || verdict == Verdict::Unknown {
            return None;
        }
        self.window
            .count(verdict == Verdict::Faulted, config, now_ms);
        let sums = self.window.sums(config, now_ms);
        let share = u64::from(sums.faults) * 100;
        let full = verdict == Verdict::Faulted
            && sums.faults >= config.faults_max
            && share >= u64::from(config.fault_percent_min) * u64::from(sums.calls);
        full.then(|| self.open(now_ms, config))
    }

    fn open(&mut self, now_ms: i64, config: &BreakerConfig) -> CircuitState {
        let pause = i64::try_from(config.open_ms).unwrap_or(i64::MAX);
        self.phase = Phase::Open {
            until_ms: now_ms.saturating_add(pause),
        };
        self.window = Window::default();
        CircuitState::Open {
            retry_after_ms: config.open_ms,
        }
    }

    fn state(&self, now_ms: i64) -> CircuitState {
        match self.phase {
            Phase::Closed => CircuitState::Closed,
            Phase::Open { until_ms } if now_ms < until_ms => CircuitState::Open {
                retry_after_ms: until_ms.abs_diff(now_ms),
            },
            Phase::Open { .. } | Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }
}

/// Calls and faults of the last while, in slices of time.
#[derive(Default)]
struct Window {
    slices: [Slice; SLICES as usize],
}

#[derive(Clone, Copy, Default)]
struct Slice {
    number: i64,
    calls: u32,
    faults: u32,
}

impl Window {
    fn count(&mut self, fault: bool, config: &BreakerConfig, now_ms: i64) {
        let number = slice_number(config, now_ms);
        let place = usize::try_from(number.rem_euclid(SLICES)).expect("smaller than SLICES");
        let slice = &mut self.slices[place];
        if slice.number != number {
            *slice = Slice {
                number,
                ..Slice::default()
            };
        }
        slice.calls = slice.calls.saturating_add(1);
        slice.faults = slice.faults.saturating_add(u32::from(fault));
    }

    fn sums(&self, config: &BreakerConfig, now_ms: i64) -> Slice {
        let newest = slice_number(config, now_ms);
        let recent = self
            .slices
            .iter()
            .filter(|slice| slice.number > newest - SLICES);
        recent.fold(Slice::default(), |sum, slice| Slice {
            number: newest,
            calls: sum.calls.saturating_add(slice.calls),
            faults: sum.faults.saturating_add(slice.faults),
        })
    }
}

fn slice_number(config: &BreakerConfig, now_ms: i64) -> i64 {
    let window = i64::try_from(config.window_ms).unwrap_or(i64::MAX);
    now_ms.div_euclid((window / SLICES).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(name: &str, is_shared: bool) -> Party {
        Party {
            name: name.into(),
            is_shared,
        }
    }

    fn fault(breaker: &mut Breaker, party: &Party, times: u32) {
        for _ in 0..times {
            if let Ok(ticket) = breaker.admit(Some(&party.name), 0) {
                breaker.end(Some(party), ticket, Verdict::Faulted, 0);
            }
        }
    }

    #[test]
    fn an_app_and_a_tenant_do_not_stop_the_others() {
        let mut breaker = Breaker::new(BreakerConfig::default());
        let (app, tenant) = (party("app:one", true), party("one", false));
        fault(&mut breaker, &app, 50);
        fault(&mut breaker, &tenant, 50);
        assert!(breaker.admit(Some("app:one"), 0).is_err());
        assert!(breaker.admit(Some("one"), 0).is_err());
        assert!(breaker.admit(Some("two"), 0).is_ok());
        assert_eq!(breaker.health(0).circuit, CircuitState::Closed);
        fault(&mut breaker, &party("two", false), 1);
        assert!(breaker.admit(Some("three"), 0).is_err(), "two tenants do");
    }
}
