//! The examples in other languages are held to what every plugin is held to.

use std::path::PathBuf;

use serde_json::Value;

use super::{Kit, repository};
use crate::harness::environment;

/// Component and rows of a run under the limits of interpreters; it must have passed.
fn passes(name: &str) {
    let (Some(kit), Some(dist)) = (Kit::new(), environment("WHARF_EXAMPLES_DIST")) else {
        return;
    };
    let component = PathBuf::from(dist).join(format!("{name}.wasm"));
    let component = component.to_str().unwrap();
    let cases = repository("plugins/examples/cases");
    let cases = cases.to_str().unwrap();
    let output = kit.run(&[
        "test",
        component,
        "--cases",
        cases,
        "--class",
        "interpreter",
        "--json",
    ]);
    assert_eq!(output.code, 0, "{output:?}");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let of = |suite: &str| rows.iter().filter(|row| row["suite"] == suite).count();
    assert!(of("cases") >= 7 && of("conformance") >= 15, "{rows:?}");
}

#[tokio::test]
async fn a_provider_in_javascript_passes_everything() {
    passes("parrot-js");
}

#[tokio::test]
async fn a_provider_in_python_passes_everything() {
    passes("parrot-python");
}
