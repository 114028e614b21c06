//! `wharf plugin`: the author's commands.

mod build;
mod check;
mod inspect_file;
mod new;
mod test;

use clap::{Subcommand, ValueEnum};
use wharf_runtime::RuntimeConfig;

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
    /// Show what a component says of itself
    Inspect(inspect_file::Options),
}

pub(super) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::New(options) => new::run(options),
        Command::Build(options) => build::run(options),
        Command::Check(options) => check::run(options),
        Command::Test(options) => test::run(options),
        Command::Inspect(options) => inspect_file::run(options),
    }
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
    /// The limits of service.
    fn limits(self) -> RuntimeConfig {
        const MIB: usize = 1024 * 1024;
        let native = RuntimeConfig::default();
        match self {
            Self::Native => native,
            Self::Interpreter => RuntimeConfig {
                component_bytes_max: 32 * MIB,
                memory_bytes_max: 128 * MIB,
                parse_memory_bytes_max: 256 * MIB,
                describe_ms_max: 100,
                outbound_ms_max: 250,
                inbound_ms_max: 1_000,
                ..native
            },
        }
    }
}
