//! Which changes of a webhook's proof of origin an operator must say yes to.

use serde_json::json;
use wharf::plugins::Permissions;

fn permissions(json: serde_json::Value) -> Permissions {
    serde_json::from_value(json).unwrap()
}

fn webhook(scheme: &str, details: serde_json::Value) -> Permissions {
    let check = json!({ "when": "always", "scheme": scheme, "details": details });
    permissions(
        json!({ "webhooks": { "main": { "level": "app", "checks": [check], "headers": [] } } }),
    )
}

#[test]
fn a_weaker_proof_of_origin_is_more() {
    let details = json!({ "hash": "sha256", "over": ["url", "body"], "freshness": { "header": "t", "tolerance_s": 300 } });
    let approved = webhook("mac", details.clone());
    let with = |key: &str, value: serde_json::Value| {
        let mut changed = details.clone();
        changed[key] = value;
        webhook("mac", changed).beyond(&approved)
    };
    assert_eq!(with("hash", json!("sha512")), [""; 0]);
    assert!(with("hash", json!("sha1"))[0].contains("\"sha256\" -> \"sha1\" (weaker)"));
    assert!(with("over", json!(["url"]))[0].contains("no longer covers \"body\""));
    assert!(with("freshness", json!(null))[0].contains("without a replay window"));
    assert!(
        with("freshness", json!({ "header": "t", "tolerance_s": 3000 }))[0]
            .contains("300 s -> 3000 s")
    );
    assert_eq!(
        with("freshness", json!({ "header": "t", "tolerance_s": 30 })),
        [""; 0]
    );
    assert_eq!(
        webhook("public-key", json!({})).beyond(&approved),
        ["webhook main: mac -> public-key (another proof)"]
    );
    for weaker in [
        "header",
        "basic",
        "path-token",
        "body-digest",
        "something-new",
    ] {
        let more = webhook(weaker, json!({})).beyond(&approved);
        assert_eq!(more, [format!("webhook main: mac -> {weaker} (weaker)")]);
    }
}

#[test]
fn another_proof_of_origin_is_more_unless_it_is_known_to_be_stricter() {
    let details = json!({ "header": "x-sig", "prefix": "", "hash": "sha256", "encoding": "hex", "key": "secret", "over": ["body"] });
    let check = |when: &str, details: &serde_json::Value| json!({ "when": when, "scheme": "mac", "details": details });
    let with = |checks: serde_json::Value| {
        permissions(
            json!({ "webhooks": { "main": { "level": "app", "checks": checks, "headers": [], "body_bytes_max": 1000 } } }),
        )
    };
    let approved = with(json!([check("always", &details)]));
    for (key, value) in [
        ("header", json!("x-other")),
        ("prefix", json!("v1=")),
        ("encoding", json!("base64")),
        ("key", json!("weak")),
        ("key_encoding", json!("hex")),
        ("separator", json!(",")),
        ("over", json!(["url", "body"])),
        ("hash", json!("new-hash")),
    ] {
        let mut changed = details.clone();
        changed[key] = value;
        let more = with(json!([check("always", &changed)])).beyond(&approved);
        assert_eq!(more.len(), 1, "{key}: {more:?}");
        assert!(more[0].starts_with("webhook main: mac "), "{key}: {more:?}");
    }
    let mut same = details.clone();
    same["separator"] = json!(null);
    let mut fresh = details.clone();
    fresh["freshness"] = json!({ "header": "t", "tolerance_s": 300 });
    let token = json!({ "when": "always", "scheme": "path-token", "details": null });
    for stricter in [
        json!([check("always", &same)]),
        json!([check("always", &fresh)]),
        json!([check("always", &details), token]),
        json!([token, check("always", &details)]),
    ] {
        assert_eq!(
            with(stricter.clone()).beyond(&approved),
            [""; 0],
            "{stricter}"
        );
    }
    let mut elsewhere = fresh.clone();
    elsewhere["freshness"] = json!({ "header": "other", "tolerance_s": 30 });
    let more =
        with(json!([check("always", &elsewhere)])).beyond(&with(json!([check("always", &fresh)])));
    assert_eq!(
        more,
        ["webhook main: mac differs in freshness (another proof)"]
    );
}

#[test]
fn another_condition_is_another_way_in() {
    let check = |when: serde_json::Value, scheme: &str| json!({ "when": when, "scheme": scheme, "details": { "key": "k" } });
    let with = |checks: serde_json::Value| {
        permissions(
            json!({ "webhooks": { "main": { "level": "app", "checks": checks, "headers": [] } } }),
        )
    };
    let signed = json!({ "header-present": "x-sig" });
    let approved = with(json!([check(signed.clone(), "mac")]));
    let bound = with(json!([check(json!({ "header-present": "x-b" }), "mac")]));
    assert_eq!(
        bound.beyond(&approved),
        ["webhook main: mac applies under another condition"]
    );
    let beside = with(json!([
        check(signed.clone(), "mac"),
        check(json!({ "content-type": "text/plain" }), "mac"),
    ]));
    assert_eq!(
        beside.beyond(&approved),
        ["webhook main: calls that no check took before pass by mac"]
    );
    let both = with(json!([
        check(signed.clone(), "mac"),
        check(signed, "token")
    ]));
    assert_eq!(both.beyond(&approved), [""; 0], "both must pass");
}

#[test]
fn a_challenge_and_a_larger_body_are_more() {
    let with = |challenge: serde_json::Value, bytes: u32| {
        let check = json!({ "when": "always", "scheme": "mac", "details": { "key": "k" } });
        permissions(json!({ "webhooks": { "main": {
            "level": "app", "checks": [check], "headers": [], "challenge": challenge, "body_bytes_max": bytes,
        } } }))
    };
    let challenge =
        json!({ "require": [], "token_param": "t", "token": "verify", "echo_param": "e" });
    let mut other = challenge.clone();
    other["token"] = json!("public");
    let (none, approved) = (with(json!(null), 1000), with(challenge.clone(), 1000));
    assert_eq!(
        approved.beyond(&none),
        ["+ webhook main answers a challenge proven by the secret verify"]
    );
    assert_eq!(
        with(other, 1000).beyond(&approved),
        ["webhook main: its challenge differs in token"]
    );
    assert_eq!(none.beyond(&approved), [""; 0], "no challenge is less");
    assert_eq!(
        with(challenge.clone(), 1001).beyond(&approved),
        ["webhook main: bodies of 1000 -> 1001 bytes"]
    );
    assert_eq!(with(challenge, 999).beyond(&approved), [""; 0]);
}
