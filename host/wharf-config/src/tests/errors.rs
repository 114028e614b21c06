//! All problems at once, each with its place, what is wrong and what to do.

use super::Folder;
use crate::{ConfigErrors, Origin, Problem};

#[test]
fn three_errors_are_reported_at_once_with_their_lines() {
    let main = "[http]\n\
                listen = \"nowhere\"\n\
                \n\
                [queue]\n\
                lease_ms = 5\n\
                [send]\n\
                default_policy = \"twice\"\n";
    assert_eq!(
        Folder::with(main).problems(),
        [
            "wharf.toml:2: http.listen: \"nowhere\" is not an address with a port; \
             write IP:PORT, for example 127.0.0.1:8080 or [::]:8080",
            "wharf.toml:5: queue.lease_ms: 5 is out of range; choose from 500 to 600000",
            "wharf.toml:7: send.default_policy: \"twice\" is not a choice; \
             choose one of at_most_once, at_least_once",
        ]
    );
}

#[test]
fn an_unknown_key_gets_a_suggestion() {
    let main = "colour = 1\n[http]\nlisen = \"x\"\nlease_ms = 4000\n[databse]\nurl = \"x\"\n";
    let problems = Folder::with(main).problems();
    assert_eq!(problems.len(), 4, "{problems:#?}");
    assert!(problems[0].starts_with("wharf.toml:1: colour: unknown key; known here: http"));
    assert_eq!(
        problems[1],
        "wharf.toml:3: http.lisen: unknown key; did you mean `listen`?"
    );
    assert_eq!(
        problems[2],
        "wharf.toml:4: http.lease_ms: unknown key; did you mean `queue.lease_ms`?"
    );
    assert_eq!(
        problems[3],
        "wharf.toml:5: databse: unknown key; did you mean `database`?"
    );
}

#[test]
fn environment_and_options_are_named_as_they_were_given() {
    let folder = Folder::with("")
        .env("WHARF_QUEUE__SEND_CONCURRENCY", "many")
        .env("WHARF_QUEUE__SPEED", "9")
        .change(|sources| sources.flags.push(("log.level".into(), "loud".into())));
    let problems = folder.problems();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(
        problems[0].starts_with(
            "environment variable WHARF_QUEUE__SEND_CONCURRENCY: queue.send_concurrency: \
             \"many\" is not a whole number"
        ),
        "{problems:#?}"
    );
    assert!(
        problems
            .iter()
            .any(|p| p.starts_with("option log.level: log.level: \"loud\""))
    );
    let unknown = "environment variable WHARF_QUEUE__SPEED: queue.speed: unknown key";
    assert!(
        problems.iter().any(|p| p.starts_with(unknown)),
        "{problems:#?}"
    );
}

#[test]
fn one_underscore_where_two_belong_is_found() {
    let folder = Folder::with("").env("WHARF_HTTP_LISTEN", "0.0.0.0:80");
    let problems = folder.problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with("environment variable WHARF_HTTP_LISTEN: sets nothing"));
    assert!(problems[0].ends_with("did you mean WHARF_HTTP__LISTEN?"));
}

#[test]
fn broken_toml_is_one_problem_without_the_line_itself() {
    let main = "[secrets]\nactive = \"k1\"\n[secrets.keys]\nk1 = \"hunter2-hunter2\n";
    let problems = Folder::with(main).without_ring().problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].starts_with("wharf.toml:4: not valid TOML"),
        "{problems:#?}"
    );
    assert!(!problems[0].contains("hunter2"));
}

#[test]
fn a_bare_id_with_a_leading_zero_asks_for_quotes() {
    let main = "[apps.a]\nplugin = \"x\"\nsettings = { id = 0123 }\n";
    let problems = Folder::with(main).problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].starts_with("wharf.toml:3: not valid TOML"),
        "{problems:#?}"
    );
    assert!(problems[0].contains("in quotes"), "{problems:#?}");
}

#[test]
fn a_broken_file_does_not_hide_the_other_files_problems() {
    let folder = Folder::with("[http]\nlisten = 1\n").file("conf.d/a.toml", "x = = 1\n");
    let problems = folder.problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems
            .iter()
            .any(|p| p.starts_with("conf.d/a.toml:1: not valid TOML"))
    );
    assert!(
        problems
            .iter()
            .any(|p| p.starts_with("wharf.toml:2: http.listen"))
    );
}

#[test]
fn combinations_that_cannot_work_are_refused() {
    let main = "[http]\npublic_url = \"http://wharf.example\"\nrequest_timeout_ms = 1000\n\
                [send]\nbackoff_base_ms = 700000\n\
                [delivery]\ntimeout_ms = 90000\nschedule_s = []\n\
                [media]\ntenant_bytes_max = 1048576\n\
                [plugins]\nplugin_permits_max = 2000\n[plugins.native]\nparse_memory_bytes_max = 1048576\n\
                [database]\nwriter_batch_max = 512\nwriter_queue_max = 100\n";
    let problems = Folder::with(main).problems();
    let keys: Vec<&str> = problems
        .iter()
        .filter_map(|p| p.split(": ").nth(1))
        .collect();
    assert_eq!(
        keys,
        [
            "http.public_url",
            "send.backoff_base_ms",
            "delivery.schedule_s",
            "plugins.plugin_permits_max",
            "plugins.native.parse_memory_bytes_max",
            "database.writer_batch_max",
            // A default, so it comes after what files say.
            "media.object_bytes_max",
        ]
    );
    let across = "[http]\nrequest_timeout_ms = 1000\n[delivery]\ntimeout_ms = 90000\n";
    let problems = Folder::with(across).problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems
            .iter()
            .any(|p| p.starts_with("wharf.toml:4: delivery.timeout_ms: longer"))
    );
    assert!(
        problems
            .iter()
            .any(|p| p.contains("send.immediate_timeout_ms: not shorter"))
    );
}

#[test]
fn plain_http_is_fine_on_this_machine_only() {
    for url in [
        "http://localhost:8080",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "https://a.b",
    ] {
        let main = format!("[http]\npublic_url = \"{url}\"\n");
        assert!(
            Folder::with(&main).load().http.public_url.is_some(),
            "{url}"
        );
    }
    for url in [
        "http://10.0.0.1",
        "ftp://localhost",
        "https://u:p@a.b",
        "https://a.b/?x=1",
        "a.b",
    ] {
        let main = format!("[http]\npublic_url = \"{url}\"\n");
        assert_eq!(Folder::with(&main).problems().len(), 1, "{url}");
    }
}

#[test]
fn proxies_are_bare_origins_with_their_credentials_apart() {
    let problems = |lines: &str| Folder::with(&format!("[egress]\n{lines}\n")).problems();
    for (lines, says) in [
        ("proxy = \"socks5://p:1080\"", "egress.proxy: not an http"),
        (
            "proxy = \"http://p:3128/x\"",
            "egress.proxy: not the address",
        ),
        (
            "delivery_proxy = \"http://u:pa55word@p:3128\"",
            "egress.delivery_proxy: has a user or password in it",
        ),
        ("proxy_credentials = \"u:p\"", "egress.proxy: is missing"),
        (
            "media_timeout_ms_max = 1000",
            "egress.media_timeout_ms_max: shorter",
        ),
    ] {
        let problems = problems(lines);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].contains(says), "{says}\n{problems:#?}");
        assert!(!problems[0].contains("pa55word"), "{problems:#?}");
    }
    let sound =
        "proxy = \"https://p:3128\"\nproxy_credentials = \"u:p\"\nno_proxy = [\"*.internal\"]";
    let config = Folder::with(&format!("[egress]\n{sound}\n")).load();
    assert_eq!(config.egress.no_proxy, ["*.internal"]);
}

#[test]
fn wrong_shapes_are_named() {
    let main = "http = 3\nqueue = [1]\n[log]\nlevel = [\"a\"]\nformat = { x = 1 }\n\
                [egress]\ndelivery_allow = [\"10.0.0.0/8\", \"everyone\"]\n[apps.\"Big Name\"]\n";
    let problems = Folder::with(main).problems();
    for start in [
        "wharf.toml:1: http: must be a table",
        "wharf.toml:2: queue: must be a table",
        "wharf.toml:4: log.level: a list where one value belongs",
        "wharf.toml:5: log.format: a table where one value belongs",
        "wharf.toml:7: egress.delivery_allow.1: \"everyone\" is not an address range",
        "wharf.toml:8: apps.Big Name: not a usable name",
    ] {
        assert!(
            problems.iter().any(|p| p.starts_with(start)),
            "{start}\n{problems:#?}"
        );
    }
    assert_eq!(problems.len(), 6, "{problems:#?}");
}

#[test]
fn tenants_in_the_main_file_are_shown_the_way() {
    let problems = Folder::with("[tenants.acme]\nname = \"Acme\"\n").problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("tenants/ID.toml"), "{problems:#?}");
}

#[test]
fn the_list_is_numbered_and_kept_together_by_source() {
    let problem = |source: &str, line| {
        let origin = Origin {
            source: source.to_owned(),
            line: Some(line),
        };
        Problem::new(origin, "k", "wrong", "fix it")
    };
    let all = vec![
        problem("b", 9),
        problem("a", 2),
        problem("b", 1),
        problem("b", 1),
    ];
    let errors = ConfigErrors::from_problems(all).expect("there are problems");
    assert_eq!(
        errors.to_string(),
        "the configuration has 3 errors:\n  \
         1. b:1: k: wrong; fix it\n  2. b:9: k: wrong; fix it\n  3. a:2: k: wrong; fix it"
    );
    assert_eq!(ConfigErrors::from_problems(Vec::new()), None);
}
