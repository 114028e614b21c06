//! A guest's log: bounded, and unable to speak for anybody else.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use wharf_core::Clock;
use wharf_runtime::{ClassLimits, Runtime, RuntimeConfig};

use super::guest::Guest;
use super::{HandClock, config, context, load_with, webhook};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs `parse` of the guest on this thread and returns what was logged meanwhile.
async fn logged(guest: Guest) -> (Vec<String>, u64) {
    let patient = RuntimeConfig {
        // A million calls into an unoptimised host take their time.
        native: ClassLimits {
            inbound_ms_max: 60_000,
            ..ClassLimits::native()
        },
        ..config()
    };
    let plugin = load_with(patient, guest.build()).await.unwrap();
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(captured.clone())
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .finish();
    {
        let _here = tracing::subscriber::set_default(subscriber);
        plugin.parse(&context(), &webhook(b"{}"), 0).await.unwrap();
    }
    let from_plugin = |line: &String| line.contains("wharf::plugin:");
    let lines = captured.lines().into_iter().filter(from_plugin).collect();
    (lines, plugin.counts().log_lines_dropped)
}

/// A guest that logs `message` with one field `times` times, at level `info`.
fn logging(message: &str, field: (&str, &str), times: u32) -> Guest {
    let mut guest = Guest::new();
    let spans = guest.image.area(8);
    guest.image.string(spans, message);
    let fields = guest.image.area(16);
    guest.image.string(fields, field.0);
    guest.image.string(fields + 8, field.1);
    guest.parse = format!(
        "(local $left i32)
         (local.set $left (i32.const {times}))
         (loop $again
            (call $log (i32.const 2)
                (i32.load (i32.const {spans})) (i32.load (i32.const {spans_len}))
                (i32.const {fields}) (i32.const 1))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if $again (local.get $left)))
         {parsed}",
        spans_len = spans + 4,
        parsed = guest.parse,
    );
    guest
}

#[tokio::test(flavor = "current_thread")]
async fn of_a_million_lines_64_are_written_and_the_rest_is_counted() {
    let (lines, dropped) = logged(logging("again", ("n", "1"), 1_000_000)).await;
    assert_eq!(lines.len(), 64);
    assert_eq!(dropped, 1_000_000 - 64);
}

#[tokio::test(flavor = "current_thread")]
async fn a_line_names_its_plugin_and_cannot_pretend_to_be_another() {
    let message = "done\r\n2026-01-01 ERROR wharf::plugin: forged\u{1b}[2J\u{202e}";
    let (lines, _) = logged(logging(message, ("key", "a\tb\nc"), 1)).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    for part in [
        "INFO",
        r"done\r\n2026",
        r"\u{1b}[2J\u{202e}",
        r"key=a\\tb\\nc",
        "plugin.name=\"test\"",
        "plugin.version=\"1.2.3\"",
        "plugin.export=\"inbound.parse\"",
    ] {
        assert!(line.contains(part), "{part} is missing in: {line}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_long_line_is_cut() {
    let long = "ä".repeat(100_000);
    let (lines, dropped) = logged(logging(&long, ("also", &long), 1)).await;
    assert_eq!((lines.len(), dropped), (1, 0));
    assert!(lines[0].len() < 1500, "{} bytes", lines[0].len());
    assert!(lines[0].contains("ä…"), "it shows that it was cut");
}

#[tokio::test]
async fn over_time_a_plugin_logs_no_faster_than_its_rate() {
    let clock = Arc::new(HandClock::default());
    let config = RuntimeConfig {
        log_lines_per_s_max: 2,
        log_burst_lines_max: 10,
        ..config()
    };
    let runtime = Runtime::with_clock(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let guest = logging("again", ("n", "1"), 8).build();
    let plugin = runtime.load("test", guest).await.unwrap();
    let lines = async || {
        plugin.parse(&context(), &webhook(b"{}"), 0).await.unwrap();
        let metrics = plugin.metrics();
        (metrics.log_lines, metrics.log_lines_dropped)
    };
    assert_eq!(lines().await, (8, 0), "within the burst");
    assert_eq!(lines().await, (10, 6), "the burst is used up");
    clock.pass(1_500);
    assert_eq!(lines().await, (13, 11), "three more in a second and a half");
    clock.pass(3_600_000);
    assert_eq!(lines().await, (21, 11));
    assert_eq!(
        lines().await,
        (23, 17),
        "no more than the burst is saved up"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn that_lines_were_dropped_is_said_once_a_second() {
    let clock = Arc::new(HandClock::default());
    let config = RuntimeConfig {
        log_lines_max: 0,
        ..config()
    };
    let runtime = Runtime::with_clock(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let guest = logging("again", ("n", "1"), 5).build();
    let plugin = runtime.load("test", guest).await.unwrap();
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(captured.clone())
        .with_ansi(false)
        .finish();
    let _here = tracing::subscriber::set_default(subscriber);
    for pause in [0, 0, 999, 1] {
        clock.pass(pause);
        plugin.parse(&context(), &webhook(b"{}"), 0).await.unwrap();
    }
    let notices: Vec<_> = captured.lines();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[0].contains("dropped=5"), "{notices:?}");
    assert!(notices[1].contains("dropped=15"), "{notices:?}");
}
