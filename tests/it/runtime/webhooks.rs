//! What a description may say of its webhooks: one clear problem for each mistake.

use wharf_core::provider::{
    BodyDigest, Challenge, Check, Condition, Descriptor, Encoding, Endpoint, Freshness, Hash,
    HttpMethod, Input, InputKind, Level, Mac, PublicKey, PublicKeyAlgorithm, Signed, Token,
    TokenAlgorithm, Verification, WebhookSpec,
};
use wharf_runtime::descriptor_problems;

fn input(name: &str, kind: InputKind, level: Level) -> Input {
    Input {
        name: name.to_owned(),
        kind,
        level,
        required: false,
        title: "An input".to_owned(),
        help: String::new(),
        choices: Vec::new(),
        pattern: String::new(),
        audience: Vec::new(),
    }
}

fn mac() -> Mac {
    Mac {
        header: "x-signature".to_owned(),
        prefix: "v1=".to_owned(),
        separator: Some(",".to_owned()),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        key: "app_secret".to_owned(),
        key_encoding: None,
        over: vec![Signed::Header("x-time".to_owned()), Signed::Body],
        freshness: Some(Freshness {
            header: "X-Time".to_owned(),
            tolerance_s: 300,
        }),
    }
}

fn public_key() -> PublicKey {
    PublicKey {
        header: "x-signature".to_owned(),
        algorithm: PublicKeyAlgorithm::Ed25519,
        encoding: Encoding::Base64,
        key_setting: "public_key".to_owned(),
        over: vec![Signed::Body],
        freshness: None,
    }
}

fn token() -> Token {
    Token {
        header: "authorization".to_owned(),
        prefix: "Bearer ".to_owned(),
        algorithm: TokenAlgorithm::Es256,
        key: "app_secret".to_owned(),
        issuer: Some("them".to_owned()),
        body_hash_claim: Some("body".to_owned()),
        url_hash_claim: None,
    }
}

fn digest() -> Verification {
    Verification::BodyDigest(BodyDigest {
        param: "bodySHA256".to_owned(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
    })
}

fn always(verify: Verification) -> Check {
    Check {
        when: Condition::Always,
        verify,
    }
}

fn webhook() -> WebhookSpec {
    WebhookSpec {
        name: "main".to_owned(),
        level: Level::Account,
        checks: vec![always(Verification::Mac(mac()))],
        challenge: Some(Challenge {
            require: vec![("hub.mode".to_owned(), "subscribe".to_owned())],
            token_param: "hub.verify_token".to_owned(),
            token: "app_secret".to_owned(),
            echo_param: "hub.challenge".to_owned(),
        }),
        ack_status: 200,
        ack_content_type: Some("text/xml; charset=utf-8".to_owned()),
        ack_body: "<Response/>".to_owned(),
        headers: vec!["I-Twilio-Idempotency-Token".to_owned()],
        max_body: 4 << 20,
    }
}

fn problems_of(webhooks: Vec<WebhookSpec>) -> Vec<String> {
    descriptor_problems(
        &Descriptor {
            id: "com.example.provider".to_owned(),
            name: "Example".to_owned(),
            version: "1.0.0".to_owned(),
            vendor: "Example".to_owned(),
            homepage: None,
            capabilities: Vec::new(),
            inputs: vec![
                input("sender", InputKind::Text, Level::Channel),
                input("app_secret", InputKind::Secret, Level::App),
                input("channel_secret", InputKind::Secret, Level::Channel),
                input("public_key", InputKind::Text, Level::Account),
            ],
            endpoints: vec![Endpoint {
                host: "api.example.com".to_owned(),
                methods: vec![HttpMethod::Post],
                paths: vec!["/".to_owned()],
                host_setting: None,
            }],
            webhooks,
            sender_setting: "sender".to_owned(),
            account_setting: None,
            rates: Vec::new(),
            flows: Vec::new(),
            response_headers: Vec::new(),
        },
        &[],
    )
}

#[track_caller]
fn refuses(change: impl Fn(&mut WebhookSpec), words: &str) {
    let mut spec = webhook();
    change(&mut spec);
    let problems = problems_of(vec![spec]);
    assert_eq!(problems.len(), 1, "{words}: {problems:?}");
    assert!(problems[0].contains(words), "{words}: {problems:?}");
}

#[track_caller]
fn refuses_checks(checks: Vec<Check>, words: &str) {
    refuses(|spec| spec.checks.clone_from(&checks), words);
}

#[test]
fn what_is_declared_well_is_taken() {
    let json = |verify| Check {
        when: Condition::ContentType("application/json".to_owned()),
        verify,
    };
    let url = Verification::Mac(Mac {
        over: vec![Signed::Url],
        freshness: None,
        ..mac()
    });
    let with = |name: &str, checks: Vec<Check>| WebhookSpec {
        name: name.to_owned(),
        checks,
        ..webhook()
    };
    let webhooks = vec![
        webhook(),
        with("keys", vec![always(Verification::PublicKey(public_key()))]),
        with("tokens", vec![always(Verification::Token(token()))]),
        with("twilio", vec![json(url.clone()), json(digest())]),
        with("digest", vec![always(url), json(digest())]),
        with("open", vec![always(Verification::PathToken)]),
    ];
    assert_eq!(problems_of(webhooks), Vec::<String>::new());
}

#[test]
fn a_check_names_what_exists_and_is_of_the_right_kind() {
    let key = |name: &str| {
        vec![always(Verification::Mac(Mac {
            key: name.to_owned(),
            ..mac()
        }))]
    };
    refuses_checks(
        key("absent"),
        "uses the secret `absent`, which is not declared",
    );
    refuses_checks(
        key("public_key"),
        "uses `public_key` as a secret, which it is not",
    );
    refuses_checks(key("channel_secret"), "belongs to a narrower level");
    let setting = |name: &str| {
        vec![always(Verification::PublicKey(PublicKey {
            key_setting: name.to_owned(),
            ..public_key()
        }))]
    };
    refuses_checks(
        setting("absent"),
        "uses the setting `absent`, which is not declared",
    );
    refuses_checks(
        setting("app_secret"),
        "uses `app_secret` as a setting, which it is not",
    );
    refuses_checks(setting("sender"), "belongs to a narrower level");
    let header = Verification::Header("x secret".to_owned(), "app_secret".to_owned());
    refuses_checks(vec![always(header)], "checks an unfit header name");
    let basic = Verification::Basic("app_secret".to_owned(), "absent".to_owned());
    refuses_checks(vec![always(basic)], "`absent`");
}

#[test]
fn a_check_proves_what_it_seems_to() {
    let mac_with = |change: fn(&mut Mac)| {
        let mut mac = mac();
        change(&mut mac);
        vec![always(Verification::Mac(mac))]
    };
    for (change, words) in [
        (
            (|mac| mac.header.clear()) as fn(&mut Mac),
            "MAC in an unfit header name",
        ),
        (|mac| mac.separator = Some(String::new()), "empty separator"),
        (|mac| mac.prefix = "v".repeat(257), "more than 256 bytes"),
        (
            |mac| mac.over = vec![Signed::Body],
            "does not cover; add its header",
        ),
        (
            |mac| mac.over.push(Signed::Header("a b".to_owned())),
            "signs an unfit header",
        ),
        (
            |mac| mac.over.push(Signed::Text("v".repeat(257))),
            "more than 256 bytes",
        ),
        (|mac| mac.over.extend(vec![Signed::Body; 16]), "at most 16"),
        (
            |mac| {
                mac.freshness = None;
                mac.over = vec![Signed::Text("x".to_owned())];
            },
            "over nothing of the call",
        ),
    ] {
        refuses_checks(mac_with(change), words);
    }
    for tolerance_s in [0, 86_401] {
        let mac = Mac {
            freshness: Some(Freshness {
                header: "x-time".to_owned(),
                tolerance_s,
            }),
            ..mac()
        };
        let checks = vec![always(Verification::Mac(mac))];
        refuses_checks(checks, "1 second to one day");
    }
    let nothing = PublicKey {
        over: Vec::new(),
        ..public_key()
    };
    let checks = vec![always(Verification::PublicKey(nothing))];
    refuses_checks(checks, "has a signature over nothing of the call");
    let anonymous = Token {
        issuer: Some(String::new()),
        ..token()
    };
    let checks = vec![always(Verification::Token(anonymous))];
    refuses_checks(checks, "empty or long issuer");
    // Anybody can compute a digest.
    let alone = vec![always(Verification::Mac(mac())), always(digest())];
    refuses_checks(alone, "without a check over the url");
    let json = Check {
        when: Condition::ContentType("application/json".to_owned()),
        verify: Verification::Mac(Mac {
            over: vec![Signed::Url],
            freshness: None,
            ..mac()
        }),
    };
    refuses_checks(vec![json, always(digest())], "without a check over the url");
}

#[test]
fn a_condition_does_not_let_the_sender_choose() {
    let when = |when| Check {
        when,
        verify: Verification::Mac(mac()),
    };
    let present = |name: &str| when(Condition::HeaderPresent(name.to_owned()));
    refuses_checks(
        vec![present("x-signature")],
        "without an always check beside it",
    );
    let path = || always(Verification::PathToken);
    refuses_checks(
        vec![path(), present("a b")],
        "waits for an unfit header name",
    );
    for unfit in ["", "json", "application/json; charset=utf-8", "a/b\n"] {
        let check = when(Condition::ContentType(unfit.to_owned()));
        refuses_checks(vec![check], "waits for an unfit content type");
    }
    refuses_checks(Vec::new(), "has no check");
    refuses_checks((0..17).map(|_| path()).collect(), "at most 16");
}

#[test]
fn name_answer_size_and_handshake_are_fit() {
    for (change, words) in [
        (
            (|spec| spec.name = "Main".to_owned()) as fn(&mut WebhookSpec),
            "must have a name of",
        ),
        (|spec| spec.ack_status = 199, "from 200 to 299"),
        (|spec| spec.ack_status = 302, "from 200 to 299"),
        (|spec| spec.ack_status = 204, "a status that has no body"),
        (
            |spec| spec.ack_body = "x".repeat(4 * 1024 + 1),
            "more than 4 KiB",
        ),
        (
            |spec| spec.ack_content_type = Some("xml".to_owned()),
            "unfit content type",
        ),
        (
            |spec| spec.ack_content_type = Some("a/b\r\nx: y".to_owned()),
            "unfit content type",
        ),
        (|spec| spec.max_body = 0, "1 byte to 4 MiB"),
        (|spec| spec.max_body = (4 << 20) + 1, "1 byte to 4 MiB"),
        (
            |spec| spec.headers = vec!["a b".to_owned()],
            "no header name",
        ),
        (
            |spec| spec.headers = vec!["Cookie".to_owned()],
            "no plugin may see",
        ),
    ] {
        refuses(change, words);
    }
    let challenge = |change: fn(&mut Challenge), words| {
        refuses(|spec| change(spec.challenge.as_mut().unwrap()), words);
    };
    challenge(|c| c.token = "absent".to_owned(), "`absent`");
    challenge(|c| c.token_param.clear(), "fit names of its parameters");
    challenge(
        |c| c.echo_param = "a b".to_owned(),
        "fit names of its parameters",
    );
    challenge(
        |c| c.echo_param.clone_from(&c.token_param),
        "echo its own token",
    );
    challenge(
        |c| c.require = vec![("".to_owned(), "x".to_owned())],
        "unfit name or value",
    );
    challenge(
        |c| c.require = vec![(c.token_param.clone(), "x".to_owned())],
        "unfit name or value",
    );
    let twice = problems_of(vec![webhook(), webhook()]);
    assert!(twice[0].contains("names `main` twice"), "{twice:?}");
}
