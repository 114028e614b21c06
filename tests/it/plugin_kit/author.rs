//! From nothing to a tested component, as a newcomer goes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::{Kit, quiet, repository, run};

#[tokio::test]
async fn names_that_are_none_are_refused_with_what_is_right() {
    let Some(kit) = Kit::new() else { return };
    for name in [
        "",
        "Acme",
        "9lives",
        "a_b",
        "a b",
        "../a",
        "a--b",
        "a-",
        "-a",
        "sdk",
        &"x".repeat(41),
    ] {
        let output = kit.run(&["new", "--", name]);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(
            output.stderr.contains("plugin's name") || output.stderr.contains("is taken"),
            "{output:?}"
        );
    }
    assert_eq!(
        std::fs::read_dir(kit.folder.path()).unwrap().count(),
        0,
        "nothing was written"
    );
    std::fs::create_dir(kit.path("full")).unwrap();
    std::fs::write(kit.path("full/file"), "mine").unwrap();
    let full = kit.run(&["new", "full"]);
    assert!(
        full.code == 1 && full.stderr.contains("not empty"),
        "{full:?}"
    );
    for sdk in ["nowhere", "full"] {
        let output = kit.run(&["new", "fine", "--sdk", sdk]);
        assert!(
            output.code == 1 && output.stderr.contains("--sdk"),
            "{output:?}"
        );
    }
}

/// Everything that a new project needs is in the program, and nothing else.
#[test]
fn the_program_carries_the_whole_template_and_sdk() {
    fn walk(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), found);
            } else if name != "wit" {
                found.insert(name);
            }
        }
    }
    for (folder, embedded) in wharf::kit::scaffold::embedded() {
        let mut found = BTreeSet::new();
        walk(&repository("plugins").join(folder), "", &mut found);
        let embedded: BTreeSet<_> = embedded.into_iter().map(str::to_owned).collect();
        assert_eq!(embedded, found, "plugins/{folder}");
    }
}

/// Compiles twice, natively and for the sandbox: the longest test of the kit.
#[tokio::test]
async fn a_new_plugin_compiles_and_passes_its_tests_at_once() {
    let Some(kit) = Kit::new() else { return };
    // The plugins' own build folder, so that the standard library is not built again.
    let target = kit.dist.parent().unwrap().join("build");
    let created = kit.run(&["new", "blue-bird"]);
    assert_eq!(
        (created.code, created.stdout.trim()),
        (0, "blue-bird"),
        "{created:?}"
    );
    let folder = kit.path("blue-bird");
    let source = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    assert!(source.contains("pub struct BlueBird;"), "{source}");

    let mut native = Command::new("cargo");
    quiet(&mut native, &folder);
    native
        .args(["test", "--quiet", "--offline"])
        .env("CARGO_TARGET_DIR", &target);
    let native = run(native);
    assert_eq!(native.code, 0, "{native:?}");

    let mut tested = kit.command(&["test", "blue-bird"]);
    tested
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_NET_OFFLINE", "true");
    let tested = run(tested);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert!(
        tested.stdout.contains("sends-a-text") && tested.stdout.contains(" 0 failed"),
        "{tested:?}"
    );
    let checked = kit.run(&["check", "blue-bird/blue-bird.wasm"]);
    assert!(
        checked.code == 0 && checked.stdout.contains("https://api.blue-bird.example"),
        "{checked:?}"
    );
    let empty = kit.run(&["build", "."]);
    assert!(
        empty.code == 1 && empty.stderr.contains("wharf plugin new"),
        "{empty:?}"
    );
}
