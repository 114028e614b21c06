//! `cargo xtask test`: the one command that says whether Wharf is in order.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use clap::Args;
use wharf_test_support::Postgres;

use crate::summary::Summary;
use crate::workspace::{Workspace, run as run_command};
use crate::{examples, plugins, tidy};

/// The libraries of other languages that check our signatures, and make those of providers; the versions are
/// pinned there.
const PYTHON_PACKAGES: &str = "standardwebhooks, twilio.request_validator";
const NODE_PACKAGE: &str = "standardwebhooks";

#[derive(Args)]
pub(crate) struct Options {
    /// Run only tests whose name contains this
    #[arg(long)]
    filter: Option<String>,
    /// Leave out format, tidy and clippy
    #[arg(long)]
    skip_lints: bool,
}

/// Environment of the tests: how they find what was built and started for them.
type TestEnvironment = Vec<(&'static str, String)>;

pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<ExitCode> {
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    let mut summary = Summary::new(in_ci);
    if !options.skip_lints {
        lint(workspace, &mut summary);
    }
    run_plugin_tests(workspace, options, &mut summary);
    run_host_tests(workspace, options, &mut summary);
    println!("{summary}");
    Ok(summary.exit_code())
}

fn lint(workspace: &Workspace, summary: &mut Summary) {
    const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];
    summary.step("format", || {
        run_command(workspace.cargo().args(["fmt", "--all", "--check"]))?;
        for manifest in ["plugins/Cargo.toml", "tests/guests/Cargo.toml"] {
            let mut other = workspace.cargo();
            other
                .args(["fmt", "--all", "--check", "--manifest-path"])
                .arg(workspace.root.join(manifest));
            run_command(&mut other)
                .context("run `cargo fmt --all`, in plugins/ and tests/guests/ too")?;
        }
        Ok(())
    });
    summary.step("tidy", || tidy::check(workspace));
    summary.step("clippy, host", || {
        let mut clippy = workspace.cargo();
        clippy
            .args(["clippy", "--locked", "--workspace", "--all-targets"])
            .args(DENY_WARNINGS);
        run_command(&mut clippy)
    });
    summary.step("clippy, plugins", || {
        let mut clippy = workspace.cargo_plugins("clippy");
        clippy
            .args(["--locked", "--workspace", "--all-targets"])
            .args(DENY_WARNINGS);
        run_command(&mut clippy)
    });
}

fn run_plugin_tests(workspace: &Workspace, options: &Options, summary: &mut Summary) {
    summary.step("tests of the plugins, native", || {
        let mut tests = workspace.cargo_plugins("test");
        tests
            .args(["--locked", "--workspace"])
            .args(&options.filter);
        run_command(&mut tests)
    });
}

fn run_host_tests(workspace: &Workspace, options: &Options, summary: &mut Summary) {
    let mut environment = TestEnvironment::new();
    let components = summary.step("plugins as components", || {
        plugins::build(&workspace.root, &workspace.target)
    });
    let guests = summary.step("guests of the tests", || {
        plugins::build_guests(&workspace.root, &workspace.target)
    });
    let gateway = summary.step("gateway", || workspace.build_gateway());
    let (Some(components), Some(guests), Some(gateway)) = (components, guests, gateway) else {
        summary.skip("tests of the host", "what they test does not build");
        return;
    };
    let folders = [
        ("WHARF_PLUGINS_DIST", components),
        ("WHARF_GUESTS_DIST", guests),
    ];
    for (name, built) in folders {
        if let Some(folder) = built.values().next().and_then(|file| file.parent()) {
            environment.push((name, folder.display().to_string()));
        }
    }
    environment.push(("WHARF_BIN", gateway.display().to_string()));
    build_examples(workspace, &mut environment, summary);
    // Lives until the tests have ended.
    let _postgres = start_postgres(&mut environment, summary);
    find_python(workspace, &mut environment, summary);
    find_schemathesis(workspace, &mut environment, summary);
    find_node_modules(workspace, &mut environment, summary);
    summary.step("tests of the host", || {
        let mut tests = workspace.cargo();
        tests
            .args(["test", "--locked", "--workspace"])
            .args(&options.filter)
            .envs(environment);
        run_command(&mut tests)
    });
}

fn build_examples(workspace: &Workspace, environment: &mut TestEnvironment, summary: &mut Summary) {
    const NAME: &str = "plugins in JavaScript and Python";
    if let Err(reason) = examples::can_build(&workspace.root) {
        summary.skip(NAME, reason);
        return;
    }
    let built = summary.step(NAME, || examples::build(&workspace.root, &workspace.target));
    let folder = built.and_then(|built| built.into_values().next()?.parent().map(Path::to_owned));
    if let Some(folder) = folder {
        environment.push(("WHARF_EXAMPLES_DIST", folder.display().to_string()));
    }
}

fn start_postgres(environment: &mut TestEnvironment, summary: &mut Summary) -> Option<Postgres> {
    const NAME: &str = "PostgreSQL";
    if let Some(url) = given("WHARF_TEST_POSTGRES_URL") {
        environment.push(("WHARF_TEST_POSTGRES_URL", url));
        return None;
    }
    if !Postgres::is_installed() {
        let reason = "no initdb found: install PostgreSQL (Debian package 'postgresql') or name a server in \
                      WHARF_TEST_POSTGRES_URL; nothing is tested on PostgreSQL";
        summary.skip(NAME, reason);
        return None;
    }
    let server = summary.step(NAME, Postgres::start)?;
    environment.push(("WHARF_TEST_POSTGRES_URL", server.url()));
    Some(server)
}

fn find_python(workspace: &Workspace, environment: &mut TestEnvironment, summary: &mut Summary) {
    const NAME: &str = "Python with Standard Webhooks and Twilio's library";
    let requirements = workspace.root.join("tests/requirements.txt");
    let python = given("WHARF_TEST_PYTHON")
        .or_else(|| in_cache("python/bin/python").map(|path| path.display().to_string()));
    let usable = python.filter(|python| {
        succeeds(Command::new(python).args(["-c", &format!("import {PYTHON_PACKAGES}")]))
    });
    match usable {
        Some(python) => environment.push(("WHARF_TEST_PYTHON", python)),
        None => summary.skip(
            NAME,
            format!(
                "install {} into a virtual environment and name its python in WHARF_TEST_PYTHON",
                requirements.display()
            ),
        ),
    }
}

fn find_schemathesis(
    workspace: &Workspace,
    environment: &mut TestEnvironment,
    summary: &mut Summary,
) {
    match schemathesis() {
        Some(program) => environment.push((SCHEMATHESIS, program)),
        None => summary.skip("Schemathesis", how_to_get_schemathesis(workspace)),
    }
}

/// Where the tests look for the program.
pub(crate) const SCHEMATHESIS: &str = "WHARF_TEST_SCHEMATHESIS";

/// The program that holds the description of the API against the gateway.
pub(crate) fn schemathesis() -> Option<String> {
    let program = given(SCHEMATHESIS).or_else(|| {
        let found = in_cache("schemathesis/bin/schemathesis")?;
        Some(found.display().to_string())
    });
    program.filter(|program| succeeds(Command::new(program).arg("--version")))
}

pub(crate) fn how_to_get_schemathesis(workspace: &Workspace) -> String {
    let file = workspace.root.join("tests/requirements-schemathesis.txt");
    format!(
        "install {} into a virtual environment and name its program schemathesis in {SCHEMATHESIS}",
        file.display()
    )
}

fn find_node_modules(
    workspace: &Workspace,
    environment: &mut TestEnvironment,
    summary: &mut Summary,
) {
    const NAME: &str = "Node.js with Standard Webhooks";
    let modules = given("WHARF_TEST_NODE_MODULES")
        .map(PathBuf::from)
        .or_else(|| in_cache("npm/node_modules"))
        .filter(|folder| folder.join(NODE_PACKAGE).is_dir());
    match modules {
        Some(_) if !succeeds(Command::new("node").arg("--version")) => {
            summary.skip(
                NAME,
                "there is no `node` in the search path: install Node.js",
            );
        }
        Some(folder) => {
            environment.push(("WHARF_TEST_NODE_MODULES", folder.display().to_string()));
        }
        None => summary.skip(
            NAME,
            format!(
                "run `npm ci` on a copy of {} and name its node_modules in WHARF_TEST_NODE_MODULES",
                workspace.root.join("tests/npm").display()
            ),
        ),
    }
}

/// What the environment says, unless it says nothing.
fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A file that `.ci/run` leaves in the user's cache folder.
pub(crate) fn in_cache(path: &str) -> Option<PathBuf> {
    let cache = given("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&given("HOME")?).join(".cache")))?;
    let file = cache.join("wharf").join(path);
    file.exists().then_some(file)
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
