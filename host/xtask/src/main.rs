//! `cargo xtask`: everything a contributor runs that is more than one cargo command.
//!
//! Owns the order of the steps and the words printed about them. What the gateway does is the
//! business of `host/wharf`; this crate starts it and never links it.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment of a build is this program's configuration"
)]

mod bench;
mod capabilities;
mod dev;
mod examples;
mod frozen;
mod fuzz;
mod openapi;
mod plugins;
mod schemathesis;
mod summary;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, runs and tests Wharf.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a gateway to try things on, with fakes of Meta's Graph API, 360dialog and Twilio behind it
    Dev(dev::Options),
    /// Run every test, and start what the tests need
    Test(test::Options),
    /// Measure the gateway in the release profile, each figure beside its counterpart
    Bench(bench::Options),
    /// Bend the golden cases of every plugin and see whether one ever traps, stalls or loses a message
    Fuzz(fuzz::Options),
    /// Build the provider plugins as WebAssembly components
    Plugins {
        /// Build the guests that only tests use instead
        #[arg(long, conflicts_with = "examples")]
        guests: bool,
        /// Build and test the examples in JavaScript and Python instead
        #[arg(long)]
        examples: bool,
    },
    /// Write plugins/CAPABILITIES.md: what each provider can do
    Capabilities,
    /// Write host/wharf/openapi.json: the description of the API
    Openapi,
    /// Hold the description of the API against a gateway with many requests
    Schemathesis(schemathesis::Options),
    /// Check the rules of this repository that no compiler knows
    Tidy,
    /// Release the provider interface: copy it to a folder of its own that never changes again
    Freeze {
        /// As wit/provider.wit says, for example 1.0.0
        version: String,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            for (number, cause) in error.chain().skip(1).enumerate() {
                eprintln!("  {}. caused by: {cause}", number + 1);
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    match command {
        Command::Dev(options) => dev::run(&workspace, &options),
        Command::Test(options) => test::run(&workspace, &options),
        Command::Bench(options) => bench::run(&workspace, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &options),
        Command::Plugins { guests, examples } => {
            let build = match (guests, examples) {
                (true, _) => plugins::build_guests,
                (_, true) => examples::build,
                _ => plugins::build,
            };
            for (name, file) in build(&workspace.root, &workspace.target)? {
                println!("{name} {}", file.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Capabilities => {
            capabilities::write(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            openapi::write(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schemathesis(options) => {
            schemathesis::run(&workspace, &options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Tidy => {
            tidy::check(&workspace)?;
            println!("tidy: all rules hold");
            Ok(ExitCode::SUCCESS)
        }
        Command::Freeze { version } => {
            for path in frozen::freeze(&workspace.root, &version)? {
                println!("{path}");
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
