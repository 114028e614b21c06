//! Which write comes next, and when a group of them is whole.
//!
//! Somebody outside waits for a caller's write: an API request for its 202, a provider for its 200. The
//! gateway's own writes (journal, outcomes, claims) are many more, and nobody counts their milliseconds. So each
//! kind has a queue; while both have something they take turns, and a group with a caller's write in it does not
//! linger for more of our own.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// How long a group goes on taking our own writes once a caller waits for it: about as long as a commit takes,
/// so that of a busy writer's time our own writes keep half.
const OWN_AFTER_CALLER: Duration = Duration::from_millis(1);

/// Whose write it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Caller,
    Gateway,
}

/// The receiving ends.
pub(super) struct Waiting<J> {
    callers: mpsc::Receiver<J>,
    own: mpsc::Receiver<J>,
}

/// The sending ends.
pub(super) struct Queues<J> {
    callers: mpsc::Sender<J>,
    own: mpsc::Sender<J>,
}

/// One transaction in the making.
pub(super) struct Group {
    started: Instant,
    taken: usize,
    taken_max: usize,
    linger: Duration,
    last: Whose,
    caller_since: Option<Instant>,
}

/// Both queues take this many.
pub(super) fn queues<J>(length_max: usize) -> (Queues<J>, Waiting<J>) {
    let (callers, callers_end) = mpsc::channel(length_max);
    let (own, own_end) = mpsc::channel(length_max);
    let waiting = Waiting {
        callers: callers_end,
        own: own_end,
    };
    (Queues { callers, own }, waiting)
}

impl<J> Clone for Queues<J> {
    fn clone(&self) -> Self {
        Self {
            callers: self.callers.clone(),
            own: self.own.clone(),
        }
    }
}

impl<J> Queues<J> {
    pub(super) fn of(&self, whose: Whose) -> &mpsc::Sender<J> {
        match whose {
            Whose::Caller => &self.callers,
            Whose::Gateway => &self.own,
        }
    }
}

impl<J> Waiting<J> {
    /// The write that begins a group; `None` once all senders are gone and nothing is left.
    pub(super) async fn first(&mut self) -> Option<(J, Whose)> {
        tokio::select! {
            biased;
            Some(job) = self.callers.recv() => Some((job, Whose::Caller)),
            Some(job) = self.own.recv() => Some((job, Whose::Gateway)),
            else => None,
        }
    }

    /// The next write of this group, if it is to have one.
    pub(super) fn next(&mut self, group: &mut Group) -> Option<J> {
        if group.is_whole() {
            return None;
        }
        let own = |waiting: &mut Self, group: &Group| match group.takes_own() {
            true => Some((waiting.own.try_recv().ok()?, Whose::Gateway)),
            false => None,
        };
        let caller = |waiting: &mut Self| Some((waiting.callers.try_recv().ok()?, Whose::Caller));
        let (job, whose) = match group.last {
            Whose::Caller => own(self, group).or_else(|| caller(self)),
            Whose::Gateway => caller(self).or_else(|| own(self, group)),
        }?;
        group.take(whose);
        Some(job)
    }

    /// Drops everything that waits, and with it its answers.
    pub(super) fn clear(&mut self) {
        while self.callers.try_recv().is_ok() || self.own.try_recv().is_ok() {}
    }
}

impl Group {
    pub(super) fn new(first: Whose, taken_max: usize, linger: Duration) -> Self {
        let mut group = Self {
            started: Instant::now(),
            taken: 0,
            taken_max,
            linger,
            last: first,
            caller_since: None,
        };
        group.take(first);
        group
    }

    fn take(&mut self, whose: Whose) {
        self.taken += 1;
        self.last = whose;
        if whose == Whose::Caller {
            self.caller_since.get_or_insert_with(Instant::now);
        }
    }

    fn is_whole(&self) -> bool {
        self.taken >= self.taken_max || self.started.elapsed() >= self.linger
    }

    fn takes_own(&self) -> bool {
        let after = OWN_AFTER_CALLER.min(self.linger);
        self.caller_since
            .is_none_or(|since| since.elapsed() < after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_secs(3600);

    fn filled(callers: usize, own: usize) -> Waiting<Whose> {
        let (queues, waiting) = queues(100);
        for _ in 0..callers {
            queues.of(Whose::Caller).try_send(Whose::Caller).unwrap();
        }
        for _ in 0..own {
            queues.of(Whose::Gateway).try_send(Whose::Gateway).unwrap();
        }
        waiting
    }

    fn all(waiting: &mut Waiting<Whose>, group: &mut Group) -> String {
        let next = std::iter::from_fn(|| waiting.next(group));
        next.map(|whose| if whose == Whose::Caller { 'c' } else { 'o' })
            .collect()
    }

    #[tokio::test]
    async fn a_caller_begins_a_group_and_both_kinds_take_turns() {
        let mut waiting = filled(3, 4);
        let (_, first) = waiting.first().await.unwrap();
        assert!(first == Whose::Caller);
        let mut group = Group::new(first, 100, PATIENT);
        // As if the commit could wait: what ends the turns is tested below.
        group.caller_since = Some(Instant::now() + PATIENT);
        assert_eq!(all(&mut waiting, &mut group), "ococoo");
        assert!(waiting.first().await.is_none(), "all senders are gone");
    }

    #[test]
    fn a_group_in_which_a_caller_waits_takes_callers_only() {
        let mut waiting = filled(2, 2);
        let mut group = Group::new(Whose::Caller, 100, PATIENT);
        group.caller_since = Some(Instant::now() - OWN_AFTER_CALLER);
        assert_eq!(all(&mut waiting, &mut group), "cc");
        let mut ours = Group::new(Whose::Gateway, 100, PATIENT);
        assert_eq!(all(&mut waiting, &mut ours), "oo");
    }

    #[test]
    fn a_group_ends_by_its_size_and_by_its_time() {
        let mut waiting = filled(0, 9);
        let mut group = Group::new(Whose::Gateway, 4, PATIENT);
        assert_eq!(all(&mut waiting, &mut group), "ooo");
        let mut short = Group::new(Whose::Gateway, 100, Duration::ZERO);
        assert_eq!(all(&mut waiting, &mut short), "");
        waiting.clear();
        let mut rest = Group::new(Whose::Gateway, 100, PATIENT);
        assert_eq!(all(&mut waiting, &mut rest), "");
    }
}
