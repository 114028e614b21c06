//! The real program: what it says, what it changes, and how it ends.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod dev;
mod plain;
mod program;

use serde_json::Value;
use wharf_core::{Code, Reason};
use wharf_queue::Queue;
use wharf_test_support::eventually;

use crate::databases::each_empty;
use crate::harness::WAIT;
use program::Program;

#[tokio::test]
async fn a_wrong_configuration_is_told_whole_and_starts_nothing() {
    let Some(program) = Program::new() else {
        return;
    };
    program.write(
        "wharf.toml",
        "[http]\nlisten = \"nowhere\"\n[queue]\nlease_ms = 5\nspeed = 9\n",
    );
    program.write(
        "tenants/acme.toml",
        "id = \"acme\"\nname = \"Acme\"\n[keys.a]\nhash = \"sha256:12\"\n",
    );
    for command in [
        &["serve"][..],
        &["config", "check"],
        &["migrate"],
        &["queue", "status"],
    ] {
        let run = || {
            program
                .command(command)
                .env("WHARF_SEND__ATTEMPTS_MAX", "many")
                .output()
                .unwrap()
        };
        let output = run();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(output.stdout.is_empty());
        for place in [
            "wharf.toml:2: http.listen: ",
            "wharf.toml:4: queue.lease_ms: ",
            "wharf.toml:5: queue.speed: unknown key",
            "acme.toml:4: keys.a.hash: ",
            "environment variable WHARF_SEND__ATTEMPTS_MAX: send.attempts_max: ",
            "secrets.active: ",
            "nothing was started",
        ] {
            assert!(said.contains(place), "{place} is missing in: {said}");
        }
    }
    assert!(!program.path("wharf.db").exists());
}

#[tokio::test]
async fn what_a_plugin_lacks_or_does_not_know_is_told_with_its_line() {
    let Some(program) = Program::new() else {
        return;
    };
    program.main_file(&program.sqlite_url(), "");
    program.tenant_file(
        "[channels.main]\nplugin = \"graph\"\nsettings = { phone_number_id = \"1\", colour = \"red\" }\n\
         [channels.other]\nplugin = \"grahp\"\n",
    );
    for command in [&["config", "check"][..], &["serve"]] {
        let output = program.run(command);
        assert_eq!(output.code, 78, "{output:?}");
        for place in [
            "channels.main.settings.waba_id: is missing",
            "channels.main.secrets.access_token: is missing",
            "channels.main.secrets.app_secret: is missing",
            "colour",
            "no plugin named grahp is loaded",
        ] {
            assert!(
                output.stderr.contains(place),
                "{place} is missing in: {}",
                output.stderr
            );
        }
        let places = output
            .stderr
            .lines()
            .filter(|line| line.contains("acme.toml:"));
        assert!(places.count() >= 5, "{}", output.stderr);
    }
    assert!(!program.path("wharf.db").exists());
}

#[tokio::test]
async fn a_right_configuration_is_summed_up() {
    let Some(program) = Program::new() else {
        return;
    };
    program.sandbox("");
    let output = program.run(&["config", "check"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output.stdout.starts_with("ok: 1 tenant, 1 channel, "),
        "{output:?}"
    );
    assert!(!program.path("wharf.db").exists(), "a check starts nothing");
    let defaults = program.run(&["config", "defaults"]);
    assert!(defaults.stdout.contains("[http]") && defaults.code == 0);
}

#[tokio::test]
async fn migrations_are_listed_before_they_run() {
    each_empty(async |database| {
        let Some(program) = Program::new() else {
            return;
        };
        program.main_file(&database.url, "");
        let status = program.run(&["migrate", "--status"]);
        assert_eq!(status.code, 0, "{status:?}");
        assert!(status.stdout.contains("pending"), "{status:?}");
        let again = program.run(&["migrate", "--status"]);
        assert_eq!(again.stdout, status.stdout, "looking changes nothing");
        let migrated = program.run(&["migrate"]);
        assert_eq!(
            (migrated.code, migrated.stdout.lines().last()),
            (0, Some("done")),
            "{migrated:?}"
        );
        assert!(migrated.stdout.contains("pending 0001 "), "{migrated:?}");
        for command in [&["migrate", "--status"][..], &["migrate"]] {
            assert_eq!(program.run(command).stdout, "nothing is pending\n");
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_made_works_until_it_is_revoked() {
    each_empty(async |database| {
        let Some(program) = Program::new() else {
            return;
        };
        let made = program.run(&["key", "create"]);
        let field = |name: &str| {
            let mut lines = made.stdout.lines();
            lines
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .trim()
                .to_owned()
        };
        program.main_file(&database.url, "");
        program.tenant_file(&format!("[keys.file]\nhash = \"{}\"\n", field("hash")));
        let early = program.run(&["key", "create", "--tenant", "acme"]);
        assert_eq!(early.code, 1, "{early:?}");
        assert!(early.stderr.contains("no tenant acme"), "{early:?}");

        let serving = program.serve();
        assert_eq!(serving.status("/v1/messages", &field("key")).await, 200);
        let output = program.run(&["key", "create", "--tenant", "acme", "--name", "second"]);
        assert_eq!(output.code, 0, "{output:?}");
        let key = output.stdout.trim();
        assert_eq!(serving.status("/v1/messages", key).await, 200);
        let stranger = program.run(&["key", "create", "--tenant", "nobody"]);
        assert!(
            stranger.code == 1 && stranger.stderr.contains("there are: acme"),
            "{stranger:?}"
        );

        let listed = program.run(&["key", "list", "--tenant", "acme"]);
        assert!(!listed.stdout.contains(key), "a key is shown once");
        let line = listed
            .stdout
            .lines()
            .find(|line| line.contains("second"))
            .unwrap();
        let id = line.split_whitespace().next().unwrap();
        for expected in [0, 1] {
            let revoked = program.run(&["key", "revoke", "--tenant", "acme", id]);
            assert_eq!(revoked.code, expected, "{revoked:?}");
        }
        let refused = async || (serving.status("/v1/messages", key).await == 401).then_some(());
        eventually(WAIT, refused).await.unwrap();
        assert_eq!(serving.stop(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_queues_can_be_looked_at_beside_a_running_gateway() {
    each_empty(async |database| {
        let Some(program) = Program::new() else {
            return;
        };
        program.sandbox(&database.url);
        let serving = program.serve();
        let output = program.run(&["queue", "status", "--json"]);
        assert_eq!(output.code, 0, "{output:?}");
        let queues: Value = serde_json::from_str(&output.stdout).unwrap();
        let names: Vec<_> = queues.as_object().unwrap().keys().cloned().collect();
        let mut known = Queue::ALL.map(|queue| queue.as_str().to_owned());
        known.sort();
        assert_eq!(names, known);
        for queue in queues.as_object().unwrap().values() {
            for number in ["pending", "due", "leased", "dead"] {
                assert!(queue[number].is_u64(), "{queue}");
            }
        }
        assert_eq!(queues["send"]["dead"], 0);
        let table = program.run(&["queue", "status"]);
        assert_eq!(
            table.stdout.lines().count(),
            Queue::ALL.len() + 1,
            "{table:?}"
        );
        for verb in ["retry", "flush"] {
            let refused = program.run(&["queue", verb]);
            assert!(
                refused.code == 1 && refused.stderr.contains("--all"),
                "{refused:?}"
            );
        }
        let kept = program.run(&["queue", "flush", "--all"]);
        assert!(kept.code == 1 && kept.stderr.contains("--yes"), "{kept:?}");
        let revived = program.run(&["queue", "retry", "--queue", "send"]);
        assert_eq!(
            (revived.code, revived.stdout.trim()),
            (0, "0 dead letters go again"),
            "{revived:?}"
        );
        assert_eq!(serving.stop(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_operator_reads_where_providers_call() {
    each_empty(async |database| {
        let Some(program) = Program::new() else {
            return;
        };
        program.sandbox(&database.url);
        let serving = program.serve();
        assert_eq!(serving.stop(), 0);
        let table = program.run(&["webhook", "urls"]);
        assert_eq!(table.code, 0, "{table:?}");
        assert!(table.stderr.contains("http.public_url"), "{table:?}");
        let lines = program.run(&["webhook", "urls", "--json"]);
        let row: Value = serde_json::from_str(lines.stdout.trim()).unwrap();
        assert_eq!(row["plugin"], "sandbox");
        assert!(row["owner"].as_str().unwrap().starts_with("channel:acme/"));
        let path = row["url"].as_str().unwrap();
        assert!(path.starts_with("/webhooks/sandbox/"), "{path}");
        assert!(table.stdout.contains(path), "{table:?}");
        let public = ["--set", "http.public_url=https://wharf.example.com"];
        let whole = program.run(&[&public[..], &["webhook", "urls", "--json"]].concat());
        let row: Value = serde_json::from_str(whole.stdout.trim()).unwrap();
        assert_eq!(row["url"], format!("https://wharf.example.com{path}"));
        assert!(whole.stderr.is_empty(), "{whole:?}");
    })
    .await;
}

#[tokio::test]
async fn wrong_usage_and_help() {
    let Some(program) = Program::new() else {
        return;
    };
    for wrong in [
        &["fly"][..],
        &["queue", "status", "--colour"],
        &["queue", "retry", "--queue", "pigeons"],
        &["--set", "x", "serve"],
        &[],
    ] {
        let output = program.run(wrong);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{output:?}");
        assert!(output.stderr.contains("--help"), "{output:?}");
    }
    let help = program.run(&["--help"]);
    assert_eq!(help.code, 0);
    for command in [
        "serve", "dev", "migrate", "config", "key", "queue", "errors",
    ] {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command}: {}",
            help.stdout
        );
    }
}

#[tokio::test]
async fn every_error_code_is_explained() {
    let Some(program) = Program::new() else {
        return;
    };
    let all = program.run(&["errors"]);
    let explained = Code::ALL.len() + Reason::ALL.len();
    assert_eq!(all.stdout.lines().count(), explained);
    for code in [Code::ChannelUnknown, Code::IdempotencyMismatch] {
        let output = program.run(&["errors", code.as_str()]);
        assert_eq!(output.code, 0, "{output:?}");
        for part in [code.as_str(), code.title(), code.remedy()] {
            assert!(
                output.stdout.contains(part),
                "{part} is missing in: {}",
                output.stdout
            );
        }
    }
    let reason = Reason::EgressHost;
    let output = program.run(&["errors", reason.as_str()]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains(reason.remedy()), "{output:?}");
    // An answer's code and the reason of a failure.
    let both = program.run(&["errors", "unsupported"]).stdout;
    for part in [Code::Unsupported.remedy(), Reason::Unsupported.remedy()] {
        assert!(both.contains(part), "{part} is missing in: {both}");
    }
    let unknown = program.run(&["errors", "no-such-code"]);
    assert!(
        unknown.code == 1 && unknown.stderr.contains("no-such-code"),
        "{unknown:?}"
    );
}
