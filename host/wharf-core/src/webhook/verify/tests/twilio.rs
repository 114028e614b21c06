use serde_json::Value;

use super::*;
use crate::provider::BodyDigest;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const HEADER: &str = "x-twilio-signature";
const TOKEN: &str = "12345";

/// As the plugin for Twilio declares it: a form is signed with its fields, JSON by a digest in the URL.
fn twilio() -> WebhookSpec {
    let signed = |over: &[Signed]| {
        Verification::Mac(Mac {
            header: "X-Twilio-Signature".into(),
            prefix: String::new(),
            separator: None,
            hash: Hash::Sha1,
            encoding: Encoding::Base64,
            key: "auth_token".into(),
            key_encoding: None,
            over: over.to_vec(),
            freshness: None,
        })
    };
    let digest = Verification::BodyDigest(BodyDigest {
        param: "bodySHA256".into(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
    });
    let when = |content_type: &str, verify| Check {
        when: Condition::ContentType(content_type.into()),
        verify,
    };
    webhook(vec![
        when(FORM, signed(&[Signed::Url, Signed::FormSorted])),
        when(JSON, signed(&[Signed::Url])),
        when(JSON, digest),
    ])
}

fn known() -> Known {
    Known::secrets("auth_token", &[TOKEN])
}

/// As a server reads it from the request's line.
fn query_of(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Every byte that is no letter or digit is escaped: any decoder must bring it back.
fn form_encoded(fields: &Value) -> String {
    let escaped = |text: &Value| -> String {
        let bytes = text.as_str().expect("text").bytes();
        bytes
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                b => format!("%{b:02x}"),
            })
            .collect()
    };
    let fields = fields.as_array().expect("fields").iter();
    fields
        .map(|field| format!("{}={}", escaped(&field[0]), escaped(&field[1])))
        .collect::<Vec<_>>()
        .join("&")
}

fn post_of(call: &Value) -> Post {
    let url = call["url"].as_str().expect("a URL");
    let signature = call["signature"].as_str().expect("a signature");
    let mut post = match call["json"].as_str() {
        Some(body) => Post::of(body).header("content-type", JSON),
        None => Post::of(form_encoded(&call["form"])).header(
            "content-type",
            "application/x-www-form-urlencoded; charset=UTF-8",
        ),
    };
    post = post.to(url).header(HEADER, signature);
    post.query = query_of(url);
    post
}

fn calls() -> Vec<Value> {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/twilio/signatures.json"
    ));
    let all: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(all["auth_token"], TOKEN);
    all["calls"].as_array().expect("calls").clone()
}

#[test]
fn what_twilios_own_libraries_believe_is_believed() {
    let calls = calls();
    assert_eq!(calls.len(), 38);
    let mut believed = 0;
    for call in &calls {
        let verdict = post_of(call).verify(&twilio(), &known());
        match call.get("refused") {
            None => {
                assert_eq!(verdict, Ok(()), "{}", call["name"]);
                believed += 1;
            }
            Some(reason) => assert!(verdict.is_err(), "{}: {reason}", call["name"]),
        }
    }
    assert_eq!(believed, 37);
}

#[test]
fn whatever_is_changed_on_the_way_is_seen() {
    for call in calls() {
        let right = post_of(&call);
        let name = &call["name"];
        let mut body = right.clone();
        body.body.extend_from_slice(b"&X=1");
        let mut url = right.clone();
        url.url = url.url.map(|url| format!("{url}&x=1"));
        let unsigned = Post {
            headers: right.headers[..1].to_vec(),
            ..right.clone()
        };
        let other = Known::secrets("auth_token", &["12346"]);
        for (forged, known) in [
            (&body, &known()),
            (&url, &known()),
            (&unsigned, &known()),
            (&right, &other),
        ] {
            assert!(forged.verify(&twilio(), known).is_err(), "{name}");
        }
    }
}

#[test]
fn the_sender_cannot_choose_the_weaker_check() {
    let calls = calls();
    let named = |name: &str| post_of(calls.iter().find(|c| c["name"] == name).expect("a call"));
    let as_type = |post: &Post, content_type: Option<&str>| {
        let mut post = post.clone();
        post.headers.retain(|(name, _)| name != "content-type");
        match content_type {
            Some(value) => post.header("content-type", value),
            None => post,
        }
        .verify(&twilio(), &known())
    };
    let json = named("json-body");
    let form = named("base");
    for other in [None, Some("text/plain"), Some("")] {
        assert_eq!(as_type(&json, other), Err(Refusal::NothingApplies));
        assert_eq!(as_type(&form, other), Err(Refusal::NothingApplies));
    }
    // A signed URL, and a body that nobody signed.
    assert!(as_type(&json, Some(FORM)).is_err());
    assert!(as_type(&form, Some(JSON)).is_err());
    let mut other_body = json.clone();
    other_body.body = b"{}".to_vec();
    assert_eq!(
        other_body.verify(&twilio(), &known()),
        Err(Refusal::Digest {
            param: "bodySHA256".into()
        })
    );
    // Two content types, of which each reader may choose another.
    let twice = json.clone().header("content-type", FORM);
    assert_eq!(
        twice.verify(&twilio(), &known()),
        Err(Refusal::HeaderMissing {
            header: "content-type".into()
        })
    );
    // A digest that is there twice, or not at all.
    let digest = json.query.last().expect("the digest").clone();
    let mut repeated = json.clone();
    repeated.query.push(digest);
    assert!(repeated.verify(&twilio(), &known()).is_err());
    let mut absent = json;
    absent.query.pop();
    assert!(absent.verify(&twilio(), &known()).is_err());
}

#[test]
fn a_form_is_bytes_and_a_bad_one_is_refused() {
    let url = "https://a.example/";
    let post = |body: &[u8], signed: &[u8]| {
        let message = [url.as_bytes(), signed].concat();
        let signature = STANDARD.encode(digest(Hash::Sha1, TOKEN.as_bytes(), &message));
        Post::of(body)
            .to(url)
            .header("content-type", FORM)
            .header(HEADER, &signature)
            .verify(&twilio(), &known())
    };
    // Latin-1, a value with `=`, a name without a value, and fields that are empty.
    assert_eq!(post(b"b=%FF&a=1=2&&c&", b"a1=2b\xffc"), Ok(()));
    assert_eq!(post(b"\xff=+%2b", b"\xff +"), Ok(()));
    for bad in [&b"a=%"[..], b"a=%4", b"a=%zz", b"%%=1", b"a=%+1"] {
        assert!(
            matches!(post(bad, b""), Err(Refusal::Form { .. })),
            "{bad:?}"
        );
    }
    let many = "a&".repeat(1_001);
    assert!(matches!(
        post(many.as_bytes(), b"a"),
        Err(Refusal::Form { .. })
    ));
    assert_eq!(post("a&".repeat(999).as_bytes(), b"a"), Ok(()));
}
