//! Plugins that mean harm: a builder for guests that no compiler would make, and a catalogue of them.
//!
//! The compiled languages never produce most of what these do, so values are laid out here byte by
//! byte, as the canonical ABI wants them, from the interface's own text. Tests show that each entry of
//! the catalogue is contained with the reason it names; the benchmark measures what a second tenant
//! notices of it.
//!
//! Knows the provider interface and nothing of the host: what contains an entry is named by the stable
//! codes that users see.

#![expect(
    clippy::unwrap_used,
    reason = "a guest that cannot be built fails the test that asked for it"
)]

mod catalogue;
mod guest;
mod layout;
mod memory;

pub use catalogue::{Contained, HOST, Hostile, REDIRECTING, SENDER, TRUSTED_HOST, all, harmless};
pub use guest::Guest;
pub use memory::{BLANK_BASE, HEAP_BASE, Image};
