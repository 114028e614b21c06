use super::*;

const RSA_PKCS8: &str = include_str!("jwt_keys/rsa-pkcs8.pem");
const RSA_PKCS1: &str = include_str!("jwt_keys/rsa-pkcs1.pem");
const P256_PKCS8: &str = include_str!("jwt_keys/p256-pkcs8.pem");
const P256_SEC1: &str = include_str!("jwt_keys/p256-sec1.pem");
const P384: &str = include_str!("jwt_keys/p384-sec1.pem");

/// The public half of the P-256 key, as `openssl ec -pubout` gives it.
const P256_PUBLIC: &str = "042f437eb0d868dcf454284b3f199635dc0cc7e4b8589a0c0b003f34e127e621405e52d9e2b566f15cc8568dda9f52a3a4ec8b743cda42b66efa6e06dea1825773";

const HEADER: &str = r#"{"typ":"JWT","kid":"k1"}"#;
const CLAIMS: &str = r#"{"iss": "app", "exp": 1700000000}"#;

/// Both were made with `openssl dgst` from the same key, header and claims.
const HS256_BY_OPENSSL: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJleHAiOjE3MDAwMDAwMDAsImlzcyI6ImFwcCJ9.5l8Zvm1bc1dWJEKnRVGah9qG5BG0naYjb-q2YiWqHuY";
const RS256_BY_OPENSSL: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJleHAiOjE3MDAwMDAwMDAsImlzcyI6ImFwcCJ9.n7A9C5VtPj4ossrfqfpOxCmcd0a1JigphdJ-D0rAJBRNCHT68INNHaFGf4Fc1IVg4MAJt_yE40niu6wDOSozmrrUBWIxRohFhzmhJNp41qBEzy2TioMFFiGm3PNx_CRxjznG4CbFa-iOhzva-LFGbg8PKanKP4BmvRaHukdExCNBlSVpxSgmmGJKixwNthalkoYpnElVKIZRi6Lji7nZD1o3qKB4ZYc-AGRUM01dc0nfFoNWh2AbaHkhs9JAZDzZvhAtjI2VvIMsO8GUe730YA_yzI-I-tKnASk5ZiYBtL_j5AlzHd2E68Rm1bFKnpZCsO-DEFohMm4HjinUylY3aw";

fn with(
    algorithm: JwtAlgorithm,
    key: &str,
    header: &str,
    claims: &str,
) -> Result<String, &'static str> {
    let jwt = Jwt {
        key: "key".to_owned(),
        algorithm,
        header: header.to_owned(),
        claims: claims.to_owned(),
    };
    sign(&jwt, key)
}

#[test]
fn hs256_and_rs256_are_what_openssl_computes() {
    let token = with(JwtAlgorithm::Hs256, "a-shared-secret", HEADER, CLAIMS);
    assert_eq!(token.as_deref(), Ok(HS256_BY_OPENSSL));
    for key in [RSA_PKCS8, RSA_PKCS1] {
        let token = with(JwtAlgorithm::Rs256, key, HEADER, CLAIMS);
        assert_eq!(token.as_deref(), Ok(RS256_BY_OPENSSL));
    }
}

#[test]
fn es256_verifies_in_its_fixed_form() {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let public =
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, hex::decode(P256_PUBLIC).unwrap());
    for key in [P256_PKCS8, P256_SEC1] {
        // The numbers are random and now and then shorter than 32 bytes.
        for _ in 0..300 {
            let token = with(JwtAlgorithm::Es256, key, HEADER, CLAIMS).unwrap();
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert_eq!(signature.len(), 64);
            public.verify(signed.as_bytes(), &signature).unwrap();
            let (header, claims) = signed.split_once('.').unwrap();
            let read = |part: &str| -> Value {
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
            };
            assert_eq!(read(header)["alg"], "ES256");
            assert_eq!(read(header)["kid"], "k1");
            assert_eq!(read(claims)["exp"], 1_700_000_000);
        }
    }
}

#[test]
fn the_host_alone_chooses_the_algorithm() {
    let hs256 = |header: &str, claims: &str| with(JwtAlgorithm::Hs256, "key", header, claims);
    assert!(hs256(r#"{"alg":"HS256"}"#, "{}").is_ok());
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"b64":false,"crit":["b64"]}"#,
        r#"{"crit":[]}"#,
        "[]",
        "\"text\"",
        "{",
        "{} {}",
        "",
    ] {
        assert!(hs256(header, "{}").is_err(), "{header}");
    }
    for claims in ["[]", "null", "{\"a\":}", "", "7"] {
        assert!(hs256("{}", claims).is_err(), "{claims}");
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000));
    assert!(hs256("{}", &long).is_err());
}

#[test]
fn a_key_of_another_kind_is_refused_and_not_quoted() {
    let garbled = RSA_PKCS8.replace('M', "N");
    for (algorithm, key) in [
        (JwtAlgorithm::Rs256, "not a key"),
        (JwtAlgorithm::Rs256, P256_PKCS8),
        (JwtAlgorithm::Rs256, &garbled),
        (JwtAlgorithm::Es256, RSA_PKCS8),
        (JwtAlgorithm::Es256, P384),
        (JwtAlgorithm::Es256, ""),
    ] {
        let reason = with(algorithm, key, "{}", "{}").unwrap_err();
        assert!(reason.contains("private key"), "{reason}");
    }
}

#[test]
fn a_short_number_is_padded_and_a_malformed_signature_refused() {
    let short = [0x30, 7, 2, 1, 5, 2, 2, 0, 0x80];
    let mut expected = vec![0; 64];
    (expected[31], expected[63]) = (5, 0x80);
    assert_eq!(fixed(&short), Some(expected));
    for der in [
        &[][..],
        &[0x30, 0],
        &[0x30, 6, 2, 1, 5, 2, 1],
        &[0x30, 6, 2, 1, 5, 2, 1, 1, 9],
        &[0x31, 6, 2, 1, 5, 2, 1, 1],
        &[0x30, 6, 2, 1, 5, 3, 1, 1],
        &[0x30, 5, 2, 9, 5, 2, 1],
    ] {
        assert_eq!(fixed(der), None, "{der:?}");
    }
}
