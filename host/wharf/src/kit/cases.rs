//! Golden cases in the sandbox.

use std::path::{Path, PathBuf};

use anyhow::Context;
use wharf_cases::{Case, Defaults};

use super::report::Row;
use super::subject::{Component, Used};

const SUITE: &str = "cases";

/// What to run and what to do with a difference.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only cases whose name contains this.
    pub filter: Option<String>,
    /// Write what the plugin says into the files.
    pub update: bool,
}

/// What a folder holds.
#[derive(Default)]
pub struct Loaded {
    pub defaults: Defaults,
    pub cases: Vec<(PathBuf, Case)>,
    /// Files that are no cases, with the reason: each fails by itself, and the others run.
    pub unreadable: Vec<(PathBuf, anyhow::Error)>,
}

/// The cases of a folder; none when there is no folder.
pub fn load(folder: &Path) -> anyhow::Result<Loaded> {
    if !folder.is_dir() {
        return Ok(Loaded::default());
    }
    let mut loaded = Loaded {
        defaults: Defaults::load(folder)?,
        ..Loaded::default()
    };
    for file in wharf_cases::files(folder)? {
        match Case::load(&file, &loaded.defaults) {
            Ok(case) => loaded.cases.push((file, case)),
            Err(error) => loaded.unreadable.push((file, error.into())),
        }
    }
    Ok(loaded)
}

/// Runs the cases. `tell` gets the differences before a file is written.
pub fn run(
    component: &mut Component,
    folder: &Path,
    options: &Options,
    tell: &mut dyn FnMut(&str),
) -> anyhow::Result<Vec<Row>> {
    let loaded = load(folder)?;
    let wanted = |name: &str| {
        let filter = options.filter.as_deref();
        filter.is_none_or(|filter| name.contains(filter))
    };
    let unreadable = loaded.unreadable.iter().map(|(file, error)| Row {
        suite: SUITE,
        name: file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        problems: vec![format!("{error:#}")],
        skipped: None,
        used: Used::default(),
    });
    let mut rows: Vec<Row> = unreadable.filter(|row| wanted(&row.name)).collect();
    for (file, case) in loaded.cases {
        if !wanted(&case.name) {
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
