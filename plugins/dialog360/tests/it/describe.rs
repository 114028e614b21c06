//! What the host is told, checked where a mistake would open or close a door.

use wharf_plugin::manifest::{Condition, Kind, Verification};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, HttpMethod, Level};
use wharf_plugin_dialog360::Dialog360;

const API: &str = "waba-v2.360dialog.io";
const HUB: &str = "hub.360dialog.io";

#[test]
fn only_360dialogs_hosts_are_named_and_the_browsers_one_takes_nothing() {
    for endpoint in Dialog360::describe().endpoints {
        assert_eq!(endpoint.host_setting, None);
        match endpoint.host.as_str() {
            API | HUB => {}
            "app.360dialog.com" => assert_eq!(
                (endpoint.methods, endpoint.paths),
                (
                    vec![HttpMethod::Get],
                    vec!["/onboarding/{partner}".to_owned()]
                )
            ),
            other => panic!("{other} is not 360dialog's"),
        }
    }
}

#[test]
fn each_secret_goes_to_one_host_or_nowhere() {
    let mut secrets: Vec<(String, Level, Vec<String>)> = Dialog360::describe()
        .inputs
        .into_iter()
        .filter(|input| input.kind == Kind::Secret)
        .map(|input| (input.name, input.level, input.audience))
        .collect();
    secrets.sort_by(|one, other| one.0.cmp(&other.0));
    let to = |host: &str| vec![host.to_owned()];
    assert_eq!(
        secrets,
        [
            ("api_key".to_owned(), Level::Channel, to(API)),
            ("partner_key".to_owned(), Level::App, to(HUB)),
            ("platform_secret".to_owned(), Level::App, Vec::new()),
            ("webhook_secret".to_owned(), Level::Account, to(API)),
        ]
    );
}

#[test]
fn numbers_webhooks_are_proven_by_the_minted_header_whatever_else_they_carry() {
    let descriptor = Dialog360::describe();
    let main = descriptor
        .webhooks
        .iter()
        .find(|webhook| webhook.name == "main")
        .unwrap();
    assert_eq!(
        (main.level, main.max_body, main.ack.status),
        (Level::Account, 4_194_304, 200)
    );
    assert_eq!(main.challenge, None);
    let [check] = main.checks.as_slice() else {
        panic!("one check")
    };
    assert_eq!(check.when, Condition::Always);
    assert_eq!(
        check.verify,
        Verification::Header((
            "x-wharf-webhook-secret".to_owned(),
            "webhook_secret".to_owned()
        ))
    );
}

#[test]
fn the_partners_webhook_is_signed_with_the_platform_secret() {
    let descriptor = Dialog360::describe();
    let partner = descriptor
        .webhooks
        .iter()
        .find(|webhook| webhook.name == "partner")
        .unwrap();
    assert_eq!(partner.level, Level::App);
    let Verification::Mac(mac) = &partner.checks[0].verify else {
        panic!("a MAC")
    };
    assert_eq!(
        (mac.header.as_str(), mac.prefix.as_str(), mac.key.as_str()),
        ("x-360dialog-signature", "sha256=", "platform_secret")
    );
}

#[test]
fn rates_are_360dialogs_and_metas() {
    let descriptor = Dialog360::describe();
    let rate = |bucket: &Bucket| {
        let rate = descriptor.rates.iter().find(|rate| rate.bucket == *bucket);
        rate.map(|rate| (rate.tokens, rate.per_ms)).unwrap()
    };
    assert_eq!(rate(&Bucket::Level(Level::Channel)), (80, 1_000));
    assert_eq!(rate(&Bucket::Recipient), (45, 45 * 6_000));
    assert_eq!(rate(&Bucket::Named("media-upload".to_owned())), (25, 1_000));
}

#[test]
fn the_settings_that_routes_carry_are_declared_and_the_description_is_constant() {
    let descriptor = Dialog360::describe();
    assert_eq!(descriptor.sender_setting, "phone_number_id");
    assert_eq!(descriptor.account_setting.as_deref(), Some("waba_id"));
    for flow in &descriptor.flows {
        for input in &flow.inputs {
            let is_known = descriptor
                .inputs
                .iter()
                .any(|known| known.name == input.name);
            assert!(!is_known, "{} has two meanings", input.name);
        }
    }
    assert_eq!(descriptor, Dialog360::describe());
}
