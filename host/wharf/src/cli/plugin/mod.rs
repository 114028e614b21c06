//! `wharf plugin`: the author's commands, and the operator's: which plugins there are, what each is
//! allowed, and which version serves.
//!
//! The operator's commands change files in `plugins.dir` and nothing else; a running gateway sees them and follows.
//! Exit codes: 0 done, 1 refused or failed, 3 the version waits for `wharf plugin approve`.

mod add;
mod build;
mod capabilities;
mod change;
mod check;
mod fuzz;
mod inspect;
mod inspect_file;
mod list;
mod new;
mod probe;
mod show;
mod test;
mod wait;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use wharf_config::{Config, Sources};
use wharf_runtime::LimitClass;

use crate::clock::{SystemClock, rfc3339};
use wharf_core::Clock;

/// The change is kept, and waits for somebody's approval.
const EXIT_WAITS: u8 = 3;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Begin a plugin: a provider that compiles and passes its tests
    New(new::Options),
    /// Compile a plugin to a component
    Build(build::Options),
    /// Say whether the gateway would load a component, and what it may do
    Check(check::Options),
    /// Run a plugin's golden cases and the conformance suite in the sandbox
    Test(test::Options),
    /// Bend a plugin's golden cases and see whether it ever traps, stalls or loses a message
    Fuzz(fuzz::Options),
    /// What each of several components can do, side by side
    Capabilities(capabilities::Options),
    /// Install a plugin, or a new version of one: path:FILE, https://...#sha256=HEX, oci:REGISTRY/REPOSITORY:TAG
    Add(add::Options),
    /// Put the version that waits into service, with the permissions it asks for
    Approve(change::Approve),
    /// Throw away the version that waits; what serves goes on serving
    Reject(change::Reject),
    /// Every plugin with its version, source and state
    List(list::Options),
    /// What a plugin is and may do: a name, or a .wasm file before it is installed
    Inspect(inspect::Options),
    /// Take a plugin out of service
    Remove(change::Remove),
    /// Go back to the version before, or to the one with this digest
    Rollback(change::Rollback),
}

impl Command {
    /// Whether its reader is a program.
    pub(super) fn is_for_programs(&self) -> bool {
        match self {
            Self::New(_) | Self::Build(_) | Self::Capabilities(_) => false,
            Self::Check(options) => options.json,
            Self::Test(options) => options.json,
            Self::Fuzz(options) => options.json,
            Self::Add(options) => options.outcome.json,
            Self::Approve(options) => options.outcome.json,
            Self::Reject(options) => options.json,
            Self::List(options) => options.json,
            Self::Inspect(options) => options.json,
            Self::Remove(options) => options.outcome.json,
            Self::Rollback(options) => options.outcome.json,
        }
    }
}

/// What every command that changes something has.
#[derive(Args)]
pub(super) struct Outcome {
    /// One JSON object instead of sentences
    #[arg(long)]
    json: bool,
    /// Wait this many seconds until the running gateway has done it, and fail when it has not
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// Which limits hold.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Class {
    /// Compiled languages, such as Rust
    #[default]
    Native,
    /// Languages that bring an interpreter along, such as JavaScript and Python
    Interpreter,
}

impl Class {
    fn limits(self) -> LimitClass {
        match self {
            Self::Native => LimitClass::Native,
            Self::Interpreter => LimitClass::Interpreter,
        }
    }
}

pub(super) fn run(command: &Command, sources: &Sources) -> anyhow::Result<ExitCode> {
    // Authors have no gateway and no configuration.
    match command {
        Command::New(options) => return done(new::run(options)),
        Command::Build(options) => return done(build::run(options)),
        Command::Check(options) => return done(check::run(options)),
        Command::Test(options) => return done(test::run(options)),
        Command::Fuzz(options) => return done(fuzz::run(options)),
        Command::Capabilities(options) => return done(capabilities::run(options)),
        Command::Inspect(options) if options.file().is_some() => {
            return done(inspect_file::run(options));
        }
        _ => {}
    }
    let config = Config::load(sources)?;
    let context = Context {
        by: operator(sources),
        at: rfc3339(SystemClock.now_ms()),
        config,
        sources,
    };
    match command {
        Command::New(_)
        | Command::Build(_)
        | Command::Check(_)
        | Command::Test(_)
        | Command::Fuzz(_)
        | Command::Capabilities(_) => unreachable!("these returned above"),
        Command::Add(options) => super::block_on(add::run(options, &context)),
        Command::Approve(options) => change::approve(options, &context),
        Command::Reject(options) => change::reject(options, &context),
        Command::List(options) => list::run(options, &context),
        Command::Inspect(options) => super::block_on(inspect::run(options, &context)),
        Command::Remove(options) => change::remove(options, &context),
        Command::Rollback(options) => change::rollback(options, &context),
    }
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

struct Context<'a> {
    config: Config,
    /// Who runs the command, for the record.
    by: String,
    at: String,
    sources: &'a Sources,
}

impl Context<'_> {
    fn folder(&self) -> crate::plugins::Folder {
        crate::plugins::Folder::of(&self.config)
    }

    fn actor(&self) -> crate::plugins::install::Actor<'_> {
        crate::plugins::install::Actor {
            by: &self.by,
            at: &self.at,
        }
    }
}

/// As the login says; the record is for colleagues, not for a court.
fn operator(sources: &Sources) -> String {
    let known = ["SUDO_USER", "LOGNAME", "USER"].into_iter();
    let mut known = known
        .filter_map(|name| sources.env.get(name))
        .filter(|name| !name.is_empty());
    let uid = || format!("uid {}", rustix::process::getuid().as_raw());
    let name = known.next().cloned().unwrap_or_else(uid);
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}
