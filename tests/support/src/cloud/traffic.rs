//! What passed between a number and a person: windows, rates, opt-outs, identities.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Limits;
use super::error::GraphError;
use super::message::{Recipient, SendRequest};

const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;
/// One message every 6 s to one person, and as many at once.
const PAIR_REFILL_MS: u64 = 6_000;
const PAIR_MESSAGES_MAX: u64 = 45;

/// A bucket that counts in milliseconds: how far ahead its tokens are spent.
#[derive(Default)]
struct Bucket {
    spent_until_ms: u64,
}

impl Bucket {
    /// Takes one token, each of which comes back after `refill_ms`; at most `max` are borrowed.
    fn take(&mut self, now_ms: u64, refill_ms: u64, max: u64) -> bool {
        let from = self.spent_until_ms.max(now_ms);
        if from + refill_ms > now_ms + refill_ms * max {
            return false;
        }
        self.spent_until_ms = from + refill_ms;
        true
    }
}

/// Everything of one fake. People are known by what `person` makes of a recipient.
#[derive(Default)]
pub(crate) struct Traffic {
    last_inbound_ms: BTreeMap<(String, String), u64>,
    pairs: BTreeMap<(String, String), Bucket>,
    /// In microseconds, so that 80 a second divide well.
    numbers: BTreeMap<String, Bucket>,
    stopped_marketing: BTreeSet<(String, String)>,
    identities: BTreeMap<String, String>,
}

/// The same person by number or by the user id that this fake gives that number.
pub(crate) fn person(recipient: &Recipient) -> &str {
    let key = recipient.key();
    match recipient {
        Recipient::UserId(id) => id.strip_prefix("US.9").unwrap_or(key),
        _ => key,
    }
}

impl Traffic {
    /// A customer wrote: the window is open for a day.
    pub(crate) fn note_inbound(&mut self, number: &str, from: &str, now_ms: u64) {
        let pair = (number.to_owned(), from.to_owned());
        self.last_inbound_ms.insert(pair, now_ms);
    }

    pub(crate) fn set_marketing(&mut self, number: &str, who: &str, wanted: bool) {
        let pair = (number.to_owned(), who.to_owned());
        if wanted {
            self.stopped_marketing.remove(&pair);
        } else {
            self.stopped_marketing.insert(pair);
        }
    }

    pub(crate) fn set_identity(&mut self, who: &str, hash: &str) {
        self.identities.insert(who.to_owned(), hash.to_owned());
    }

    /// Takes a message from the rates of its number and its pair.
    pub(crate) fn take(
        &mut self,
        send: &SendRequest,
        limits: &Limits,
        now_ms: u64,
    ) -> Result<(), GraphError> {
        if let Some(per_second) = limits.per_second {
            let bucket = self
                .numbers
                .entry(send.phone_number_id.clone())
                .or_default();
            let refill_us = 1_000_000 / u64::from(per_second.max(1));
            if !bucket.take(
                now_ms.saturating_mul(1000),
                refill_us,
                u64::from(per_second),
            ) {
                return Err(GraphError::of_code(130_429));
            }
        }
        let pair = pair_of(send);
        let is_group = matches!(send.recipient, Recipient::Group(_));
        if limits.pair
            && !is_group
            && !self
                .pairs
                .entry(pair)
                .or_default()
                .take(now_ms, PAIR_REFILL_MS, PAIR_MESSAGES_MAX)
        {
            return Err(GraphError::of_code(131_056));
        }
        Ok(())
    }

    /// What only the platform's books show about a message that is well-formed.
    pub(crate) fn objection(
        &self,
        send: &SendRequest,
        limits: &Limits,
        now_ms: u64,
    ) -> Option<GraphError> {
        let pair = pair_of(send);
        let identity = self.identities.get(&pair.1);
        if let (Some(wanted), Some(is)) = (&send.identity_hash, identity)
            && wanted != is
        {
            return Some(GraphError::of_code(137_000));
        }
        if send.category.as_deref() == Some("MARKETING") && self.stopped_marketing.contains(&pair) {
            return Some(GraphError::of_code(131_050));
        }
        let is_free = send.kind == "template" || matches!(send.recipient, Recipient::Group(_));
        if limits.window && !is_free {
            let is_open = self
                .last_inbound_ms
                .get(&pair)
                .is_some_and(|at| now_ms < at.saturating_add(WINDOW_MS));
            if !is_open {
                return Some(GraphError::with_details(
                    131_047,
                    "more than 24 hours have passed since the customer last replied to this number",
                ));
            }
        }
        None
    }
}

fn pair_of(send: &SendRequest) -> (String, String) {
    (
        send.phone_number_id.clone(),
        person(&send.recipient).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_borrows_45_messages_and_pays_them_back_one_in_six_seconds() {
        let mut bucket = Bucket::default();
        let now = 1_000_000;
        let taken = (0..60)
            .filter(|_| bucket.take(now, PAIR_REFILL_MS, PAIR_MESSAGES_MAX))
            .count();
        assert_eq!(taken, 45);
        assert!(!bucket.take(now + 5_999, PAIR_REFILL_MS, PAIR_MESSAGES_MAX));
        assert!(bucket.take(now + 6_000, PAIR_REFILL_MS, PAIR_MESSAGES_MAX));
        assert!(!bucket.take(now + 6_000, PAIR_REFILL_MS, PAIR_MESSAGES_MAX));
    }
}
