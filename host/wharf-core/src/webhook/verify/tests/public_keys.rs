use serde_json::Value;

use super::*;
use crate::provider::{PublicKey, PublicKeyAlgorithm};

fn vectors() -> Vec<Value> {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/signatures/public-keys.json"
    ));
    serde_json::from_str(text).expect("JSON")
}

fn algorithm(vector: &Value) -> PublicKeyAlgorithm {
    serde_json::from_value(vector["algorithm"].clone()).expect("an algorithm")
}

fn signed_with(algorithm: PublicKeyAlgorithm) -> WebhookSpec {
    webhook(vec![always(Verification::PublicKey(PublicKey {
        header: "x-signature".into(),
        algorithm,
        encoding: Encoding::Base64,
        key_setting: "public_key".into(),
        over: vec![Signed::Body],
        freshness: None,
    }))])
}

fn post_of(vector: &Value) -> Post {
    let message = hex::decode(vector["message_hex"].as_str().expect("hex")).expect("hex");
    Post::of(message).header("x-signature", vector["signature"].as_str().expect("base64"))
}

fn keys_of(vector: &Value) -> Vec<String> {
    let keys = vector["keys"].as_object().expect("keys").values();
    keys.map(|key| key.as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn known_signatures_are_believed_with_the_key_in_any_form() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 8);
    for vector in &vectors {
        let spec = signed_with(algorithm(vector));
        for key in keys_of(vector) {
            let known = Known::setting("public_key", &key);
            let name = &vector["name"];
            assert_eq!(
                post_of(vector).verify(&spec, &known),
                Ok(()),
                "{name} {key}"
            );
        }
    }
}

#[test]
fn another_body_signature_key_or_algorithm_is_refused() {
    let vectors = vectors();
    for vector in &vectors {
        let (spec, name) = (signed_with(algorithm(vector)), &vector["name"]);
        let known = Known::setting("public_key", &keys_of(vector)[0]);
        let mut body = post_of(vector);
        body.body.push(0);
        assert!(body.verify(&spec, &known).is_err(), "{name}");
        let right = STANDARD.decode(vector["signature"].as_str().expect("text"));
        let right = right.expect("base64");
        for at in 0..right.len() {
            let mut forged = right.clone();
            forged[at] ^= 1;
            let post = Post {
                headers: Vec::new(),
                ..post_of(vector)
            };
            let post = post.header("x-signature", &STANDARD.encode(forged));
            assert!(post.verify(&spec, &known).is_err(), "{name} {at}");
        }
        for junk in ["", "%%%", "AAAA", &STANDARD.encode(vec![0; 64])] {
            let post = Post {
                headers: Vec::new(),
                ..post_of(vector)
            };
            let post = post.header("x-signature", junk);
            assert!(post.verify(&spec, &known).is_err(), "{name} {junk}");
        }
        for other in vectors.iter().filter(|v| v["keys"] != vector["keys"]) {
            let known = Known::setting("public_key", &keys_of(other)[0]);
            let verdict = post_of(vector).verify(&spec, &known);
            match algorithm(other) == algorithm(vector) {
                true => assert_eq!(verdict, Err(Refusal::mismatch("x-signature")), "{name}"),
                // The key of another algorithm is not read as bytes of this one.
                false => assert!(
                    matches!(verdict, Err(Refusal::KeyUnreadable { .. })),
                    "{name}"
                ),
            }
        }
    }
}

#[test]
fn two_keys_are_live_during_a_rotation() {
    let vectors = vectors();
    let (first, second) = (&vectors[0], &vectors[1]);
    let spec = signed_with(PublicKeyAlgorithm::Ed25519);
    for form in ["pem", "base64"] {
        let text = |vector: &Value| vector["keys"][form].as_str().expect("text").to_owned();
        let known = Known::setting("public_key", &format!("{}\n{}", text(first), text(second)));
        for vector in [first, second] {
            assert_eq!(post_of(vector).verify(&spec, &known), Ok(()));
        }
        assert!(post_of(&vectors[2]).verify(&spec, &known).is_err());
        let five = vec![text(first); 5].join("\n");
        assert!(check_public_keys(PublicKeyAlgorithm::Ed25519, &five).is_err());
    }
}

#[test]
fn what_holds_no_key_says_what_to_write() {
    let vectors = vectors();
    let long = "A".repeat(20_000);
    for algorithm in [
        PublicKeyAlgorithm::Ed25519,
        PublicKeyAlgorithm::EcdsaP256Sha256,
        PublicKeyAlgorithm::RsaPkcs1Sha256,
    ] {
        for text in [
            "",
            " \n",
            "the key",
            "AAAA",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &long,
        ] {
            let refused = check_public_keys(algorithm, text);
            assert!(refused.is_err_and(|e| e.contains("public key")), "{text}");
        }
    }
    let spec = signed_with(PublicKeyAlgorithm::Ed25519);
    for known in [
        Known::secrets("public_key", &["x"]),
        Known::setting("public_key", " "),
    ] {
        assert!(matches!(
            post_of(&vectors[0]).verify(&spec, &known),
            Err(Refusal::KeyMissing { .. })
        ));
    }
}
