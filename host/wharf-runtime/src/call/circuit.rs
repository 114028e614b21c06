//! A call and the circuit of its plugin: it asks before it begins and reports its end, whatever end.

use std::sync::PoisonError;

use super::{ANSWERED, Call, FAULTED};
use crate::breaker::{Breaker, Verdict};
use crate::error::CallError;
use crate::limits::Export;

impl Call<'_> {
    /// Before permits are taken: a plugin that is left alone costs nothing.
    pub(super) fn pass_circuit(&self) -> Result<(), CallError> {
        // What a plugin is at all is asked by who loads it, not by its traffic.
        if self.export == Export::Describe || self.identity.output_bytes_max.is_some() {
            return Ok(());
        }
        let party = self.identity.party.as_ref().map(|party| &*party.name);
        let now_ms = self.runtime.clock.now_ms();
        let admitted = self.breaker(|breaker| breaker.admit(party, now_ms));
        match admitted {
            Ok(ticket) => {
                // A call enters once; a second entry would only keep the first ticket.
                let _ = self.ticket.set(ticket);
                Ok(())
            }
            Err(retry_after_ms) => Err(self.observe(CallError::CircuitOpen {
                origin: self.origin(),
                retry_after_ms,
            })),
        }
    }

    fn breaker<T>(&self, work: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self
            .code
            .breaker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(&mut breaker)
    }
}

impl Drop for Call<'_> {
    /// However the call ended, also when it was given up: the circuit gets its ticket back.
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let verdict = match *self.verdict.get_mut() {
            ANSWERED => Verdict::Answered,
            FAULTED => Verdict::Faulted,
            _ => Verdict::Unknown,
        };
        let party = self.identity.party.as_ref();
        let now_ms = self.runtime.clock.now_ms();
        let changes = self.breaker(|breaker| breaker.end(party, ticket, verdict, now_ms));
        for change in changes.into_iter().flatten() {
            self.code.meter.circuit_changed(change.to);
            tracing::warn!(
                plugin.name = &*self.identity.plugin,
                plugin.version = &*self.identity.version,
                plugin.digest = &*self.identity.digest,
                plugin.export = self.export.as_str(),
                circuit = change.to.as_str(),
                party = change
                    .of_party
                    .then(|| party.map(|party| &*party.name))
                    .flatten(),
                "the circuit of a plugin is {}",
                change.to.as_str()
            );
        }
    }
}
