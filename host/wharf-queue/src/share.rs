//! Deficit round robin: who of the ready lanes gets how much of the room there is.
//!
//! Pure. Lanes come in the order of their turn, least recently served first.

/// What a lane could take now, and the credit it carries from earlier turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) jobs: usize,
    pub(crate) deficit: usize,
}

/// Jobs for one lane. A lane may stand in several grants; they are to be handed out in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) lane: usize,
    pub(crate) jobs: usize,
}

/// The grants and the credit that each lane carries on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) grants: Vec<Grant>,
    pub(crate) deficits: Vec<usize>,
}

/// Shares `room` among the lanes: `quantum` a turn for each, round after round, until the room or
/// the work is used up. A lane the room ran out under keeps its unused credit, at most one quantum.
pub(crate) fn share(wants: &[Want], room: usize, quantum: usize) -> Shares {
    let quantum = quantum.max(1);
    let mut left = room;
    let mut open: Vec<usize> = wants.iter().map(|want| want.jobs).collect();
    let mut credit: Vec<usize> = wants.iter().map(|want| want.deficit.min(quantum)).collect();
    let mut grants = Vec::new();
    while left > 0 && open.iter().any(|&jobs| jobs > 0) {
        for lane in 0..wants.len() {
            if left == 0 {
                break;
            }
            if open[lane] == 0 {
                continue;
            }
            credit[lane] += quantum;
            let jobs = credit[lane].min(open[lane]).min(left);
            credit[lane] -= jobs;
            open[lane] -= jobs;
            left -= jobs;
            grants.push(Grant { lane, jobs });
        }
    }
    let deficits = std::iter::zip(&open, &credit)
        .map(|(&open, &credit)| if open > 0 { credit.min(quantum) } else { 0 })
        .collect();
    Shares { grants, deficits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(shares: &Shares, lane: usize) -> usize {
        let of_lane = shares.grants.iter().filter(|grant| grant.lane == lane);
        of_lane.map(|grant| grant.jobs).sum()
    }

    fn want(jobs: usize) -> Want {
        Want { jobs, deficit: 0 }
    }

    #[test]
    fn a_single_lane_has_the_whole_room() {
        let shares = share(&[want(1_000)], 256, 16);
        assert_eq!(total(&shares, 0), 256);
    }

    #[test]
    fn a_full_lane_does_not_keep_a_small_one_waiting() {
        let shares = share(&[want(1_000), want(1)], 64, 16);
        assert_eq!((total(&shares, 0), total(&shares, 1)), (63, 1));
        assert_eq!(
            shares.grants[1],
            Grant { lane: 1, jobs: 1 },
            "second in line, not last"
        );
    }

    #[test]
    fn credit_is_carried_only_by_a_lane_the_room_ran_out_under() {
        let shares = share(&[want(16), want(50), want(50)], 24, 16);
        assert_eq!(
            shares.grants,
            [Grant { lane: 0, jobs: 16 }, Grant { lane: 1, jobs: 8 }]
        );
        assert_eq!(shares.deficits, [0, 8, 0]);
        let next = share(
            &[
                Want {
                    jobs: 50,
                    deficit: 0,
                },
                Want {
                    jobs: 42,
                    deficit: 8,
                },
            ],
            40,
            16,
        );
        assert_eq!(
            next.grants[1],
            Grant { lane: 1, jobs: 24 },
            "its turn and what was owed"
        );
    }

    #[test]
    fn never_more_than_the_room_or_the_work() {
        for room in 0..40 {
            for lanes in 0..6 {
                let wants: Vec<_> = (0..lanes).map(|lane| want(lane * 5)).collect();
                let shares = share(&wants, room, 4);
                let work: usize = wants.iter().map(|want| want.jobs).sum();
                let given: usize = (0..lanes).map(|lane| total(&shares, lane)).sum();
                assert_eq!(given, room.min(work));
                assert!((0..lanes).all(|lane| total(&shares, lane) <= wants[lane].jobs));
            }
        }
    }
}
