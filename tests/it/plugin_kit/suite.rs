//! Golden cases and the conformance suite in the sandbox.

use std::path::Path;

use serde_json::{Value, json};
use wharf::kit::subject::Component;
use wharf_cases::Subject;
use wharf_runtime::LimitClass;

use super::{Kit, repository};

/// The rows of a run; it must have passed.
fn passed(kit: &Kit, name: &str) -> Vec<Value> {
    let cases = repository(&format!("plugins/{name}/cases"));
    let output = kit.run(&[
        "test",
        &kit.component(name),
        "--cases",
        cases.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(output.code, 0, "{output:?}");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    report["rows"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_plugins_that_ship_pass_everything() {
    let Some(kit) = Kit::new() else { return };
    for name in ["dialog360", "graph", "sandbox", "twilio"] {
        let rows = passed(&kit, name);
        let of = |suite: &str| rows.iter().filter(|row| row["suite"] == suite).count();
        assert!(of("cases") >= 5 && of("conformance") >= 15, "{rows:?}");
        for row in rows.iter().filter(|row| row["suite"] == "cases") {
            assert!(row["calls"].as_u64().unwrap() > 0, "{row}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_case_that_fails_is_shown_by_its_place_and_can_be_written_again() {
    let Some(kit) = Kit::new() else { return };
    let cases = kit.path("cases");
    copy(&repository("plugins/sandbox/cases"), &cases);
    let file = cases.join("sends-a-text.json");
    let right = std::fs::read_to_string(&file).unwrap();
    let mut case: Value = serde_json::from_str(&right).unwrap();
    case["expect"]["exchange"]["request"]["url"] = json!("https://elsewhere.example/");
    std::fs::write(&file, case.to_string()).unwrap();
    let component = kit.component("sandbox");
    let arguments = |more: &[&'static str]| {
        let mut all = vec![
            "test".to_owned(),
            component.clone(),
            "--cases".to_owned(),
            cases.display().to_string(),
        ];
        all.extend(["--filter", "sends-a-text"].map(str::to_owned));
        all.extend(more.iter().map(|word| (*word).to_owned()));
        all
    };
    let run = |more: &[&'static str]| {
        let all = arguments(more);
        kit.run(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let failed = run(&[]);
    assert_eq!(failed.code, 1, "{failed:?}");
    let place = "expect/exchange/request/url: expected \"https://elsewhere.example/\", got \"https://sandbox.wharf.internal/v1/messages\"";
    assert!(failed.stdout.contains(place), "{failed:?}");
    let updated = run(&["--update"]);
    assert!(
        updated.code == 0 && updated.stderr.contains(place),
        "{updated:?}"
    );
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(&right).unwrap());
    assert_eq!(run(&[]).code, 0);
}

#[tokio::test]
async fn what_is_no_case_is_told_with_its_file() {
    let Some(kit) = Kit::new() else { return };
    let component = kit.component("sandbox");
    for (content, part) in [
        ("{", "it is not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "exactly one call"),
        (r#"{"outbound":{},"inbound":{}}"#, "exactly one call"),
        (
            r#"{"health":{},"then":[{}]}"#,
            "either an `outcome` or an `answer`",
        ),
    ] {
        let cases = kit.path("bad");
        std::fs::create_dir_all(&cases).unwrap();
        std::fs::write(cases.join("broken.json"), content).unwrap();
        let output = kit.run(&["test", &component, "--cases", cases.to_str().unwrap()]);
        assert!(
            output.code == 1 && output.stdout.contains(part),
            "{output:?}"
        );
        assert!(output.stdout.contains("broken.json"), "{output:?}");
        assert!(
            output.stdout.contains("conformance"),
            "the rest runs: {output:?}"
        );
    }
    let empty = kit.path("empty");
    std::fs::create_dir_all(&empty).unwrap();
    let output = kit.run(&["test", &component, "--cases", empty.to_str().unwrap()]);
    assert!(
        output.code == 1 && output.stderr.contains("no golden case"),
        "{output:?}"
    );
    let misfit = kit.path("misfit");
    std::fs::create_dir_all(&misfit).unwrap();
    std::fs::write(
        misfit.join("typo.json"),
        r#"{"outbound":{"content":{"txt":{}}},"expect":{}}"#,
    )
    .unwrap();
    let output = kit.run(&[
        "test",
        &component,
        "--cases",
        misfit.to_str().unwrap(),
        "--filter",
        "typo",
    ]);
    assert!(
        output.code == 1 && output.stdout.contains("`txt` is unknown; there is text"),
        "{output:?}"
    );
    for wrong in [
        &["test", "no-such-folder"][..],
        &["test", &component, "--cases", "no-such-folder"],
        &["test", &component, "--filter", "no case has this name"],
    ] {
        let output = kit.run(wrong);
        assert!(output.code == 1 && output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn an_exchange_that_the_gateway_would_not_send_fails_its_case() {
    let Some(kit) = Kit::new() else { return };
    let file = kit.component("sandbox");
    let mut component = Component::load(Path::new(&file), LimitClass::Native).unwrap();
    let exchange = |url: &str, header: Value| {
        json!({
            "label": "send", "replay": "safe", "sink": { "buffer": 10 },
            "request": { "method": "get", "url": url, "query": { "fields": [] }, "body": "empty", "headers": [header] },
        })
    };
    let key = json!({ "name": "authorization", "value": [{ "secret": "sandbox_key" }] });
    let good = "https://sandbox.wharf.internal/v1/health";
    let context = json!({ "settings": {} });
    assert_eq!(
        component.look_at(&context, &exchange(good, key.clone())),
        Ok(())
    );
    for (url, header, part) in [
        ("https://169.254.169.254/latest", key.clone(), "egress-"),
        ("https://elsewhere.example/", key.clone(), "egress-host"),
        ("https://sandbox.wharf.internal/v2/", key, "egress-endpoint"),
        (
            good,
            json!({ "name": "host", "value": [{ "text": "x" }] }),
            "egress-header",
        ),
        (
            good,
            json!({ "name": "a", "value": [{ "secret": "other" }] }),
            "other",
        ),
    ] {
        let refused = component
            .look_at(&context, &exchange(url, header))
            .unwrap_err();
        assert!(refused.contains(part), "{refused}");
    }
}

#[tokio::test]
async fn what_a_plugin_logs_is_shown_to_who_asks() {
    let Some(kit) = Kit::new() else { return };
    let catalogue = wharf_hostile::all();
    let loud = catalogue
        .iter()
        .find(|entry| entry.name == "forged-log-lines");
    let component = kit.path("loud.wasm");
    std::fs::write(&component, loud.unwrap().component()).unwrap();
    let cases = kit.path("cases");
    std::fs::create_dir_all(&cases).unwrap();
    let case = r#"{"outbound":{"content":{"text":{"body":"Hello"}}},"expect":{}}"#;
    std::fs::write(cases.join("text.json"), case).unwrap();
    let run = |more: &[&str]| {
        let (component, cases) = (component.to_str().unwrap(), cases.to_str().unwrap());
        let always = ["test", component, "--cases", cases, "--filter", "text"];
        kit.run(&[&always[..], more].concat())
    };
    let silent = run(&[]);
    assert!(!silent.stderr.contains("forged"), "{silent:?}");
    let shown = run(&["--log"]);
    let of_plugin = |line: &&str| line.contains("wharf::plugin") && line.contains("forged");
    assert_eq!(
        shown.stderr.lines().filter(of_plugin).count(),
        1,
        "{shown:?}"
    );
    assert_eq!(shown.stdout.lines().count(), silent.stdout.lines().count());
}

#[tokio::test]
async fn a_program_reads_what_went_wrong_as_json() {
    let Some(kit) = Kit::new() else { return };
    for wrong in [
        &["test", "no-such-folder", "--json"][..],
        &["check", "no-such-file.wasm", "--json"],
        &["inspect", "./no-such-file.wasm", "--json"],
        &["fuzz", "no-such-folder", "--json"],
    ] {
        let output = kit.run(wrong);
        assert!(output.code == 1 && output.stdout.is_empty(), "{output:?}");
        let said: Value = serde_json::from_str(&output.stderr)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        assert!(
            said["error"].as_str().unwrap().contains("no-such"),
            "{said}"
        );
        assert!(said["causes"].is_array(), "{said}");
    }
}
