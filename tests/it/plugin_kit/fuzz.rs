//! The fuzzer: a hundred thousand calls of the plugins that ship find nothing, the same seed makes the same calls,
//! and what is missing from a webhook's items is seen. What it finds in plugins that are wrong stands in `finding`.

mod finding;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use wharf::kit::fuzz::{self, Options, Places, Report};
use wharf::kit::subject::Component;
use wharf_runtime::LimitClass;

use super::{Kit, repository};

/// Four plugins: a hundred thousand calls together.
const EXECUTIONS: u64 = 25_000;

fn options(executions: u64) -> Options {
    Options {
        executions,
        seed: 1,
        threads: 1,
    }
}

fn shipped(name: &str) -> Option<Report> {
    let kit = Kit::new()?;
    let file = kit.component(name);
    let mut component = Component::load(Path::new(&file), LimitClass::Native).unwrap();
    let cases = repository(&format!("plugins/{name}/cases"));
    let report = fuzz::run(&mut component, &cases, options(EXECUTIONS)).unwrap();
    assert!(report.tally.executions() >= EXECUTIONS);
    let findings: Vec<_> = report
        .tally
        .findings()
        .into_iter()
        .map(|it| format!("{} {}: {}", it.function, it.case, it.detail))
        .collect();
    assert_eq!(report.tally.failures(), 0, "{findings:#?}");
    assert_eq!(report.unreached, [""; 0], "no case leads there");
    assert!(report.tally.repeated > EXECUTIONS / 100);
    Some(report)
}

/// Webhooks in JSON: everything in each is looked for.
fn is_complete(report: &Report) {
    let tally = &report.tally;
    assert!(tally.complete_bodies > 1_000 && tally.complete_atoms > tally.complete_bodies);
    assert!(tally.items["other"] > 100 && tally.items["message"] > 100);
}

#[test]
fn graph_survives_what_is_bent() {
    let Some(report) = shipped("graph") else {
        return;
    };
    is_complete(&report);
}

#[test]
fn dialog360_survives_what_is_bent() {
    let Some(report) = shipped("dialog360") else {
        return;
    };
    is_complete(&report);
}

#[test]
fn twilio_survives_what_is_bent() {
    let Some(report) = shipped("twilio") else {
        return;
    };
    assert!(report.tally.complete_bodies > 100 && report.tally.items["message"] > 100);
}

#[test]
fn the_sandbox_survives_what_is_bent() {
    let Some(report) = shipped("sandbox") else {
        return;
    };
    is_complete(&report);
}

/// Everything that a run says but its times.
fn without_times(report: &Report) -> Value {
    let mut shown = report.to_json();
    for name in ["threads", "elapsed_ms", "executions_per_s", "slow_once"] {
        shown[name].take();
    }
    for function in shown["functions"].as_object_mut().unwrap().values_mut() {
        for name in ["cpu_us", "slowest_us", "slowest_case"] {
            function[name].take();
        }
    }
    shown
}

#[test]
fn a_seed_makes_the_same_run_on_any_number_of_threads() {
    let Some(kit) = Kit::new() else { return };
    let file = kit.component("sandbox");
    let mut component = Component::load(Path::new(&file), LimitClass::Native).unwrap();
    let mut run = |seed, threads| {
        let options = Options {
            executions: 1_500,
            seed,
            threads,
        };
        let cases = repository("plugins/sandbox/cases");
        without_times(&fuzz::run(&mut component, &cases, options).unwrap())
    };
    let first = run(7, 1);
    assert_eq!(run(7, 1), first);
    assert_eq!(run(7, 3), first);
    let mut other = run(8, 1);
    other["seed"] = json!(7);
    assert_ne!(other, first);
}

fn set(pointers: &[&str]) -> BTreeSet<String> {
    pointers.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn each_element_of_a_known_list_must_be_in_an_item() {
    let places = Places::of(&set(&[
        "/entry/3/changes/0",
        "/entry/0/messages/12",
        "",
        "/sid",
    ]));
    let body = br#"{"entry":[{"changes":[{"value":1},2],"messages":{}},{"messages":[null]}]}"#;
    let problem = |items: &[&str]| {
        let verdict = fuzz::verdict(&places, body, items.len(), &set(items));
        assert_eq!(verdict.atoms, Some(3));
        verdict.problem
    };
    let all = [
        "/entry/0/changes/0",
        "/entry/0/changes/1",
        "/entry/1/messages/0",
    ];
    assert_eq!(problem(&all), None);
    assert_eq!(problem(&["/entry/0", "/entry/1/messages/0/part"]), None);
    assert_eq!(problem(&[""]), None);
    let missing = Some("in no item: /entry/1/messages/0, and 0 more".to_owned());
    assert_eq!(problem(&all[..2]), missing);
    // What begins alike is another place.
    assert_eq!(problem(&["/entry/0", "/entry/1/messages/00"]), missing);
}

#[test]
fn of_a_body_without_one_meaning_only_silence_is_wrong() {
    let places = Places::of(&set(&["/a/0"]));
    let verdict = |body: &[u8], items| fuzz::verdict(&places, body, items, &BTreeSet::new());
    for body in [
        &br#"{"a":[1],"a":[2]}"#[..],
        br#"{"a":[1]"#,
        b"a=1",
        b"\xff",
    ] {
        assert_eq!(verdict(body, 1), fuzz::Verdict::default());
        assert!(verdict(body, 0).problem.is_some());
    }
    for nothing in [&b""[..], b" \n", b"[ ]", b"{}"] {
        assert_eq!(verdict(nothing, 0).problem, None);
    }
}

#[test]
fn wrong_use_says_what_would_be_right() {
    let Some(kit) = Kit::new() else { return };
    let component = kit.component("sandbox");
    let cases = repository("plugins/sandbox/cases");
    let cases = cases.to_str().unwrap();
    let empty = kit.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let (no_json, no_finding) = (kit.path("no.json"), kit.path("none.json"));
    std::fs::write(&no_json, "{").unwrap();
    std::fs::write(&no_finding, r#"{"function":"a.b","arguments":[]}"#).unwrap();
    let (no_json, no_finding) = (no_json.to_str().unwrap(), no_finding.to_str().unwrap());
    for (arguments, part) in [
        (&["fuzz", "no-such-file"][..], "neither a plugin's folder"),
        (&["fuzz", &component], "name theirs with --cases"),
        (
            &["fuzz", &component, "--cases", empty.to_str().unwrap()],
            "no golden cases",
        ),
        (
            &["fuzz", &component, "--cases", cases, "--executions", "0"],
            "at least 1",
        ),
        (
            &["fuzz", &component, "--replay", no_json],
            "no file of a finding",
        ),
        (
            &["fuzz", &component, "--replay", no_finding],
            "one of inbound.parse",
        ),
    ] {
        let output = kit.run(arguments);
        assert!(
            output.code == 1 && output.stderr.contains(part) && output.stdout.is_empty(),
            "{output:?}"
        );
    }
}
