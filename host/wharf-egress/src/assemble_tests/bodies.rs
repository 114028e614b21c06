//! Bodies, and what is computed over them.

use super::*;

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
    assert_eq!(wire(&prepared), hostile.as_bytes());
    assert_eq!(header(&prepared, "x-note"), "[secret token] ${token}");
    assert_eq!(header(&prepared, "content-type"), "application/json");
}

/// What an end user writes into a message must not make the host insert anything.
#[test]
fn placeholder_text_stays_text_wherever_it_stands() {
    for hostile in [
        "{{secret}}",
        "{{token}}",
        "${token}",
        "${secret:token}",
        "[secret token]",
        "[secret x]",
        "[captured]",
        "[withheld]",
        "[webhook-url events]",
        "[media med_1]",
        "%7Btoken%7D",
        "<%= token %>",
        "$(token)",
    ] {
        let form = edit(|exchange| {
            exchange.request.body = Body::Form(vec![field("text", vec![text(hostile)])]);
            exchange.request.query = Query::Fields(vec![field("q", vec![text(hostile)])]);
            exchange.request.headers = vec![field("x-note", vec![text(hostile)])];
        })
        .unwrap();
        let read = |encoded: &[u8]| -> String {
            let mut pairs = url::form_urlencoded::parse(encoded);
            pairs.next().unwrap().1.into_owned()
        };
        assert_eq!(read(wire(&form)), hostile);
        assert_eq!(read(form.url.query().unwrap().as_bytes()), hostile);
        assert_eq!(header(&form, "x-note"), hostile);
        let insert = edit(|exchange| {
            exchange.request.body = Body::Json(JsonBody {
                document: "{}".to_owned(),
                insert: vec![JsonInsert {
                    pointer: "/text".to_owned(),
                    value: vec![text(hostile), secret("pin")],
                }],
            });
        })
        .unwrap();
        let document: serde_json::Value = serde_json::from_slice(wire(&insert)).unwrap();
        assert_eq!(document["text"], format!("{hostile}482913"));
        let part = Part {
            name: hostile.to_owned(),
            filename: None,
            content_type: None,
            data: PartData::Value(vec![text(hostile)]),
        };
        let multipart = edit(|exchange| exchange.request.body = Body::Multipart(vec![part]));
        let body = String::from_utf8(wire(&multipart.unwrap()).to_vec()).unwrap();
        assert!(body.contains(&format!("\r\n\r\n{hostile}\r\n--")), "{body}");
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
    let done = |document: &str, pointer: &str| -> serde_json::Value {
        serde_json::from_slice(wire(&insert(document, pointer).ok().unwrap())).unwrap()
    };
    assert_eq!(done(r#"{"a":1}"#, "/pin"), json!({"a":1,"pin":"482913"}));
    assert_eq!(
        done(r#"{"a":{}}"#, "/a/x~1y~0z"),
        json!({"a":{"x/y~z":"482913"}})
    );
    assert_eq!(done(r#"{"a":["x"]}"#, "/a/-"), json!({"a":["x","482913"]}));
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
    assert_eq!(
        wire(&prepared),
        format!("Body=a+b%26To%3Devil&Key={TOKEN}").as_bytes()
    );
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
    let body = std::str::from_utf8(wire(&prepared)).unwrap();
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
        wire(&prepared),
        b"StatusCallback=https%3A%2F%2Fgw.example%2Fwebhooks%2Ftest%2F0123456789abcdef0123%3Fid%3Da%2526b"
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
