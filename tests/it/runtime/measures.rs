//! What is counted about calls, and what one call is told to have used.

use std::sync::{Arc, Mutex};

use wharf_runtime::{ClassLimits, Runtime, RuntimeConfig, Usage, output_bytes};

use super::guest::{Guest, done, exchange};
use super::{config, context, load, load_with, message, webhook};

const ENDLESS: &str = "(loop $again (br $again)) unreachable";
const KIB: usize = 1024;

/// A guest whose answer holds a text of so many bytes and whose memory grows by a MiB.
fn wordy(bytes: u32) -> Guest {
    let mut guest = Guest::new();
    let at = done(&mut guest.image);
    guest.image.u8(at + 16, 1);
    let text = 1 << 17;
    guest.image.span(at + 20, text, bytes);
    // Letters: an id with control characters is refused.
    guest.start = format!(
        "(memory.fill (i32.const {text}) (i32.const 97) (i32.const {bytes}))
         (drop (memory.grow (i32.const 16))) (i32.const {at})"
    );
    guest
}

#[tokio::test]
async fn calls_are_counted_by_function_with_their_times_and_memory() {
    let plugin = load(wordy(10).build()).await.unwrap();
    for _ in 0..3 {
        plugin.start(&context(), &message()).await.unwrap();
    }
    plugin.parse(&context(), &webhook(b"{}"), 0).await.unwrap();
    let metrics = plugin.metrics();
    let start = &metrics.exports["outbound.start"];
    assert_eq!((start.calls, start.call_us.count()), (3, 3));
    assert_eq!(start.instantiate_us.count(), 3);
    assert_eq!(start.call_us.counts.iter().sum::<u64>(), 3);
    assert_eq!(metrics.exports["inbound.parse"].calls, 1);
    assert_eq!(metrics.exports["manifest.describe"].calls, 2);
    let grown = start.memory_bytes_peak - metrics.exports["inbound.parse"].memory_bytes_peak;
    assert_eq!(grown, 16 * 64 * KIB);
    assert_eq!(plugin.counts().calls, 6);
}

#[tokio::test]
async fn an_observed_plugin_tells_what_each_call_used() {
    let plugin = load(wordy(10).build()).await.unwrap();
    let seen: Arc<Mutex<Vec<Usage>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let observed = plugin.observed(move |usage| sink.lock().unwrap().push(usage.clone()));
    observed.start(&context(), &message()).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "only the observed one's");
    assert_eq!(seen[0].export, "outbound.start");
    assert_eq!(seen[0].memory_bytes, (32 + 16) * 64 * KIB);
    assert_eq!((seen[0].log_lines, seen[0].log_lines_dropped), (0, 0));
}

#[tokio::test]
async fn an_answer_is_weighed_by_the_limits_own_count() {
    let mut guest = Guest::new();
    let at = exchange(&mut guest.image, "https://api.example.com/v1/x", 10_000);
    guest.start = format!("(i32.const {at})");
    let plugin = load(guest.build()).await.unwrap();
    let weigh = |max| {
        output_bytes(&plugin, max, |plugin| async move {
            plugin.start(&context(), &message()).await
        })
    };
    let weight = weigh(2 * KIB * KIB).await.unwrap();
    assert!((10_000..11_000).contains(&weight), "{weight}");
    assert_eq!(weigh(weight).await, Some(weight), "it just fits");
    assert_eq!(weigh(weight - 1).await, None);
    assert_eq!(plugin.health().recent_faults, 0, "measuring is no failing");
    let crashing = load(Guest::starting("unreachable").build()).await.unwrap();
    let weight = output_bytes(&crashing, KIB, |plugin| async move {
        plugin.start(&context(), &message()).await
    });
    assert_eq!(weight.await, None);
}

#[tokio::test(flavor = "current_thread")]
async fn a_plugin_that_hangs_delays_nobody_elses_calls() {
    let runtime = Runtime::new(RuntimeConfig {
        native: ClassLimits {
            // Longer than any machine takes for what the test does meanwhile.
            outbound_ms_max: 60_000,
            ..ClassLimits::native()
        },
        ..config()
    })
    .unwrap();
    let hanging = runtime.load("hanging", Guest::starting(ENDLESS).build());
    let hanging = hanging.await.unwrap();
    let honest = runtime.load("honest", Guest::new().build()).await.unwrap();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let plugin = Arc::clone(&hanging);
            tokio::spawn(async move { plugin.start(&context(), &message()).await })
        })
        .collect();
    while hanging.in_flight() < 8 {
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        honest.start(&context(), &message()).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(hanging.in_flight(), 8, "they all still hang");
    assert_eq!(honest.metrics().permit_waits, 0);
    let ninth = hanging.start(&context(), &message()).await.unwrap_err();
    assert_eq!(ninth.slug(), "plugin-overloaded");
    assert_eq!(hanging.metrics().permit_waits, 1);
    assert_eq!(hanging.metrics().overloaded, 1);
    for call in calls {
        call.abort();
    }
    hanging.drained().await;
    assert_eq!(hanging.in_flight(), 0);
}

#[tokio::test]
async fn the_pool_tells_how_full_it_is() {
    let runtime = Runtime::new(config()).unwrap();
    let plugin = runtime.load("test", Guest::new().build()).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap();
    let pool = runtime.pool().expect("there is room for a pool of sixteen");
    assert_eq!((pool.component_instances, pool.stacks), (0, 0), "{pool:?}");
}

#[tokio::test]
async fn a_drain_waits_for_the_last_call() {
    let plugin = load_with(config(), Guest::starting(ENDLESS).build())
        .await
        .unwrap();
    plugin.drained().await;
    let call = {
        let plugin = Arc::clone(&plugin);
        tokio::spawn(async move { plugin.start(&context(), &message()).await })
    };
    while plugin.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    plugin.drained().await;
    assert_eq!(plugin.in_flight(), 0);
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.slug(), "plugin-cpu-limit");
}
