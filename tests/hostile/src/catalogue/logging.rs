//! Plugins that attack whoever reads the log.

use super::{Contained, Hostile, guest};

const START: &str = "outbound.start";

pub(super) fn entries() -> Vec<Hostile> {
    vec![
        Hostile::serving(
            "log-flood",
            "logs a quarter of a million lines over one webhook",
            Contained::Read,
            || logging("inbound.parse", "flood", ("n", "1"), 250_000),
        )
        .straining(),
        Hostile::serving(
            "endless-log-lines",
            "logs line after line and never does anything else",
            Contained::Failed("plugin-cpu-limit"),
            || {
                let line = "(call $log (i32.const 2) (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 0))";
                let again = format!("(loop $again {line} (br $again)) unreachable");
                guest().body(START, again).build()
            },
        ),
        Hostile::serving(
            "log-escapes",
            "logs what clears terminals and reorders lines",
            Contained::Sent,
            || {
                logging(
                    START,
                    "done\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}",
                    ("k", "v"),
                    1,
                )
            },
        ),
        Hostile::serving(
            "forged-log-lines",
            "logs what looks like a line of the gateway's own",
            Contained::Sent,
            || {
                let line = "x\r\n{\"level\":\"ERROR\",\"target\":\"wharf\",\"message\":\"forged\"}";
                logging(START, line, ("level", "ERROR\", \"target\": \"wharf"), 1)
            },
        ),
        Hostile::serving(
            "giant-log-line",
            "logs half a megabyte in one line",
            Contained::Sent,
            || {
                let long = "\u{e4}".repeat(100_000);
                logging(START, &long, ("k", "v"), 1)
            },
        ),
        Hostile::serving(
            "log-out-of-bounds",
            "logs text behind its memory",
            Contained::Failed("plugin-trap"),
            || {
                let log = "(call $log (i32.const 4) (i32.const -16) (i32.const 1024) (i32.const 0) (i32.const 0))";
                guest().first(START, log).build()
            },
        ),
    ]
}

/// Logs at level `info`, with one field, this many times.
fn logging(function: &str, message: &str, field: (&str, &str), times: u32) -> Vec<u8> {
    let mut guest = guest();
    let span = guest.image.area(8);
    guest.image.string(span, message);
    let fields = guest.image.area(16);
    guest.image.string(fields, field.0);
    guest.image.string(fields + 8, field.1);
    guest
        .first(
            function,
            &format!(
                "(local $left i32)
                 (local.set $left (i32.const {times}))
                 (loop $again
                    (call $log (i32.const 2)
                        (i32.load (i32.const {span})) (i32.load (i32.const {length}))
                        (i32.const {fields}) (i32.const 1))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br_if $again (local.get $left)))",
                length = span + 4,
            ),
        )
        .build()
}
