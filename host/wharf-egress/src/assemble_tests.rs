use super::*;
use crate::Secrets;
use secrecy::SecretString;
use serde_json::json;
use wharf_core::provider::{
    Body, Descriptor, Encoding, Endpoint, Hash, Hmac, HmacInput, HttpRequest, Input, InputKind,
    JsonBody, JsonInsert, Level, Memo, Part, PartData, Piece, Replay, User, WebhookUrl,
};

const TOKEN: &str = "EAAG-token-of-the-channel";

struct Fixed;

impl Secrets for Fixed {
    fn get(&self, name: &str) -> Option<SecretString> {
        let value = match name {
            "token" => TOKEN,
            "pin" => "482913",
            "broken" => "a\r\nhost: evil.example",
            _ => return None,
        };
        Some(SecretString::from(value))
    }
}

fn descriptor() -> Descriptor {
    let input = |name: &str, audience: &str| Input {
        name: name.to_owned(),
        kind: InputKind::Secret,
        level: Level::Channel,
        required: true,
        title: String::new(),
        help: String::new(),
        choices: Vec::new(),
        pattern: String::new(),
        audience: vec![audience.to_owned()],
    };
    let endpoint = |host: &str| Endpoint {
        host: host.to_owned(),
        methods: vec![HttpMethod::Get, HttpMethod::Post],
        paths: vec!["/".to_owned()],
        host_setting: None,
    };
    Descriptor {
        id: "com.example.test".to_owned(),
        name: "Test".to_owned(),
        version: "1.0.0".to_owned(),
        vendor: "Example".to_owned(),
        homepage: None,
        capabilities: Vec::new(),
        inputs: vec![
            input("token", "graph.example.com"),
            input("pin", "*.example.com"),
            input("broken", "graph.example.com"),
            input("unset", "graph.example.com"),
        ],
        endpoints: vec![endpoint("graph.example.com"), endpoint("cdn.example.org")],
        webhooks: Vec::new(),
        sender_setting: String::new(),
        account_setting: None,
        rates: Vec::new(),
        response_headers: Vec::new(),
    }
}

fn exchange() -> Exchange {
    Exchange {
        label: "send".to_owned(),
        request: HttpRequest {
            method: HttpMethod::Post,
            url: "https://graph.example.com/v1/messages".to_owned(),
            query: Query::Fields(Vec::new()),
            headers: Vec::new(),
            body: Body::Empty,
            timeout_ms: None,
        },
        replay: Replay::Unsafe,
        sink: Sink::Buffer(1 << 20),
        capture: Vec::new(),
        memo: None,
        bucket: None,
        delay_ms: 0,
        state: Vec::new(),
    }
}

fn run(exchange: &Exchange) -> Result<Prepared, Denied> {
    let descriptor = descriptor();
    let webhook = |name: &str| {
        (name == "events")
            .then(|| "https://gw.example/webhooks/test/0123456789abcdef0123".to_owned())
    };
    let grant = Grant {
        descriptor: &descriptor,
        settings: &[],
        secrets: &Fixed,
        webhook_url: &webhook,
    };
    let config = EgressConfig {
        request_bytes_max: 4096,
        journal_body_bytes_max: 256,
        ..EgressConfig::default()
    };
    prepare(&config, exchange, &grant)
}

fn edit(change: impl FnOnce(&mut Exchange)) -> Result<Prepared, Denied> {
    let mut exchange = exchange();
    change(&mut exchange);
    run(&exchange)
}

fn refused(change: impl FnOnce(&mut Exchange)) -> Denied {
    edit(change).err().expect("must be refused")
}

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn secret(name: &str) -> Piece {
    Piece::Secret(name.to_owned())
}

fn field(name: &str, value: Vec<Piece>) -> Field {
    Field {
        name: name.to_owned(),
        value,
    }
}

fn body_hmac() -> Piece {
    Piece::Hmac(Hmac {
        key: "token".to_owned(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        over: vec![HmacInput::Text("v1.".to_owned()), HmacInput::Body],
    })
}

fn header<'a>(prepared: &'a Prepared, name: &str) -> &'a str {
    prepared.headers[name].to_str().unwrap()
}

#[test]
fn a_secret_is_on_the_wire_and_its_name_in_the_journal() {
    let prepared = edit(|exchange| {
        exchange.request.headers = vec![field(
            "Authorization",
            vec![text("Bearer "), secret("token")],
        )];
        exchange.request.query = Query::Fields(vec![
            field("fields", vec![text("a b&c=d")]),
            field("pin", vec![secret("pin")]),
        ]);
    })
    .unwrap();
    assert_eq!(
        header(&prepared, "authorization"),
        format!("Bearer {TOKEN}")
    );
    assert!(prepared.headers["authorization"].is_sensitive());
    assert_eq!(
        prepared.url.query(),
        Some("fields=a%20b%26c%3Dd&pin=482913")
    );
    let journal = prepared.journal();
    assert_eq!(journal["method"], "POST");
    assert_eq!(
        journal["url"],
        "https://graph.example.com/v1/messages?fields=a%20b%26c%3Dd&pin=[secret pin]"
    );
    assert_eq!(
        journal["headers"],
        json!([["authorization", "Bearer [secret token]"]])
    );
    assert!(!journal.to_string().contains(TOKEN));
}

#[test]
fn placeholder_text_stays_text() {
    let hostile = r#"{"body":"[secret token] {{token}} ${token} {token} %TOKEN%"}"#;
    let prepared = edit(|exchange| {
        exchange.request.body = Body::Json(JsonBody {
            document: hostile.to_owned(),
            insert: Vec::new(),
        });
        exchange.request.headers = vec![field("x-note", vec![text("[secret token] ${token}")])];
    })
    .unwrap();
    assert_eq!(prepared.body, hostile.as_bytes());
    assert_eq!(header(&prepared, "x-note"), "[secret token] ${token}");
    assert_eq!(header(&prepared, "content-type"), "application/json");
}

#[test]
fn a_secret_goes_to_its_audience_only() {
    let to_cdn = |piece: Piece| {
        refused(|exchange| {
            exchange.request.url = "https://cdn.example.org/x".to_owned();
            exchange.request.headers = vec![field("x-key", vec![piece])];
        })
        .slug()
    };
    let basic = |user: User| Piece::Basic(user, "token".to_owned());
    assert_eq!(to_cdn(secret("token")), "egress-secret-audience");
    assert_eq!(
        to_cdn(basic(User::Text("u".to_owned()))),
        "egress-secret-audience"
    );
    assert_eq!(
        to_cdn(basic(User::Secret("token".to_owned()))),
        "egress-secret-audience"
    );
    assert_eq!(to_cdn(body_hmac()), "egress-secret-audience");
    let unknown = |name: &str| {
        refused(|exchange| exchange.request.headers = vec![field("x-key", vec![secret(name)])])
            .slug()
    };
    assert_eq!(unknown("nobody"), "egress-secret-undeclared");
    assert_eq!(unknown("unset"), "egress-secret-missing");
}

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
fn json_inserts_follow_their_pointers() {
    let insert = |document: &str, pointer: &str| {
        edit(|exchange| {
            exchange.request.body = Body::Json(JsonBody {
                document: document.to_owned(),
                insert: vec![JsonInsert {
                    pointer: pointer.to_owned(),
                    value: vec![secret("pin")],
                }],
            });
        })
    };
    let wire = |document: &str, pointer: &str| -> serde_json::Value {
        serde_json::from_slice(&insert(document, pointer).ok().unwrap().body).unwrap()
    };
    assert_eq!(wire(r#"{"a":1}"#, "/pin"), json!({"a":1,"pin":"482913"}));
    assert_eq!(
        wire(r#"{"a":{}}"#, "/a/x~1y~0z"),
        json!({"a":{"x/y~z":"482913"}})
    );
    assert_eq!(wire(r#"{"a":["x"]}"#, "/a/-"), json!({"a":["x","482913"]}));
    let prepared = insert(r#"{"a":1}"#, "/pin").unwrap();
    assert_eq!(
        prepared.journal()["body"],
        r#"{"a":1,"pin":"[secret pin]"}"#
    );
    for (document, pointer, slug) in [
        (r#"{"pin":1}"#, "/pin", "egress-insert"),
        (r#"{"a":1}"#, "/b/pin", "egress-insert"),
        (r#"{"a":1}"#, "/a/pin", "egress-insert"),
        (r#"{"a":[1]}"#, "/a/0", "egress-insert"),
        (r#"{"a":1}"#, "", "egress-insert"),
        (r#"{"a":1}"#, "pin", "egress-insert"),
        (r#"{"a":1}"#, "/p~2", "egress-insert"),
        ("{", "/pin", "egress-body"),
    ] {
        let denied = insert(document, pointer).err().map(|denied| denied.slug());
        assert_eq!(denied, Some(slug), "{document} {pointer}");
    }
    let denied = refused(|exchange| {
        exchange.request.body = Body::Json(JsonBody {
            document: "{} trailing".to_owned(),
            insert: Vec::new(),
        });
    });
    assert_eq!(denied.slug(), "egress-body");
}

#[test]
fn forms_are_encoded_field_by_field() {
    let prepared = edit(|exchange| {
        exchange.request.body = Body::Form(vec![
            field("Body", vec![text("a b&To=evil")]),
            field("Key", vec![secret("token")]),
        ]);
    })
    .unwrap();
    assert_eq!(prepared.body, format!("Body=a+b%26To%3Devil&Key={TOKEN}"));
    assert_eq!(
        prepared.journal()["body"],
        "Body=a+b%26To%3Devil&Key=[secret token]"
    );
    assert_eq!(
        header(&prepared, "content-type"),
        "application/x-www-form-urlencoded"
    );
}

#[test]
fn multipart_carries_values_and_quotes_names() {
    let part = |name: &str, value: Vec<Piece>| Part {
        name: name.to_owned(),
        filename: Some("a\"\r\nb.txt".to_owned()),
        content_type: Some("text/plain".to_owned()),
        data: PartData::Value(value),
    };
    let prepared = edit(|exchange| {
        exchange.request.body = Body::Multipart(vec![
            part("one", vec![text("hello")]),
            part("two", vec![secret("token")]),
        ]);
    })
    .unwrap();
    let boundary = header(&prepared, "content-type")
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap()
        .to_owned();
    let body = std::str::from_utf8(&prepared.body).unwrap();
    let disposition = r#"filename="a%22%0D%0Ab.txt""#;
    assert_eq!(
        body,
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"one\"; {disposition}\r\n\
             Content-Type: text/plain\r\n\r\nhello\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"two\"; {disposition}\r\n\
             Content-Type: text/plain\r\n\r\n{TOKEN}\r\n--{boundary}--\r\n"
        )
    );
    assert!(!prepared.journal().to_string().contains(TOKEN));
    let denied = refused(|exchange| {
        let mut part = part("one", vec![text("x")]);
        part.content_type = Some("text/plain\r\nX: y".to_owned());
        exchange.request.body = Body::Multipart(vec![part]);
    });
    assert_eq!(denied.slug(), "egress-body");
    assert_eq!(
        refused(|exchange| exchange.request.body = Body::Multipart(Vec::new())).slug(),
        "egress-body"
    );
}

#[test]
fn an_hmac_covers_the_final_body_and_cannot_stand_in_it() {
    let prepared = edit(|exchange| {
        exchange.request.body = Body::Json(JsonBody {
            document: r#"{"a":1}"#.to_owned(),
            insert: vec![JsonInsert {
                pointer: "/pin".to_owned(),
                value: vec![secret("pin")],
            }],
        });
        exchange.request.query = Query::Fields(vec![field("proof", vec![body_hmac()])]);
        exchange.request.headers = vec![field("x-signature", vec![text("sha256="), body_hmac()])];
    })
    .unwrap();
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(TOKEN.as_bytes()).unwrap();
    mac.update(br#"v1.{"a":1,"pin":"482913"}"#);
    let expected = hex::encode(mac.finalize().into_bytes());
    assert_eq!(
        header(&prepared, "x-signature"),
        format!("sha256={expected}")
    );
    assert_eq!(prepared.url.query(), Some(&*format!("proof={expected}")));
    assert!(!prepared.journal().to_string().contains(&expected));
    let denied = refused(|exchange| {
        exchange.request.body = Body::Form(vec![field("sig", vec![body_hmac()])]);
    });
    assert_eq!(denied, Denied::HmacCycle);
}

#[test]
fn hmac_matches_published_vectors() {
    // RFC 2202 test 2 and RFC 4231 test 2 with the key "Jefe".
    struct Jefe;
    impl Secrets for Jefe {
        fn get(&self, _: &str) -> Option<SecretString> {
            Some(SecretString::from("Jefe"))
        }
    }
    let descriptor = descriptor();
    let grant = Grant {
        descriptor: &descriptor,
        settings: &[],
        secrets: &Jefe,
        webhook_url: &|_| None,
    };
    for (hash, encoding, expected) in [
        (
            Hash::Sha1,
            Encoding::Hex,
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        ),
        (Hash::Sha1, Encoding::Base64, "7/zfauXrL6LSdBbV8YTfnCWafHk="),
        (
            Hash::Sha256,
            Encoding::Hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            Hash::Sha256,
            Encoding::Base64url,
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM",
        ),
    ] {
        let piece = Piece::Hmac(Hmac {
            key: "token".to_owned(),
            hash,
            encoding,
            over: vec![HmacInput::Text("what do ya want for nothing?".to_owned())],
        });
        let mut assembly = Assembly::new(&grant, "graph.example.com");
        assert_eq!(assembly.render(&[piece], None).unwrap().wire, expected);
    }
}

#[test]
fn basic_credentials_are_whole_and_named_in_the_journal() {
    let basic = |user: &str| {
        edit(|exchange| {
            let piece = Piece::Basic(User::Text(user.to_owned()), "pin".to_owned());
            exchange.request.headers = vec![field("authorization", vec![piece])];
        })
    };
    let prepared = basic("AC1").unwrap();
    // printf 'AC1:482913' | base64
    assert_eq!(header(&prepared, "authorization"), "Basic QUMxOjQ4MjkxMw==");
    assert_eq!(
        prepared.journal()["headers"][0][1],
        "Basic [basic AC1:[secret pin]]"
    );
    assert_eq!(
        basic("a:b").err().map(|denied| denied.slug()),
        Some("egress-basic-user")
    );
}

#[test]
fn webhook_urls_are_inserted_and_their_token_is_known() {
    let with = |webhook: &str| {
        edit(|exchange| {
            let piece = Piece::WebhookUrl(WebhookUrl {
                webhook: webhook.to_owned(),
                query: vec![("id".to_owned(), "a&b".to_owned())],
            });
            exchange.request.body = Body::Form(vec![field("StatusCallback", vec![piece])]);
        })
    };
    let prepared = with("events").unwrap();
    assert_eq!(
        prepared.body,
        "StatusCallback=https%3A%2F%2Fgw.example%2Fwebhooks%2Ftest%2F0123456789abcdef0123%3Fid%3Da%2526b"
    );
    assert_eq!(
        prepared.journal()["body"],
        "StatusCallback=[webhook-url events]?id=a%26b"
    );
    assert_eq!(
        prepared.redactor.text("set to 0123456789abcdef0123"),
        "set to [webhook-token events]"
    );
    assert_eq!(
        with("other").err().map(|denied| denied.slug()),
        Some("egress-webhook-url")
    );
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
fn content_types_and_empty_posts() {
    let own = edit(|exchange| {
        exchange.request.headers = vec![field("content-type", vec![text("application/x+json")])];
        exchange.request.body = Body::Json(JsonBody {
            document: "{}".to_owned(),
            insert: Vec::new(),
        });
    })
    .unwrap();
    assert_eq!(own.headers.get_all("content-type").iter().count(), 1);
    assert_eq!(header(&own, "content-type"), "application/x+json");
    let empty = edit(|_| ()).unwrap();
    assert_eq!(header(&empty, "content-length"), "0");
    assert_eq!(header(&empty, "accept-encoding"), "identity");
    let bad = refused(|exchange| {
        exchange.request.body = Body::Bytes("text/plain\r\nx: y".to_owned(), Vec::new());
    });
    assert_eq!(bad.slug(), "egress-header");
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
fn what_is_not_built_yet_is_refused_by_name() {
    let later = |change: fn(&mut Exchange)| match refused(change) {
        Denied::NotYet { piece } => piece,
        other => panic!("{other}"),
    };
    assert_eq!(later(|exchange| exchange.sink = Sink::Store), "sink store");
    let memo = |exchange: &mut Exchange| {
        exchange.memo = Some(Memo {
            key: "k".to_owned(),
            lifetime_s: 1,
            scope: Level::Channel,
            refresh: false,
        });
    };
    assert_eq!(later(memo), "memo");
    let return_url = |exchange: &mut Exchange| {
        exchange.request.headers = vec![field("x", vec![Piece::ReturnUrl])];
    };
    assert_eq!(later(return_url), "return-url pieces");
}
