//! `wharf plugin` as an operator types it: what it says, what it changes, and how it ends.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use wharf::plugins::Digest;
use wharf::plugins::lock;
use wharf_test_support::eventually;

use super::component;
use crate::harness::{WAIT, environment};
use crate::runtime::guest::Guest;

/// One installation without a gateway.
struct Shell {
    binary: PathBuf,
    folder: TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Shell {
    /// `None`, loudly, when the program is not there.
    fn new() -> Option<Self> {
        let shell = Self {
            binary: PathBuf::from(environment("WHARF_BIN")?),
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(shell.path("plugins")).unwrap();
        let text = format!(
            "[database]\nurl = \"sqlite:{}\"\n[plugins]\ndir = \"{}\"\n[plugins.native]\ndescribe_ms_max = 5000\n\
             [secrets]\nactive = \"k1\"\nkeys = {{ k1 = \"{}\" }}\n",
            shell.path("wharf.db").display(),
            shell.path("plugins").display(),
            "01".repeat(32),
        );
        std::fs::write(shell.path("wharf.toml"), text).unwrap();
        Some(shell)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A component as a file; returns where it is.
    fn file(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output = Command::new(&self.binary)
            .arg("--config")
            .arg(self.path("wharf.toml"))
            .arg("plugin")
            .args(arguments)
            .env_clear()
            .env("USER", "alice")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
    }

    fn refused(&self, arguments: &[&str], why: &str) {
        let said = self.run(arguments);
        assert_eq!(said.code, 1, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(why), "{arguments:?}: {}", said.err);
    }

    fn in_service(&self) -> Digest {
        lock::read(&self.path("plugins")).unwrap().plugins["test"]
            .current
            .digest
    }
}

#[test]
fn a_plugin_from_its_first_version_to_its_end() {
    let Some(shell) = Shell::new() else {
        return;
    };
    let (one, two, wide) = (
        component("1.0.0", &[]),
        component("1.1.0", &[]),
        component("1.2.0", &["token"]),
    );
    let first = shell.file("test.wasm", &one);
    shell.refused(&["add", &first], "--yes");
    assert!(
        lock::read(&shell.path("plugins"))
            .unwrap()
            .plugins
            .is_empty()
    );
    let added = shell.json(&["add", &first, "--yes"]);
    assert_eq!(
        (&added["result"], &added["name"]),
        (&"installed".into(), &"test".into())
    );
    let permissions = added["permissions"].to_string();
    assert!(
        permissions.contains("+ host api.example.com GET /v1/"),
        "{permissions}"
    );
    assert_eq!(shell.json(&["add", &first])["result"], "unchanged");

    let second = shell.file("second.wasm", &two);
    shell.refused(&["add", &second], "--name test");
    let upgraded = shell.json(&["add", &second, "--name", "test"]);
    assert_eq!(
        (&upgraded["result"], &upgraded["from"]["version"]),
        (&"upgraded".into(), &"1.0.0".into())
    );
    assert_eq!(shell.in_service(), Digest::of(&two));

    let third = shell.file("third.wasm", &wide);
    let waits = shell.run(&["add", &third, "--name", "test", "--yes"]);
    assert_eq!(waits.code, 3, "{}", waits.err);
    assert!(
        waits.out.contains("+ secret token (sent nowhere)")
            && waits.out.contains("1.1.0 stays in service"),
        "{}",
        waits.out
    );
    assert_eq!(shell.in_service(), Digest::of(&two));
    let listed = shell.json(&["list"]);
    assert_eq!(
        listed["pending"]["reasons"][0],
        "+ secret token (sent nowhere)"
    );
    assert!(shell.ok(&["list"]).contains("waits for approval"));
    shell.refused(
        &["approve", "test", "sha256:abcdef"],
        "replaced since you looked",
    );
    let approved = shell.json(&["approve", "test", &Digest::of(&wide).short()]);
    assert_eq!(
        (&approved["result"], &approved["by"]),
        (&"approved".into(), &"alice".into())
    );
    assert_eq!(shell.in_service(), Digest::of(&wide));

    shell.goes_back_and_ends(&first, &two);
}

impl Shell {
    /// The second half: 1.2.0 serves, 1.1.0 and 1.0.0 came before it.
    fn goes_back_and_ends(&self, first: &str, two: &[u8]) {
        let shell = self;
        assert_eq!(shell.json(&["rollback", "test"])["version"], "1.1.0");
        assert_eq!(shell.in_service(), Digest::of(two));
        shell.refused(&["rollback", "test", "999999"], "there are: ");
        let shown = shell.ok(&["inspect", "test"]);
        for part in [
            "dev.wharf.test",
            "approved  by alice",
            "+ host api.example.com",
            "earlier   1.2.0",
        ] {
            assert!(shown.contains(part), "{part} is missing in: {shown}");
        }
        let older = shell.run(&["add", first, "--name", "test"]);
        assert!(
            older.code == 0 && older.err.contains("is older than 1.1.0"),
            "{}",
            older.err
        );
        assert_eq!(shell.json(&["remove", "test"])["result"], "removed");
        shell.refused(&["remove", "test"], "wharf plugin add");
        assert_eq!(shell.ok(&["list", "--json"]), "");
    }
}

/// A gateway as a process, told by signals.
struct Serving(Child);

impl Serving {
    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Already gone at the end of a test that passed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_running_gateway_follows_the_commands_on_a_signal_and_says_so() {
    let Some(shell) = Shell::new() else {
        return;
    };
    let first = shell.file("test.wasm", &component("1.0.0", &[]));
    let second = shell.file("second.wasm", &component("1.1.0", &[]));
    shell.ok(&["add", &first, "--yes"]);
    let mut serving = Serving(
        Command::new(&shell.binary)
            .arg("--config")
            .arg(shell.path("wharf.toml"))
            .args([
                "--set",
                "http.listen=127.0.0.1:0",
                "--set",
                "plugins.watch_ms=0",
                "serve",
            ])
            .env_clear()
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let state = |wanted: &'static str| {
        let shell = &shell;
        move || async move { (shell.json(&["list"])["state"] == wanted).then_some(()) }
    };
    eventually(WAIT, state("in-service")).await.unwrap();
    shell.ok(&["add", &second, "--name", "test"]);
    eventually(WAIT, state("pending-reload")).await.unwrap();
    serving.signal("-HUP");
    eventually(WAIT, state("in-service")).await.unwrap();
    assert_eq!(shell.json(&["list"])["in_service"]["version"], "1.1.0");
    let store = shell.path("plugins/store");
    let held = store.join(format!(
        "sha256-{}.wasm",
        Digest::of(&component("1.0.0", &[])).hex()
    ));
    let bytes = std::fs::read(&held).unwrap();
    std::fs::write(&held, b"changed").unwrap();
    shell.refused(&["rollback", "test"], "is not what the lock says");
    std::fs::write(&held, bytes).unwrap();
    let back = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| shell.json(&["rollback", "test", "--wait", "60"]));
        // Told again and again: the first time may come before the lock is written.
        while !waiting.is_finished() {
            serving.signal("-HUP");
            std::thread::yield_now();
        }
        waiting.join().unwrap()
    });
    assert_eq!(back["version"], "1.0.0");
    serving.signal("-TERM");
    assert!(serving.0.wait().unwrap().success());
    let list = shell.run(&["list"]);
    assert!(list.err.contains("no gateway runs here"), "{}", list.err);
}

#[test]
fn what_cannot_be_installed_says_why_and_changes_nothing() {
    let Some(shell) = Shell::new() else {
        return;
    };
    let good = shell.file("test.wasm", &component("1.0.0", &[]));
    shell.ok(&["add", &good, "--yes"]);
    let before = std::fs::read(shell.path("plugins").join(lock::FILE_NAME)).unwrap();
    let mut other = Guest::new();
    other.id = "com.example.other";
    let other = shell.file("other.wasm", &other.build());
    let text = shell.file("text.wasm", b"hello");
    let wrong = format!("sha256:{}", "0".repeat(64));
    for (arguments, why) in [
        (vec!["add", "none.wasm"], "could not read"),
        (vec!["add", &text, "--yes"], "not WebAssembly"),
        (
            vec!["add", &other, "--name", "test", "--yes"],
            "another plugin",
        ),
        (
            vec!["add", &good, "--name", "Test"],
            "cannot be a plugin's name",
        ),
        (
            vec!["add", &good, "--digest", &wrong],
            "nothing was installed",
        ),
        (vec!["add", "https://localhost:1/x.wasm"], "--digest"),
        (vec!["add", "http://localhost:1/x.wasm"], "plain http"),
        (vec!["add", "oci:localhost:1/x"], "neither tag nor digest"),
        (
            vec!["add", "oci:localhost:1/x:1", "--token-env", "NONE"],
            "NONE is not set",
        ),
        (vec!["approve", "test"], "waits for approval"),
        (vec!["rollback", "test"], "no earlier version"),
        (vec!["rollback", "other"], "there are: test"),
        (
            vec!["inspect", "nothing"],
            "neither a plugin's name nor a file",
        ),
    ] {
        shell.refused(&arguments, why);
    }
    // Other bytes under the same number: only a person may say that this is meant.
    let mut again = Guest::new();
    again.release = "1.0.0";
    again.items = "(global i32 (i32.const 7))".to_owned();
    let again = shell.file("again.wasm", &again.build());
    assert_eq!(
        std::fs::read(shell.path("plugins").join(lock::FILE_NAME)).unwrap(),
        before
    );
    let waits = shell.run(&["add", &again, "--name", "test"]);
    assert!(
        waits.code == 3 && waits.out.contains("1.0.0 again, with other bytes"),
        "{}{}",
        waits.out,
        waits.err
    );
    assert_eq!(
        shell.json(&["add", &again, "--name", "test", "--yes"])["result"],
        "upgraded"
    );
    assert_eq!(shell.run(&["add"]).code, 2);
    assert_eq!(shell.run(&["add", &good, "--digest", "12"]).code, 2);
    let waiting = shell.run(&["rollback", "test", "--wait", "1"]);
    assert!(
        waiting.code == 1 && waiting.err.contains("no gateway runs"),
        "{}",
        waiting.err
    );
}

#[test]
fn what_the_configuration_uses_is_not_taken_away() {
    let Some(shell) = Shell::new() else {
        return;
    };
    let good = shell.file("test.wasm", &component("1.0.0", &[]));
    shell.ok(&["add", &good, "--yes"]);
    std::fs::create_dir(shell.path("tenants")).unwrap();
    std::fs::write(
        shell.path("tenants/acme.toml"),
        "id = \"acme\"\nname = \"Acme\"\n[channels.main]\nplugin = \"test\"\nsettings = { sender = \"1\" }\n",
    )
    .unwrap();
    shell.refused(&["remove", "test"], "channel acme/main");
    let mut needy = Guest::new();
    needy.release = "2.0.0";
    needy.sender_setting = "number";
    needy.inputs[0].name = "number";
    let needy = shell.file("needy.wasm", &needy.build());
    shell.refused(
        &["add", &needy, "--name", "test"],
        "does not fit the configuration",
    );
    let folder = shell.path("plugins");
    std::fs::copy(shell.path("test.wasm"), folder.join("byhand.wasm")).unwrap();
    shell.refused(&["remove", "byhand"], "put there by hand");
    assert!(shell.ok(&["list"]).contains("(by hand)"));
    assert!(shell.ok(&["inspect", "byhand"]).contains("dev.wharf.test"));
}
