use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::provider::{Token, TokenAlgorithm};

/// A second before the tokens of RFC 7515 expire.
const THEN_S: i64 = 1_300_819_379;

fn token(algorithm: TokenAlgorithm) -> Token {
    Token {
        header: "authorization".into(),
        prefix: "Bearer ".into(),
        algorithm,
        key: "key".into(),
        issuer: None,
        body_hash_claim: None,
        url_hash_claim: None,
    }
}

fn hs256() -> Token {
    token(TokenAlgorithm::Hs256)
}

fn verdict(declared: Token, post: Post, keys: &[&str]) -> Result<(), Refusal> {
    let spec = webhook(vec![always(Verification::Token(declared))]);
    post.verify(&spec, &Known::secrets("key", keys))
}

fn bearing(token: &str) -> Post {
    Post::of("{}").header("authorization", &format!("Bearer {token}"))
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Signed with HS256, whatever its header says.
fn signed(header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", encode(header), encode(claims));
    let signature = digest(Hash::Sha256, KEY.as_bytes(), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claiming(claims: &Value) -> Post {
    bearing(&signed(&json!({ "alg": "HS256" }), claims))
}

fn reason(verdict: Result<(), Refusal>) -> &'static str {
    match verdict {
        Err(Refusal::Token { reason, .. }) => reason,
        other => panic!("not a refused token: {other:?}"),
    }
}

#[test]
fn known_tokens_are_believed_by_their_own_algorithm_alone() {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/signatures/tokens.json"
    ));
    let vectors: Vec<Value> = serde_json::from_str(text).expect("JSON");
    assert_eq!(vectors.len(), 4);
    for vector in &vectors {
        let own: TokenAlgorithm =
            serde_json::from_value(vector["algorithm"].clone()).expect("an algorithm");
        let key = vector["key"].as_str().expect("a key");
        let post = bearing(vector["token"].as_str().expect("a token")).at(THEN_S);
        for declared in [
            TokenAlgorithm::Hs256,
            TokenAlgorithm::Rs256,
            TokenAlgorithm::Es256,
        ] {
            let believed = verdict(token(declared), post.clone(), &[key]).is_ok();
            // The forgery is an HS256 token whose secret is a public key: it holds where a plugin
            // declares exactly that, and nowhere that the key is meant as what it is.
            let forged = vector["forged"] == true;
            let wanted = if forged {
                declared == TokenAlgorithm::Hs256
            } else {
                declared == own
            };
            assert_eq!(believed, wanted, "{} {declared:?}", vector["name"]);
        }
        let late = post.clone().at(THEN_S + 61);
        assert!(verdict(token(own), late, &[key]).is_err());
    }
}

#[test]
fn the_token_does_not_choose_its_algorithm() {
    let claims = json!({ "exp": 100 });
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "HS512" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": ["HS256"] }),
        json!({}),
    ] {
        let post = bearing(&signed(&header, &claims));
        let said = reason(verdict(hs256(), post, &[KEY]));
        assert!(said.contains("another algorithm"), "{header} {said}");
        // And without a signature at all.
        let bare = format!("{}.{}.", encode(&header), encode(&claims));
        assert!(verdict(hs256(), bearing(&bare), &[KEY]).is_err());
    }
    let critical = json!({ "alg": "HS256", "crit": ["b64"], "b64": false });
    let post = bearing(&signed(&critical, &claims));
    assert!(reason(verdict(hs256(), post, &[KEY])).contains("critical"));
}

#[test]
fn times_are_kept_with_a_minute_for_clocks() {
    let at = |claims: Value, now_s| verdict(hs256(), claiming(&claims).at(now_s), &[KEY]);
    let (exp, both) = (json!({ "exp": 1000 }), json!({ "nbf": 1000, "exp": 2000 }));
    assert_eq!(at(exp.clone(), 1059), Ok(()));
    assert_eq!(reason(at(exp, 1060)), "it has expired");
    assert_eq!(at(both.clone(), 940), Ok(()));
    assert_eq!(reason(at(both.clone(), 939)), "it is not valid yet");
    assert_eq!(at(both, 2059), Ok(()));
    assert_eq!(at(json!({ "exp": 1000.5 }), 1000), Ok(()));
    // Without an end it lives five minutes from when it was issued.
    let issued = json!({ "iat": 1000 });
    assert_eq!(at(issued.clone(), 1300), Ok(()));
    assert_eq!(at(issued.clone(), 700), Ok(()));
    assert!(at(issued.clone(), 1301).is_err());
    assert!(at(issued, 699).is_err());
    // One that never ends would be a password for whoever saw it.
    assert!(reason(at(json!({}), 1000)).contains("neither"));
    for wrong in [json!("1000"), json!(null), json!({})] {
        assert!(at(json!({ "exp": wrong }), 10).is_err());
    }
}

#[test]
fn issuer_body_and_url_must_be_the_calls() {
    let url = "https://wharf.example.com/webhooks/x/y?a=1";
    let hash = |text: &str| hex::encode(Sha256::digest(text));
    let declared = || Token {
        issuer: Some("them".into()),
        body_hash_claim: Some("payload_hash".into()),
        url_hash_claim: Some("url_hash".into()),
        ..hs256()
    };
    let right = json!({
        "exp": 100, "iss": "them", "payload_hash": hash("{}"), "url_hash": hash(url),
    });
    let post = |claims: &Value| claiming(claims).to(url);
    assert_eq!(verdict(declared(), post(&right), &[KEY]), Ok(()));
    let with = |name: &str, value: Value| {
        let mut claims = right.clone();
        claims[name] = value;
        claims
    };
    let upper = with("payload_hash", json!(hash("{}").to_uppercase()));
    assert_eq!(verdict(declared(), post(&upper), &[KEY]), Ok(()));
    let port = with(
        "url_hash",
        json!(hash("https://wharf.example.com:443/webhooks/x/y?a=1")),
    );
    assert_eq!(verdict(declared(), post(&port), &[KEY]), Ok(()));
    for name in ["iss", "payload_hash", "url_hash"] {
        for value in [
            json!(null),
            json!(""),
            json!("00"),
            json!(7),
            json!(hash("x")),
        ] {
            let wrong = with(name, value);
            assert!(
                verdict(declared(), post(&wrong), &[KEY]).is_err(),
                "{wrong}"
            );
        }
    }
    let nowhere = claiming(&right);
    assert_eq!(
        verdict(declared(), nowhere, &[KEY]),
        Err(Refusal::UrlUnknown)
    );
}

#[test]
fn a_malformed_token_is_a_refusal() {
    let good = signed(&json!({ "alg": "HS256" }), &json!({ "exp": 100 }));
    assert_eq!(verdict(hs256(), bearing(&good), &[KEY]), Ok(()));
    // The prefix is removed when it is there.
    let bare = Post::of("{}").header("authorization", &good);
    assert_eq!(verdict(hs256(), bare, &[KEY]), Ok(()));
    let by_hand = |text: &str| {
        let signature = digest(Hash::Sha256, KEY.as_bytes(), text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let header = encode(&json!({ "alg": "HS256" }));
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b".to_owned(),
        format!("{good}="),
        format!("{good}."),
        format!("x{good}"),
        "\u{1F600}.\u{1F600}.\u{1F600}".to_owned(),
        // Well signed, and still nothing that says anything.
        by_hand(""),
        by_hand("."),
        by_hand("%.%"),
        by_hand(&header),
        by_hand(&format!("{header}.")),
        by_hand(&format!("{header}.{}", URL_SAFE_NO_PAD.encode("[1]"))),
        by_hand(&format!("{header}.{}", URL_SAFE_NO_PAD.encode([0xff]))),
        by_hand(&format!(
            "{header}.{}",
            URL_SAFE_NO_PAD.encode("[".repeat(5_000))
        )),
        by_hand(&format!("{header}.{}", "e30".repeat(10_000))),
    ] {
        let refused = verdict(hs256(), bearing(&bad), &[KEY]);
        assert!(matches!(refused, Err(Refusal::Token { .. })), "{bad:.80}");
    }
    assert!(matches!(
        verdict(hs256(), bearing(&good), &["", ""]),
        Err(Refusal::SecretMissing { .. })
    ));
    assert_eq!(verdict(hs256(), bearing(&good), &["new", KEY]), Ok(()));
    assert!(matches!(
        verdict(token(TokenAlgorithm::Rs256), bearing(&good), &["no key"]),
        Err(Refusal::SecretUnreadable { .. })
    ));
}
