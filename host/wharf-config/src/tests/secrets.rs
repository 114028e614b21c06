//! Where secrets may be written, and that nothing shows them.

use secrecy::ExposeSecret;

use super::{Folder, RING_KEY};
use crate::RotatingSecret;

fn app(secret: &str) -> String {
    format!("[apps.a]\nplugin = \"graph\"\n[apps.a.secrets]\ntoken = {secret}\n")
}

fn token(folder: &Folder) -> RotatingSecret {
    folder.load().apps["a"].secrets["token"].clone()
}

fn current(folder: &Folder) -> String {
    token(folder).current.expose_secret().to_owned()
}

#[test]
fn a_secret_is_plain_from_a_file_or_from_a_variable() {
    assert_eq!(current(&Folder::with(&app("\"plain\""))), "plain");
    let folder = Folder::with(&app("{ file = \"token.txt\" }")).file("token.txt", "from file\r\n");
    assert_eq!(current(&folder), "from file");
    let folder = Folder::with(&app("{ env = \"TOKEN\" }")).env("TOKEN", "0042");
    assert_eq!(current(&folder), "0042");
}

#[test]
fn a_variable_with_file_at_its_end_names_the_file() {
    let folder = Folder::with(&app("\"plain\"")).file("t", "from FILE\n");
    let path = folder.path("t").display().to_string();
    let folder = folder.env("WHARF_APPS__A__SECRETS__TOKEN_FILE", &path);
    assert_eq!(current(&folder), "from FILE");
    // A lower layer's reference to a variable gives way to a higher layer's file.
    let folder = Folder::with(&app("{ env = \"NOT_SET\" }")).file("t", "from FILE\n");
    let path = folder.path("t").display().to_string();
    let folder = folder.env("WHARF_APPS__A__SECRETS__TOKEN_FILE", &path);
    assert_eq!(current(&folder), "from FILE");
}

#[test]
fn file_variables_work_for_the_key_ring_and_the_database() {
    let folder = Folder::with("")
        .without_ring()
        .file("k", &format!("{RING_KEY}\n"));
    let folder = folder.file(
        "db",
        "postgres://u:hunter2@db.example:5433/wharf?sslmode=require\n",
    );
    let (key, db) = (
        folder.path("k").display().to_string(),
        folder.path("db").display().to_string(),
    );
    let config = folder
        .env("WHARF_SECRETS__ACTIVE", "k1")
        .env("WHARF_SECRETS__KEYS__K1_FILE", &key)
        .env("WHARF_DATABASE__URL_FILE", &db)
        .load();
    assert_eq!(
        config.secrets.expect("a ring").keys["k1"].expose(),
        &[0; 32]
    );
    assert!(config.database.url.is_postgres());
    assert_eq!(
        config.database.url.to_string(),
        "postgres://db.example:5433/wharf"
    );
    assert!(config.database.url.expose().contains("hunter2"));
}

#[test]
fn a_file_variable_for_something_public_is_refused() {
    let problems = Folder::with("")
        .env("WHARF_HTTP__LISTEN_FILE", "/etc/listen")
        .problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with("environment variable WHARF_HTTP__LISTEN_FILE: http.listen"));
    assert!(problems[0].contains("only secrets"));
}

#[test]
fn a_setting_may_end_in_file() {
    let folder = Folder::with("[apps.a]\nplugin = \"graph\"\n")
        .env("WHARF_APPS__A__SETTINGS__CERT_FILE", "x.pem");
    assert_eq!(folder.load().apps["a"].settings["cert_file"], "x.pem");
}

#[test]
fn a_rotation_has_two_secrets_the_current_one_first() {
    let folder = Folder::with(&app("[\"new\", { file = \"old\" }]")).file("old", "old one");
    let secrets = token(&folder);
    let all: Vec<&str> = secrets.all().map(ExposeSecret::expose_secret).collect();
    assert_eq!(all, ["new", "old one"]);
    let problems = Folder::with(&app("[\"a\", \"b\", \"c\"]")).problems();
    assert!(
        problems[0].contains("3 secrets where one or two belong"),
        "{problems:#?}"
    );
    let problems = Folder::with(&app("[]")).problems();
    assert!(problems[0].contains("0 secrets"), "{problems:#?}");
}

#[test]
fn unreadable_secrets_are_named_with_their_place() {
    let cases = [
        (
            "{ file = \"gone\" }",
            "wharf.toml:4: apps.a.secrets.token.file: cannot read gone",
        ),
        (
            "{ file = \"void\" }",
            "wharf.toml:4: apps.a.secrets.token.file: void is empty",
        ),
        (
            "{ env = \"GONE\" }",
            "apps.a.secrets.token.env: the variable it names is not set",
        ),
        (
            "{ env = \"VOID\" }",
            "apps.a.secrets.token.env: the variable it names is empty",
        ),
        (
            "{ env = \"hunter2!\" }",
            "apps.a.secrets.token.env: not the name of a variable",
        ),
        (
            "{ file = \"void\", env = \"VOID\" }",
            "both `file` and `env` are given",
        ),
        ("{ path = \"void\" }", "`path` says nothing about a secret"),
        (
            "\"\"",
            "wharf.toml:4: apps.a.secrets.token: the secret is empty",
        ),
    ];
    for (secret, expected) in cases {
        let folder = Folder::with(&app(secret))
            .file("void", "\n")
            .env("VOID", "");
        let problems = folder.problems();
        assert_eq!(problems.len(), 1, "{secret}: {problems:#?}");
        assert!(problems[0].contains(expected), "{secret}: {problems:#?}");
        assert!(!problems[0].contains("hunter2"), "{problems:#?}");
    }
}

#[test]
fn the_ring_is_required_and_its_keys_have_32_bytes() {
    let none = Folder::with("").without_ring();
    let problems = none.problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].contains("secrets.active: there is no key"),
        "{problems:#?}"
    );
    assert!(
        none.change(|sources| sources.dev = true)
            .load()
            .secrets
            .is_none()
    );

    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let ring = |key: &str| format!("[secrets]\nactive = \"k1\"\n[secrets.keys]\nk1 = \"{key}\"\n");
    let config = Folder::with(&ring(base64)).without_ring().load();
    assert_eq!(config.secrets.expect("a ring").keys["k1"].expose()[31], 31);
    for (key, what) in [
        ("c2hvcnQ=", "5 bytes"),
        ("hunter2!", "neither"),
        ("abcdef01", "bytes"),
    ] {
        let problems = Folder::with(&ring(key)).without_ring().problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(
            problems[0].starts_with("wharf.toml:4: secrets.keys.k1"),
            "{problems:#?}"
        );
        assert!(
            problems[0].contains(what) && !problems[0].contains(key),
            "{problems:#?}"
        );
    }
}

#[test]
fn an_active_key_outside_the_ring_is_refused() {
    let folder = Folder::with("").env("WHARF_SECRETS__ACTIVE", "k9");
    let problems = folder.problems();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].ends_with("name one that secrets.keys has: k1"),
        "{problems:#?}"
    );
}

#[test]
fn nothing_shows_a_secret() {
    let folder = Folder::with(&app("[\"hunter2-new\", \"hunter2-old\"]"))
        .env(
            "WHARF_DATABASE__URL",
            "postgres://wharf:hunter2@db/wharf?password=hunter2",
        )
        .env(
            "WHARF_SECRETS__KEYS__K1",
            &hex::encode(b"hunter2hunter2hunter2hunter2hunt"),
        )
        .file(
            "tenants/acme.toml",
            "id = \"acme\"\nname = \"Acme\"\n\
             [channels.main]\nplugin = \"graph\"\nsecrets = { token = \"hunter2\" }\n\
             [endpoints.shop]\nurl = \"https://shop.example\"\n\
             secret = \"whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1\"\n",
        );
    let config = folder.load();
    let shown = format!("{config:?} {config:#?} {}", config.check_report());
    let key = hex::encode(b"hunter2");
    // The key ring's first bytes as a list of numbers, as a derived Debug would print them.
    for trace in ["hunter2", "aHVudGVy", key.as_str(), "104, 117, 110"] {
        assert!(!shown.contains(trace), "{trace} in {shown}");
    }
}

#[test]
fn no_problem_quotes_a_secret_in_the_wrong_place() {
    let folder = Folder::with("[database]\nurl = \"hunter2\"\n[secrets]\nhunter = 1\n")
        .file(
            "tenants/acme.toml",
            "id = \"acme\"\nname = \"Acme\"\n\
             [endpoints.shop]\nurl = \"https://u:hunter2@shop.example\"\nsecret = \"hunter2\"\n\
             [keys.a]\nhash = \"hunter2\"\n",
        )
        .env("WHARF_SECRETS__KEYS__K1", "hunter2");
    let problems = folder.problems();
    assert_eq!(problems.len(), 6, "{problems:#?}");
    assert!(!problems.join("\n").contains("hunter2"), "{problems:#?}");
}
