//! Whole flows through a whole gateway, on both databases: what users and operators can rely on.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod batches;
mod dead_letters;
mod deliveries;
mod failures;
mod fallbacks;
mod hostile;
mod idempotency;
mod inbound;
mod interop;
mod kinds;
mod media;
mod pacing;
mod plans;
mod proofs;
mod refusals;
mod reports;
mod sending;
mod simple;
mod statuses;
mod stuck;
mod twilio;
mod verification;

use wharf_test_support::graph::StatusPlan;

use crate::harness::Setup;

/// Meta reports nothing by itself: statuses come when the test says so.
fn quiet(setup: &mut Setup) {
    setup.graph.statuses = StatusPlan::off();
}
