//! Which layer wins, and that text stays text.

use super::Folder;
use crate::{Config, ConfigFile, Sources};

#[test]
fn each_layer_overrides_the_one_before() {
    let main = "[queue]\nlease_ms = 1000\npoll_ms = 100\nsend_concurrency = 1\nlane_quantum = 2\n";
    let folder = Folder::with(main)
        .file(
            "conf.d/10-a.toml",
            "[queue]\npoll_ms = 110\nsend_concurrency = 2\n",
        )
        .file(
            "conf.d/20-b.toml",
            "[queue]\nsend_concurrency = 3\nlane_quantum = 4\n",
        )
        .file("conf.d/notes.txt", "not = [toml")
        .env("WHARF_QUEUE__LANE_QUANTUM", "5")
        .env("WHARF_QUEUE__SHUTDOWN_MS", "6")
        .change(|sources| sources.flags.push(("queue.shutdown_ms".into(), "7".into())));
    let queue = folder.load().queue;
    assert_eq!(queue.webhook_concurrency, 64, "default");
    assert_eq!(queue.lease_ms, 1000, "main file");
    assert_eq!(queue.poll_ms, 110, "first of conf.d");
    assert_eq!(queue.send_concurrency, 3, "last of conf.d");
    assert_eq!(queue.lane_quantum, 5, "environment");
    assert_eq!(queue.shutdown_ms, 7, "option");
    assert_eq!(folder.load().files.len(), 3);
}

#[test]
fn digits_stay_text_from_environment_options_and_files() {
    let main = "[apps.a]\nplugin = \"graph\"\n[apps.a.settings]\n\
                quoted = \"007\"\nbare = 106540352242922\n";
    let folder = Folder::with(main)
        .env("WHARF_APPS__A__SETTINGS__FROM_ENV", "00106540352242922")
        .env(
            "WHARF_APPS__A__SETTINGS__HUGE",
            "99999999999999999999999999",
        )
        .env("WHARF_APPS__A__SETTINGS__YES", "true")
        .env("WHARF_APPS__A__SETTINGS__BRACKETS", "[1, 2]")
        .change(|sources| {
            sources
                .flags
                .push(("apps.a.settings.from_flag".into(), "0042".into()));
        });
    let config = folder.load();
    let settings = &config.apps["a"].settings;
    assert_eq!(settings["quoted"], "007");
    assert_eq!(settings["bare"], "106540352242922");
    assert_eq!(settings["from_env"], "00106540352242922");
    assert_eq!(settings["huge"], "99999999999999999999999999");
    assert_eq!(settings["yes"], "true");
    assert_eq!(settings["brackets"], "[1, 2]");
    assert_eq!(settings["from_flag"], "0042");
}

#[test]
fn text_becomes_numbers_switches_and_lists_where_they_belong() {
    let folder = Folder::with("[queue]\nlease_ms = \"5000\"\npoll_ms = 0x64\n")
        .env("WHARF_QUEUE__SEND_CONCURRENCY", "25")
        .env("WHARF_EGRESS__DELIVERY_HTTPS_ONLY", "false")
        .env(
            "WHARF_EGRESS__DELIVERY_ALLOW",
            "10.1.0.0/16, fd00::/8,192.168.0.7",
        )
        .env("WHARF_DELIVERY__SCHEDULE_S", "0,1,2");
    let config = folder.load();
    assert_eq!(config.queue.lease_ms, 5000);
    assert_eq!(config.queue.poll_ms, 100);
    assert_eq!(config.queue.send_concurrency, 25);
    assert!(!config.egress.delivery_https_only);
    let ranges: Vec<String> = config
        .egress
        .delivery_allow
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(ranges, ["10.1.0.0/16", "fd00::/8", "192.168.0.7/32"]);
    assert_eq!(config.delivery.schedule_s, [0, 1, 2]);
}

#[test]
fn an_empty_variable_unsets_an_optional_key() {
    let folder = Folder::with("[http]\npublic_url = \"https://a.example\"\n")
        .env("WHARF_HTTP__PUBLIC_URL", "");
    assert_eq!(folder.load().http.public_url, None);
}

#[test]
fn variables_of_others_are_left_alone() {
    let folder = Folder::with("")
        .env("WHARF_SERVICE_HOST", "10.0.0.1")
        .env("WHARF_PORT_8080_TCP", "tcp://10.0.0.1:8080")
        .env("WHARF_CONFIG", "x")
        .env("HTTP__LISTEN", "x");
    folder.load();
}

#[test]
fn a_tenants_folder_beside_the_main_file_is_found_and_can_be_named() {
    let tenant = "id = \"acme\"\nname = \"Acme\"\n";
    let folder = Folder::with("").file("tenants/acme.toml", tenant);
    assert_eq!(folder.load().tenants["acme"].name, "Acme");
    let folder = Folder::with("tenants_dir = \"people\"\n").file("people/acme.toml", tenant);
    let config = folder.load();
    assert_eq!(config.tenants_dir, Some(folder.path("people")));
    assert_eq!(config.tenants.len(), 1);
    let elsewhere = Folder::with("").file("other/acme.toml", tenant);
    let path = elsewhere.path("other").display().to_string();
    assert_eq!(
        elsewhere
            .env("WHARF_TENANTS_DIR", &path)
            .load()
            .tenants
            .len(),
        1
    );
}

#[test]
fn a_redirect_needs_the_option_and_a_quoted_host() {
    let flag = (
        "egress.connect_to.\"graph.facebook.com\"",
        "http://127.0.0.1:9090",
    );
    let with = |allowed: bool| {
        Folder::with("").change(|sources| {
            sources.flags.push((flag.0.into(), flag.1.into()));
            sources.allow_connect_to = allowed;
        })
    };
    let config = with(true).load();
    let url = &config.egress.connect_to.0["graph.facebook.com"];
    assert_eq!(url.as_str(), "http://127.0.0.1:9090/");
    let problems = with(false).problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("--insecure-connect-to"),
        "{problems:?}"
    );
}

#[test]
fn a_missing_file_is_an_error_when_named_and_none_when_installed() {
    let mut sources = Sources::defaults();
    sources.dev = true;
    sources.config_file = ConfigFile::At("/nonexistent/wharf.toml".into());
    let errors = Config::load(&sources)
        .expect_err("the named file must exist")
        .to_string();
    assert!(
        errors.contains("/nonexistent/wharf.toml: cannot read the file"),
        "{errors}"
    );
    assert!(
        errors.starts_with("the configuration has 1 error:"),
        "{errors}"
    );
}
