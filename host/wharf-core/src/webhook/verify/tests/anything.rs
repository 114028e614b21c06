use proptest::prelude::*;

use super::*;
use crate::provider::{
    BodyDigest, PublicKey, PublicKeyAlgorithm, Token, TokenAlgorithm, Verification,
};

/// One webhook for each scheme, algorithm and encoding.
fn schemes() -> Vec<WebhookSpec> {
    let over = vec![Signed::Url, Signed::FormSorted, Signed::Body];
    let mut all = vec![
        Verification::Header("x-proof".into(), "key".into()),
        Verification::Basic("key".into(), "key".into()),
    ];
    for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64url] {
        all.push(Verification::Mac(Mac {
            header: "x-proof".into(),
            separator: Some(",".into()),
            encoding,
            key_encoding: Some(encoding),
            over: over.clone(),
            ..mac()
        }));
        all.push(Verification::BodyDigest(BodyDigest {
            param: "digest".into(),
            hash: Hash::Sha512,
            encoding,
        }));
        for algorithm in [
            PublicKeyAlgorithm::Ed25519,
            PublicKeyAlgorithm::EcdsaP256Sha256,
            PublicKeyAlgorithm::RsaPkcs1Sha256,
        ] {
            all.push(Verification::PublicKey(PublicKey {
                header: "x-proof".into(),
                algorithm,
                encoding,
                key_setting: "key".into(),
                over: over.clone(),
                freshness: Some(Freshness {
                    header: "x-time".into(),
                    tolerance_s: 1,
                }),
            }));
        }
    }
    for algorithm in [
        TokenAlgorithm::Hs256,
        TokenAlgorithm::Rs256,
        TokenAlgorithm::Es256,
    ] {
        all.push(Verification::Token(Token {
            header: "x-proof".into(),
            prefix: String::new(),
            algorithm,
            key: "key".into(),
            issuer: None,
            body_hash_claim: None,
            url_hash_claim: None,
        }));
    }
    let alone = |verify| webhook(vec![always(verify)]);
    all.into_iter().map(alone).collect()
}

proptest! {
    /// Whatever comes, and whatever is configured, ends as a refusal: nobody guesses a proof.
    #[test]
    fn anything_is_refused_and_nothing_panics(
        proof in "\\PC{0,80}|[A-Za-z0-9_.=,-]{0,200}",
        time in "[0-9+-]{0,20}",
        body in prop::collection::vec(any::<u8>(), 0..100),
        fields in "[a-c=&%0-9+]{0,40}",
        url in "(https?://)?\\PC{0,40}",
        key in "k\\PC{1,60}|k[0-9a-f]{64}",
        now_s in any::<i64>(),
    ) {
        let mut known = Known::secrets("key", &[&key]);
        known.settings.push(("key", key));
        for body in [body, fields.into_bytes()] {
            let post = Post::of(body)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("authorization", &format!("Basic {proof}"))
                .header("x-proof", &proof)
                .header("x-time", &time)
                .to(&url)
                .at(now_s);
            for spec in schemes() {
                let mut post = post.clone();
                post.query.push(("digest".to_owned(), proof.clone()));
                prop_assert!(post.verify(&spec, &known).is_err(), "{:?}", spec.checks);
            }
        }
    }
}
