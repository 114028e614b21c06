//! Plugins that are wrong: what is wrong is found by its name, written down, and made again.

use std::path::PathBuf;

use serde_json::{Value, json};
use wharf::kit::fuzz::{self, Fault, Options, Report};
use wharf::kit::subject::Component;
use wharf_hostile::Guest;
use wharf_runtime::LimitClass;

use super::options;
use crate::plugin_kit::Kit;

/// A component, and cases that lead everywhere.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(bench.cases()).unwrap();
        bench
    }

    fn cases(&self) -> PathBuf {
        self.folder.path().join("cases")
    }

    fn case(&self, name: &str, case: &Value) {
        let file = self.cases().join(format!("{name}.json"));
        std::fs::write(file, case.to_string()).unwrap();
    }

    fn webhook(self) -> Self {
        let body = json!({ "messages": [{ "id": "1", "text": "Hi" }, { "id": "2" }] });
        self.case("webhook", &json!({ "inbound": { "body": body } }));
        self
    }

    /// A call with an answer for every function that reads one.
    fn answers(self) -> Self {
        let text = json!({ "content": { "text": { "body": "Hi" } } });
        let calls = [
            ("outbound", text.clone()),
            ("media", json!({ "fetch": "m" })),
            ("templates", json!("list")),
            ("profile", json!("get")),
            ("health", json!({})),
            ("reconcile", json!({ "message": text, "sent-at": 1 })),
            ("catch-up", json!({ "since": 1 })),
        ];
        let answer = json!({ "outcome": { "response": { "status": 200, "body": { "id": "1" } } } });
        for (call, given) in calls {
            self.case(call, &json!({ call: given, "then": [answer] }));
        }
        let flow = json!({ "flow": "f", "inputs": {} });
        let then = json!([answer, { "answer": { "code": ["1"] } }]);
        self.case("onboarding", &json!({ "onboarding": flow, "then": then }));
        self
    }

    fn component(&self, bytes: &[u8]) -> (PathBuf, Component) {
        let file = self.folder.path().join("made.wasm");
        std::fs::write(&file, bytes).unwrap();
        let component = Component::load(&file, LimitClass::Native).unwrap();
        (file, component)
    }

    fn fuzz(&self, bytes: &[u8], executions: u64) -> Report {
        let (_, mut component) = self.component(bytes);
        fuzz::run(&mut component, &self.cases(), options(executions)).unwrap()
    }
}

fn faults(report: &Report) -> Vec<Fault> {
    report.tally.faults.keys().copied().collect()
}

#[test]
fn a_trap_is_found_in_every_function_that_reads_what_came() {
    const FUNCTIONS: [&str; 9] = [
        "outbound.resume",
        "media.resume",
        "onboarding.resume",
        "onboarding.answer",
        "templates.resume",
        "health.resume",
        "reconcile.resume",
        "reconcile.catch-up-resume",
        "profile.resume",
    ];
    let bench = Bench::new().answers();
    for crashing in FUNCTIONS {
        let mut guest = Guest::new();
        guest.exports.extend([
            "media",
            "onboarding",
            "templates",
            "health",
            "reconcile",
            "profile",
        ]);
        let report = bench.fuzz(&guest.body(crashing, "unreachable").build(), 150);
        // What a made guest answers elsewhere may be refused, but traps are of this function alone.
        let mut traps = report.tally.findings();
        traps.retain(|finding| finding.fault == Fault::Trap);
        let of: Vec<_> = traps.iter().map(|finding| finding.function).collect();
        assert_eq!(of, [crashing]);
        assert!(report.unreached.contains(&"inbound.parse"));
    }
}

#[test]
fn each_way_to_fail_is_found_by_its_name() {
    let bench = Bench::new().webhook();
    let hostile = wharf_hostile::all();
    for (name, fault, executions) in [
        ("trap-in-parse", Fault::Trap, 50),
        // Each takes its whole budget, three times.
        ("loop-in-parse", Fault::CpuLimit, 1),
        ("empty-dedupe-key", Fault::Refused, 50),
        ("invalid-json-item", Fault::Refused, 50),
        ("next-stands-still", Fault::Refused, 50),
        ("hundred-thousand-items", Fault::OutputLimit, 1),
        ("endless-next", Fault::Endless, 200),
    ] {
        let entry = hostile.iter().find(|it| it.name == name).unwrap();
        let report = bench.fuzz(&entry.component(), executions);
        // A `skip` that no page gave makes some of them fail in other ways too.
        assert!(
            faults(&report).contains(&fault),
            "{name}: {:?}",
            faults(&report)
        );
        assert!(report.tally.findings()[0].case == "webhook");
    }
    let grows = "(drop (memory.grow (i32.const 2000)))";
    let report = bench.fuzz(&Guest::new().first("inbound.parse", grows).build(), 50);
    assert_eq!(faults(&report), [Fault::MemoryLimit]);
}

/// Reads one message out of every body, with a pointer to it.
fn reads_one(pointer: &str) -> Vec<u8> {
    let message = json!({
        "provider-message-id": "1", "sender": { "phone": "4915112345678" },
        "at": 1_700_000_000_000_u64, "content": { "text": "Hi" },
    });
    let item = json!({
        "route": { "sender": "s" }, "pointer": pointer, "dedupe-key": "1", "event": { "message": message },
    });
    let parsed = json!({ "ok": { "items": [item] } });
    Guest::new().returning("inbound.parse", &parsed).build()
}

#[test]
fn a_message_that_is_in_no_item_is_found() {
    let bench = Bench::new().webhook();
    let dropping = bench.fuzz(&reads_one("/messages/0"), 300);
    assert_eq!(faults(&dropping), [Fault::Dropped]);
    let finding = dropping.tally.findings()[0].clone();
    assert!(finding.detail.contains("/messages/1"), "{}", finding.detail);
    // The whole body in one item has everything in it.
    assert_eq!(faults(&bench.fuzz(&reads_one(""), 300)), []);
    let silent = Guest::new().returning("inbound.parse", &json!({ "ok": { "items": [] } }));
    let silent = bench.fuzz(&silent.build(), 300);
    assert_eq!(faults(&silent), [Fault::Dropped]);
    assert!(silent.tally.findings()[0].detail.contains("no item"));
}

/// Traps on a body that does not end in `}`: on one that was cut.
fn cut_is_fatal() -> Vec<u8> {
    let body = Guest::param_offset("inbound.parse", &["webhook", "body"]);
    let length = body + 4;
    let check = format!(
        "(if (i32.load offset={length} (local.get 0)) (then
            (if (i32.ne (i32.const 125) (i32.load8_u (i32.sub
                (i32.add (i32.load offset={body} (local.get 0)) (i32.load offset={length} (local.get 0)))
                (i32.const 1)))) (then unreachable))))"
    );
    Guest::new().first("inbound.parse", &check).build()
}

#[test]
fn a_finding_is_written_replayed_and_mended() {
    let Some(kit) = Kit::new() else { return };
    let bench = Bench::new().webhook();
    let (file, _) = bench.component(&cut_is_fatal());
    let (file, out) = (file.to_str().unwrap(), kit.path("found"));
    let fuzzed = kit.run(&[
        "fuzz",
        file,
        "--executions",
        "400",
        "--threads",
        "2",
        "--out",
        out.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(fuzzed.code, 1, "{fuzzed:?}");
    let report: Value = serde_json::from_str(&fuzzed.stdout).unwrap();
    assert!(report["faults"]["trap"].as_u64().unwrap() > 10, "{report}");
    let mut found: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    found.retain(|entry| entry.file_name().to_string_lossy().contains("-trap-"));
    let finding = found[0].path();
    let finding = finding.to_str().unwrap();
    assert!(
        fuzzed.stderr.contains(&format!("--replay {finding}")),
        "{fuzzed:?}"
    );

    let again = kit.run(&["fuzz", file, "--replay", finding]);
    assert!(
        again.code == 1 && again.stderr.contains("still trap"),
        "{again:?}"
    );
    let (mended, _) = bench.component(&reads_one(""));
    let mended = kit.run(&["fuzz", mended.to_str().unwrap(), "--replay", finding]);
    assert!(
        mended.code == 0 && mended.stdout.contains("mended"),
        "{mended:?}"
    );
}

#[test]
fn the_same_findings_come_in_the_same_order_on_any_number_of_threads() {
    let bench = Bench::new().webhook();
    let (_, mut component) = bench.component(&cut_is_fatal());
    let mut findings = |threads| {
        let options = Options {
            executions: 2_000,
            seed: 1,
            threads,
        };
        let report = fuzz::run(&mut component, &bench.cases(), options).unwrap();
        report.to_json()["findings"].clone()
    };
    let alone = findings(1);
    assert!(alone[0]["count"].as_u64().unwrap() > 10, "{alone}");
    assert_eq!(findings(3), alone);
}
