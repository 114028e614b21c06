//! What an operator must say yes to, and what the lock says afterwards.

use std::collections::BTreeSet;

use serde_json::json;
use wharf::plugins::Permissions;
use wharf::plugins::install::{
    InstallError, Order, Verdict, approve, check_name, drop_pending, judge, let_wait,
    put_in_service, reject, remove, rollback,
};
use wharf::plugins::lock::Lock;

use super::{ACTOR, candidate};

fn permissions(json: serde_json::Value) -> Permissions {
    serde_json::from_value(json).unwrap()
}

fn reach(host: &str, method: &str, path: &str) -> serde_json::Value {
    json!({ "host": host, "method": method, "path": path })
}

fn endpoints(all: &[serde_json::Value]) -> Permissions {
    permissions(json!({ "endpoints": all }))
}

#[test]
fn a_pattern_covers_what_lies_within_it() {
    let cases = [
        (
            ("api.example.com", "/v1/"),
            ("api.example.com", "/v1/messages"),
            true,
        ),
        (
            ("api.example.com", "/v1/"),
            ("api.example.com", "/v1"),
            false,
        ),
        (
            ("api.example.com", "/v1/"),
            ("api.example.com", "/v10/x"),
            false,
        ),
        (
            ("api.example.com", "/"),
            ("api.example.com", "/anything/at/all"),
            true,
        ),
        (
            ("api.example.com", "/{v}/send"),
            ("api.example.com", "/v2/send"),
            true,
        ),
        (
            ("api.example.com", "/{v}/send"),
            ("api.example.com", "/{other}/send"),
            true,
        ),
        (
            ("api.example.com", "/v1/send"),
            ("api.example.com", "/{v}/send"),
            false,
        ),
        (
            ("api.example.com", "/v1/send"),
            ("api.example.com", "/v1/send/"),
            false,
        ),
        (("*.example.com", "/v1/"), ("eu.example.com", "/v1/"), true),
        (
            ("*.example.com", "/v1/"),
            ("*.eu.example.com", "/v1/"),
            true,
        ),
        (("*.example.com", "/v1/"), ("example.com", "/v1/"), false),
        (
            ("*.example.com", "/v1/"),
            ("evil-example.com", "/v1/"),
            false,
        ),
        (("eu.example.com", "/v1/"), ("*.example.com", "/v1/"), false),
    ];
    for ((host, path), (other_host, other_path), covered) in cases {
        let approved = endpoints(&[reach(host, "POST", path)]);
        let asked = endpoints(&[reach(other_host, "POST", other_path)]);
        let more = asked.beyond(&approved);
        assert_eq!(
            more.is_empty(),
            covered,
            "{host}{path} and {other_host}{other_path}: {more:?}"
        );
    }
}

#[test]
fn what_is_new_is_said_in_words() {
    let approved = permissions(json!({
        "endpoints": [reach("api.example.com", "GET", "/v1/")],
        "secrets": { "token": ["api.example.com"] },
        "webhooks": { "main": { "level": "app", "checks": [{ "when": "always", "scheme": "mac", "details": {} }] } },
        "response_headers": ["x-id"], "interfaces": [],
    }));
    let asked = permissions(json!({
        "endpoints": [reach("api.example.com", "GET", "/v1/"), reach("api.example.com", "POST", "/v1/"),
                      { "host": "*.example.net", "host_setting": "region", "method": "GET", "path": "/" }],
        "secrets": { "token": ["api.example.com", "other.example.com"], "quiet": [] },
        "webhooks": { "main": { "level": "app", "checks": [{ "when": "always", "scheme": "path-token", "details": null }], "headers": ["x-a"] },
                      "second": { "level": "channel", "checks": [{ "when": "always", "scheme": "mac", "details": {} }] } },
        "response_headers": ["x-id", "x-other"], "interfaces": ["media"],
    }));
    let more = asked.beyond(&approved);
    let wanted = [
        "+ host *.example.net GET / (host from the setting region)",
        "+ host api.example.com POST /v1/",
        "+ secret quiet (sent nowhere)",
        "+ secret token may go to other.example.com",
        "webhook main: mac -> path-token (weaker)",
        "+ webhook main shows the header x-a",
        "+ webhook second (channel, mac)",
        "+ reads the response header x-other",
        "+ interface media",
    ];
    assert_eq!(more, wanted);
    let other = ["webhook main: path-token -> mac (another proof)"];
    assert_eq!(approved.beyond(&asked), other, "narrower is no more");
    assert_eq!(asked.beyond(&asked), [""; 0]);
}

#[test]
fn a_control_character_in_a_path_is_shown_and_not_sent_to_the_terminal() {
    let asked = endpoints(&[reach("api.example.com", "GET", "/\u{1b}[2J")]);
    let lines = asked.lines();
    assert!(
        lines[0].contains("\\u{1b}") && !lines[0].contains('\u{1b}'),
        "{lines:?}"
    );
}

#[test]
fn the_first_version_needs_a_yes_and_the_next_one_does_not() {
    let mut lock = Lock::default();
    let narrow = endpoints(&[reach("api.example.com", "GET", "/v1/a")]);
    let wide = endpoints(&[reach("api.example.com", "GET", "/v1/")]);
    let first = candidate(1, "1.0.0", wide.clone());
    let asks = vec!["+ host api.example.com GET /v1/".to_owned()];
    assert_eq!(
        judge(&lock, "test", &first, false).unwrap(),
        Verdict::First { asks }
    );
    put_in_service(&mut lock, "test", first.clone(), ACTOR);
    assert_eq!(
        judge(&lock, "test", &first, false).unwrap(),
        Verdict::Unchanged
    );

    let second = candidate(2, "1.1.0", narrow.clone());
    let order = Order::Newer;
    assert_eq!(
        judge(&lock, "test", &second, false).unwrap(),
        Verdict::Upgrade { order }
    );
    put_in_service(&mut lock, "test", second, ACTOR);
    let entry = &lock.plugins["test"];
    assert_eq!(entry.approved.permissions, narrow);
    assert_eq!(entry.previous[0].version, first.version);

    // What a version gave up must be approved again.
    let third = candidate(3, "1.0.5", wide);
    let Verdict::Waits { reasons, order } = judge(&lock, "test", &third, false).unwrap() else {
        panic!("it asks for more");
    };
    assert_eq!(
        (reasons.as_slice(), order),
        (
            ["+ host api.example.com GET /v1/".to_owned()].as_slice(),
            Order::Older
        )
    );
}

#[test]
fn what_asks_for_more_waits_until_that_very_version_is_approved() {
    let mut lock = Lock::default();
    put_in_service(
        &mut lock,
        "test",
        candidate(1, "1.0.0", Permissions::default()),
        ACTOR,
    );
    assert!(matches!(
        approve(&mut lock, "test", None, ACTOR),
        Err(InstallError::NothingPending(_))
    ));
    let wide = candidate(2, "2.0.0", endpoints(&[reach("a.example.com", "GET", "/")]));
    let_wait(&mut lock, "test", wide.clone(), vec!["+ more".to_owned()]);
    assert_eq!(lock.plugins["test"].current.version, "1.0.0");
    let other = approve(&mut lock, "test", Some("abcdef"), ACTOR).unwrap_err();
    assert!(
        matches!(other, InstallError::OtherPending { .. }),
        "{other}"
    );
    assert!(lock.plugins["test"].pending.is_some(), "it goes on waiting");
    let short = wide.version.digest.short();
    assert_eq!(
        approve(&mut lock, "test", Some(&short), ACTOR).unwrap(),
        wide.version
    );
    let entry = &lock.plugins["test"];
    assert_eq!(
        (&entry.current, entry.pending.is_none()),
        (&wide.version, true)
    );
    assert_eq!(entry.approved.permissions, wide.permissions);
    assert_eq!(entry.approved.by, "alice");
    let_wait(
        &mut lock,
        "test",
        candidate(3, "3.0.0", Permissions::default()),
        Vec::new(),
    );
    assert!(drop_pending(&mut lock, "test") && !drop_pending(&mut lock, "test"));
}

#[test]
fn other_bytes_under_a_known_version_and_another_plugin_are_told() {
    let mut lock = Lock::default();
    put_in_service(
        &mut lock,
        "test",
        candidate(1, "1.0.0", Permissions::default()),
        ACTOR,
    );
    let lying = candidate(2, "1.0.0", Permissions::default());
    assert_eq!(
        judge(&lock, "test", &lying, false).unwrap(),
        Verdict::SameVersion
    );
    let mut other = candidate(3, "1.1.0", Permissions::default());
    other.id = "com.example.other".to_owned();
    let error = judge(&lock, "test", &other, true).unwrap_err();
    assert!(error.to_string().contains("--name"), "{error}");
    let copy = candidate(4, "1.1.0", Permissions::default());
    let error = judge(&lock, "elsewhere", &copy, false).unwrap_err();
    assert!(
        matches!(error, InstallError::KnownElsewhere { .. }),
        "{error}"
    );
    assert!(matches!(
        judge(&lock, "elsewhere", &copy, true).unwrap(),
        Verdict::First { .. }
    ));
}

#[test]
fn going_back_takes_the_old_approval_along_and_history_is_bounded() {
    let mut lock = Lock::default();
    let none = InstallError::NothingPrevious("test".to_owned());
    for number in 1..=9 {
        put_in_service(
            &mut lock,
            "test",
            candidate(number, &format!("1.{number}.0"), Permissions::default()),
            ACTOR,
        );
        if number == 1 {
            assert_eq!(rollback(&mut lock, "test", None).unwrap_err(), none);
        }
    }
    let versions = |lock: &Lock| -> Vec<String> {
        let previous = &lock.plugins["test"].previous;
        previous
            .iter()
            .map(|it| it.version.version.clone())
            .collect()
    };
    assert_eq!(
        versions(&lock),
        ["1.8.0", "1.7.0", "1.6.0", "1.5.0", "1.4.0"]
    );
    assert_eq!(rollback(&mut lock, "test", None).unwrap().version, "1.8.0");
    assert_eq!(versions(&lock)[0], "1.9.0");
    let digest = lock.plugins["test"].previous[3].version.digest;
    assert_eq!(
        rollback(&mut lock, "test", Some(&digest.to_string()))
            .unwrap()
            .digest,
        digest
    );
    let unknown = rollback(&mut lock, "test", Some("sha256:ffffff")).unwrap_err();
    assert!(unknown.to_string().contains("there are: "), "{unknown}");
    let all: BTreeSet<_> = lock.plugins["test"].digests().collect();
    assert_eq!(all.len(), 6, "each once");
    assert_eq!(remove(&mut lock, "test").unwrap().id, "dev.wharf.test");
    let gone = remove(&mut lock, "test").unwrap_err();
    assert!(gone.to_string().contains("wharf plugin add"), "{gone}");
}

#[test]
fn what_waits_can_be_rejected_and_what_came_back_waits_no_more() {
    let mut lock = Lock::default();
    let version = |number| candidate(number, &format!("1.{number}.0"), Permissions::default());
    put_in_service(&mut lock, "test", version(1), ACTOR);
    let nothing = InstallError::NothingPending("test".to_owned());
    assert_eq!(reject(&mut lock, "test", None).unwrap_err(), nothing);
    let_wait(&mut lock, "test", version(2), vec!["+ more".to_owned()]);
    let other = reject(&mut lock, "test", Some("sha256:ffffff")).unwrap_err();
    assert!(
        matches!(other, InstallError::OtherPending { .. }),
        "{other}"
    );
    assert!(lock.plugins["test"].pending.is_some(), "it still waits");
    assert_eq!(reject(&mut lock, "test", None).unwrap().version, "1.2.0");
    assert_eq!(reject(&mut lock, "test", None).unwrap_err(), nothing);
    assert_eq!(lock.plugins["test"].current.version, "1.1.0");

    put_in_service(&mut lock, "test", version(3), ACTOR);
    let_wait(
        &mut lock,
        "test",
        version(1),
        vec!["it is older".to_owned()],
    );
    assert_eq!(rollback(&mut lock, "test", None).unwrap().version, "1.1.0");
    assert_eq!(lock.plugins["test"].pending, None, "it is in service");
}

#[test]
fn a_name_is_safe_in_paths_and_keys() {
    for good in ["graph", "dialog360", "my-provider_2"] {
        check_name(good).unwrap();
    }
    for bad in [
        "",
        "Graph",
        "../x",
        "a/b",
        "-x",
        "a.b",
        "ä",
        &"x".repeat(65),
    ] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
}
