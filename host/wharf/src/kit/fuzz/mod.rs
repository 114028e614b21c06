//! The fuzzer: golden cases, bent beyond recognition, through everything a plugin reads of the outside, in
//! the sandbox of service and under its limits.
//!
//! It asks for little and exactly that: whatever comes, a call ends in a value that the gateway takes or in a
//! typed error, the same each time, and no atom of a webhook is lost. What a plugin makes of nonsense is its
//! own affair.

mod bend;
mod complete;
mod corpus;
mod input;
mod judge;
mod message;
mod replay;
mod report;
mod tally;
mod work;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;

use anyhow::Context;

use super::subject::Component;
use bend::Pool;
use work::Run;

pub use complete::{Places, Verdict, verdict};
pub use judge::Fault;
pub use replay::{Replayed, replay, write};
pub use report::Report;
pub use tally::{Finding, Most, Tally};

/// How much, and by which chance.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub executions: u64,
    pub seed: u64,
    pub threads: usize,
}

/// Fuzzes a plugin, beginning from the cases of a folder.
///
/// # Errors
/// When there are no cases, or the machine is too busy for a call to come to its end.
pub fn run(component: &mut Component, cases: &Path, options: Options) -> anyhow::Result<Report> {
    let corpus = corpus::load(component, cases)?;
    let pool = Pool::of(corpus.seeds.values().flatten());
    let run = Run {
        plugin: component.plugin(),
        corpus: &corpus,
        pool: &pool,
        executions: options.executions,
        seed: options.seed,
        next_batch: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    let began = Instant::now();
    let mut tally = Tally::default();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let threads: Vec<_> = (0..options.threads.max(1))
            .map(|_| scope.spawn(|| work::work(&run)))
            .collect();
        for thread in threads {
            let part = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"));
            tally.add(part.context("the fuzzer itself failed")??);
        }
        Ok(())
    })?;
    let plugin = component.plugin();
    Ok(Report {
        plugin: plugin.name().to_owned(),
        version: plugin.descriptor().version.clone(),
        digest: hex::encode(plugin.digest()),
        options,
        seeds: corpus.seeds.values().map(Vec::len).sum(),
        cases: corpus.cases,
        unreached: corpus.unreached.clone(),
        places: corpus.places.iter().map(str::to_owned).collect(),
        tally,
        elapsed: began.elapsed(),
    })
}
