//! `wharf plugin fuzz`.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use clap::Args;

use super::{Class, test};
use crate::cli::{print, tell};
use crate::kit::fuzz;
use crate::kit::subject::Component;

/// Some seconds' worth.
const EXECUTIONS: u64 = 50_000;
/// Every run the same, until somebody wants another.
const SEED: u64 = 1;
/// More findings than a person looks at; the counts have all.
const FILES_MAX: usize = 50;

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// A plugin's folder, which is built first, or a component
    #[arg(default_value = ".")]
    target: PathBuf,
    /// The golden cases to begin from; `cases` in the folder or beside the component when absent
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Calls to make; a few more may be made to come to the end of a webhook
    #[arg(long, value_name = "NUMBER", default_value_t = EXECUTIONS)]
    executions: u64,
    /// The same number makes the same calls
    #[arg(long, value_name = "NUMBER", default_value_t = SEED)]
    seed: u64,
    /// As many as there are processors when absent
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
    /// Which limits it is to run under
    #[arg(long, value_enum, default_value_t)]
    class: Class,
    /// Where findings are written
    #[arg(long, value_name = "DIR", default_value = "fuzz-findings")]
    out: PathBuf,
    /// Make the one call of this finding again instead, and say what comes of it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["executions", "seed", "cases", "threads"])]
    replay: Option<PathBuf>,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let (file, beside) = test::find(&options.target)?;
    let mut component = Component::load(&file, options.class.limits())?;
    if let Some(finding) = &options.replay {
        return replay(&component, finding);
    }
    ensure!(options.executions > 0, "--executions must be at least 1");
    let cases = options
        .cases
        .clone()
        .unwrap_or_else(|| beside.join("cases"));
    ensure!(
        cases.is_dir(),
        "there is no folder {}: the fuzzer begins from golden cases, name theirs with --cases",
        cases.display()
    );
    let report = fuzz::run(
        &mut component,
        &cases,
        fuzz::Options {
            executions: options.executions,
            seed: options.seed,
            threads: options.threads.unwrap_or_else(threads),
        },
    )?;
    match options.json {
        true => print(&format!("{:#}", report.to_json())),
        false => print(report.to_text().trim_end()),
    }
    let findings = report.tally.findings();
    for finding in findings.iter().take(FILES_MAX) {
        let written = fuzz::write(&report, finding, &options.out)?;
        tell(&format!(
            "{} in {}, {} times, made of the case {}: {}\n  wharf plugin fuzz {} --replay {}",
            finding.fault.as_str(),
            finding.function,
            finding.count,
            finding.case,
            finding.detail,
            file.display(),
            written.display()
        ));
    }
    match report.tally.failures() {
        0 => Ok(()),
        failures => bail!(
            "{failures} of {} executions failed, in {} ways",
            report.tally.executions(),
            findings.len()
        ),
    }
}

fn replay(component: &Component, finding: &Path) -> anyhow::Result<()> {
    let replayed = fuzz::replay(component, finding)?;
    match replayed.fault {
        None => {
            print(&format!("{}: mended. {}", replayed.function, replayed.said));
            Ok(())
        }
        Some(fault) => bail!(
            "{}: still {}. {}",
            replayed.function,
            fault.as_str(),
            replayed.said
        ),
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
