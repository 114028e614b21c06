//! What is refused before anything leaves.

use super::*;

#[test]
fn header_values_cannot_break_the_line() {
    for value in ["a\r\nhost: evil", "a\nb", "a\0b", "caf\u{e9}"] {
        let denied = refused(|exchange| {
            exchange.request.headers = vec![field("x-note", vec![text(value)])];
        });
        assert_eq!(denied.slug(), "egress-header", "{value:?}");
    }
    let denied = refused(|exchange| {
        exchange.request.headers = vec![field("x-key", vec![secret("broken")])];
    });
    assert_eq!(
        denied.slug(),
        "egress-header",
        "a secret is checked after insertion"
    );
    assert!(!denied.to_string().contains("evil"));
    for name in [
        "host",
        "Content-Length",
        "cookie",
        "proxy-authorization",
        "a b",
    ] {
        let denied = refused(|exchange| {
            exchange.request.headers = vec![field(name, vec![text("x")])];
        });
        assert_eq!(denied.slug(), "egress-header", "{name}");
    }
}

#[test]
fn a_raw_query_is_sent_byte_for_byte_or_not_at_all() {
    let raw = |query: &str| edit(|exchange| exchange.request.query = Query::Raw(query.to_owned()));
    let signed = "ext=1%2B2&sig=a+b/c==&x[]=~!*()";
    assert_eq!(raw(signed).unwrap().url.query(), Some(signed));
    assert_eq!(raw("").unwrap().url.query(), None);
    for query in ["a b", "a#b", "a'b", "a\"b", "a\r\nb", "ä"] {
        assert_eq!(
            raw(query).err().map(|denied| denied.slug()),
            Some("egress-query"),
            "{query}"
        );
    }
}

#[test]
fn sizes_are_limited() {
    let what = |change: fn(&mut Exchange)| match refused(change) {
        Denied::TooLarge { what, .. } => what,
        other => panic!("{other}"),
    };
    let body = |exchange: &mut Exchange| {
        exchange.request.body = Body::Bytes("text/plain".to_owned(), vec![b'x'; 4097]);
    };
    assert_eq!(what(body), "body in bytes");
    let query =
        |exchange: &mut Exchange| exchange.request.query = Query::Raw("x".repeat(URL_BYTES_MAX));
    assert_eq!(what(query), "URL in bytes");
    let header = |exchange: &mut Exchange| {
        exchange.request.headers = vec![field("x", vec![text(&"x".repeat(HEADER_BYTES_MAX + 1))])];
    };
    assert_eq!(what(header), "header in bytes");
    let headers = |exchange: &mut Exchange| {
        exchange.request.headers = (0..=HEADERS_MAX)
            .map(|n| field(&format!("x-{n}"), vec![]))
            .collect();
    };
    assert_eq!(what(headers), "number of headers");
}

#[test]
fn limits_are_lowered_never_raised() {
    let prepared = edit(|exchange| {
        exchange.request.timeout_ms = Some(u32::MAX);
        exchange.sink = Sink::Buffer(u32::MAX);
    })
    .unwrap();
    let config = EgressConfig::default();
    assert_eq!(
        prepared.timeout.as_millis(),
        u128::from(config.request_timeout_ms_max)
    );
    assert_eq!(prepared.response_bytes_max, config.response_bytes_max);
    let prepared = edit(|exchange| {
        exchange.request.timeout_ms = Some(1500);
        exchange.sink = Sink::Buffer(10);
    })
    .unwrap();
    assert_eq!(prepared.timeout.as_millis(), 1500);
    assert_eq!(prepared.response_bytes_max, 10);
}

#[test]
fn captures_that_cannot_work_are_refused_before_sending() {
    let capture = |pointer: &str, secret: &str| {
        edit(|exchange| {
            exchange.capture = vec![Capture {
                pointer: pointer.to_owned(),
                secret: secret.to_owned(),
                lifetime: None,
            }];
        })
        .err()
        .map(|denied| denied.slug())
    };
    assert_eq!(capture("/access_token", "token"), None);
    assert_eq!(capture("/access_token", "token/4915"), None);
    assert_eq!(capture("access_token", "token"), Some("egress-capture"));
    assert_eq!(capture("/access_token", "other"), Some("egress-capture"));
}

#[test]
fn captures_are_few_distinct_and_never_from_a_stored_answer() {
    let capture = |pointer: &str, secret: &str, lifetime: Option<&str>| Capture {
        pointer: pointer.to_owned(),
        secret: secret.to_owned(),
        lifetime: lifetime.map(str::to_owned),
    };
    let slug = |captures: Vec<Capture>, sink: Sink| {
        edit(|exchange| {
            exchange.capture = captures;
            exchange.sink = sink;
        })
        .err()
        .map(|denied| denied.slug())
    };
    let buffer = || Sink::Buffer(100);
    let two = || {
        vec![
            capture("/a", "token/1", None),
            capture("/b", "token/2", None),
        ]
    };
    assert_eq!(slug(two(), buffer()), None);
    assert_eq!(slug(two(), Sink::Store), Some("egress-capture"));
    for captures in [
        vec![capture("/a", "token", None), capture("/b", "token", None)],
        vec![capture("/a", "token", None), capture("/a", "pin", None)],
        vec![capture("/a", "token", Some("expires_in"))],
        vec![capture("/a~2", "token", None)],
        vec![capture("", "token", None)],
        vec![capture("/a", "token/", None)],
        vec![capture("/a", "other/1", None)],
        vec![capture(&format!("/{}", "a".repeat(2_000)), "token", None)],
    ] {
        let shown = format!("{captures:?}");
        assert_eq!(slug(captures, buffer()), Some("egress-capture"), "{shown}");
    }
    let many = |count: usize| {
        let each = |n| capture(&format!("/{n}"), &format!("token/{n}"), None);
        slug((0..count).map(each).collect(), buffer())
    };
    assert_eq!(many(CAPTURES_MAX), None);
    assert_eq!(many(CAPTURES_MAX + 1), Some("egress-too-large"));
}

#[test]
fn a_memo_needs_a_key_and_a_lifetime() {
    let memo = |key: &str, lifetime_s: u32| {
        edit(|exchange| {
            exchange.memo = Some(Memo {
                key: key.to_owned(),
                lifetime_s,
                scope: Level::Account,
                refresh: false,
            });
            exchange.request.query = Query::Fields(vec![field("k", vec![secret("token")])]);
        })
    };
    assert!(memo(&"k".repeat(MEMO_KEY_BYTES_MAX), 60).is_ok());
    let slug = |key: &str, lifetime_s| memo(key, lifetime_s).err().map(|denied| denied.slug());
    assert_eq!(slug("", 60), Some("egress-memo"));
    let long = "k".repeat(MEMO_KEY_BYTES_MAX + 1);
    assert_eq!(slug(&long, 60), Some("egress-memo"));
    assert_eq!(slug("k", 0), Some("egress-memo"));
}
