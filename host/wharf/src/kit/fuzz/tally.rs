//! What many calls came to. Tallies of different threads add up to the same whole in any order; only times
//! differ from run to run.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;
use wharf_runtime::Usage;

use super::judge::Fault;

/// Where in a run: the batch, and the call in it.
pub(super) type Place = (u64, u64);

/// What the calls of one function used at most.
#[derive(Clone, Debug, Default)]
pub struct Most {
    pub calls: u64,
    pub cpu_us: u64,
    pub memory_bytes: usize,
    /// CPU time of the slowest call, and the case it was made of.
    pub slowest_us: u64,
    pub slowest_case: String,
}

/// A failure, with what shows it again. Those that look alike are one.
#[derive(Clone, Debug)]
pub struct Finding {
    pub fault: Fault,
    pub function: &'static str,
    /// The golden case that it was made of.
    pub case: String,
    pub detail: String,
    pub(super) arguments: Vec<Value>,
    pub(super) place: Place,
    /// How often.
    pub count: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub functions: BTreeMap<&'static str, Most>,
    /// Ends by function and kind.
    pub ends: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// Items of webhooks by kind.
    pub items: BTreeMap<&'static str, u64>,
    pub faults: BTreeMap<Fault, u64>,
    /// Calls made twice.
    pub repeated: u64,
    /// Bodies of webhooks, and atoms in them, that were looked for in the items.
    pub complete_bodies: u64,
    pub complete_atoms: u64,
    /// Calls that ran out of time once and not again.
    pub slow_once: u64,
    pub(super) findings: BTreeMap<String, Finding>,
}

impl Tally {
    pub fn executions(&self) -> u64 {
        self.functions.values().map(|it| it.calls).sum()
    }

    pub fn failures(&self) -> u64 {
        self.faults.values().sum()
    }

    /// In the order of their first places.
    pub fn findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<_> = self.findings.values().collect();
        findings.sort_by_key(|finding| finding.place);
        findings
    }

    pub(super) fn called(&mut self, function: &'static str, case: &str, kind: &str) {
        let most = self.functions.entry(function).or_default();
        most.calls += 1;
        if most.slowest_case.is_empty() {
            case.clone_into(&mut most.slowest_case);
        }
        let ends = self.ends.entry(function).or_default();
        match ends.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(ends.insert(kind.to_owned(), 1)),
        }
    }

    pub(super) fn used(&mut self, function: &'static str, case: &str, usage: &Usage) {
        let most = self.functions.entry(function).or_default();
        let spent = usage.instantiate_us + usage.call_us;
        most.cpu_us += spent;
        most.memory_bytes = most.memory_bytes.max(usage.memory_bytes);
        if spent > most.slowest_us {
            most.slowest_us = spent;
            case.clone_into(&mut most.slowest_case);
        }
    }

    pub(super) fn found(&mut self, finding: Finding) {
        *self.faults.entry(finding.fault).or_default() += 1;
        self.keep(finding);
    }

    /// Of those that look alike the first, wherever it was found.
    fn keep(&mut self, finding: Finding) {
        match self.findings.entry(signature(&finding)) {
            Entry::Vacant(free) => drop(free.insert(finding)),
            Entry::Occupied(mut known) => {
                let count = known.get().count + finding.count;
                if finding.place < known.get().place {
                    known.insert(finding);
                }
                known.get_mut().count = count;
            }
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        for (function, more) in other.functions {
            let most = self.functions.entry(function).or_default();
            most.calls += more.calls;
            most.cpu_us += more.cpu_us;
            most.memory_bytes = most.memory_bytes.max(more.memory_bytes);
            if more.slowest_us >= most.slowest_us {
                most.slowest_us = more.slowest_us;
                most.slowest_case = more.slowest_case;
            }
        }
        for (function, ends) in other.ends {
            let known = self.ends.entry(function).or_default();
            for (kind, count) in ends {
                *known.entry(kind).or_default() += count;
            }
        }
        for (kind, count) in other.items {
            *self.items.entry(kind).or_default() += count;
        }
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        self.repeated += other.repeated;
        self.complete_bodies += other.complete_bodies;
        self.complete_atoms += other.complete_atoms;
        self.slow_once += other.slow_once;
        for (_, finding) in other.findings {
            self.keep(finding);
        }
    }
}

/// What it is without the numbers and the words of this one input.
fn signature(finding: &Finding) -> String {
    /// Enough to name a rule or a function.
    const CHARS_MAX: usize = 160;
    let words = finding.detail.chars().filter(|it| it.is_alphabetic());
    let words: String = words.take(CHARS_MAX).collect();
    format!("{} {:?} {words}", finding.function, finding.fault)
}
