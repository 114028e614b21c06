//! The catalogue of `wharf-hostile`: each of its plugins meets the end that it names, and whoever
//! shares the host with it notices nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod gateway;
mod host;
mod optional;

use wharf_hostile::{Contained, Hostile};

#[test]
fn the_catalogue_holds_what_it_promises() {
    let all = wharf_hostile::all();
    let mut names: Vec<_> = all.iter().map(|hostile| hostile.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two entries of one name");
    let of = |wanted: fn(&Hostile) -> bool| all.iter().filter(|hostile| wanted(hostile)).count();
    assert!(of(|hostile| !hostile.contained.is_in_service()) >= 30);
    assert!(of(|hostile| hostile.contained.is_in_service()) >= 60);
    assert!(of(|hostile| hostile.strains) >= 10);
    assert!(of(|hostile| matches!(hostile.contained, Contained::Unknown(_))) >= 3);
}
