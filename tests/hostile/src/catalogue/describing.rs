//! Plugins that misbehave while they say what they are, or lie about it.

use serde_json::{Value, json};

use super::{Contained, ENDLESS, HOST, Hostile, guest, path_token, webhook};
use crate::guest::Guest;
use crate::memory::BLANK_BASE;

const FAILED: &str = "plugin-describe-failed";
const LIE: &str = "plugin-invalid-descriptor";

pub(super) fn entries() -> Vec<Hostile> {
    let mut entries = misbehaving();
    entries.extend(lying());
    entries.extend(reaching());
    entries.extend(confusing());
    entries.push(Hostile::serving(
        "fickle-describe",
        "counts how often it is described, to be another plugin the second time",
        Contained::Sent,
        fickle,
    ));
    entries
}

fn misbehaving() -> Vec<Hostile> {
    vec![
        Hostile::refused(
            "trap-in-describe",
            "crashes when it is asked what it is",
            (FAILED, "unreachable"),
            || describing("unreachable"),
        ),
        Hostile::refused(
            "loop-in-describe",
            "never says what it is",
            (FAILED, "50 ms"),
            || describing(ENDLESS),
        ),
        Hostile::refused(
            "loop-at-instantiation",
            "runs for ever before any function of it is called",
            (FAILED, "50 ms"),
            || at_instantiation(ENDLESS),
        ),
        Hostile::refused(
            "trap-at-instantiation",
            "crashes before any function of it is called",
            (FAILED, "unreachable"),
            || at_instantiation("unreachable"),
        ),
        Hostile::refused(
            "memory-in-describe",
            "takes all memory when it is asked what it is",
            (FAILED, "more memory than"),
            || {
                describing(
                    "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) unreachable",
                )
            },
        ),
        Hostile::refused(
            "giant-description",
            "describes itself with 100 MB of text",
            (FAILED, "more output than"),
            || {
                let help = json!({ "$at": [BLANK_BASE, 1 << 19] });
                let input = json!({ "name": "x", "kind": "text", "level": "app", "title": "x", "help": help });
                lie("inputs", &json!({ "$times": [200, input] }))
            },
        ),
    ]
}

fn lying() -> Vec<Hostile> {
    let refused = |name, deed, says, make| Hostile::refused(name, deed, (LIE, says), make);
    vec![
        refused(
            "webhook-without-check",
            "takes webhooks from anybody who finds their address",
            "has no check",
            || lie("webhooks", &json!([webhook(&json!([]))])),
        ),
        refused(
            "header-present-alone",
            "checks only those webhooks whose sender asks for it",
            "header-present check without an always check",
            || {
                let mut check = path_token();
                check["when"] = json!({ "header-present": "x-signature" });
                lie("webhooks", &json!([webhook(&json!([check]))]))
            },
        ),
        refused(
            "mac-over-nothing",
            "signs a constant, which anybody can repeat who saw it once",
            "MAC over nothing of the call",
            mac_over_nothing,
        ),
        refused(
            "undeclared-secret",
            "verifies with a secret that it never declares, so that nobody sets one",
            "`ghost`, which is not declared",
            || {
                let check = json!({ "when": "always", "verify": { "header": ["x-key", "ghost"] } });
                lie("webhooks", &json!([webhook(&json!([check]))]))
            },
        ),
    ]
}

fn reaching() -> Vec<Hostile> {
    let refused = |name, deed, says, make| Hostile::refused(name, deed, (LIE, says), make);
    vec![
        refused(
            "every-host",
            "asks for leave to reach every host there is",
            "must be a host name",
            || lie("endpoints", &endpoint("*")),
        ),
        refused(
            "metadata-address",
            "asks for leave to reach the metadata service of a cloud",
            "must be a host name",
            || lie("endpoints", &endpoint("169.254.169.254")),
        ),
        refused(
            "top-level-wildcard",
            "asks for leave to reach a whole top-level domain",
            "must be a host name",
            || lie("endpoints", &endpoint("*.com")),
        ),
        refused(
            "climbing-path",
            "declares a path that leads out of itself",
            "`/v1/../`",
            || {
                let mut endpoint = endpoint(HOST);
                endpoint[0]["paths"] = json!(["/v1/../"]);
                lie("endpoints", &endpoint)
            },
        ),
    ]
}

fn confusing() -> Vec<Hostile> {
    let refused = |name, deed, says, make| Hostile::refused(name, deed, (LIE, says), make);
    vec![
        refused(
            "duplicate-names",
            "declares two inputs of one name, one of them a secret",
            "`sender` twice",
            || {
                let input =
                    json!({ "name": "sender", "kind": "text", "level": "channel", "title": "x" });
                let mut secret = input.clone();
                secret["kind"] = json!("secret");
                lie("inputs", &json!([input, secret]))
            },
        ),
        refused(
            "secret-as-sender",
            "makes a secret its sender, so that it is shown with every message",
            "names a secret",
            || {
                let input =
                    json!({ "name": "sender", "kind": "secret", "level": "channel", "title": "x" });
                lie("inputs", &json!([input]))
            },
        ),
        refused(
            "stray-audience",
            "lets its secret go to a host that it may not reach",
            "which no endpoint allows",
            || {
                let mut inputs = guest().descriptor["inputs"].take();
                inputs[1]["audience"] = json!(["evil.example.net"]);
                lie("inputs", &inputs)
            },
        ),
        refused(
            "countless-capabilities",
            "describes itself with thousands of capabilities",
            "has 2000 entries",
            || {
                lie(
                    "capabilities",
                    &json!({ "$times": [2000, { "name": "text" }] }),
                )
            },
        ),
        refused(
            "hidden-headers",
            "asks to see the passwords of those who call its webhook",
            "which no plugin may see",
            || {
                let mut webhook = webhook(&json!([path_token()]));
                webhook["headers"] = json!(["Authorization"]);
                lie("webhooks", &json!([webhook]))
            },
        ),
        refused(
            "disguised-name",
            "has a name that clears the terminal of whoever lists the plugins",
            "must be one line",
            || lie("name", &json!("Graph\u{1b}[2J\r\n")),
        ),
    ]
}

fn describing(body: &str) -> Vec<u8> {
    Guest::new().body("manifest.describe", body).build()
}

fn at_instantiation(body: &str) -> Vec<u8> {
    let mut guest = Guest::new();
    guest.items = format!("(func $begin {body}) (start $begin)");
    guest.build()
}

/// An honest description but for one member.
fn lie(member: &str, value: &Value) -> Vec<u8> {
    let mut guest = guest();
    guest.descriptor[member] = value.clone();
    guest.build()
}

fn endpoint(host: &str) -> Value {
    json!([{ "host": host, "methods": ["get"], "paths": ["/"] }])
}

fn mac_over_nothing() -> Vec<u8> {
    let mac = json!({
        "header": "x-signature", "hash": "sha256", "encoding": "hex", "key": "token",
        "over": [{ "text": "constant" }],
    });
    let check = json!({ "when": "always", "verify": { "mac": mac } });
    lie("webhooks", &json!([webhook(&json!([check]))]))
}

/// Two descriptions; a global chooses, which a fresh instance has never counted up.
fn fickle() -> Vec<u8> {
    let mut guest = guest();
    let honest = guest.descriptor.clone();
    let mut greedy = honest.clone();
    greedy["endpoints"][0]["host"] = json!("evil.example.net");
    let first = guest.value("manifest.describe", &honest);
    let second = guest.value("manifest.describe", &greedy);
    guest.items = "(global $times (mut i32) (i32.const 0))".to_owned();
    guest
        .body(
            "manifest.describe",
            format!(
                "(global.set $times (i32.add (global.get $times) (i32.const 1)))
                 (select (i32.const {first}) (i32.const {second})
                    (i32.eq (global.get $times) (i32.const 1)))"
            ),
        )
        .build()
}
