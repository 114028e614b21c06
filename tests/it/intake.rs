//! What the gateway fetches and keeps by itself, through a whole gateway and strict fakes: media that came
//! in, templates, the state of channels, profiles, and what was missed.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod channel;
mod lost;
mod media;
mod missed;
mod templates;

use serde_json::Value;
use wharf_test_support::eventually;
use wharf_test_support::graph::StatusPlan;

use crate::harness::{Setup, TestGateway, WAIT};

/// Meta reports nothing by itself; what comes in is fetched, which other tests do by hand.
fn quiet(setup: &mut Setup) {
    setup.set("media.fetch", true);
    setup.graph.statuses = StatusPlan::off();
}

/// `GET` by `acme`, which must succeed.
async fn get(gateway: &TestGateway, path: &str) -> Value {
    let answer = gateway.call("GET", path).empty().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Waits until what a path shows is as wanted.
async fn wait_for(gateway: &TestGateway, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = eventually(WAIT, || async {
        Some(get(gateway, path).await).filter(|shown| wanted(shown))
    })
    .await;
    match found {
        Ok(shown) => shown,
        Err(error) => panic!("{error}: {:#}", get(gateway, path).await),
    }
}

/// Events of a type that the sink took.
fn events(gateway: &TestGateway, kind: &str) -> Vec<Value> {
    let mut events = gateway.delivered();
    events.retain(|event| event["type"] == kind);
    events
}

/// Waits until there are so many of them.
async fn wait_events(gateway: &TestGateway, kind: &str, count: usize) -> Vec<Value> {
    let found = eventually(WAIT, || async {
        Some(events(gateway, kind)).filter(|events| events.len() >= count)
    });
    match found.await {
        Ok(events) => events,
        Err(error) => panic!("{error}: {:#?}", gateway.delivered()),
    }
}
