//! The circuit breaker: what opens it, what does not, and how it closes again.

use std::sync::Arc;

use futures_util::future::poll_immediate;
use wharf_core::Clock;
use wharf_core::provider::CallContext;
use wharf_runtime::{
    BreakerConfig, CallError, CircuitState, LimitKind, Plugin, Runtime, RuntimeConfig,
};

use super::guest::{Guest, done, error};
use super::{HandClock, config, context, message};

const OPEN_MS: i64 = 30_000;
const WINDOW_MS: i64 = 60_000;

/// The name of the first setting decides: with `x` it crashes, with `e` it returns an error, with `l`
/// it never ends, else all is well.
fn moody() -> Vec<u8> {
    let mut guest = Guest::new();
    let well = done(&mut guest.image);
    let refused = error(&mut guest.image, "no");
    // The parameters begin with the list of settings, whose first string is the first name.
    guest.start = format!(
        "(local $mood i32)
         (local.set $mood (i32.load8_u (i32.load (i32.load (local.get 0)))))
         (if (i32.eq (local.get $mood) (i32.const {crash})) (then unreachable))
         (if (i32.eq (local.get $mood) (i32.const {endless})) (then (loop $again (br $again))))
         (if (result i32) (i32.eq (local.get $mood) (i32.const {refuse}))
            (then (i32.const {refused})) (else (i32.const {well})))",
        crash = b'x',
        endless = b'l',
        refuse = b'e',
    );
    guest.build()
}

fn mood(name: &str) -> CallContext {
    CallContext {
        settings: vec![(name.to_owned(), String::new())],
        ..context()
    }
}

async fn loaded(breaker: BreakerConfig) -> (Arc<Plugin>, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    let config = RuntimeConfig {
        breaker,
        ..config()
    };
    let runtime = Runtime::with_clock(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    (runtime.load("moody", moody()).await.unwrap(), clock)
}

async fn crash(plugin: &Plugin) -> CallError {
    plugin.start(&mood("x"), &message()).await.unwrap_err()
}

async fn crash_times(plugin: &Plugin, times: usize) {
    for number in 0..times {
        let error = crash(plugin).await;
        assert_eq!(error.slug(), "plugin-trap", "call {number}: {error}");
    }
}

async fn succeed(plugin: &Plugin) -> Result<(), CallError> {
    plugin.start(&mood("ok"), &message()).await.map(drop)
}

#[tokio::test]
async fn five_faults_open_it_and_four_do_not() {
    let (plugin, _clock) = loaded(BreakerConfig::default()).await;
    crash_times(&plugin, 4).await;
    assert_eq!(plugin.health().circuit, CircuitState::Closed);
    assert_eq!(plugin.health().recent_faults, 4);
    crash_times(&plugin, 1).await;
    let open = CircuitState::Open {
        retry_after_ms: 30_000,
    };
    assert_eq!(plugin.health().circuit, open);
    let error = succeed(&plugin).await.unwrap_err();
    assert_eq!(error.slug(), "plugin-circuit-open");
    assert_eq!(error.retry_after_ms(), Some(30_000));
    assert!(error.is_not_called() && !error.is_plugin_fault());
    let metrics = plugin.metrics();
    assert_eq!((metrics.circuit_openings, metrics.circuit_refusals), (1, 1));
    assert_eq!(metrics.faults["unreachable"], 5);
}

#[tokio::test]
async fn faults_further_apart_than_the_window_do_not_add_up() {
    let (plugin, clock) = loaded(BreakerConfig::default()).await;
    for _ in 0..20 {
        crash_times(&plugin, 1).await;
        clock.pass(WINDOW_MS / 4);
    }
    assert_eq!(plugin.health().circuit, CircuitState::Closed);
}

#[tokio::test]
async fn after_its_pause_one_good_call_closes_it() {
    let (plugin, clock) = loaded(BreakerConfig::default()).await;
    crash_times(&plugin, 5).await;
    clock.pass(OPEN_MS - 1);
    assert_eq!(
        succeed(&plugin).await.unwrap_err().retry_after_ms(),
        Some(1)
    );
    clock.pass(1);
    assert_eq!(plugin.health().circuit, CircuitState::HalfOpen);
    succeed(&plugin).await.unwrap();
    assert_eq!(plugin.health().circuit, CircuitState::Closed);
    assert_eq!(plugin.metrics().circuit_closings, 1);
    crash_times(&plugin, 4).await;
    assert_eq!(plugin.health().circuit, CircuitState::Closed, "a new count");
}

#[tokio::test]
async fn a_bad_trial_opens_it_for_another_pause() {
    let (plugin, clock) = loaded(BreakerConfig::default()).await;
    crash_times(&plugin, 5).await;
    clock.pass(OPEN_MS);
    crash_times(&plugin, 1).await;
    assert_eq!(
        succeed(&plugin).await.unwrap_err().retry_after_ms(),
        Some(30_000)
    );
    clock.pass(OPEN_MS);
    succeed(&plugin).await.unwrap();
}

#[tokio::test]
async fn one_trial_at_a_time_and_one_given_up_makes_room_for_the_next() {
    let (plugin, clock) = loaded(BreakerConfig::default()).await;
    crash_times(&plugin, 5).await;
    clock.pass(OPEN_MS);
    let (endless, message) = (mood("l"), message());
    {
        let mut trial = Box::pin(plugin.start(&endless, &message));
        let ended = poll_immediate(trial.as_mut()).await;
        assert!(ended.is_none(), "it runs and has not ended");
        let refused = succeed(&plugin).await.unwrap_err();
        assert_eq!(refused.slug(), "plugin-circuit-open");
    }
    succeed(&plugin).await.unwrap();
    assert_eq!(plugin.health().circuit, CircuitState::Closed);
}

#[tokio::test]
async fn the_plugins_own_errors_never_count() {
    let (plugin, _clock) = loaded(BreakerConfig::default()).await;
    for _ in 0..50 {
        let error = plugin.start(&mood("e"), &message()).await.unwrap_err();
        assert!(matches!(error, CallError::Guest(_)), "{error}");
    }
    assert_eq!(plugin.health().circuit, CircuitState::Closed);
    assert_eq!(plugin.metrics().guest_errors, 50);
}

#[tokio::test]
async fn rare_faults_among_many_good_calls_do_not_open_it() {
    let (plugin, _clock) = loaded(BreakerConfig::default()).await;
    for _ in 0..10 {
        for _ in 0..3 {
            succeed(&plugin).await.unwrap();
        }
        crash_times(&plugin, 1).await;
    }
    assert_eq!(plugin.health().circuit, CircuitState::Closed);
    assert_eq!(plugin.health().recent_faults, 10);
}

#[tokio::test]
async fn limits_count_like_crashes() {
    let mut guest = Guest::new();
    guest.start = "(drop (memory.grow (i32.const 1000))) unreachable".to_owned();
    let plugin = super::load(guest.build()).await.unwrap();
    for _ in 0..5 {
        let error = plugin.start(&context(), &message()).await.unwrap_err();
        assert!(
            matches!(
                error,
                CallError::Limit {
                    which: LimitKind::Memory,
                    ..
                }
            ),
            "{error}"
        );
    }
    let error = plugin.start(&context(), &message()).await.unwrap_err();
    assert_eq!(error.slug(), "plugin-circuit-open");
    assert_eq!(plugin.metrics().limits["memory"], 5);
}

#[tokio::test]
async fn one_tenants_poison_stops_that_tenant_alone() {
    let (plugin, clock) = loaded(BreakerConfig::default()).await;
    let (bad, good) = (plugin.on_behalf_of("bad"), plugin.on_behalf_of("good"));
    // For hours: as soon as it may, the bad one sends its poison again.
    for round in 0..200 {
        while crash(&bad).await.slug() == "plugin-trap" {}
        assert_eq!(crash(&bad).await.slug(), "plugin-circuit-open");
        let served = succeed(&good).await;
        assert!(served.is_ok(), "round {round}: {}", served.unwrap_err());
        clock.pass(OPEN_MS / 2);
    }
    assert_eq!(plugin.health().circuit, CircuitState::Closed);
    assert_eq!(plugin.health().parties_refused, 1);
}

#[tokio::test]
async fn faults_of_two_tenants_are_the_plugins() {
    let (plugin, _clock) = loaded(BreakerConfig::default()).await;
    crash_times(&plugin.on_behalf_of("one"), 4).await;
    crash_times(&plugin.on_behalf_of("two"), 1).await;
    let error = succeed(&plugin.on_behalf_of("three")).await.unwrap_err();
    assert_eq!(error.slug(), "plugin-circuit-open");
}
