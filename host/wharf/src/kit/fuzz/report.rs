//! What a run came to, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::Options;
use super::judge::Fault;
use super::tally::Tally;

/// Calls of one plugin.
#[derive(Clone, Debug)]
pub struct Report {
    pub plugin: String,
    pub version: String,
    /// SHA-256 of the component, hex.
    pub digest: String,
    pub options: Options,
    pub seeds: usize,
    pub cases: usize,
    /// Functions that no case calls, so that nothing was fuzzed there.
    pub unreached: Vec<&'static str>,
    /// Where atoms stand, learnt from the cases.
    pub places: Vec<String>,
    pub tally: Tally,
    pub elapsed: Duration,
}

impl Report {
    pub fn per_second(&self) -> u64 {
        let ms = self.elapsed.as_millis().max(1);
        let executions = u128::from(self.tally.executions());
        u64::try_from(executions * 1_000 / ms).unwrap_or(u64::MAX)
    }

    pub fn to_json(&self) -> Value {
        let tally = &self.tally;
        let functions: serde_json::Map<_, _> = tally
            .functions
            .iter()
            .map(|(function, most)| {
                let shown = json!({
                    "executions": most.calls,
                    "ends": tally.ends.get(function),
                    "cpu_us": most.cpu_us,
                    "memory_bytes_max": most.memory_bytes,
                    "slowest_us": most.slowest_us,
                    "slowest_case": most.slowest_case,
                });
                ((*function).to_owned(), shown)
            })
            .collect();
        let findings: Vec<_> = tally
            .findings()
            .into_iter()
            .map(|finding| {
                json!({
                    "fault": finding.fault.as_str(),
                    "function": finding.function,
                    "case": finding.case,
                    "detail": finding.detail,
                    "count": finding.count,
                })
            })
            .collect();
        json!({
            "plugin": self.plugin,
            "version": self.version,
            "digest": self.digest,
            "seed": self.options.seed,
            "threads": self.options.threads,
            "cases": self.cases,
            "seeds": self.seeds,
            "executions": tally.executions(),
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "executions_per_s": self.per_second(),
            "functions": functions,
            "unreached": self.unreached,
            "items": tally.items,
            "repeated": tally.repeated,
            "complete_bodies": tally.complete_bodies,
            "complete_atoms": tally.complete_atoms,
            "slow_once": tally.slow_once,
            "faults": self.faults(),
            "failures": tally.failures(),
            "findings": findings,
        })
    }

    fn faults(&self) -> Value {
        let count = |fault: &Fault| self.tally.faults.get(fault).copied().unwrap_or(0);
        Fault::ALL
            .iter()
            .map(|fault| (fault.as_str().to_owned(), Value::from(count(fault))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let tally = &self.tally;
        writeln!(
            text,
            "{} {}, seed {}: {} executions from {} calls of {} cases in {:.1} s, {}/s on {} threads",
            self.plugin,
            self.version,
            self.options.seed,
            tally.executions(),
            self.seeds,
            self.cases,
            self.elapsed.as_secs_f64(),
            self.per_second(),
            self.options.threads
        )?;
        self.write_functions(text)?;
        if !self.unreached.is_empty() {
            let unreached = self.unreached.join(", ");
            writeln!(text, "not fuzzed, for no golden case calls it: {unreached}")?;
        }
        let items: Vec<_> = tally
            .items
            .iter()
            .map(|(kind, count)| format!("{kind} {count}"))
            .collect();
        writeln!(text, "items of webhooks: {}", items.join(", "))?;
        writeln!(
            text,
            "complete: {} atoms of {} bodies were looked for in the items; same again: {} calls were made twice",
            tally.complete_atoms, tally.complete_bodies, tally.repeated
        )?;
        if tally.slow_once > 0 {
            writeln!(
                text,
                "{} calls ran out of CPU time once and not again: another program had the processor",
                tally.slow_once
            )?;
        }
        let faults: Vec<_> = Fault::ALL
            .iter()
            .map(|fault| {
                let count = tally.faults.get(fault).copied().unwrap_or(0);
                format!("{} {count}", fault.as_str())
            })
            .collect();
        writeln!(
            text,
            "failures: {} ({})",
            tally.failures(),
            faults.join(", ")
        )
    }

    fn write_functions(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "{:<26} {:>10} {:>9} {:>10} {:>10}  slowest made of",
            "function", "executions", "mean µs", "slowest µs", "memory KiB"
        )?;
        for (function, most) in &self.tally.functions {
            writeln!(
                text,
                "{function:<26} {:>10} {:>9} {:>10} {:>10}  {}",
                most.calls,
                most.cpu_us / most.calls.max(1),
                most.slowest_us,
                most.memory_bytes / 1024,
                most.slowest_case
            )?;
            let ends = self.tally.ends.get(function).into_iter().flatten();
            let ends: Vec<_> = ends
                .map(|(kind, count)| format!("{kind} {count}"))
                .collect();
            writeln!(text, "  {}", ends.join(", "))?;
        }
        Ok(())
    }
}
