//! Plugins whose weapon is a webhook: what they read out of it.

use serde_json::{Value, json};

use super::{Contained, ENDLESS, Hostile, SENDER, guest};
use crate::guest::Guest;
use crate::memory::{BLANK_BASE, HEAP_BASE};

const PARSE: &str = "inbound.parse";
const INVALID: Contained = Contained::Unread("plugin-invalid-output");

pub(super) fn entries() -> Vec<Hostile> {
    let mut entries = breaking();
    entries.extend(flooding());
    entries.push(Hostile::serving(
        "anothers-number",
        "reads messages for the number of another tenant",
        Contained::Read,
        || {
            let routes = ["106540352242922", "206540352242922", "play"];
            let items = routes.map(|id| item(&json!({ "sender": id }), id));
            items_once(&json!(items))
        },
    ));
    entries.push(Hostile::serving(
        "anothers-message",
        "reports that a message of another tenant has failed, by its id",
        Contained::Read,
        anothers_message,
    ));
    entries
}

fn breaking() -> Vec<Hostile> {
    vec![
        Hostile::serving(
            "trap-in-parse",
            "crashes on every webhook",
            Contained::Unread("plugin-trap"),
            || guest().body(PARSE, "unreachable").build(),
        ),
        Hostile::serving(
            "loop-in-parse",
            "reads a webhook without end",
            Contained::Unread("plugin-cpu-limit"),
            || guest().body(PARSE, ENDLESS).build(),
        )
        .straining(),
        Hostile::serving(
            "empty-dedupe-key",
            "gives its items no key to know them by",
            INVALID,
            || items_once(&json!([item(&own(), "")])),
        ),
        Hostile::serving(
            "giant-dedupe-key",
            "gives an item a key of half a megabyte",
            INVALID,
            || {
                let mut item = item(&own(), "");
                item["dedupe-key"] = json!({ "$at": [BLANK_BASE, 1 << 19] });
                items_once(&json!([item]))
            },
        ),
        Hostile::serving(
            "invalid-json-item",
            "calls an event JSON that is none",
            INVALID,
            || {
                let mut item = item(&own(), "a");
                item["event"] = json!({ "other": "{]" });
                items_once(&json!([item]))
            },
        ),
        Hostile::serving(
            "next-stands-still",
            "asks to be called again for what it just read",
            INVALID,
            || returning(&json!({ "items": [item(&own(), "a")], "next": 0 })),
        ),
    ]
}

fn flooding() -> Vec<Hostile> {
    vec![
        Hostile::serving(
            "hundred-thousand-items",
            "reads a hundred thousand items out of one webhook",
            Contained::Unread("plugin-output-limit"),
            || copies(100_000),
        )
        .straining(),
        Hostile::serving(
            "items-over-the-limit",
            "reads one item more at a time than it may",
            INVALID,
            || copies(2001),
        ),
        Hostile::serving(
            "endless-next",
            "has always one more item to read",
            Contained::Read,
            endless_next,
        )
        .straining(),
    ]
}

fn own() -> Value {
    json!({ "sender": SENDER })
}

/// An inbound text.
fn item(route: &Value, key: &str) -> Value {
    let message = json!({
        "provider-message-id": key,
        "sender": { "phone": "4915112345678" },
        "at": 1_700_000_000_000_u64,
        "content": { "text": "forged" },
    });
    json!({ "route": route, "dedupe-key": key, "event": { "message": message } })
}

fn returning(parsed: &Value) -> Vec<u8> {
    guest().returning(PARSE, &json!({ "ok": parsed })).build()
}

fn items_once(items: &Value) -> Vec<u8> {
    returning(&json!({ "items": items }))
}

/// Returns one item so many times, copied behind the image.
fn copies(count: u32) -> Vec<u8> {
    let mut guest = guest();
    // 32 MiB for items of a few hundred bytes; `parse` may have 64.
    guest.pages = 500;
    let one = guest.value(PARSE, &json!({ "ok": { "items": [item(&own(), "a")] } }));
    let items = one + Guest::result_offset(PARSE, &["ok", "items"]);
    let each = Guest::element_size(PARSE, &["ok", "items"]);
    guest
        .body(
            PARSE,
            format!(
                "(local $to i32) (local $left i32)
                 (local.set $to (i32.const {HEAP_BASE}))
                 (local.set $left (i32.const {count}))
                 (loop $again
                    (memory.copy (local.get $to) (i32.load (i32.const {items})) (i32.const {each}))
                    (local.set $to (i32.add (local.get $to) (i32.const {each})))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br_if $again (local.get $left)))
                 (i32.store (i32.const {items}) (i32.const {HEAP_BASE}))
                 (i32.store (i32.const {length}) (i32.const {count}))
                 (i32.const {one})",
                length = items + 4,
            ),
        )
        .build()
}

/// One item whose key changes with `skip`, and a `next` that is one more.
fn endless_next() -> Vec<u8> {
    let mut guest = guest();
    let parsed = json!({ "items": [item(&own(), "key-0000")], "next": 1 });
    let at = guest.value(PARSE, &json!({ "ok": parsed }));
    let items = at + Guest::result_offset(PARSE, &["ok", "items"]);
    let next = at + Guest::result_offset(PARSE, &["ok", "next", "some"]);
    let skip = Guest::param_offset(PARSE, &["skip"]);
    let key = Guest::element_offset(PARSE, &["ok", "items"], &["dedupe-key"]);
    guest
        .body(
            PARSE,
            format!(
                "(local $skip i32) (local $key i32)
                 (local.set $skip (i32.load offset={skip} (local.get 0)))
                 (i32.store (i32.const {next}) (i32.add (local.get $skip) (i32.const 1)))
                 (local.set $key (i32.load offset={key} (i32.load (i32.const {items}))))
                 (i32.store8 offset=6 (local.get $key)
                    (i32.add (i32.const 97) (i32.div_u (local.get $skip) (i32.const 26))))
                 (i32.store8 offset=7 (local.get $key)
                    (i32.add (i32.const 97) (i32.rem_u (local.get $skip) (i32.const 26))))
                 (i32.const {at})"
            ),
        )
        .build()
}

/// The webhook's body names the message; the guest knows nothing but this id.
fn anothers_message() -> Vec<u8> {
    let mut guest = guest();
    let status = json!({
        "provider-message-id": "wamid.hostile", "state": "failed",
        "at": 1_700_000_000_000_u64, "message-id": "",
    });
    let item = json!({ "route": own(), "dedupe-key": "a", "event": { "status": status } });
    let at = guest.value(PARSE, &json!({ "ok": { "items": [item] } }));
    let items = at + Guest::result_offset(PARSE, &["ok", "items"]);
    let body = Guest::param_offset(PARSE, &["webhook", "body"]);
    let id = Guest::element_offset(
        PARSE,
        &["ok", "items"],
        &["event", "status", "message-id", "some"],
    );
    guest
        .body(
            PARSE,
            format!(
                "(local $item i32)
                 (local.set $item (i32.load (i32.const {items})))
                 (i32.store offset={id} (local.get $item) (i32.load offset={body} (local.get 0)))
                 (i32.store offset={length} (local.get $item)
                    (i32.load offset={body_length} (local.get 0)))
                 (i32.const {at})",
                length = id + 4,
                body_length = body + 4,
            ),
        )
        .build()
}
