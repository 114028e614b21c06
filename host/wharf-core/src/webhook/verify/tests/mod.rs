use super::*;
use crate::provider::{Challenge, Check, Level};

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

fn check(body: &str, headers: &[(&str, &str)], keys: &[&str]) -> Result<(), Refusal> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    let call = Incoming {
        headers: &headers,
        query: &[],
        body: body.as_bytes(),
        url: "",
        now_s: 0,
    };
    verify(&graph(), &call, &|_| {
        keys.iter()
            .map(|k| SecretString::from((*k).to_owned()))
            .collect()
    })
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
    assert!(
        check(&body, &[(name, signature)], &[KEY]).is_err(),
        "the prefix is part of the scheme"
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
    let ask = |mode: &str, token: &str| {
        let query = [
            ("hub.mode", mode),
            ("hub.verify_token", token),
            ("hub.challenge", "1158201444"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()));
        challenge(&graph(), &query, &|_| {
            vec![SecretString::from("ours".to_owned())]
        })
    };
    assert_eq!(ask("subscribe", "ours").as_deref(), Ok("1158201444"));
    assert!(ask("subscribe", "theirs").is_err());
    assert!(ask("unsubscribe", "ours").is_err());
    assert!(ask("subscribe", "").is_err());
    let none: [(String, String); 0] = [];
    assert!(challenge(&graph(), &none, &|_| Vec::new()).is_err());
}

#[test]
fn a_webhook_without_an_applicable_check_believes_nobody() {
    let mut spec = graph();
    spec.checks.clear();
    let call = Incoming {
        headers: &[],
        query: &[],
        body: b"",
        url: "",
        now_s: 0,
    };
    assert_eq!(
        verify(&spec, &call, &|_| Vec::new()),
        Err(Refusal::NothingApplies)
    );
}

#[test]
fn freshness_bounds_replays() {
    let mut spec = graph();
    let Verification::Mac(mac) = &mut spec.checks[0].verify else {
        unreachable!("a mac")
    };
    mac.freshness = Some(crate::provider::Freshness {
        header: "x-time".into(),
        tolerance_s: 300,
    });
    let signature = format!(
        "sha256={}",
        hex::encode(digest(Hash::Sha256, KEY.as_bytes(), b"{}"))
    );
    let at = |time: &str, now_s| {
        let headers = [
            ("x-hub-signature-256".to_owned(), signature.clone()),
            ("x-time".to_owned(), time.to_owned()),
        ];
        let call = Incoming {
            headers: &headers,
            query: &[],
            body: b"{}",
            url: "",
            now_s,
        };
        verify(&spec, &call, &|_| vec![SecretString::from(KEY.to_owned())])
    };
    assert_eq!(at("1000", 1300), Ok(()));
    assert_eq!(at("1000", 1301), Err(Refusal::Stale));
    assert_eq!(at("1000", 699), Err(Refusal::Stale));
    assert!(at("soon", 1000).is_err());
}
