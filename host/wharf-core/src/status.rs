//! Where an outbound message is, as a lattice: any order and any repetition of reports end alike.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::provider::StatusState;

/// The status of one try. Ordered by rank; `Canceled` and `Expired` share one, and whichever of the
/// two stands first in this list yields to the other, so that the join stays commutative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    Sending,
    Canceled,
    Expired,
    Unknown,
    Sent,
    Failed,
    Delivered,
    Read,
    Played,
}

impl Status {
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Sending,
        Self::Canceled,
        Self::Expired,
        Self::Unknown,
        Self::Sent,
        Self::Failed,
        Self::Delivered,
        Self::Read,
        Self::Played,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
        }
    }

    /// The later of the two: the lattice's join.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        self.max(other)
    }

    /// True once the recipient's phone had it; no later try may hide that.
    pub fn is_delivered(self) -> bool {
        self >= Self::Delivered
    }
}

/// What a message shows when a new try's status is `latest` and its earlier tries reached `earlier`.
pub fn shown(earlier: impl IntoIterator<Item = Status>, latest: Status) -> Status {
    earlier
        .into_iter()
        .filter(|status| status.is_delivered())
        .fold(None, |best: Option<Status>, status| {
            Some(best.map_or(status, |b| b.join(status)))
        })
        .map_or(latest, |delivered| delivered.join(latest))
}

impl From<StatusState> for Status {
    fn from(state: StatusState) -> Self {
        match state {
            // A provider's "queued" says only that it has the message, which `Sent` does not claim:
            // to the lattice it is no more than that the send went out.
            StatusState::Queued => Self::Sending,
            StatusState::Sent => Self::Sent,
            StatusState::Delivered => Self::Delivered,
            StatusState::Read => Self::Read,
            StatusState::Played => Self::Played,
            StatusState::Failed => Self::Failed,
            StatusState::Canceled => Self::Canceled,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a status"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_status() -> impl Strategy<Value = Status> {
        (0..Status::ALL.len()).prop_map(|i| Status::ALL[i])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_order_and_repetition_end_in_the_same_status(
            reports in proptest::collection::vec(any_status(), 1..12),
            seed in any::<u64>(),
        ) {
            let fold = |list: &[Status]| list.iter().fold(Status::Queued, |a, b| a.join(*b));
            let mut shuffled = reports.clone();
            let n = shuffled.len();
            for i in 0..n {
                shuffled.swap(i, (seed.rotate_left(i as u32) as usize) % n);
            }
            shuffled.extend(reports.iter().take(n / 2));
            prop_assert_eq!(fold(&reports), fold(&shuffled));
        }

        #[test]
        fn a_message_never_loses_that_it_was_delivered(
            earlier in proptest::collection::vec(any_status(), 0..4),
            latest in any_status(),
        ) {
            let result = shown(earlier.clone(), latest);
            let best = earlier.iter().copied().filter(|s| s.is_delivered()).max();
            match best {
                Some(best) => prop_assert!(result >= best),
                None => prop_assert_eq!(result, latest),
            }
        }
    }

    #[test]
    fn the_order_is_the_designs() {
        let names: Vec<_> = Status::ALL.iter().map(|s| s.as_str()).collect();
        assert_eq!(
            names,
            [
                "queued",
                "sending",
                "canceled",
                "expired",
                "unknown",
                "sent",
                "failed",
                "delivered",
                "read",
                "played"
            ]
        );
        for (lower, higher) in Status::ALL.iter().zip(Status::ALL.iter().skip(1)) {
            assert!(lower < higher);
        }
    }

    #[test]
    fn every_name_reads_back() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("Sent".parse::<Status>().is_err());
    }
}
