//! `cargo xtask schemathesis`: the long form of the test that holds the description of the API against the gateway.

use anyhow::Context;
use clap::Args;

use crate::plugins;
use crate::test::{SCHEMATHESIS, how_to_get_schemathesis, schemathesis};
use crate::workspace::{Workspace, run as run_command};

const TEST: &str = "api::schemathesis";

#[derive(Args)]
pub(crate) struct Options {
    /// So many requests, on each database
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let program = schemathesis().with_context(|| how_to_get_schemathesis(workspace))?;
    let components = plugins::build(&workspace.root, &workspace.target)?;
    let folder = components
        .values()
        .next()
        .and_then(|file| file.parent())
        .context("plugins/ holds no provider")?;
    let mut test = workspace.cargo();
    test.args([
        "test",
        "--locked",
        "--workspace",
        "--test",
        "it",
        "--",
        TEST,
    ])
    .env("WHARF_PLUGINS_DIST", folder)
    .env("WHARF_SCHEMATHESIS_REQUESTS", options.requests.to_string())
    .env(SCHEMATHESIS, program);
    run_command(&mut test)
}
