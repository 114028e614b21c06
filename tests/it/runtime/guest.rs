//! Results that the tests of the runtime give their guests to return.

use serde_json::json;
use wharf_hostile::{BLANK_BASE, Guest};

const START: &str = "outbound.start";

/// `ok(exchange(...))` with a label, a URL and a state of this length.
pub(crate) fn asking(url: &str, state_bytes: u32) -> Guest {
    let exchange = json!({
        "label": "send",
        "request": { "method": "get", "url": url },
        "state": { "$at": [BLANK_BASE, state_bytes] },
    });
    Guest::new().returning(START, &json!({ "ok": { "exchange": exchange } }))
}

/// `ok(done(...))` whose paces name buckets of `each` bytes: many pointers to one place.
pub(crate) fn paces(count: u32, each: u32) -> Guest {
    let pace = json!({ "bucket": { "named": { "$at": [BLANK_BASE, each] } } });
    let accepted = json!({ "pace": { "$times": [count, pace] } });
    Guest::new().returning(START, &json!({ "ok": { "done": accepted } }))
}

/// `err(...)` of the case `window-closed` with these words.
pub(crate) fn failing(detail: &str) -> Guest {
    let error = json!({ "code": "window-closed", "retry": "never", "detail": detail });
    Guest::new().returning(START, &json!({ "err": error }))
}
