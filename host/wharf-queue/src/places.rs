//! How many jobs of one lane and of one tenant may run at a time, so that one whose provider hangs leaves
//! room for the others.
//!
//! Each may hold a fraction of the places that stay free (a dynamic threshold: Choudhury and Hahne,
//! "Dynamic queue length thresholds for shared-memory packet switches", 1998). So a busy lane alone has a
//! fifth of the places, and a tenant alone a third; several busy ones have less each, and some are left
//! for whoever comes: of 1,024 places, seventeen tenants that hang one after the other leave one. Nobody
//! has to configure it, and no place is kept from a lane that has none as long as one is free. Pure.

use std::collections::HashMap;

/// What a lane may hold for this many places that stay free: one.
const FREE_PER_PLACE_OF_LANE: usize = 4;
/// As much of all lanes of a tenant. They hold more than one lane may, so that a stuck channel of a tenant
/// leaves room for its other channels.
const FREE_PER_PLACE_OF_TENANT: usize = 2;

/// The places of one worker, and who has them.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: usize,
    lanes: HashMap<String, usize>,
    tenants: HashMap<String, usize>,
}

/// Those that may not have another place now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Full<'a> {
    pub(crate) lanes: Vec<&'a str>,
    pub(crate) tenants: Vec<&'a str>,
}

impl Places {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            free: places,
            lanes: HashMap::new(),
            tenants: HashMap::new(),
        }
    }

    /// Places that this lane may take now.
    pub(crate) fn room(&self, tenant: &str, lane: &str) -> usize {
        let of_lane = self.room_of(held(&self.lanes, lane), FREE_PER_PLACE_OF_LANE);
        of_lane.min(self.room_of(held(&self.tenants, tenant), FREE_PER_PLACE_OF_TENANT))
    }

    /// At most as many as [`Places::room`] said.
    pub(crate) fn take(&mut self, tenant: &str, lane: &str, jobs: usize) {
        if jobs == 0 {
            return;
        }
        self.free = self.free.saturating_sub(jobs);
        *self.lanes.entry(lane.to_owned()).or_default() += jobs;
        *self.tenants.entry(tenant.to_owned()).or_default() += jobs;
    }

    /// One place is free again.
    pub(crate) fn give_back(&mut self, tenant: &str, lane: &str) {
        self.free += 1;
        decrease(&mut self.lanes, lane);
        decrease(&mut self.tenants, tenant);
    }

    pub(crate) fn full(&self) -> Full<'_> {
        Full {
            lanes: self.without_room(&self.lanes, FREE_PER_PLACE_OF_LANE),
            tenants: self.without_room(&self.tenants, FREE_PER_PLACE_OF_TENANT),
        }
    }

    /// The most that leaves `(held + room) * free_per_place <= free - room`.
    fn room_of(&self, held: usize, free_per_place: usize) -> usize {
        let room = self.free.saturating_sub(held * free_per_place) / (free_per_place + 1);
        if held == 0 {
            room.max(1).min(self.free)
        } else {
            room
        }
    }

    fn without_room<'a>(
        &self,
        holders: &'a HashMap<String, usize>,
        free_per_place: usize,
    ) -> Vec<&'a str> {
        let all = holders.iter();
        let full = all.filter(|&(_, &held)| self.room_of(held, free_per_place) == 0);
        full.map(|(name, _)| name.as_str()).collect()
    }
}

fn held(holders: &HashMap<String, usize>, name: &str) -> usize {
    holders.get(name).copied().unwrap_or(0)
}

fn decrease(holders: &mut HashMap<String, usize>, name: &str) {
    if let Some(held) = holders.get_mut(name) {
        *held -= 1;
        if *held == 0 {
            holders.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all that it may, until it may have no more.
    fn fill(places: &mut Places, tenant: &str, lane: &str) -> usize {
        let mut taken = 0;
        loop {
            let room = places.room(tenant, lane);
            if room == 0 {
                return taken;
            }
            places.take(tenant, lane, room);
            taken += room;
        }
    }

    #[test]
    fn a_lane_has_a_fifth_and_its_tenant_a_third() {
        let mut places = Places::new(300);
        assert_eq!(fill(&mut places, "a", "a/1"), 60);
        assert_eq!(places.full().lanes, ["a/1"]);
        let of_others: usize = (2..9)
            .map(|n| fill(&mut places, "a", &format!("a/{n}")))
            .sum();
        assert_eq!((of_others, places.free), (40, 200));
        assert_eq!(places.full().tenants, ["a"]);
        assert!(places.room("b", "b/1") > 0);
    }

    #[test]
    fn seventeen_tenants_that_hang_leave_a_place_for_the_next() {
        let mut places = Places::new(1_024);
        for tenant in 0..17 {
            let tenant = tenant.to_string();
            for lane in 0..50 {
                fill(&mut places, &tenant, &format!("{tenant}/{lane}"));
            }
        }
        assert!(places.room("next", "next/main") > 0, "{}", places.free);
    }

    #[test]
    fn the_only_place_goes_to_whoever_comes_and_the_last_of_two_to_another() {
        let mut one = Places::new(1);
        assert_eq!(fill(&mut one, "a", "a/1"), 1);
        assert_eq!(one.room("b", "b/1"), 0);
        let mut two = Places::new(2);
        assert_eq!(fill(&mut two, "a", "a/1"), 1);
        assert_eq!(two.room("b", "b/1"), 1);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let mut places = Places::new(20);
        assert_eq!(fill(&mut places, "a", "a/1"), 4);
        for _ in 0..4 {
            places.give_back("a", "a/1");
        }
        assert_eq!((places.free, places.full()), (20, Full::default()));
        assert!(places.lanes.is_empty() && places.tenants.is_empty());
        assert_eq!(fill(&mut places, "b", "b/1"), 4);
    }

    #[test]
    fn nobody_takes_more_than_is_free() {
        for count in 0..20 {
            let mut places = Places::new(count);
            let taken: usize = (0..40)
                .map(|n| fill(&mut places, &(n / 3).to_string(), &n.to_string()))
                .sum();
            assert!(taken <= count);
            assert_eq!(taken + places.free, count);
        }
    }
}
