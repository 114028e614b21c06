//! The table of what providers can do, held against the plugins that ship.

use serde_json::Value;
use wharf::kit::capabilities::{Column, table};
use wharf_runtime::LimitClass;

use super::{Kit, repository};

const REMEDY: &str = "run `cargo xtask capabilities`";

#[test]
fn the_table_in_the_repository_is_what_the_plugins_say() {
    let Some(kit) = Kit::new() else { return };
    let mut files: Vec<_> = std::fs::read_dir(&kit.dist)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "wasm"))
        .collect();
    files.sort();
    assert!(files.len() >= 2, "{files:?}");
    let columns = files
        .iter()
        .map(|file| Column::load(file, LimitClass::Native).unwrap());
    let wanted = table(&columns.collect::<Vec<_>>());
    let kept = std::fs::read_to_string(repository("plugins/CAPABILITIES.md")).unwrap();
    let kept = kept.split_once("\n| ").map(|(_, rest)| format!("| {rest}"));
    assert_eq!(kept.as_deref(), Some(wanted.as_str()), "{REMEDY}");
}

#[test]
fn the_command_prints_the_same_for_any_components() {
    let Some(kit) = Kit::new() else { return };
    let sandbox = kit.component("sandbox");
    let output = kit.run(&["capabilities", &sandbox]);
    assert_eq!(output.code, 0, "{output:?}");
    let lines: Vec<_> = output.stdout.lines().collect();
    assert_eq!(lines[0], "| what | name | `sandbox` |");
    for line in [
        "| text | `text` | yes |",
        // Declared by `interactive` as a whole.
        "| list | `interactive.list` | yes |",
        "| media fetched, uploaded, deleted | interface `media` | yes |",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {output:?}");
    }
    let wrong = kit.run(&["capabilities", "no-such-file.wasm"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (1, ""));
    let none = kit.run(&["capabilities"]);
    assert_eq!(none.code, 2, "{none:?}");
    let graph = kit.run(&["inspect", &kit.component("graph"), "--json"]);
    let graph: Value = serde_json::from_str(&graph.stdout).unwrap();
    assert!(graph["descriptor"]["capabilities"].is_array());
}
