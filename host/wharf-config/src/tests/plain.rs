//! One tenant out of the environment alone.

use crate::{Config, Sources};

use super::{Folder, RING_KEY};

const META: [(&str, &str); 5] = [
    ("META_APP_ID", "670843887433847"),
    ("META_APP_SECRET", "an-app-secret"),
    ("META_GRAPH_API_VERSION", "v23.0"),
    ("META_ES_CONFIG_ID", "998877665544"),
    ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "a-verify-token"),
];
const NUMBER: [(&str, &str); 3] = [
    ("META_ACCESS_TOKEN", "an-access-token"),
    ("META_PHONE_NUMBER_ID", "0106540352242922"),
    ("META_WABA_ID", "102290129340398"),
];
const DIALOG: [(&str, &str); 3] = [
    ("DIALOG_360_API_TOKEN", "an-api-key"),
    ("DIALOG_360_PHONE_NUMBER_ID", "106540352242923"),
    ("WHATSAPP_WEBHOOK_SECRET", "a-webhook-secret"),
];
const TWILIO: [(&str, &str); 3] = [
    ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
    ("TWILIO_AUTH_TOKEN", "an-auth-token"),
    ("TWILIO_WHATSAPP_FROM", "whatsapp:+14155238886"),
];

type Variables = [(&'static str, &'static str)];

fn sources(variables: &[&[(&str, &str)]]) -> Sources {
    let mut sources = Sources::defaults();
    let ring = [
        ("WHARF_SECRETS__ACTIVE", "k1"),
        ("WHARF_SECRETS__KEYS__K1", RING_KEY),
    ];
    for (name, value) in variables.iter().copied().flatten().chain(&ring) {
        sources.env.insert((*name).to_owned(), (*value).to_owned());
    }
    sources
}

fn load(variables: &[&[(&str, &str)]]) -> Config {
    Config::load(&sources(variables)).unwrap_or_else(|errors| panic!("{errors}"))
}

fn problems(variables: &[&[(&str, &str)]]) -> Vec<String> {
    let errors = Config::load(&sources(variables)).expect_err("it should be refused");
    errors.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn three_accounts_are_three_channels_of_one_tenant() {
    let config = load(&[&META, &NUMBER, &DIALOG, &TWILIO]);
    let tenant = &config.tenants["default"];
    let channels: Vec<_> = tenant.channels.keys().map(String::as_str).collect();
    assert_eq!(channels, ["dialog360", "graph", "twilio"]);
    let graph = &tenant.channels["graph"];
    assert_eq!(graph.plugin, "graph");
    assert_eq!(graph.app.as_deref(), Some("meta"));
    // A leading zero counts.
    assert_eq!(graph.settings["phone_number_id"], "0106540352242922");
    assert_eq!(graph.settings["waba_id"], "102290129340398");
    assert!(graph.secrets.contains_key("access_token"));
    let app = &config.apps["meta"];
    assert_eq!(app.settings["app_id"], "670843887433847");
    assert_eq!(app.settings["graph_version"], "v23.0");
    assert_eq!(app.settings["signup_config_id"], "998877665544");
    assert!(app.secrets.contains_key("app_secret") && app.secrets.contains_key("verify_token"));
    let dialog = &tenant.channels["dialog360"];
    assert!(
        dialog.secrets.contains_key("api_key") && dialog.secrets.contains_key("webhook_secret")
    );
    assert_eq!(tenant.channels["twilio"].settings["number"], "+14155238886");
    assert_eq!(config.notices, Vec::<String>::new());
    let shown = format!("{config:?}");
    for secret in [
        "an-app-secret",
        "an-access-token",
        "an-api-key",
        "an-auth-token",
    ] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[test]
fn an_account_without_a_number_waits_for_onboarding() {
    let dialog = [DIALOG[0], DIALOG[2]];
    let config = load(&[
        &META,
        &dialog,
        &TWILIO[..2],
        &[("FACEBOOK_BUSINESS_ID", "1")],
    ]);
    assert!(config.tenants["default"].channels.is_empty());
    assert!(config.apps.contains_key("meta"));
    let [graph, dialog, twilio, business] = &config.notices[..] else {
        panic!("{:?}", config.notices)
    };
    assert!(graph.contains("graph has no number yet") && graph.contains("META_ACCESS_TOKEN"));
    assert!(dialog.contains("DIALOG_360_PHONE_NUMBER_ID"));
    assert!(twilio.contains("TWILIO_WHATSAPP_FROM"));
    assert!(business.contains("FACEBOOK_BUSINESS_ID changes nothing"));
    let report = config.check_report();
    assert!(report.warnings.contains(graph));
    let idle = |warning: &String| warning.contains("no channel uses app");
    assert!(!report.warnings.iter().any(idle), "{:?}", report.warnings);
}

#[test]
fn what_is_missing_is_named_with_what_needs_it() {
    let cases: [(&Variables, &[&str]); 5] = [
        (
            &META[..1],
            &["META_APP_SECRET", "WHATSAPP_WEBHOOK_VERIFY_TOKEN"],
        ),
        (&TWILIO[..1], &["TWILIO_AUTH_TOKEN"]),
        (&TWILIO[2..], &["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]),
        (&DIALOG[..2], &["WHATSAPP_WEBHOOK_SECRET"]),
        (&DIALOG[1..2], &["DIALOG_360_API_TOKEN"]),
    ];
    for (variables, missing) in cases {
        let problems = problems(&[variables]).join("\n");
        for name in missing {
            let told = format!("environment variable {name}");
            assert!(problems.contains(&told), "{name}: {problems}");
        }
    }
    let both = problems(&[&META, &NUMBER[..1]]).join("\n");
    assert!(
        both.contains("META_PHONE_NUMBER_ID") && both.contains("META_WABA_ID"),
        "{both}"
    );
}

#[test]
fn a_queue_that_there_is_not_is_refused() {
    for (connection, is_one) in [
        ("database", true),
        ("", true),
        ("redis", false),
        ("sqs", false),
    ] {
        let set = sources(&[&META, &[("QUEUE_CONNECTION", connection)]]);
        assert_eq!(Config::load(&set).is_ok(), is_one, "{connection}");
    }
}

#[test]
fn an_empty_variable_is_none() {
    let config = load(&[
        &META,
        &[("META_ACCESS_TOKEN", " "), ("TWILIO_ACCOUNT_SID", "")],
    ]);
    assert!(config.tenants["default"].channels.is_empty());
}

#[test]
fn overrides_reach_the_tenant() {
    let hash = format!("sha256:{}", "0".repeat(64));
    let keys = [("WHARF_TENANTS__DEFAULT__KEYS__MAIN__HASH", hash.as_str())];
    let config = load(&[&TWILIO, &keys]);
    assert!(config.tenants["default"].keys.contains_key("main"));
}

/// Files may use the same names for something else.
#[test]
fn a_configuration_file_or_development_leaves_the_variables_alone() {
    let mut folder = Folder::with("");
    for (name, value) in META.iter().chain(&NUMBER) {
        folder = folder.env(name, value);
    }
    let config = folder.load();
    assert!(config.tenants.is_empty() && config.apps.is_empty());
    let mut dev = sources(&[&META, &NUMBER]);
    dev.dev = true;
    let config = Config::load(&dev).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.tenants.is_empty());
}
