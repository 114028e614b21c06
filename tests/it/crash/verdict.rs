//! What must hold after any number of kills, decided from what each side saw: the callers, the
//! provider, the tenant's endpoint, and the gateway's own pages.
//!
//! Pure: it is told what was seen and says what is wrong. How that was gathered it must not know.

mod tests;

use std::collections::{BTreeMap, BTreeSet};

use wharf_core::Status;

/// Everything that the outside saw, once the gateway had nothing left to do.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    pub(super) asked: Vec<Asked>,
    /// How often they asked, answered or not.
    pub(super) requests: usize,
    pub(super) stored: Vec<Stored>,
    pub(super) sends: Vec<Send>,
    /// Provider ids of texts from customers whose webhook was answered with 200.
    pub(super) inbound: BTreeSet<String>,
    pub(super) events: Vec<Event>,
    pub(super) dead: Vec<Dead>,
    /// What the provider or the endpoint itself would complain about, and crashes of our own.
    pub(super) complaints: Vec<String>,
    pub(super) kills: usize,
    /// Sends that may be under way at the moment of one kill.
    pub(super) concurrency: usize,
}

/// One message that a caller wanted sent, under one idempotency key.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) key: String,
    /// Every message id that any answer to this key named.
    pub(super) told: BTreeSet<String>,
}

/// One outbound message as the API shows it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    /// The caller's own name of it, which is the idempotency key in this test.
    pub(super) reference: String,
    pub(super) status: Status,
    pub(super) has_error: bool,
}

/// One well-formed send that arrived at the provider.
#[derive(Clone, Debug)]
pub(super) struct Send {
    pub(super) message: String,
    pub(super) to: String,
    /// It had an effect: the recipient gets it, and sent, delivered and read were reported.
    pub(super) accepted: bool,
    /// It had none, but the gateway cannot know that.
    pub(super) ambiguous: bool,
}

/// One event by its `webhook-id`.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    /// From the ULID, which the one writer of the database makes inside of the transaction: the order
    /// of commits, where two differ.
    pub(super) created_ms: u64,
    pub(super) acknowledged: bool,
    pub(super) fact: Fact,
}

#[derive(Clone, Debug)]
pub(super) enum Fact {
    Received { provider_message_id: String },
    Status { message: String, status: Status },
    Other(String),
}

/// One dead letter.
#[derive(Clone, Debug)]
pub(super) struct Dead {
    pub(super) queue: String,
    /// The message it was to send.
    pub(super) message: Option<String>,
    pub(super) reason: String,
}

#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) violations: Vec<String>,
    /// Unknown because the provider broke off.
    pub(super) unknown_by_fault: usize,
    /// Unknown because a kill came between the request and its answer.
    pub(super) unknown_by_kill: usize,
    pub(super) failed: usize,
}

pub(super) fn judge(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict {
        violations: evidence.complaints.clone(),
        ..Verdict::default()
    };
    verdict.nothing_accepted_is_lost(evidence);
    verdict.every_message_is_where_the_provider_left_it(evidence);
    verdict.nothing_is_sent_twice(evidence);
    verdict.the_dead_are_the_failed(evidence);
    verdict.every_text_is_told_once(evidence);
    verdict.statuses_are_told_once_and_upwards(evidence);
    verdict
}

impl Verdict {
    fn violated(&mut self, what: String) {
        self.violations.push(what);
    }

    fn nothing_accepted_is_lost(&mut self, evidence: &Evidence) {
        let ids: BTreeSet<&str> = evidence.stored.iter().map(|m| m.id.as_str()).collect();
        let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
        for message in &evidence.stored {
            *by_key.entry(&message.reference).or_default() += 1;
        }
        for Asked { key, told } in &evidence.asked {
            if told.len() != 1 {
                self.violated(format!(
                    "key {key} was answered with {told:?}, not with one id"
                ));
            }
            for id in told.iter().filter(|id| !ids.contains(id.as_str())) {
                self.violated(format!("{id} was answered with 2xx and is lost"));
            }
            match by_key.remove(key.as_str()) {
                Some(1) => {}
                count => self.violated(format!(
                    "key {key} stands for {} messages",
                    count.unwrap_or(0)
                )),
            }
        }
        for key in by_key.keys() {
            self.violated(format!("nobody asked for the message of key {key}"));
        }
    }

    fn every_message_is_where_the_provider_left_it(&mut self, evidence: &Evidence) {
        let accepted: BTreeSet<&str> = of_sends(evidence, |send| send.accepted);
        let ambiguous: BTreeSet<&str> = of_sends(evidence, |send| send.ambiguous);
        for message in &evidence.stored {
            let (id, status) = (message.id.as_str(), message.status);
            match (accepted.contains(id), status) {
                // The provider reported it as read and that report was acknowledged.
                (true, Status::Read) => {}
                (true, _) => self.violated(format!("{id} was read, but stands at {status}")),
                (false, Status::Failed) => self.failed += 1,
                (false, Status::Unknown) if ambiguous.contains(id) => self.unknown_by_fault += 1,
                (false, Status::Unknown) => self.unknown_by_kill += 1,
                (false, Status::Queued | Status::Sending) => {
                    self.violated(format!("{id} stays {status} for ever"));
                }
                (false, _) => {
                    self.violated(format!("{id} is {status}, but the provider never took it"));
                }
            }
            let unexplained = matches!(status, Status::Failed | Status::Unknown);
            if unexplained && !message.has_error {
                self.violated(format!("{id} is {status} and does not say why"));
            }
        }
        let under_way = evidence.kills * evidence.concurrency;
        if self.unknown_by_kill > under_way {
            self.violated(format!(
                "{} messages are unknown without a fault, more than the {under_way} that kills can explain",
                self.unknown_by_kill
            ));
        }
    }

    fn nothing_is_sent_twice(&mut self, evidence: &Evidence) {
        let ids: BTreeSet<&str> = evidence.stored.iter().map(|m| m.id.as_str()).collect();
        let mut by_message: BTreeMap<&str, usize> = BTreeMap::new();
        let mut by_recipient: BTreeMap<&str, usize> = BTreeMap::new();
        for send in &evidence.sends {
            if !ids.contains(send.message.as_str()) {
                self.violated(format!("{} was sent and is no message", send.message));
            }
            if send.accepted {
                *by_message.entry(&send.message).or_default() += 1;
                *by_recipient.entry(&send.to).or_default() += 1;
            }
        }
        for (message, count) in by_message.iter().filter(|(_, count)| **count > 1) {
            self.violated(format!("{message} was accepted {count} times"));
        }
        // Each key has a recipient of its own, so this also finds one key sent as two messages.
        for (to, count) in by_recipient.iter().filter(|(_, count)| **count > 1) {
            self.violated(format!("recipient {to} got {count} messages"));
        }
    }

    fn the_dead_are_the_failed(&mut self, evidence: &Evidence) {
        let failed: BTreeSet<&str> = evidence
            .stored
            .iter()
            .filter(|message| message.status == Status::Failed)
            .map(|message| message.id.as_str())
            .collect();
        let mut buried = BTreeSet::new();
        for dead in &evidence.dead {
            match dead.message.as_deref() {
                Some(message) if dead.queue == "send" && failed.contains(message) => {
                    buried.insert(message);
                }
                message => self.violated(format!(
                    "a job of queue {} for {message:?} died, but no failed message shows it: {}",
                    dead.queue, dead.reason
                )),
            }
        }
        for message in failed.difference(&buried) {
            self.violated(format!("{message} failed without a dead letter"));
        }
    }

    fn every_text_is_told_once(&mut self, evidence: &Evidence) {
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for event in &evidence.events {
            if let Fact::Received {
                provider_message_id,
            } = &event.fact
            {
                *told.entry(provider_message_id).or_default() += 1;
            }
            if let Fact::Other(kind) = &event.fact {
                self.violated(format!("event {} is a {kind}", event.id));
            }
            if !event.acknowledged {
                self.violated(format!("event {} was given up", event.id));
            }
        }
        for wamid in &evidence.inbound {
            match told.remove(wamid.as_str()) {
                Some(1) => {}
                None => self.violated(format!("the text {wamid} was acknowledged and is lost")),
                Some(count) => self.violated(format!("the text {wamid} made {count} events")),
            }
        }
        for wamid in told.keys() {
            self.violated(format!("nobody wrote the text {wamid}"));
        }
    }

    fn statuses_are_told_once_and_upwards(&mut self, evidence: &Evidence) {
        let mut told: BTreeMap<&str, Vec<(u64, Status)>> = BTreeMap::new();
        for event in &evidence.events {
            if let Fact::Status { message, status } = &event.fact {
                let so_far = told.entry(message).or_default();
                so_far.push((event.created_ms, *status));
            }
        }
        for message in &evidence.stored {
            let mut steps = told.remove(message.id.as_str()).unwrap_or_default();
            // What came in the same millisecond has no order that could be wrong.
            steps.sort_unstable();
            let statuses: Vec<Status> = steps.iter().map(|step| step.1).collect();
            let (id, shown) = (&message.id, message.status);
            if !statuses.is_sorted() {
                self.violated(format!("{id} was told backwards: {statuses:?}"));
            }
            let distinct: BTreeSet<Status> = statuses.iter().copied().collect();
            if distinct.len() < statuses.len() {
                self.violated(format!("{id} was told the same twice: {statuses:?}"));
            }
            if distinct.last() != Some(&shown) {
                self.violated(format!("{id} is {shown}, but was told as {statuses:?}"));
            }
        }
        for message in told.keys() {
            self.violated(format!("{message} was told and is no message"));
        }
    }
}

fn of_sends(evidence: &Evidence, which: impl Fn(&Send) -> bool) -> BTreeSet<&str> {
    let chosen = evidence.sends.iter().filter(|send| which(send));
    chosen.map(|send| send.message.as_str()).collect()
}
