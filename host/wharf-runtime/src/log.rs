//! The only thing the host offers a guest: a few lines of log a call.
//!
//! What a guest writes is text from a stranger. It becomes the value of a field, never a format or a
//! field name, and nothing in it can end a line or move a terminal's cursor.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::Level;

use crate::call::{Counters, Identity};

/// The `target` of every line a plugin writes, to filter by.
const TARGET: &str = "wharf::plugin";
/// Fields of one line; the line's size bounds their text.
pub(crate) const FIELDS_MAX: usize = 16;
const CUT: &str = "…";

/// What one call may still write.
pub(crate) struct LogQuota {
    identity: Arc<Identity>,
    counters: Arc<Counters>,
    export: &'static str,
    lines_left: usize,
    line_bytes_max: usize,
    dropped: u64,
    written: u64,
}

impl LogQuota {
    pub(crate) fn new(
        identity: Arc<Identity>,
        counters: Arc<Counters>,
        export: &'static str,
        lines_max: usize,
        line_bytes_max: usize,
    ) -> Self {
        Self {
            identity,
            counters,
            export,
            lines_left: lines_max,
            line_bytes_max,
            dropped: 0,
            written: 0,
        }
    }

    /// Takes one line off the quota. False: it is counted as dropped, and nothing of it need be read.
    pub(crate) fn take_line(&mut self) -> bool {
        if self.lines_left == 0 {
            self.dropped += 1;
            return false;
        }
        self.lines_left -= 1;
        self.written += 1;
        true
    }

    /// Lines so far, without those that were dropped.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn line(&self) -> Line {
        Line {
            message: String::new(),
            fields: String::new(),
            bytes_left: self.line_bytes_max,
        }
    }

    pub(crate) fn write(&self, level: Level, line: &Line) {
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(
                    target: TARGET,
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
    /// However the call ended: say once what was lost.
    fn drop(&mut self) {
        if self.dropped == 0 {
            return;
        }
        self.counters
            .log_lines_dropped
            .fetch_add(self.dropped, Ordering::Relaxed);
        tracing::warn!(
            plugin.name = &*self.identity.plugin,
            plugin.version = &*self.identity.version,
            plugin.digest = &*self.identity.digest,
            plugin.export = self.export,
            dropped = self.dropped,
            "a plugin logged more than a call may, the rest was dropped"
        );
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
