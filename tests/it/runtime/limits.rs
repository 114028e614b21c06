//! Every way a call can harm its host, and the name it gets instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use wharf_core::provider::{ErrorClass, Progress};
use wharf_runtime::{CallError, ClassLimits, FaultKind, LimitKind, Runtime, RuntimeConfig};

use super::guest::{Guest, done, error, exchange, paces};
use super::{HandClock, config, context, load, load_with, message, webhook};

const ENDLESS: &str = "(loop $again (br $again)) unreachable";

async fn start_error(guest: Guest) -> CallError {
    let plugin = load(guest.build()).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap_err()
}

async fn fault_of(body: &str) -> FaultKind {
    match start_error(Guest::starting(body)).await {
        CallError::Fault { kind, .. } => kind,
        other => panic!("expected a fault, got {other}"),
    }
}

#[tokio::test]
async fn a_crash_is_a_fault_with_its_kind_and_origin() {
    let error = start_error(Guest::starting("unreachable")).await;
    assert_eq!(error.slug(), "plugin-trap");
    let text = error.to_string();
    for part in ["plugin test 1.2.3 (", "outbound.start", "unreachable"] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    assert!(error.is_plugin_fault());
}

#[tokio::test]
async fn every_kind_of_trap_has_its_name() {
    let cases = [
        ("unreachable", FaultKind::Unreachable),
        (
            "(i32.div_u (i32.const 1) (i32.const 0))",
            FaultKind::Arithmetic,
        ),
        ("(i32.load (i32.const -8))", FaultKind::MemoryOutOfBounds),
        ("(i32.const -16)", FaultKind::MalformedValue),
    ];
    for (body, kind) in cases {
        assert_eq!(fault_of(body).await, kind, "{body}");
    }
    let mut guest = Guest::starting("(call $deeper (i32.const 0))");
    guest.items = "(func $deeper (param i32) (result i32)
        (i32.add (call $deeper (local.get 0)) (i32.const 1)))"
        .to_owned();
    let error = start_error(guest).await;
    assert!(
        matches!(
            error,
            CallError::Fault {
                kind: FaultKind::StackOverflow,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn text_that_is_no_utf8_is_a_fault() {
    let mut guest = Guest::new();
    let at = done(&mut guest.image);
    let text = guest.image.area(1);
    guest.image.u8(text, 0xff);
    guest.image.u8(at + 16, 1);
    guest.image.span(at + 20, text, 1);
    guest.start = format!("(i32.const {at})");
    let error = start_error(guest).await;
    assert!(
        matches!(
            error,
            CallError::Fault {
                kind: FaultKind::MalformedValue,
                ..
            }
        ),
        "{error}"
    );
}

/// One thread for both: the other task moves on only when the loop gives the thread back.
#[tokio::test(flavor = "current_thread")]
async fn an_endless_loop_lets_others_run_and_ends_at_its_budget() {
    let plugin = load(Guest::starting(ENDLESS).build()).await.unwrap();
    let ended = AtomicBool::new(false);
    let turns = AtomicU64::new(0);
    let looping = async {
        let result = plugin.start(&context(), &message()).await;
        ended.store(true, Ordering::Relaxed);
        result
    };
    let other = async {
        while !ended.load(Ordering::Relaxed) {
            turns.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    };
    let (result, ()) = tokio::join!(looping, other);
    let error = result.unwrap_err();
    assert_eq!(error.slug(), "plugin-cpu-limit");
    assert!(error.to_string().contains("100 ms"), "{error}");
    // 100 ms in ticks of 5 ms are 20 pauses.
    assert!(turns.load(Ordering::Relaxed) >= 20);
}

#[tokio::test]
async fn an_endless_loop_in_describe_refuses_the_plugin() {
    let mut guest = Guest::new();
    guest.describe = Some(ENDLESS.to_owned());
    let error = load(guest.build()).await.err().unwrap();
    assert_eq!(error.slug(), "plugin-describe-failed");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("manifest.describe") && cause.contains("50 ms"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_memory_bomb_ends_at_the_memory_limit() {
    let bomb = "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) unreachable";
    let error = start_error(Guest::starting(bomb)).await;
    assert_eq!(error.slug(), "plugin-memory-limit");
    assert!(error.to_string().contains("33554432 bytes"), "{error}");
}

#[tokio::test]
async fn a_table_bomb_ends_at_the_memory_limit() {
    let mut guest = Guest::starting(
        "(loop $again (drop (table.grow $grows (ref.null func) (i32.const 1000))) (br $again)) unreachable",
    );
    guest.items = "(table $grows 1 funcref)".to_owned();
    assert_eq!(start_error(guest).await.slug(), "plugin-memory-limit");
}

#[tokio::test]
async fn without_room_for_the_pool_plugins_run_all_the_same() {
    // A million slots of 4 GiB are more addresses than the machine has.
    let config = RuntimeConfig {
        permits_max: 1_000_000,
        ..config()
    };
    let plugin = load_with(config, Guest::new().build()).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap();
}

#[tokio::test]
async fn parse_may_use_more_memory_than_start() {
    // 40 MiB: more than the 32 of `start`, less than the 64 of `parse`.
    let grow = "(drop (memory.grow (i32.const 640)))";
    let mut guest = Guest::new();
    guest.start = format!("{grow} {}", guest.start);
    guest.parse = format!("{grow} {}", guest.parse);
    let plugin = load(guest.build()).await.unwrap();
    let error = plugin.start(&context(), &message()).await.unwrap_err();
    assert_eq!(error.slug(), "plugin-memory-limit");
    let parsed = plugin.parse(&context(), &webhook(b"{}"), 0).await.unwrap();
    assert!(parsed.items.is_empty());
}

/// Pins behaviour of wasmtime that is not documented: `hostcall_fuel` bounds returned values too.
#[tokio::test]
async fn a_result_of_100_mb_ends_at_the_output_limit() {
    let mut guest = Guest::new();
    let at = paces(&mut guest.image, 200, 1 << 19);
    guest.start = format!("(i32.const {at})");
    let error = start_error(guest).await;
    assert!(
        matches!(
            error,
            CallError::Limit {
                which: LimitKind::Output,
                max: 2_097_152,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.slug(), "plugin-output-limit");
}

#[tokio::test]
async fn values_against_the_rules_are_invalid_output() {
    let cases = [
        (
            "https://api.example.com/v1/x",
            16 * 1024 + 1,
            "exchange.state",
        ),
        ("", 0, "request.url is empty"),
    ];
    for (url, state_bytes, rule) in cases {
        let mut guest = Guest::new();
        let at = exchange(&mut guest.image, url, state_bytes);
        guest.start = format!("(i32.const {at})");
        let error = start_error(guest).await;
        assert_eq!(error.slug(), "plugin-invalid-output");
        assert!(error.to_string().contains(rule), "{error}");
    }
}

#[tokio::test]
async fn a_state_of_just_16_kib_comes_through() {
    let mut guest = Guest::new();
    let at = exchange(&mut guest.image, "https://api.example.com/v1/x", 16 * 1024);
    guest.start = format!("(i32.const {at})");
    let plugin = load(guest.build()).await.unwrap();
    match plugin.start(&context(), &message()).await.unwrap() {
        Progress::Exchange(exchange) => assert_eq!(exchange.state.len(), 16 * 1024),
        other @ Progress::Done(_) => panic!("expected an exchange, got {other:?}"),
    }
}

#[tokio::test]
async fn the_plugins_own_verdict_is_told_from_a_fault() {
    let mut guest = Guest::new();
    let at = error(&mut guest.image, "too late\u{1b}[31m\r\nnow");
    guest.start = format!("(i32.const {at})");
    let plugin = load(guest.build()).await.unwrap();
    match plugin.start(&context(), &message()).await.unwrap_err() {
        CallError::Guest(error) => {
            assert_eq!(error.class, ErrorClass::WindowClosed);
            assert_eq!(error.detail, "too late\\u{1b}[31m\\r\\nnow");
        }
        other => panic!("expected the guest's error, got {other}"),
    }
    assert_eq!(plugin.counts().faults, 0);
}

#[tokio::test]
async fn two_calls_never_share_state() {
    let mut guest = Guest::new();
    let at = done(&mut guest.image);
    let text = guest.image.area(1);
    guest.image.u8(text, b'0');
    guest.image.u8(at + 16, 1);
    guest.image.span(at + 20, text, 1);
    guest.items = "(global $calls (mut i32) (i32.const 0))".to_owned();
    // Counts in a global and in memory; on a fresh instance both come to 1, and 1 + 1 - 1 is shown.
    guest.start = format!(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (i32.store8 (i32.const {text}) (i32.add (i32.load8_u (i32.const {text})) (global.get $calls)))
         (i32.const {at})"
    );
    let plugin = load(guest.build()).await.unwrap();
    for _ in 0..20 {
        match plugin.start(&context(), &message()).await.unwrap() {
            Progress::Done(accepted) => {
                assert_eq!(accepted.provider_message_id.as_deref(), Some("1"));
            }
            other @ Progress::Exchange(_) => panic!("expected the end, got {other:?}"),
        }
    }
    assert_eq!(plugin.counts().calls, 22, "describe twice and twenty calls");
}

fn one_at_a_time() -> RuntimeConfig {
    RuntimeConfig {
        plugin_permits_max: 1,
        permit_wait_ms_max: 20,
        native: ClassLimits {
            outbound_ms_max: 2000,
            ..ClassLimits::native()
        },
        ..config()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_beyond_the_permits_is_told_to_come_again() {
    let plugin = load_with(one_at_a_time(), Guest::starting(ENDLESS).build())
        .await
        .unwrap();
    let (context, message) = (context(), message());
    let first = plugin.start(&context, &message);
    let second = plugin.start(&context, &message);
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err().slug(), "plugin-cpu-limit");
    let second = second.unwrap_err();
    assert_eq!(second.slug(), "plugin-overloaded");
    assert!(second.to_string().contains("this plugin"), "{second}");
    assert!(!second.is_plugin_fault());
}

/// A burning call and one of a plugin that is beyond its share begin at the same time: the second must not
/// hold the place in the line that the first needs to come to its end.
#[tokio::test(flavor = "current_thread")]
async fn a_call_beyond_its_share_does_not_stand_before_one_in_progress() {
    let config = RuntimeConfig {
        // Longer than the first one's patience: waiting for each other would end both.
        permit_wait_ms_max: 60_000,
        plugin_cpu_ms_per_s: 1,
        native: ClassLimits {
            outbound_ms_max: 100,
            ..ClassLimits::native()
        },
        ..one_at_a_time()
    };
    let runtime = Runtime::with_clock(config, Arc::new(HandClock::default())).unwrap();
    let guest = Guest::starting(ENDLESS).build();
    let plugin = runtime.load("burning", guest).await.unwrap();
    let (context, message) = (context(), message());
    let first = plugin.start(&context, &message);
    let second = plugin.start(&context, &message);
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err().slug(), "plugin-cpu-limit");
    assert_eq!(second.unwrap_err().slug(), "plugin-cpu-limit");
}

#[tokio::test]
async fn calls_that_burn_do_not_wait_for_each_other_without_end() {
    let config = RuntimeConfig {
        permits_max: 40,
        plugin_permits_max: 40,
        // All begin at once; none stands in line before it has run.
        plugin_cpu_ms_per_s: 1_000_000,
        native: ClassLimits {
            outbound_ms_max: 20,
            ..ClassLimits::native()
        },
        ..config()
    };
    let plugin = load_with(config, Guest::starting(ENDLESS).build())
        .await
        .unwrap();
    let (context, message) = (context(), message());
    // Each holds the line for more than 25 ms and none waits longer than 500, so they cannot all end.
    let calls = (0..40).map(|_| plugin.start(&context, &message));
    let ends = futures_util::future::join_all(calls).await;
    let ends: Vec<_> = ends.into_iter().map(Result::unwrap_err).collect();
    let waited = ends.iter().filter(|end| {
        end.slug() == "plugin-overloaded" && end.to_string().contains("waited for their turn")
    });
    assert!(waited.count() > 0, "{ends:?}");
    let known = [
        "plugin-cpu-limit",
        "plugin-overloaded",
        "plugin-circuit-open",
    ];
    assert!(
        ends.iter().all(|end| known.contains(&end.slug())),
        "{ends:?}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_that_is_given_up_leaves_its_permit() {
    let guest = Guest::starting(ENDLESS);
    let plugin = load_with(one_at_a_time(), guest.build()).await.unwrap();
    let (context, message) = (context(), message());
    let call = plugin.start(&context, &message);
    let given_up = tokio::time::timeout(Duration::from_millis(30), call).await;
    assert!(given_up.is_err(), "the loop must still be running");
    plugin.parse(&context, &webhook(b"{}"), 0).await.unwrap();
}
