//! What the host is told, checked where a mistake would open or close a door.

use wharf_plugin::manifest::{Condition, Kind, Verification};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, HttpMethod, Level};
use wharf_plugin_graph::Graph;

#[test]
fn meta_is_all_that_is_reached() {
    let descriptor = Graph::describe();
    let may = |host: &str, method, path: &str| {
        descriptor.endpoints.iter().any(|endpoint| {
            endpoint.host == host
                && endpoint.host_setting.is_none()
                && endpoint.methods.contains(&method)
                && endpoint.paths.iter().any(|known| known == path)
        })
    };
    for (host, method, path) in [
        (
            "graph.facebook.com",
            HttpMethod::Post,
            "/{version}/{phone}/messages",
        ),
        (
            "graph.facebook.com",
            HttpMethod::Post,
            "/{version}/{phone}/media",
        ),
        ("graph.facebook.com", HttpMethod::Get, "/{version}/{media}"),
        (
            "graph.facebook.com",
            HttpMethod::Delete,
            "/{version}/{media}",
        ),
        (
            "lookaside.fbsbx.com",
            HttpMethod::Get,
            "/whatsapp_business/attachments/",
        ),
    ] {
        assert!(may(host, method, path), "{host} {path}");
    }
    let hosts = [
        "graph.facebook.com",
        "lookaside.fbsbx.com",
        "www.facebook.com",
    ];
    for endpoint in &descriptor.endpoints {
        assert!(hosts.contains(&endpoint.host.as_str()), "{}", endpoint.host);
    }
}

#[test]
fn secrets_go_to_meta_alone() {
    let secrets: Vec<(String, Level, Vec<String>)> = Graph::describe()
        .inputs
        .into_iter()
        .filter(|input| input.kind == Kind::Secret)
        .map(|input| (input.name, input.level, input.audience))
        .collect();
    let meta = vec!["graph.facebook.com".to_owned()];
    let with_media = vec![meta[0].clone(), "lookaside.fbsbx.com".to_owned()];
    assert_eq!(
        secrets,
        [
            ("access_token".to_owned(), Level::Account, with_media),
            ("pin".to_owned(), Level::Channel, meta.clone()),
            ("app_secret".to_owned(), Level::App, meta.clone()),
            ("verify_token".to_owned(), Level::App, meta),
        ]
    );
}

#[test]
fn the_settings_that_routes_carry_are_declared() {
    let descriptor = Graph::describe();
    assert_eq!(descriptor.sender_setting, "phone_number_id");
    assert_eq!(descriptor.account_setting.as_deref(), Some("waba_id"));
    for name in ["phone_number_id", "waba_id"] {
        assert!(
            descriptor
                .inputs
                .iter()
                .any(|input| input.name == name && input.required)
        );
    }
}

#[test]
fn the_webhook_is_signed_over_its_body_with_the_app_secret() {
    let descriptor = Graph::describe();
    let [webhook] = descriptor.webhooks.as_slice() else {
        panic!("one webhook")
    };
    assert_eq!(
        (webhook.name.as_str(), webhook.level, webhook.max_body),
        ("main", Level::App, 4_194_304)
    );
    assert_eq!((webhook.ack.status, webhook.ack.body.as_str()), (200, ""));
    let [check] = webhook.checks.as_slice() else {
        panic!("one check")
    };
    assert_eq!(check.when, Condition::Always);
    let Verification::Mac(mac) = &check.verify else {
        panic!("a MAC")
    };
    assert_eq!(
        (mac.header.as_str(), mac.prefix.as_str(), mac.key.as_str()),
        ("x-hub-signature-256", "sha256=", "app_secret")
    );
    let challenge = webhook.challenge.as_ref().unwrap();
    assert_eq!(
        challenge.require,
        [("hub.mode".to_owned(), "subscribe".to_owned())]
    );
    assert_eq!(
        (
            challenge.token_param.as_str(),
            challenge.echo_param.as_str()
        ),
        ("hub.verify_token", "hub.challenge")
    );
}

#[test]
fn the_pair_limit_refills_one_token_in_six_seconds() {
    let descriptor = Graph::describe();
    let pair = descriptor
        .rates
        .iter()
        .find(|rate| rate.bucket == Bucket::Recipient)
        .unwrap();
    assert_eq!((pair.tokens, pair.per_ms / pair.tokens), (45, 6_000));
}

#[test]
fn is_constant() {
    assert_eq!(Graph::describe(), Graph::describe());
}
