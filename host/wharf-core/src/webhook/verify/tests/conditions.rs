use super::*;

fn header(name: &str, secret: &str) -> Verification {
    Verification::Header(name.into(), secret.into())
}

#[test]
fn a_webhook_without_an_applicable_check_believes_nobody() {
    let nobody = Known::secrets("key", &[]);
    let empty = webhook(Vec::new());
    assert_eq!(
        Post::of("").verify(&empty, &nobody),
        Err(Refusal::NothingApplies)
    );
}

#[test]
fn all_checks_that_apply_must_pass() {
    // 360dialog: a secret header always, and the platform's signature where it is sent.
    let spec = webhook(vec![
        always(header("x-secret", "header_secret")),
        Check {
            when: Condition::HeaderPresent("X-Signature".into()),
            verify: Verification::Mac(mac()),
        },
    ]);
    let mut known = Known::secrets("header_secret", &["told"]);
    known.secrets.push(("key", KEY.to_owned()));
    let told = Post::of("{}").header("x-secret", "told");
    assert_eq!(told.verify(&spec, &known), Ok(()));
    let right = signature(KEY, b"{}");
    let both = told.clone().header("x-signature", &right);
    assert_eq!(both.verify(&spec, &known), Ok(()));
    // A header that is there is checked, however it looks.
    for forged in ["", "\u{fffd}", "00"] {
        let post = told.clone().header("x-signature", forged);
        assert!(post.verify(&spec, &known).is_err(), "{forged}");
    }
    assert!(
        both.header("x-signature", &right)
            .verify(&spec, &known)
            .is_err()
    );
    // And it does not stand in for the one that always holds.
    let alone = Post::of("{}").header("x-signature", &right);
    assert!(alone.verify(&spec, &known).is_err());
}

#[test]
fn a_repeated_content_type_does_not_choose_the_checks() {
    let spec = webhook(vec![
        always(header("x-secret", "header_secret")),
        Check {
            when: Condition::ContentType("application/json".into()),
            verify: Verification::Mac(mac()),
        },
    ]);
    let known = Known::secrets("header_secret", &["told"]);
    let post = Post::of("{}")
        .header("x-secret", "told")
        .header("content-type", "Application/JSON ; charset=utf-8");
    assert!(matches!(
        post.verify(&spec, &known),
        Err(Refusal::HeaderMissing { header }) if header == "x-signature"
    ));
    assert!(matches!(
        post.header("Content-Type", "text/plain").verify(&spec, &known),
        Err(Refusal::HeaderMissing { header }) if header == "content-type"
    ));
}

#[test]
fn a_secret_header_is_the_secret_and_nothing_else() {
    let spec = webhook(vec![always(header("x-secret", "key"))]);
    let known = Known::secrets("key", &["old", "new", ""]);
    let told = |value: &str| Post::of("").header("X-Secret", value).verify(&spec, &known);
    assert_eq!(told("old"), Ok(()));
    assert_eq!(told("new"), Ok(()));
    for wrong in ["", "olds", "ol", "OLD", " old", "old,new", "\u{fffd}"] {
        assert_eq!(told(wrong), Err(Refusal::mismatch("x-secret")), "{wrong:?}");
    }
    assert!(Post::of("").verify(&spec, &known).is_err());
    let twice = Post::of("")
        .header("x-secret", "old")
        .header("x-secret", "old");
    assert!(twice.verify(&spec, &known).is_err());
}

#[test]
fn basic_credentials_are_both_right() {
    let basic = Verification::Basic("user".into(), "password".into());
    let spec = webhook(vec![always(basic)]);
    let mut known = Known::secrets("user", &["u"]);
    known.secrets.push(("password", "old:er".to_owned()));
    known.secrets.push(("password", "new".to_owned()));
    let told = |value: &str| {
        let post = Post::of("").header("authorization", value);
        post.verify(&spec, &known)
    };
    let of = |text: &[u8]| STANDARD.encode(text);
    for right in [
        format!("Basic {}", of(b"u:old:er")),
        format!("basic  {}", of(b"u:new")),
    ] {
        assert_eq!(told(&right), Ok(()), "{right}");
    }
    for wrong in [
        String::new(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic %%%".to_owned(),
        format!("Bearer {}", of(b"u:new")),
        format!("Basic{}", of(b"u:new")),
        format!("Basic {}", of(b"u:")),
        format!("Basic {}", of(b":new")),
        format!("Basic {}", of(b"u:new\xff")),
        format!("B\u{e4}sic {}", of(b"u:new")),
    ] {
        assert_eq!(
            told(&wrong),
            Err(Refusal::mismatch("authorization")),
            "{wrong}"
        );
    }
}

#[test]
fn a_path_proves_nothing_where_it_is_shared() {
    let spec = webhook(vec![always(Verification::PathToken)]);
    let known = Known::secrets("key", &[]);
    let mut post = Post::of("{}");
    assert_eq!(post.verify(&spec, &known), Ok(()));
    post.shared_path = true;
    assert_eq!(post.verify(&spec, &known), Err(Refusal::PathShared));
}

#[test]
fn every_header_that_carries_a_proof_is_known() {
    let spec = webhook(vec![
        always(header("x-secret", "key")),
        always(Verification::Basic("a".into(), "b".into())),
        always(Verification::PathToken),
        Check {
            when: Condition::HeaderPresent("x-other".into()),
            verify: Verification::Mac(mac()),
        },
    ]);
    for name in ["X-Secret", "authorization", "x-signature"] {
        assert!(uses_header(&spec, name), "{name}");
    }
    assert!(!uses_header(&spec, "x-other"));
}
