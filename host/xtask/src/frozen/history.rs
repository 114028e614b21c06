//! What `main` ever held in the folders of releases, as git remembers it. A record and a file that are
//! changed together agree with each other, and not with this.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::version_of;

/// Where releases are made. A clone may have the one, the other or neither; then its own past counts.
const BRANCHES: [&str; 3] = ["refs/heads/main", "refs/remotes/origin/main", "HEAD"];

/// Each released file as it first came to main. Empty outside a repository.
pub(super) fn released(root: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let known: Vec<_> = BRANCHES
        .into_iter()
        .filter(|branch| exists(root, branch))
        .collect();
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

fn exists(root: &Path, branch: &str) -> bool {
    let commit = format!("{branch}^{{commit}}");
    git(root, &["rev-parse", "--verify", "--quiet", &commit]).is_ok()
}

fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()
        .context("could not run git, which tells what was released")?;
    anyhow::ensure!(
        output.status.success(),
        "git {} failed: {}",
        arguments.first().unwrap_or(&""),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}
