//! `wharf plugin`: which plugins there are, what each is allowed, and which version serves.
//!
//! Commands change files in `plugins.dir` and nothing else; a running gateway sees them and follows.
//! Exit codes: 0 done, 1 refused or failed, 3 the version waits for `wharf plugin approve`.

mod add;
mod change;
mod inspect;
mod list;
mod probe;
mod show;
mod wait;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use wharf_config::{Config, Sources};

use crate::clock::{SystemClock, rfc3339};
use wharf_core::Clock;

/// The change is kept, and waits for somebody's approval.
const EXIT_WAITS: u8 = 3;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Install a plugin, or a new version of one: path:FILE, https://...#sha256=HEX, oci:REGISTRY/REPOSITORY:TAG
    Add(add::Options),
    /// Put the version that waits into service, with the permissions it asks for
    Approve(change::Approve),
    /// Every plugin with its version, source and state
    List(list::Options),
    /// What a plugin is and may do: a name, or a .wasm file before it is installed
    Inspect(inspect::Options),
    /// Take a plugin out of service
    Remove(change::Remove),
    /// Go back to the version before, or to the one with this digest
    Rollback(change::Rollback),
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

pub(super) fn run(command: &Command, sources: &Sources) -> anyhow::Result<ExitCode> {
    let config = Config::load(sources)?;
    let context = Context {
        by: operator(sources),
        at: rfc3339(SystemClock.now_ms()),
        config,
        sources,
    };
    match command {
        Command::Add(options) => super::block_on(add::run(options, &context)),
        Command::Approve(options) => change::approve(options, &context),
        Command::List(options) => list::run(options, &context),
        Command::Inspect(options) => super::block_on(inspect::run(options, &context)),
        Command::Remove(options) => change::remove(options, &context),
        Command::Rollback(options) => change::rollback(options, &context),
    }
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
    let name = known.next().map_or("unknown", String::as_str);
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}
