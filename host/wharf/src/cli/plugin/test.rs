//! `wharf plugin test`.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use clap::Args;
use wharf_runtime::LOG_TARGET;

use super::{Class, build};
use crate::cli::{print, tell};
use crate::kit::report::Report;
use crate::kit::subject::Component;
use crate::kit::{cases, conformance};
use crate::telemetry::{self, LogFormat};

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// A plugin's folder, which is built first, or a component
    #[arg(default_value = ".")]
    target: PathBuf,
    /// The golden cases; `cases` in the folder or beside the component when absent
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Which limits it is to run under
    #[arg(long, value_enum, default_value_t)]
    class: Class,
    /// Run only cases and checks whose name contains this
    #[arg(long)]
    filter: Option<String>,
    /// Write what the plugin says into the golden cases, after showing what changes
    #[arg(long)]
    update: bool,
    /// Show what the plugin writes into the log, on standard error
    #[arg(long)]
    log: bool,
    /// For programs: the report as JSON, and on standard error what kept it from being made
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    if options.log {
        telemetry::start(&format!("{LOG_TARGET}=trace"), LogFormat::Pretty)?;
    }
    let (component, beside) = find(&options.target)?;
    let folder = options
        .cases
        .clone()
        .unwrap_or_else(|| beside.join("cases"));
    if options.cases.is_some() {
        ensure!(
            folder.is_dir(),
            "--cases {}: there is no such folder",
            folder.display()
        );
    }
    let mut component = Component::load(&component, options.class.limits())?;
    let golden = cases::Options {
        filter: options.filter.clone(),
        update: options.update,
    };
    let mut rows = cases::run(&mut component, &folder, &golden, &mut |line| tell(line))?;
    ensure!(
        !rows.is_empty() || options.filter.is_some() || options.cases.is_none(),
        "--cases {}: there is no golden case in it",
        folder.display()
    );
    if rows.is_empty() && options.filter.is_none() {
        tell(&format!(
            "There are no golden cases in {}.",
            folder.display()
        ));
    }
    rows.extend(conformance::run(
        &mut component,
        &folder,
        options.filter.as_deref(),
    )?);
    ensure!(
        !rows.is_empty(),
        "no case and no check has a name that contains the filter"
    );
    let report = Report { rows };
    match options.json {
        true => print(&format!("{:#}", report.to_json())),
        false => print(report.to_text().trim_end()),
    }
    match report.failed() {
        0 => Ok(()),
        failed => bail!("{failed} of {} failed", report.rows.len()),
    }
}

/// The component to test and the folder it belongs to.
pub(super) fn find(target: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    if target.is_dir() {
        return Ok((build::build(target, None)?, target.to_owned()));
    }
    ensure!(
        target.is_file(),
        "{} is neither a plugin's folder nor a component",
        target.display()
    );
    let folder = target.parent().unwrap_or(Path::new("."));
    Ok((target.to_owned(), folder.to_owned()))
}
