//! Tenants' files, and what they are checked against.

use super::Folder;
use crate::{ConfigFile, Sources};

const MAIN: &str = "[apps.meta]\nplugin = \"graph\"\n";
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

fn acme() -> String {
    format!(
        "id = \"acme\"\n\
         name = \"Acme Ltd\"\n\
         [channels.main]\n\
         plugin = \"graph\"\n\
         app = \"meta\"\n\
         mps = 80\n\
         [channels.main.settings]\n\
         phone_number_id = \"0106540352242922\"\n\
         [channels.main.secrets]\n\
         access_token = \"EAAB\"\n\
         [endpoints.shop]\n\
         url = \"https://shop.example/wharf\"\n\
         secret = \"{SECRET}\"\n\
         events = [\"message.status\"]\n\
         [keys.backend]\n\
         hash = \"sha256:{}\"\n",
        "ab".repeat(32)
    )
}

#[test]
fn a_tenant_is_read_with_the_place_of_everything() {
    let folder = Folder::with(MAIN)
        .file("tenants/acme.toml", &acme())
        .file("tenants/example.toml.sample", "not = [toml")
        .file("tenants/.acme.toml", "not = [toml");
    let config = folder.load();
    let tenant = &config.tenants["acme"];
    assert_eq!(config.tenants.len(), 1);
    let channel = &tenant.channels["main"];
    assert_eq!(channel.plugin, "graph");
    assert_eq!(channel.app.as_deref(), Some("meta"));
    assert_eq!(channel.settings["phone_number_id"], "0106540352242922");
    assert_eq!(channel.mps, Some(80));
    let file = folder.path("tenants/acme.toml").display().to_string();
    assert_eq!(channel.origin.to_string(), format!("{file}:3"));
    let place = channel.origin_of("settings.phone_number_id");
    assert_eq!(place.to_string(), format!("{file}:8"));
    assert_eq!(channel.origin_of("settings.unheard_of"), &channel.origin);
    let app = config.apps["meta"].origin_of("plugin").to_string();
    assert!(app.ends_with("wharf.toml:2"), "{app}");
    let endpoint = &tenant.endpoints["shop"];
    assert!(endpoint.wants("message.status") && !endpoint.wants("message.received"));
    assert_eq!(endpoint.origin.line, Some(11));
    assert_eq!(tenant.keys["backend"].hash.0, [0xab; 32]);
    assert_eq!(
        config.check_report().summary,
        "1 tenant, 1 channel, 1 endpoint, 1 API key, 1 app; database sqlite:wharf.db; 2 files read"
    );
}

#[test]
fn the_environment_overrides_a_tenant_and_is_named() {
    let folder = Folder::with(MAIN)
        .file("tenants/acme.toml", &acme())
        .env(
            "WHARF_TENANTS__ACME__CHANNELS__MAIN__SETTINGS__PHONE_NUMBER_ID",
            "0042",
        )
        .env(
            "WHARF_TENANTS__ACME__CHANNELS__MAIN__SECRETS__ACCESS_TOKEN",
            "other",
        );
    let config = folder.load();
    let channel = &config.tenants["acme"].channels["main"];
    assert_eq!(channel.settings["phone_number_id"], "0042");
    assert!(
        channel
            .origin_of("settings.phone_number_id")
            .source
            .ends_with("__PHONE_NUMBER_ID")
    );
    assert!(
        channel.origin.source.ends_with("acme.toml"),
        "{}",
        channel.origin
    );
}

#[test]
fn an_override_without_a_tenant_is_a_typing_error() {
    let folder = Folder::with(MAIN)
        .file("tenants/acme.toml", &acme())
        .env("WHARF_TENANTS__AMCE__NAME", "x")
        .env("WHARF_TENANTS__ACME", "y");
    let problems = folder.problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    let homeless = "environment variable WHARF_TENANTS__AMCE__NAME: tenants.amce: there is no file";
    assert!(
        problems.iter().any(|p| p.starts_with(homeless)),
        "{problems:#?}"
    );
    assert!(
        problems.iter().any(|p| p.contains("WHARF_TENANTS__ACME: ")),
        "{problems:#?}"
    );
}

#[test]
fn problems_of_all_tenants_come_with_those_of_the_main_file() {
    let bad = "id = \"other\"\n\
               [channels.main]\n\
               plugin = \"graph\"\n\
               app = \"mta\"\n\
               mps = 0\n\
               secretz = false\n\
               [channels.twilio]\n\
               plugin = \"twilio\"\n\
               app = \"meta\"\n\
               [endpoints.shop]\n\
               url = \"http://shop.example\"\n\
               secret = \"whsec_c2hvcnQ=\"\n\
               events = [\"everything\"]\n\
               timeout_ms = 30001\n\
               [connect_to]\n\
               \"graph.facebook.com\" = \"http://localhost\"\n";
    let folder = Folder::with(&format!("{MAIN}[queue]\nlease_ms = 1\n"))
        .file("tenants/beta.toml", bad)
        .file("tenants/Gamma.toml", "id = \"gamma\"\n")
        .file("tenants/delta.toml", "id = \n");
    let problems = folder.problems();
    for start in [
        "wharf.toml:4: queue.lease_ms: 1 is out of range",
        "tenants/Gamma.toml: the file's name is not a usable tenant id",
        "tenants/beta.toml:1: id: \"other\" is not the file's name",
        "tenants/beta.toml: name: required, and not set",
        "tenants/beta.toml:4: channels.main.app: there is no app \"mta\"; did you mean \"meta\"?",
        "tenants/beta.toml:5: channels.main.mps: 0 is out of range",
        "tenants/beta.toml:6: channels.main.secretz: unknown key; did you mean `secrets`?",
        "tenants/beta.toml:9: channels.twilio.app: app meta belongs to plugin graph",
        "tenants/beta.toml:11: endpoints.shop.url: not https",
        "tenants/beta.toml:12: endpoints.shop.secret: not a signing secret",
        "tenants/beta.toml:13: endpoints.shop.events: \"everything\" is not a type of event",
        "tenants/beta.toml:14: endpoints.shop.timeout_ms: 30001 is out of range",
        "tenants/beta.toml:15: connect_to: a tenant does not decide",
        "tenants/delta.toml:1: not valid TOML",
    ] {
        assert!(
            problems.iter().any(|p| p.starts_with(start)),
            "{start}\n{problems:#?}"
        );
    }
    assert_eq!(problems.len(), 14, "{problems:#?}");
}

#[test]
fn one_api_key_leads_to_one_tenant() {
    let beta = acme().replace("acme", "beta");
    let folder = Folder::with(MAIN)
        .file("tenants/acme.toml", &acme())
        .file("tenants/beta.toml", &beta);
    let problems = folder.problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let expected = "tenants/beta.toml:15: keys.backend: the same key as acme/backend";
    assert!(problems[0].starts_with(expected), "{problems:#?}");
}

#[test]
fn risky_combinations_and_loose_ends_are_warnings() {
    let main = format!(
        "{MAIN}[apps.idle]\nplugin = \"twilio\"\n[database]\nsqlite_synchronous = \"normal\"\n\
         [webhook]\ndedupe_days = 1\n"
    );
    let acme = acme().replace("[\"message.status\"]", "[\"message.statu\"]");
    let report = Folder::with(&main)
        .file("tenants/acme.toml", &acme)
        .load()
        .check_report();
    for part in [
        "http.public_url",
        "normal",
        "dedupe_days",
        "app idle",
        "did you mean message.status?",
    ] {
        let found = report
            .warnings
            .iter()
            .filter(|warning| warning.contains(part))
            .count();
        assert_eq!(found, 1, "{part} in {report}");
    }
    assert_eq!(report.warnings.len(), 5, "{report}");
    assert!(report.to_string().starts_with("ok: 1 tenant, 1 channel"));
}

#[test]
fn the_sample_is_a_valid_tenant() {
    let sample = include_str!("../../../../config/tenants/example.toml.sample");
    let uncommented: Vec<&str> = sample
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key,
            _ => line,
        })
        .collect();
    let folder = Folder::with(MAIN)
        .file("tenants/acme.toml", &uncommented.join("\n"))
        .file("tenants/acme-access-token", "EAAB\n")
        .env("ACME_SHOP_WEBHOOK_SECRET", SECRET);
    let tenant = folder.load().tenants["acme"].clone();
    assert_eq!(tenant.endpoints["shop"].events.len(), 2);
    assert_eq!(tenant.channels["main"].mps, Some(80));
    let media = tenant.media.expect("media of the tenant");
    assert_eq!(
        (media.fetch, media.fetch_bytes_max),
        (Some(true), Some(16 << 20))
    );
    let media = tenant.channels["main"].media.clone();
    let types = media.and_then(|media| media.fetch_types);
    assert_eq!(
        types.expect("types of the channel"),
        ["image/*", "application/pdf"]
    );
    folder.file("tenants/acme.toml", sample).load();
}

#[test]
fn types_of_media_are_written_as_they_are_compared() {
    let tenant = |media: &str| format!("id = \"acme\"\nname = \"Acme\"\nmedia = {{ {media} }}\n");
    for wrong in ["image", "IMAGE/png", "image/", "*/*", "image/p ng"] {
        let text = tenant(&format!("fetch_types = [\"{wrong}\"]"));
        let error = Folder::with(MAIN)
            .file("tenants/acme.toml", &text)
            .problems()
            .join("\n");
        assert!(error.contains("is not a type of media"), "{wrong}: {error}");
    }
    let text = tenant("fetch_type = [\"image/png\"]");
    let error = Folder::with(MAIN)
        .file("tenants/acme.toml", &text)
        .problems()
        .join("\n");
    assert!(error.contains("fetch_type"), "{error}");
}

#[test]
fn without_a_file_there_are_no_tenants() {
    let mut sources = Sources::defaults();
    sources.dev = true;
    assert_eq!(sources.config_file, ConfigFile::Absent);
    let config = crate::Config::load(&sources).expect("the defaults are valid");
    assert!(
        config
            .check_report()
            .warnings
            .iter()
            .any(|w| w.contains("no tenant"))
    );
}
