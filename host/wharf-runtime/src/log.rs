//! The only thing the host offers a guest: a few lines of log a call.
//!
//! What a guest writes is text from a stranger. It becomes the value of a field, never a format or a
//! field name, and nothing in it can end a line or move a terminal's cursor.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;

use crate::identity::Identity;
use crate::metrics::Meter;

/// The `target` of every line a plugin writes, to filter by.
/// What a plugin writes has this target in the log.
pub const LOG_TARGET: &str = "wharf::plugin";
/// Fields of one line; the line's size bounds their text.
pub(crate) const FIELDS_MAX: usize = 16;
const CUT: &str = "…";

/// Lines in hand are counted in thousandths, so that a slow rate adds up over short times too.
const LINE: u64 = 1000;
/// The host itself says at most this often that lines were dropped.
const NOTICE_MS: i64 = 1000;

/// How fast a plugin may log over time, all its calls together.
pub(crate) struct LogRate {
    lines_per_s_max: u64,
    burst_lines_max: u64,
    state: Mutex<RateState>,
}

struct RateState {
    in_hand: u64,
    at_ms: i64,
    noticed_ms: Option<i64>,
    unnoticed: u64,
}

impl LogRate {
    pub(crate) fn new(lines_per_s_max: u32, burst_lines_max: u32) -> Self {
        let burst_lines_max = u64::from(burst_lines_max);
        Self {
            lines_per_s_max: u64::from(lines_per_s_max),
            burst_lines_max,
            state: Mutex::new(RateState {
                in_hand: burst_lines_max * LINE,
                at_ms: i64::MIN,
                noticed_ms: None,
                unnoticed: 0,
            }),
        }
    }

    fn take_line(&self, now_ms: i64) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Calls that began earlier may ask later.
        if now_ms > state.at_ms {
            let grown = now_ms
                .abs_diff(state.at_ms)
                .saturating_mul(self.lines_per_s_max);
            state.in_hand = state
                .in_hand
                .saturating_add(grown)
                .min(self.burst_lines_max * LINE);
            state.at_ms = now_ms;
        }
        let taken = state.in_hand >= LINE;
        if taken {
            state.in_hand -= LINE;
        }
        taken
    }

    /// How many lost lines to tell of now; 0 while the last notice is fresh.
    fn notice(&self, dropped: u64, now_ms: i64) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unnoticed += dropped;
        if state
            .noticed_ms
            .is_some_and(|at_ms| now_ms < at_ms.saturating_add(NOTICE_MS))
        {
            return 0;
        }
        state.noticed_ms = Some(now_ms);
        std::mem::take(&mut state.unnoticed)
    }
}

/// The limits of one call's log, and when it began.
pub(crate) struct Bounds {
    pub(crate) lines_max: usize,
    pub(crate) line_bytes_max: usize,
    pub(crate) now_ms: i64,
}

/// What one call may still write.
pub(crate) struct LogQuota {
    identity: Arc<Identity>,
    meter: Arc<Meter>,
    rate: Arc<LogRate>,
    export: &'static str,
    bounds: Bounds,
    written: u64,
    dropped: u64,
}

impl LogQuota {
    pub(crate) fn new(
        identity: Arc<Identity>,
        meter: Arc<Meter>,
        rate: Arc<LogRate>,
        export: &'static str,
        bounds: Bounds,
    ) -> Self {
        Self {
            identity,
            meter,
            rate,
            export,
            bounds,
            written: 0,
            dropped: 0,
        }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes one line off the quota. False: it is counted as dropped, and nothing of it need be read.
    pub(crate) fn take_line(&mut self) -> bool {
        if self.written >= self.bounds.lines_max as u64 || !self.rate.take_line(self.bounds.now_ms)
        {
            self.dropped += 1;
            return false;
        }
        self.written += 1;
        true
    }

    pub(crate) fn line(&self) -> Line {
        Line {
            message: String::new(),
            fields: String::new(),
            bytes_left: self.bounds.line_bytes_max,
        }
    }

    pub(crate) fn write(&self, level: Level, line: &Line) {
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(
                    target: LOG_TARGET,
                    $level,
                    plugin.name = &*self.identity.plugin,
                    plugin.version = &*self.identity.version,
                    plugin.digest = &*self.identity.digest,
                    plugin.export = self.export,
                    fields = line.fields,
                    "{}",
                    line.message
                )
            };
        }
        // A level is part of an event's static description, so each needs its own.
        match level {
            Level::TRACE => event!(Level::TRACE),
            Level::DEBUG => event!(Level::DEBUG),
            Level::INFO => event!(Level::INFO),
            Level::WARN => event!(Level::WARN),
            Level::ERROR => event!(Level::ERROR),
        }
    }
}

impl Drop for LogQuota {
    /// However the call ended: count, and say what was lost, but not at every call.
    fn drop(&mut self) {
        if self.written + self.dropped == 0 {
            return;
        }
        self.meter.logged(self.written, self.dropped);
        if self.dropped == 0 {
            return;
        }
        let dropped = self.rate.notice(self.dropped, self.bounds.now_ms);
        if dropped > 0 {
            tracing::warn!(
                plugin.name = &*self.identity.plugin,
                plugin.version = &*self.identity.version,
                plugin.digest = &*self.identity.digest,
                plugin.export = self.export,
                dropped,
                "a plugin logged more than it may, lines were dropped"
            );
        }
    }
}

/// One line in the making: escaped and never longer than allowed.
pub(crate) struct Line {
    message: String,
    fields: String,
    bytes_left: usize,
}

impl Line {
    pub(crate) fn push_message(&mut self, text: &str) {
        push_escaped(&mut self.message, text, &mut self.bytes_left);
    }

    pub(crate) fn push_field(&mut self, name: &str, value: &str) {
        if !self.fields.is_empty() {
            self.fields.push(' ');
        }
        push_escaped(&mut self.fields, name, &mut self.bytes_left);
        self.fields.push('=');
        push_escaped(&mut self.fields, value, &mut self.bytes_left);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes_left == 0
    }
}

/// `text` made safe to show on one line, of at most `bytes_max` bytes and a sign where it was cut.
pub(crate) fn escape(text: &str, bytes_max: usize) -> String {
    let mut shown = String::new();
    let mut bytes_left = bytes_max;
    push_escaped(&mut shown, text, &mut bytes_left);
    shown
}

fn push_escaped(to: &mut String, text: &str, bytes_left: &mut usize) {
    for character in text.chars() {
        let before = to.len();
        if is_unsafe(character) {
            // Writing to a string cannot fail.
            let _ = write!(to, "{}", character.escape_default());
        } else {
            to.push(character);
        }
        let written = to.len() - before;
        if written > *bytes_left {
            to.truncate(before);
            to.push_str(CUT);
            *bytes_left = 0;
            return;
        }
        *bytes_left -= written;
    }
}

/// Control characters (escape sequences, line ends), and those that reorder or break lines in Unicode.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}
