//! What is believed and what is not, scheme by scheme; known answers are in `tests/fixtures`.

mod conditions;
mod public_keys;
mod tokens;
mod twilio;

use super::mac::digest;
use super::*;
use crate::provider::{
    Challenge, Check, Encoding, Freshness, Hash, Level, Mac, Signed, Verification,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn graph() -> WebhookSpec {
    WebhookSpec {
        name: "main".into(),
        level: Level::App,
        checks: vec![Check {
            when: Condition::Always,
            verify: Verification::Mac(Mac {
                header: "x-hub-signature-256".into(),
                prefix: "sha256=".into(),
                separator: None,
                hash: Hash::Sha256,
                encoding: Encoding::Hex,
                key: "app_secret".into(),
                key_encoding: None,
                over: vec![Signed::Body],
                freshness: None,
            }),
        }],
        challenge: Some(Challenge {
            require: vec![("hub.mode".into(), "subscribe".into())],
            token_param: "hub.verify_token".into(),
            token: "verify_token".into(),
            echo_param: "hub.challenge".into(),
        }),
        ack_status: 200,
        ack_content_type: None,
        ack_body: String::new(),
        headers: vec![],
        max_body: 4 << 20,
    }
}

/// Secrets and settings of one webhook.
struct Known {
    secrets: Vec<(&'static str, String)>,
    settings: Vec<(&'static str, String)>,
}

impl Known {
    fn secrets(name: &'static str, values: &[&str]) -> Self {
        let secrets = values.iter().map(|value| (name, (*value).to_owned()));
        Self {
            secrets: secrets.collect(),
            settings: Vec::new(),
        }
    }

    fn setting(name: &'static str, value: &str) -> Self {
        Self {
            secrets: Vec::new(),
            settings: vec![(name, value.to_owned())],
        }
    }
}

impl Configured for Known {
    fn live(&self, secret: &str) -> Vec<SecretString> {
        let named = self.secrets.iter().filter(|(name, _)| *name == secret);
        named
            .map(|(_, value)| SecretString::from(value.clone()))
            .collect()
    }

    fn setting(&self, name: &str) -> Option<&str> {
        let mut settings = self.settings.iter();
        let found = settings.find(|(n, _)| *n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A call in the making.
#[derive(Clone, Default)]
struct Post {
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Vec<u8>,
    url: Option<String>,
    shared_path: bool,
    now_s: i64,
}

impl Post {
    fn of(body: impl AsRef<[u8]>) -> Self {
        Self {
            body: body.as_ref().to_vec(),
            ..Self::default()
        }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn at(mut self, now_s: i64) -> Self {
        self.now_s = now_s;
        self
    }

    fn to(mut self, url: &str) -> Self {
        self.url = Some(url.to_owned());
        self
    }

    fn verify(&self, spec: &WebhookSpec, known: &Known) -> Result<(), Refusal> {
        let call = Incoming {
            headers: &self.headers,
            query: &self.query,
            body: &self.body,
            url: self.url.as_deref(),
            by_own_path: !self.shared_path,
            now_s: self.now_s,
        };
        verify(spec, &call, known)
    }
}

/// A webhook with these checks and nothing else of interest.
fn webhook(checks: Vec<Check>) -> WebhookSpec {
    WebhookSpec {
        checks,
        challenge: None,
        ..graph()
    }
}

fn always(verify: Verification) -> Check {
    Check {
        when: Condition::Always,
        verify,
    }
}

/// HMAC-SHA256 over the body, in hex.
fn mac() -> Mac {
    Mac {
        header: "x-signature".into(),
        prefix: String::new(),
        separator: None,
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        key: "key".into(),
        key_encoding: None,
        over: vec![Signed::Body],
        freshness: None,
    }
}

fn signature(key: &str, message: &[u8]) -> String {
    hex::encode(digest(Hash::Sha256, key.as_bytes(), message))
}

fn check(body: &str, headers: &[(&str, &str)], keys: &[&str]) -> Result<(), Refusal> {
    let mut post = Post::of(body);
    for (name, value) in headers {
        post = post.header(name, value);
    }
    post.verify(&graph(), &Known::secrets("app_secret", keys))
}

const ESCAPED: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":{"messages":[{"text":{"body":"\u00e4\u00f6\u00e5/\ud83d\ude00"}}]}}]}]}"#;
const UTF8: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":{"messages":[{"text":{"body":"äöå/😀"}}]}}]}]}"#;

/// The known answers of the Cloud API reference, section 3.2.
fn vectors() -> [(String, &'static str); 4] {
    [
        (
            r#"{"object":"whatsapp_business_account","entry":[]}"#.to_owned(),
            "eefab58106e73358686845848feb95c56372e7391b3dc050b6a31c8c5f347ece",
        ),
        (
            ESCAPED.to_owned(),
            "b47300278a60778a9da02f21cde3a5626eb9f6a53484b453c9b2c4703a287e10",
        ),
        (
            UTF8.to_owned(),
            "af8d4baee954e1c3508e10ce6b2eb6d70f8068a2fe7549e4e8ec566e98cb38fe",
        ),
        (
            ESCAPED.replace('/', r"\/"),
            "f647e3644df019b4f0e600fda8dfd78ed521fcbc86c7daa616f957e58479bbab",
        ),
    ]
}

#[test]
fn metas_vectors_verify_over_raw_bytes() {
    for (body, signature) in vectors() {
        let header = format!("sha256={signature}");
        assert_eq!(
            check(&body, &[("x-hub-signature-256", &header)], &[KEY]),
            Ok(()),
            "{body}"
        );
        // During a rotation either secret may have signed.
        assert_eq!(
            check(&body, &[("x-hub-signature-256", &header)], &["new", KEY]),
            Ok(())
        );
    }
}

#[test]
fn every_flipped_nibble_and_every_other_body_is_refused() {
    let (body, signature) = vectors()[0].clone();
    for i in 0..signature.len() {
        let mut forged = signature.as_bytes().to_vec();
        forged[i] = if forged[i] == b'0' { b'1' } else { b'0' };
        let header = format!("sha256={}", String::from_utf8(forged).expect("hex"));
        assert!(
            check(&body, &[("x-hub-signature-256", &header)], &[KEY]).is_err(),
            "{i}"
        );
    }
    let header = format!("sha256={signature}");
    assert!(
        check(
            &format!("{body} "),
            &[("x-hub-signature-256", &header)],
            &[KEY]
        )
        .is_err()
    );
    assert!(check(&body, &[("x-hub-signature-256", &header)], &["other"]).is_err());
}

#[test]
fn missing_truncated_repeated_and_misshapen_headers_are_refused() {
    let (body, signature) = vectors()[0].clone();
    let good = format!("sha256={signature}");
    let name = "x-hub-signature-256";
    assert!(check(&body, &[], &[KEY]).is_err());
    assert!(check(&body, &[(name, "")], &[KEY]).is_err());
    assert!(check(&body, &[(name, "sha256=")], &[KEY]).is_err());
    assert!(check(&body, &[(name, &good[..good.len() - 2])], &[KEY]).is_err());
    assert!(check(&body, &[(name, &format!("sha1={signature}"))], &[KEY]).is_err());
    assert!(
        check(&body, &[(name, signature)], &[KEY]).is_ok(),
        "the prefix is removed when it is there"
    );
    assert!(check(&body, &[(name, &good), (name, &good)], &[KEY]).is_err());
    assert!(check(&body, &[("x-hub-signature", &good)], &[KEY]).is_err());
}

#[test]
fn an_unset_or_empty_secret_believes_nobody() {
    let body = "{}";
    let forged = hex::encode(digest(Hash::Sha256, b"", body.as_bytes()));
    let header = format!("sha256={forged}");
    for keys in [&[][..], &[""][..]] {
        assert!(matches!(
            check(body, &[("x-hub-signature-256", &header)], keys),
            Err(Refusal::SecretMissing { .. })
        ));
    }
}

#[test]
fn the_handshake_echoes_only_to_who_knows_the_token() {
    let known = Known::secrets("verify_token", &["ours", "", "the next"]);
    let ask = |params: &[(&str, &str)]| {
        let query: Vec<_> = params
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        challenge(&graph(), &query, &known)
    };
    let subscribe = ("hub.mode", "subscribe");
    let echo = ("hub.challenge", "1158201444");
    for token in ["ours", "the next"] {
        let told = ask(&[subscribe, ("hub.verify_token", token), echo]);
        assert_eq!(told.as_deref(), Ok("1158201444"));
    }
    let token = ("hub.verify_token", "ours");
    for wrong in [
        &[subscribe, ("hub.verify_token", "theirs"), echo][..],
        &[subscribe, ("hub.verify_token", ""), echo],
        &[("hub.mode", "unsubscribe"), token, echo],
        &[token, echo],
        &[subscribe, echo],
        &[subscribe, token],
        &[subscribe, token, echo, echo],
        &[subscribe, token, token, echo],
        &[subscribe, subscribe, token, echo],
        &[],
    ] {
        assert!(ask(wrong).is_err(), "{wrong:?}");
    }
    let query = [subscribe, token, echo].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(
        challenge(&graph(), &query, &Known::secrets("verify_token", &[])),
        Err(Refusal::SecretMissing {
            secret: "verify_token".into()
        })
    );
    assert_eq!(
        challenge(&webhook(Vec::new()), &query, &known),
        Err(Refusal::NoChallenge)
    );
}

#[test]
fn freshness_bounds_replays() {
    let mut spec = mac();
    spec.over = vec![
        Signed::Header("x-time".into()),
        Signed::Text(".".into()),
        Signed::Body,
    ];
    spec.freshness = Some(Freshness {
        header: "x-time".into(),
        tolerance_s: 300,
    });
    let spec = webhook(vec![always(Verification::Mac(spec))]);
    let at = |time: &str, now_s| {
        let signed = signature(KEY, format!("{time}.{{}}").as_bytes());
        let post = Post::of("{}").header("x-signature", &signed);
        post.header("x-time", time)
            .at(now_s)
            .verify(&spec, &Known::secrets("key", &[KEY]))
    };
    for now_s in [700, 1000, 1300] {
        assert_eq!(at("1000", now_s), Ok(()), "{now_s}");
    }
    for now_s in [699, 1301, i64::MIN, i64::MAX] {
        assert!(
            matches!(at("1000", now_s), Err(Refusal::Stale { .. })),
            "{now_s}"
        );
    }
    for time in ["", "soon", "1000.5", "99999999999999999999"] {
        assert!(
            matches!(at(time, 1000), Err(Refusal::TimeUnreadable { .. })),
            "{time}"
        );
    }
    // A new time over an old signature.
    let old = Post::of("{}").header("x-signature", &signature(KEY, b"1000.{}"));
    assert!(
        old.header("x-time", "2000")
            .at(2000)
            .verify(&spec, &Known::secrets("key", &[KEY]))
            .is_err()
    );
}

#[test]
fn the_parts_are_signed_in_their_order() {
    let over = |parts: &[Signed]| {
        let mut mac = mac();
        mac.over = parts.to_vec();
        webhook(vec![always(Verification::Mac(mac))])
    };
    let (id, dot) = (Signed::Header("x-id".into()), Signed::Text(".".into()));
    let post = Post::of("body")
        .header("x-id", "7")
        .header("x-signature", &signature(KEY, b"7.body"));
    let known = Known::secrets("key", &[KEY]);
    let right = over(&[id.clone(), dot.clone(), Signed::Body]);
    assert_eq!(post.verify(&right, &known), Ok(()));
    for wrong in [
        vec![Signed::Body, dot.clone(), id.clone()],
        vec![id.clone(), Signed::Body],
        vec![dot.clone(), id.clone(), Signed::Body],
    ] {
        assert!(post.verify(&over(&wrong), &known).is_err(), "{wrong:?}");
    }
    // A part that is missing, or that could be either of two, is not left out.
    assert!(Post::of("body").verify(&right, &known).is_err());
    assert_eq!(
        post.clone().header("X-Id", "8").verify(&right, &known),
        Err(Refusal::HeaderMissing {
            header: "x-id".into()
        })
    );
    // A signature over the URL is nothing while nobody said what the URL is.
    let url = over(&[Signed::Url, Signed::Body]);
    assert_eq!(post.verify(&url, &known), Err(Refusal::UrlUnknown));
}

#[test]
fn one_of_several_signatures_by_one_of_two_keys_is_enough() {
    // Standard Webhooks: `v1,` and base64, one for each live key, with a space between.
    let mut mac = mac();
    mac.prefix = "v1,".into();
    mac.separator = Some(" ".into());
    mac.encoding = Encoding::Base64;
    mac.key_encoding = Some(Encoding::Base64);
    let spec = webhook(vec![always(Verification::Mac(mac))]);
    let sign = |key: &[u8]| format!("v1,{}", STANDARD.encode(digest(Hash::Sha256, key, b"{}")));
    let (old, new) = (STANDARD.encode(b"the old key"), STANDARD.encode(b"the new"));
    let believed = |header: &str, keys: &[&str]| {
        let post = Post::of("{}").header("x-signature", header);
        post.verify(&spec, &Known::secrets("key", keys))
    };
    let (by_old, by_new) = (sign(b"the old key"), sign(b"the new"));
    for header in [
        by_old.clone(),
        by_new.clone(),
        format!("{by_old} {by_new}"),
        format!("v2,AAAA {by_new}"),
        format!("  {by_new}  v1a,??"),
    ] {
        assert_eq!(believed(&header, &[&new, &old]), Ok(()), "{header}");
    }
    for header in ["", " ", "v1,", "v1,,", "v1,====", "\u{feff}"] {
        assert!(believed(header, &[&new, &old]).is_err(), "{header:?}");
    }
    assert!(believed(&by_old, &[&new]).is_err());
    // Text that is no base64 is passed over while another value is, and named when it is alone.
    assert_eq!(believed(&by_new, &["not base64!", &new]), Ok(()));
    assert!(matches!(
        believed(&by_new, &["not base64!"]),
        Err(Refusal::SecretUnreadable { .. })
    ));
    let sixteen = vec![by_old.as_str(); 16].join(" ");
    assert!(matches!(
        believed(&format!("{sixteen} {by_new}"), &[&new]),
        Err(Refusal::TooManySignatures { .. })
    ));
    assert_eq!(believed(&sixteen, &[&old]), Ok(()));
}

#[test]
fn every_hash_and_encoding_has_its_known_answer() {
    // RFC 2202, 3 and RFC 4231, 4.3: test case 2, the key "Jefe".
    let message = "what do ya want for nothing?";
    for (hash, wanted) in [
        (Hash::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            Hash::Sha256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            Hash::Sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        let bytes = hex::decode(wanted).expect("hex");
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes);
        for (encoding, written) in [
            (Encoding::Hex, wanted.to_owned()),
            (Encoding::Hex, wanted.to_uppercase()),
            (Encoding::Base64, STANDARD.encode(&bytes)),
            (Encoding::Base64url, url_safe),
        ] {
            let mac = Mac {
                hash,
                encoding,
                ..mac()
            };
            let spec = webhook(vec![always(Verification::Mac(mac))]);
            let post = Post::of(message).header("x-signature", &written);
            assert_eq!(
                post.verify(&spec, &Known::secrets("key", &["Jefe"])),
                Ok(()),
                "{written}"
            );
        }
    }
}
