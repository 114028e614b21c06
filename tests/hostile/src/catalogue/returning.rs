//! Plugins whose results are no values of the interface, or too much of one.

use serde_json::{Value, json};

use super::{Contained, Hostile, asking, guest};
use crate::memory::BLANK_BASE;

const MALFORMED: Contained = Contained::Failed("plugin-trap");
const INVALID: Contained = Contained::Failed("plugin-invalid-output");
const OUTPUT: Contained = Contained::Failed("plugin-output-limit");

pub(super) fn entries() -> Vec<Hostile> {
    let mut entries = malformed();
    entries.extend(too_much());
    entries
}

fn malformed() -> Vec<Hostile> {
    let malformed = |name, deed, make| Hostile::serving(name, deed, MALFORMED, make);
    vec![
        malformed("invalid-utf8", "returns text that is no UTF-8", || {
            done(&json!({ "provider-message-id": { "$bytes": [0xff, 0xc0, 0x80] } }))
        }),
        malformed(
            "result-out-of-bounds",
            "returns a pointer behind its memory",
            || guest().body("outbound.start", "(i32.const -16)").build(),
        ),
        malformed(
            "misaligned-result",
            "returns a pointer between two values",
            || guest().body("outbound.start", "(i32.const 1025)").build(),
        ),
        malformed(
            "text-out-of-bounds",
            "returns text that ends behind its memory",
            || done(&json!({ "provider-message-id": { "$at": [2_097_000, 4096] } })),
        ),
        malformed(
            "list-out-of-bounds",
            "returns a list whose length overflows every size",
            || done(&json!({ "pace": { "$at": [BLANK_BASE, 0x2000_0000_u32] } })),
        ),
        malformed(
            "unknown-case",
            "returns a case that the interface does not have",
            || start(&json!({ "ok": { "$case": 9 } })),
        ),
        malformed("unknown-level", "names a level that does not exist", || {
            let memo = json!({ "key": "k", "scope": { "$case": 7 } });
            start(&asking(&json!({}), &json!({ "memo": memo })))
        }),
    ]
}

fn too_much() -> Vec<Hostile> {
    let invalid = |name, deed, make| Hostile::serving(name, deed, INVALID, make);
    vec![
        Hostile::serving(
            "giant-result",
            "returns a hundred megabytes, all of them the same half",
            OUTPUT,
            || {
                let bucket = json!({ "named": { "$at": [BLANK_BASE, 1 << 19] } });
                done(&json!({ "pace": { "$times": [200, { "bucket": bucket }] } }))
            },
        )
        .straining(),
        invalid(
            "oversized-state",
            "hands its state a kilobyte more than fits",
            || {
                let state = json!({ "$at": [BLANK_BASE, 17 << 10] });
                start(&asking(&json!({}), &json!({ "state": state })))
            },
        ),
        invalid("header-flood", "sends hundreds of headers", || {
            let header = json!({ "name": "x-a", "value": [{ "text": "b" }] });
            let headers = json!({ "$times": [300, header] });
            start(&asking(&json!({ "headers": headers }), &json!({})))
        }),
        invalid("endless-url", "asks for a URL of 64 KiB", || {
            let url = json!({ "$at": [BLANK_BASE, 1 << 16] });
            start(&asking(&json!({ "url": url }), &json!({})))
        }),
        invalid(
            "endless-label",
            "names its exchange with what no metric can hold",
            || {
                let label = json!({ "$at": [BLANK_BASE, 4096] });
                start(&asking(&json!({}), &json!({ "label": label })))
            },
        ),
        invalid(
            "memo-key-bomb",
            "remembers its answer under a key of half a megabyte",
            || {
                let memo = json!({ "key": { "$at": [BLANK_BASE, 1 << 19] }, "lifetime-s": 1_000_000, "scope": "app" });
                start(&asking(&json!({}), &json!({ "memo": memo })))
            },
        ),
        invalid(
            "capture-flood",
            "lifts hundreds of tokens out of an answer",
            || {
                let capture = json!({ "pointer": "/t", "secret": "token" });
                start(&asking(
                    &json!({}),
                    &json!({ "capture": { "$times": [100, capture] } }),
                ))
            },
        ),
        invalid("pace-flood", "has a thousand wishes about speed", || {
            let pace = json!({ "bucket": "recipient", "pause-ms": u64::MAX });
            done(&json!({ "pace": { "$times": [1000, pace] } }))
        }),
    ]
}

fn start(value: &Value) -> Vec<u8> {
    guest().returning("outbound.start", value).build()
}

fn done(accepted: &Value) -> Vec<u8> {
    start(&json!({ "ok": { "done": accepted } }))
}
