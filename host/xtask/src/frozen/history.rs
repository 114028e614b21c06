//! What `main` ever held in the folders of releases, as git remembers it. A record and a file that are
//! changed together agree with each other, and not with this.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::Context;

use super::version_of;

/// Where releases are made. A clone may have the one, the other or neither; then its own past counts.
const BRANCHES: [&str; 3] = ["refs/heads/main", "refs/remotes/origin/main", "HEAD"];

/// Each released file as it first came to main. Empty outside a repository and before its first
/// commit; inside one, a git that fails is an error, since nothing would be held to the past then.
pub(super) fn released(root: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    if !is_repository(root) {
        return Ok(found);
    }
    let mut known = Vec::new();
    for branch in BRANCHES {
        if exists(root, branch)? {
            known.push(branch);
        }
    }
    let is_main = |branch: &str| branch != "HEAD";
    let branches: Vec<_> = match known.iter().any(|branch| is_main(branch)) {
        true => known.into_iter().filter(|branch| is_main(branch)).collect(),
        false => known,
    };
    if branches.is_empty() {
        return Ok(found);
    }
    let mut arguments = vec![
        "log",
        "--reverse",
        "--topo-order",
        "--full-history",
        "-m",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--format=",
        "-z",
    ];
    arguments.extend(branches);
    arguments.extend(["--", ":(glob)wit/provider-*/**"]);
    let log = git(root, &arguments)?;
    for (blob, path) in additions(&log) {
        if version_of(&path).is_some() && !found.contains_key(&path) {
            found.insert(path, git(root, &["cat-file", "blob", &blob])?);
        }
    }
    Ok(found)
}

/// Blob and path of each file that came, in the order in which they came. With `-z` an entry is
/// `:MODE MODE OLD NEW STATUS`, a zero byte, the path and a zero byte.
fn additions(log: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(log);
    let mut fields = text.split('\0').map(|field| field.trim_start_matches('\n'));
    let mut found = Vec::new();
    while let Some(field) = fields.next() {
        let Some(entry) = field.strip_prefix(':') else {
            continue;
        };
        let parts: Vec<_> = entry.split(' ').collect();
        if let ([_, _, _, blob, "A"], Some(path)) = (&parts[..], fields.next()) {
            found.push(((*blob).to_owned(), path.to_owned()));
        }
    }
    found
}

/// True when the past is cut off here, so that what was released may be out of sight.
pub(super) fn is_shallow(root: &Path) -> anyhow::Result<bool> {
    if !is_repository(root) {
        return Ok(false);
    }
    let said = git(root, &["rev-parse", "--is-shallow-repository"])?;
    Ok(said.trim_ascii() == b"true")
}

/// By its files, so that a git which cannot be used is not taken for the lack of a repository.
fn is_repository(root: &Path) -> bool {
    root.ancestors().any(|folder| folder.join(".git").exists())
}

fn exists(root: &Path, branch: &str) -> anyhow::Result<bool> {
    let commit = format!("{branch}^{{commit}}");
    let output = run(root, &["rev-parse", "--verify", "--quiet", &commit])?;
    // With --quiet a name that stands for nothing ends with 1 and says nothing; anything else is wrong.
    match output.status.code() {
        Some(0) => Ok(true),
        Some(1) if output.stderr.is_empty() => Ok(false),
        _ => Err(failed("rev-parse", &output)),
    }
}

fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = run(root, arguments)?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(failed(arguments.first().unwrap_or(&""), &output)),
    }
}

fn run(root: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()
        .context("could not run git, which tells what was released")
}

fn failed(command: &str, output: &Output) -> anyhow::Error {
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::anyhow!("git {command} failed: {}", said.trim())
}
