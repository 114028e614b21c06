//! Golden cases in the sandbox.

use std::path::Path;

use anyhow::Context;
use wharf_cases::{Case, Defaults};

use super::report::Row;
use super::subject::Component;

const SUITE: &str = "cases";

/// What to run and what to do with a difference.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only cases whose name contains this.
    pub filter: Option<String>,
    /// Write what the plugin says into the files.
    pub update: bool,
}

/// The cases of a folder; none when there is no folder.
pub fn load(folder: &Path) -> anyhow::Result<(Defaults, Vec<(std::path::PathBuf, Case)>)> {
    if !folder.is_dir() {
        return Ok((Defaults::default(), Vec::new()));
    }
    let defaults = Defaults::load(folder)?;
    let mut cases = Vec::new();
    for file in wharf_cases::files(folder)? {
        let case = Case::load(&file, &defaults)?;
        cases.push((file, case));
    }
    Ok((defaults, cases))
}

/// Runs the cases. `tell` gets the differences before a file is written.
pub fn run(
    component: &mut Component,
    folder: &Path,
    options: &Options,
    tell: &mut dyn FnMut(&str),
) -> anyhow::Result<Vec<Row>> {
    let (_, cases) = load(folder)?;
    let mut rows = Vec::new();
    for (file, case) in cases {
        if options
            .filter
            .as_ref()
            .is_some_and(|filter| !case.name.contains(filter))
        {
            continue;
        }
        component.take_used();
        let ran = wharf_cases::run(&case, component);
        let mut problems = case.problems(&ran);
        let complete = ran.results.len() == case.then.len() + 1;
        if options.update && !problems.is_empty() && ran.problems.is_empty() && complete {
            tell(&format!("{} is written again:", file.display()));
            for problem in &problems {
                tell(&format!("  {problem}"));
            }
            std::fs::write(&file, case.updated(&ran.results))
                .with_context(|| format!("cannot write {}", file.display()))?;
            problems.clear();
        }
        rows.push(Row {
            suite: SUITE,
            name: case.name,
            problems,
            skipped: None,
            used: component.take_used(),
        });
    }
    Ok(rows)
}
