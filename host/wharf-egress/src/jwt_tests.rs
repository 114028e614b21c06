use super::*;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Private keys of one run, made by `openssl`: none belongs in a repository.
struct Keys {
    folder: tempfile::TempDir,
    rsa_pkcs8: String,
    rsa_pkcs1: String,
    p256_pkcs8: String,
    p256_sec1: String,
    p384: String,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let (rsa, p256, p384) = (at("rsa"), at("p256"), at("p384"));
        let curve = |name: &str| format!("ec_paramgen_curve:{name}");
        openssl(
            &format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out {rsa}"),
            b"",
        );
        openssl(
            &format!(
                "genpkey -algorithm EC -pkeyopt {} -out {p256}",
                curve("P-256")
            ),
            b"",
        );
        openssl(
            &format!(
                "genpkey -algorithm EC -pkeyopt {} -out {p384}",
                curve("P-384")
            ),
            b"",
        );
        let read = |name: &str| std::fs::read_to_string(name).unwrap();
        let older = |name: &str| {
            String::from_utf8(openssl(&format!("pkey -in {name} -traditional"), b"")).unwrap()
        };
        Self {
            rsa_pkcs8: read(&rsa),
            rsa_pkcs1: older(&rsa),
            p256_pkcs8: read(&p256),
            p256_sec1: older(&p256),
            p384: older(&p384),
            folder,
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests hold our tokens against `openssl`: install it");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments}");
    output.stdout
}

/// What `openssl` makes of the first two parts of a token with an RSA key.
fn rs256_by_openssl(key: &Path, token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    let sign = format!("dgst -sha256 -sign {}", key.display());
    let signature = URL_SAFE_NO_PAD.encode(openssl(&sign, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The public half of a P-256 key: the point at the end of its DER form.
fn p256_public(key: &Path) -> Vec<u8> {
    const POINT_BYTES: usize = 65;
    let der = openssl(
        &format!("pkey -in {} -pubout -outform DER", key.display()),
        b"",
    );
    der[der.len() - POINT_BYTES..].to_vec()
}

const HEADER: &str = r#"{"typ":"JWT","kid":"k1"}"#;
const CLAIMS: &str = r#"{"iss": "app", "exp": 1700000000}"#;

/// Made with `openssl dgst` from the same key, header and claims.
const HS256_BY_OPENSSL: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJleHAiOjE3MDAwMDAwMDAsImlzcyI6ImFwcCJ9.5l8Zvm1bc1dWJEKnRVGah9qG5BG0naYjb-q2YiWqHuY";
/// The first two parts of what these header and claims become, by hand.
const RS256_SIGNED: &str =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJleHAiOjE3MDAwMDAwMDAsImlzcyI6ImFwcCJ9.";

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
    let keys = Keys::new();
    for key in [&keys.rsa_pkcs8, &keys.rsa_pkcs1] {
        let token = with(JwtAlgorithm::Rs256, key, HEADER, CLAIMS).unwrap();
        assert!(token.starts_with(RS256_SIGNED), "{token}");
        assert_eq!(token, rs256_by_openssl(&keys.path("rsa"), &token));
    }
}

#[test]
fn es256_verifies_in_its_fixed_form() {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let keys = Keys::new();
    let public = p256_public(&keys.path("p256"));
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
    for key in [&keys.p256_pkcs8, &keys.p256_sec1] {
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
    let keys = Keys::new();
    let garbled = keys.rsa_pkcs8.replace('M', "N");
    for (algorithm, key) in [
        (JwtAlgorithm::Rs256, "not a key"),
        (JwtAlgorithm::Rs256, &keys.p256_pkcs8),
        (JwtAlgorithm::Rs256, &garbled),
        (JwtAlgorithm::Es256, &keys.rsa_pkcs8),
        (JwtAlgorithm::Es256, &keys.p384),
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
