//! `cargo xtask tidy`: the rules of this repository that no compiler knows.
//!
//! Each rule is a function from what it reads to its complaints; this module finds the files.

mod crates;
mod frozen;
mod migrations;
mod text;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::workspace::Workspace;

/// Byte-exact inputs of tests: their form is not ours to choose.
const FIXTURES: &str = "tests/fixtures/";

/// One broken rule, in words that say what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    file: String,
    /// Counted from 1; `None` when the whole file is meant.
    line: Option<usize>,
    message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Prints every complaint and fails if there is one.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let mut complaints = Vec::new();
    for path in files(&workspace.root)? {
        let Some(content) = read_text(&workspace.root.join(&path))? else {
            continue;
        };
        complaints.extend(text::check(&path, &content));
    }
    complaints.extend(crates::check(&workspace.packages, &workspace.root));
    complaints.extend(migrations::check(&workspace.root)?);
    complaints.extend(frozen::check(&workspace.root)?);
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    anyhow::ensure!(
        complaints.is_empty(),
        "tidy: {} complaint(s), listed above",
        complaints.len()
    );
    Ok(())
}

/// Files that are in the repository or about to be, as paths from its root with `/`.
fn files(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("could not run git, which tells what belongs to the repository")?;
    anyhow::ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let listed = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(listed
        .split('\0')
        .filter(|path| !path.is_empty() && !path.starts_with(FIXTURES))
        .map(str::to_owned)
        .collect())
}

/// `None` for binary files, and for those that git still lists but that were removed.
fn read_text(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        // A link to a folder, for one.
        Err(_) if path.is_dir() => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
    }
}

/// Path from the root, as the complaints show it.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .map_or_else(|_| PathBuf::from(path), Path::to_owned)
        .display()
        .to_string()
}
