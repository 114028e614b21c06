//! `cargo xtask fuzz`: the golden cases of every plugin that ships, bent and thrown back at it by `wharf plugin fuzz`.
//!
//! Owns what is built and how many calls each plugin gets; must not know what is bent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;

use crate::plugins;
use crate::workspace::{Workspace, run as run_command};

#[derive(Args)]
pub(crate) struct Options {
    /// Calls to make, all plugins together
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000)]
    executions: u64,
    /// The same number makes the same calls
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Only this plugin, for example twilio
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// As many as there are processors when absent
    #[arg(long, value_name = "NUMBER")]
    threads: Option<u32>,
    /// Make the one call of this finding again instead
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Without optimising the gateway: builds sooner, runs slower
    #[arg(long)]
    dev: bool,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<ExitCode> {
    let components = plugins::build(&workspace.root, &workspace.target)?;
    let gateway = gateway(workspace, options.dev)?;
    if let Some(finding) = &options.replay {
        return replay(&gateway, &components, finding);
    }
    let chosen: Vec<_> = components
        .iter()
        .filter(|(name, _)| options.plugin.as_ref().is_none_or(|only| only == *name))
        .collect();
    ensure!(
        !chosen.is_empty(),
        "there is no such plugin; there is {}",
        names(&components)
    );
    let each = options.executions.div_ceil(chosen.len() as u64).max(1);
    let findings = workspace.target.join("fuzz-findings");
    let began = Instant::now();
    let mut failed = Vec::new();
    for (name, component) in &chosen {
        let cases = workspace.root.join("plugins").join(name).join("cases");
        let mut fuzz = Command::new(&gateway);
        fuzz.args(["plugin", "fuzz"]).arg(component);
        fuzz.arg("--cases").arg(cases);
        fuzz.args(["--executions", &each.to_string()]);
        fuzz.args(["--seed", &options.seed.to_string()]);
        fuzz.arg("--out").arg(&findings);
        if let Some(threads) = options.threads {
            fuzz.args(["--threads", &threads.to_string()]);
        }
        let status = fuzz
            .status()
            .with_context(|| format!("could not run {}", gateway.display()))?;
        if !status.success() {
            failed.push(name.as_str());
        }
        println!();
    }
    println!(
        "{} executions over {} plugins, seed {}, in {} s: {}",
        each * chosen.len() as u64,
        chosen.len(),
        options.seed,
        began.elapsed().as_secs(),
        match failed.as_slice() {
            [] => "no failure".to_owned(),
            failed => format!("failures in {}; replay them as shown", failed.join(", ")),
        }
    );
    Ok(match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn replay(
    gateway: &Path,
    components: &BTreeMap<String, PathBuf>,
    finding: &Path,
) -> anyhow::Result<ExitCode> {
    let text =
        std::fs::read(finding).with_context(|| format!("could not read {}", finding.display()))?;
    let content: serde_json::Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no file of a finding", finding.display()))?;
    let name = content["plugin"].as_str().unwrap_or_default();
    let component = components.get(name).with_context(|| {
        let known = names(components);
        format!("the finding is of the plugin `{name}`; there is {known}")
    })?;
    let status = Command::new(gateway)
        .args(["plugin", "fuzz"])
        .arg(component)
        .arg("--replay")
        .arg(finding)
        .status()
        .with_context(|| format!("could not run {}", gateway.display()))?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn names(components: &BTreeMap<String, PathBuf>) -> String {
    let names: Vec<_> = components.keys().map(String::as_str).collect();
    names.join(", ")
}

fn gateway(workspace: &Workspace, dev: bool) -> anyhow::Result<PathBuf> {
    if dev {
        return workspace.build_gateway();
    }
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--locked", "--package", "wharf"]);
    run_command(&mut build).context("the gateway does not build in the release profile")?;
    workspace.release_program("wharf")
}
