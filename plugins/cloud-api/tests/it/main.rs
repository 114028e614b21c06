//! What holds of every body, whatever is in it: no trap, no lost atom, nothing that the host refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod atoms;
mod corpus;
mod dialect;
mod mutations;
mod rules;
