//! Three providers behind one gateway: the same request has the same effect, the same answer and the same
//! events through each of them, or the difference is declared by the plugin.
//!
//! Everything goes the whole way: `POST /v1/messages`, queue, plugin, the fake of the provider, its signed
//! webhook, and the tenant's endpoint.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod failures;
mod inbound;
mod media;
mod outbound;
mod refusals;
mod said;
mod via;

use wharf_test_support::StatusPlan;

use crate::harness::Setup;

/// All three, and statuses come when the test says so.
fn quiet(setup: &mut Setup) {
    setup.with_all_providers();
    setup.graph.statuses = StatusPlan::off();
    if let Some(config) = &mut setup.dialog360 {
        config.statuses = StatusPlan::off();
    }
    if let Some(config) = &mut setup.twilio {
        config.statuses = StatusPlan::off();
    }
}
