//! The author's commands: `wharf plugin new`, `build`, `check`, `test`, `fuzz` and `inspect`, with good input and bad.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod author;
mod capabilities;
mod examples;
mod files;
mod fuzz;
mod suite;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::environment;

/// How a run ended.
#[derive(Debug)]
struct Output {
    code: i32,
    stdout: String,
    stderr: String,
}

/// The program and the plugins that ship; `None`, loudly, when they are not there.
struct Kit {
    binary: PathBuf,
    dist: PathBuf,
    folder: tempfile::TempDir,
}

impl Kit {
    fn new() -> Option<Self> {
        Some(Self {
            binary: PathBuf::from(environment("WHARF_BIN")?),
            dist: PathBuf::from(environment("WHARF_PLUGINS_DIST")?),
            folder: tempfile::tempdir().unwrap(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn component(&self, name: &str) -> String {
        let file = self.dist.join(format!("{name}.wasm"));
        file.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run(self.command(arguments))
    }

    /// With what a build needs of the environment, and nothing that reads as configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("plugin").args(arguments);
        quiet(&mut command, self.folder.path());
        command
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a build needs its own environment, which is no configuration of the gateway"
)]
fn quiet(command: &mut Command, folder: &Path) {
    const KEPT: [&str; 8] = [
        "PATH",
        "HOME",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
        "XDG_CACHE_HOME",
        "WHARF_WASM_TOOLCHAIN",
        "WHARF_WASM_RUSTC",
    ];
    command.env_clear().current_dir(folder);
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

fn run(mut command: Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Output {
        code: output.status.code().expect("it was not killed"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A folder of this repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join(path)
}
