//! `cargo xtask bench`: builds what is measured and runs the program that measures it.
//!
//! Owns the release build and where the figures go; must not know what is measured, or link any of it.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::plugins;
use crate::workspace::{Workspace, run as run_command};

#[derive(Args)]
pub(crate) struct Options {
    /// Measure only this row, for example plugin_call_us
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// End with an error when a goal is missed
    #[arg(long)]
    check: bool,
    /// Of the row hostile_p99_ratio, only these hostile plugins, or `all` of them instead of those that
    /// press on what tenants share
    #[arg(long, value_name = "NAME,..")]
    entries: Option<String>,
    /// Of the row hostile_p99_ratio, so many requests a run; fewer are for trying out
    #[arg(long, value_name = "NUMBER")]
    requests: Option<u32>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<ExitCode> {
    let components = plugins::build(&workspace.root, &workspace.target)?;
    let plugin_folder = components
        .values()
        .next()
        .and_then(|file| file.parent())
        .context("plugins/ holds no provider")?;
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--locked"]);
    build.args(["--package", "wharf", "--package", "wharf-load"]);
    run_command(&mut build).context("the gateway does not build in the release profile")?;
    let mut bench = std::process::Command::new(workspace.release_program("wharf-bench")?);
    bench
        .env("WHARF_PLUGINS_DIST", plugin_folder)
        .env("WHARF_BIN", workspace.release_program("wharf")?)
        .env("WHARF_BENCH_JSON", workspace.target.join("bench.json"))
        // Beside the build, because a folder for temporary files may be memory that syncs for free.
        .env("WHARF_BENCH_WORK", workspace.target.join("bench"));
    if let Some(name) = &options.only {
        bench.args(["--only", name]);
    }
    if let Some(entries) = &options.entries {
        bench.args(["--entries", entries]);
    }
    if let Some(requests) = options.requests {
        bench.args(["--requests", &requests.to_string()]);
    }
    if options.check {
        bench.arg("--check");
    }
    let status = bench.status().context("could not run wharf-bench")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
