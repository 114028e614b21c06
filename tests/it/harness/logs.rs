//! What the gateways of this process logged, kept so that secrets can be looked for.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins to keep what is logged; once for the whole process.
pub(super) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let ours = Targets::new()
            .with_target("wharf", tracing::Level::DEBUG)
            .with_default(tracing::Level::WARN);
        let lines = fmt::layer().json().with_writer(|| Keep);
        tracing_subscriber::registry()
            .with(ours)
            .with(lines)
            .try_init()
            .unwrap();
    });
}

/// All lines so far.
pub(crate) fn all() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}

/// The last lines, for the message of a failed test.
pub(super) fn last(count: usize) -> String {
    let all = all();
    let lines: Vec<_> = all.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
