//! Secrets on the wire, in the journal and outside of their audience.

use super::*;

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
        return_url: None,
        media: Arc::new(Links),
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
        assert_eq!(
            assembly
                .render(&[piece], Signable::Unfinished)
                .unwrap()
                .wire,
            expected
        );
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
fn no_live_value_of_a_secret_comes_back_whether_it_was_sent_or_not() {
    struct Rotating;
    impl Secrets for Rotating {
        fn get(&self, name: &str) -> Option<SecretString> {
            self.live(name).into_iter().next()
        }
        fn live(&self, name: &str) -> Vec<SecretString> {
            let values: &[&str] = match name {
                "token" => &["token-newest-value", "token-before-it", "token-of-a-slot"],
                _ => &[],
            };
            values.iter().map(|v| SecretString::from(*v)).collect()
        }
    }
    let descriptor = descriptor();
    let grant = Grant {
        descriptor: &descriptor,
        settings: &[],
        secrets: &Rotating,
        webhook_url: &|_| None,
        return_url: None,
        media: Arc::new(Links),
    };
    let prepared = prepare(&EgressConfig::default(), &exchange(), &grant).unwrap();
    let text = "token-newest-value token-before-it token-of-a-slot";
    let clean = prepared.redactor.text(text);
    assert_eq!(clean, "[secret token] [secret token] [secret token]");
}
