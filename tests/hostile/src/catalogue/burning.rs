//! Plugins that use up what a call may use, or crash.

use super::{Contained, ENDLESS, Hostile, guest};
use crate::guest::Guest;

const TRAP: Contained = Contained::Failed("plugin-trap");
const CPU: Contained = Contained::Failed("plugin-cpu-limit");
const MEMORY: Contained = Contained::Failed("plugin-memory-limit");

const GREEDY: &str = "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) unreachable";
/// Grows by a megabyte and touches every page of it, until it may not.
const GREEDY_AND_TOUCHING: &str = "(local $at i32)
    (loop $again
        (local.set $at (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)))
        (memory.fill (local.get $at) (i32.const 1) (i32.const 1048576))
        (br $again))
    unreachable";

pub(super) fn entries() -> Vec<Hostile> {
    let mut entries = burning();
    entries.extend(taking());
    entries.extend(crashing());
    entries
}

fn burning() -> Vec<Hostile> {
    vec![
        Hostile::serving("endless-loop", "never comes back", CPU, || {
            starting(ENDLESS)
        })
        .straining(),
        Hostile::serving(
            "just-under-budget",
            "burns what a call may burn, and then answers properly",
            Contained::Sent,
            just_under_budget,
        )
        .straining(),
        Hostile::serving(
            "endless-recursion",
            "calls itself without end",
            TRAP,
            || {
                let mut guest = guest();
                guest.items = "(func $deeper (param i32) (result i32)
                    (i32.add (call $deeper (local.get 0)) (i32.const 1)))"
                    .to_owned();
                guest
                    .body("outbound.start", "(call $deeper (i32.const 0))")
                    .build()
            },
        ),
    ]
}

fn taking() -> Vec<Hostile> {
    vec![
        Hostile::serving("memory-bomb", "takes memory without end", MEMORY, || {
            starting(GREEDY)
        }),
        Hostile::serving(
            "touched-memory-bomb",
            "takes memory without end and writes to all of it",
            MEMORY,
            || starting(GREEDY_AND_TOUCHING),
        )
        .straining(),
        Hostile::serving("table-bomb", "grows a table without end", MEMORY, || {
            let mut guest = guest();
            guest.items = "(table $grows 1 funcref)".to_owned();
            guest
                .body(
                    "outbound.start",
                    "(loop $again
                        (drop (table.grow $grows (ref.null func) (i32.const 1000)))
                        (br $again))
                     unreachable",
                )
                .build()
        }),
        Hostile::serving(
            "bulk-copies",
            "copies megabytes in single instructions, which no tick interrupts",
            CPU,
            || {
                let mut guest = guest();
                guest.pages = 480;
                guest
                    .body(
                        "outbound.start",
                        "(loop $again
                            (memory.copy (i32.const 16000000) (i32.const 1000000) (i32.const 15000000))
                            (br $again))
                         unreachable",
                    )
                    .build()
            },
        )
        .straining(),
    ]
}

fn crashing() -> Vec<Hostile> {
    let trap = |name, deed, make| Hostile::serving(name, deed, TRAP, make);
    vec![
        trap("trap-in-start", "crashes on every message", || {
            starting("unreachable")
        }),
        trap("division-by-zero", "divides by zero", || {
            starting("(i32.div_u (i32.const 1) (i32.const 0))")
        }),
        trap("read-out-of-bounds", "reads behind its memory", || {
            starting("(i32.load (i32.const -8))")
        }),
        trap("call-to-nothing", "calls through an empty table", || {
            let mut guest = guest();
            guest.items = "(type $f (func (result i32))) (table $none 1 funcref)".to_owned();
            guest
                .body(
                    "outbound.start",
                    "(call_indirect $none (type $f) (i32.const 0))",
                )
                .build()
        }),
    ]
}

fn starting(body: &str) -> Vec<u8> {
    guest().body("outbound.start", body).build()
}

/// Counts to a number that takes a few tens of milliseconds, under the hundred a call has.
fn just_under_budget() -> Vec<u8> {
    Guest::first(
        guest(),
        "outbound.start",
        "(local $left i64)
         (local.set $left (i64.const 40000000))
         (loop $again
            (local.set $left (i64.sub (local.get $left) (i64.const 1)))
            (br_if $again (i64.ne (local.get $left) (i64.const 0))))",
    )
    .build()
}
