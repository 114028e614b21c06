//! Released interfaces: folders `wit/provider-X.Y.Z/` that never change again by a byte.
//!
//! `wit/frozen.sha256` names every file in them with its digest, as `sha256sum -c` reads it. A release
//! is made by `cargo xtask freeze X.Y.Z`; `cargo xtask tidy` holds everybody to it.

mod history;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

use self::record::{RECORD, Record};

const WIT: &str = "wit";
const INTERFACE: &str = "provider.wit";
const FOLDER: &str = "provider-";

/// What is wrong with one file of a release, in words that say what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) file: String,
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
}

impl Breach {
    fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            message: message.into(),
        }
    }
}

/// Every difference between the releases, their record and what `main` ever held of them.
pub(crate) fn breaches(root: &Path) -> anyhow::Result<Vec<Breach>> {
    let (record, mut breaches) = Record::read(root)?;
    let (files, odd) = released_files(root)?;
    breaches.extend(odd);
    for (path, content) in &files {
        match record.digest_of(path) {
            None => breaches.push(Breach::new(
                path,
                format!(
                    "is not in {RECORD}: a release is made by `cargo xtask freeze X.Y.Z`, and nothing is added to one; remove it"
                ),
            )),
            Some(digest) if digest != digest_of(content) => {
                breaches.push(Breach::new(path, changed()));
            }
            Some(_) => {}
        }
    }
    for (path, line) in record.paths() {
        if !files.contains_key(path) {
            breaches.push(Breach {
                file: RECORD.to_owned(),
                line: Some(line),
                message: format!(
                    "records {path}, which is not there: a released interface stays; bring it back with `git checkout main -- {path}`"
                ),
            });
        }
    }
    if !files.is_empty() && history::is_shallow(root)? {
        breaches.push(Breach::new(
            WIT,
            "this clone is shallow, so what was released cannot be compared with the past; `git fetch --unshallow`",
        ));
    }
    for (path, content) in history::released(root)? {
        let message = match files.get(&path) {
            Some(now) if *now == content => continue,
            Some(_) => changed(),
            None => format!(
                "was released on main and is gone: a released interface stays; bring it back with `git checkout main -- {path} {RECORD}`"
            ),
        };
        let known = |breach: &Breach| breach.file == path && breach.message == message;
        if !breaches.iter().any(known) {
            breaches.push(Breach::new(path, message));
        }
    }
    Ok(breaches)
}

fn changed() -> String {
    format!(
        "is released and has changed: plugins are compiled against it; undo that, and put what is new into {WIT}/{INTERFACE} as an interface of the next version"
    )
}

/// Copies the interface as it stands into a folder of its own, and records it.
pub(crate) fn freeze(root: &Path, version: &str) -> anyhow::Result<Vec<String>> {
    anyhow::ensure!(
        numbers(version).is_some(),
        "{version} is no version; write three numbers, like 1.0.0"
    );
    let standing = breaches(root)?;
    if let Some(first) = standing.first() {
        anyhow::bail!(
            "the releases there are have {} problem(s), the first: {}: {}",
            standing.len(),
            first.file,
            first.message
        );
    }
    let (mut record, _) = Record::read(root)?;
    let folder = format!("{WIT}/{FOLDER}{version}");
    let in_folder = |path: &str| {
        path.strip_prefix(&folder)
            .is_some_and(|p| p.starts_with('/'))
    };
    anyhow::ensure!(
        !root.join(&folder).exists() && !record.paths().any(|(path, _)| in_folder(path)),
        "{folder} exists: a release is made once; raise the version in {WIT}/{INTERFACE}"
    );
    let newest = record
        .paths()
        .filter_map(|(path, _)| version_of(path))
        .max();
    if let Some(newest) = newest {
        anyhow::ensure!(
            numbers(version) > Some(newest),
            "{version} is not newer than {}.{}.{}, which is released",
            newest[0],
            newest[1],
            newest[2]
        );
    }
    let sources = sources(root)?;
    let package = format!("package wharf:provider@{version};");
    let main = sources
        .get(INTERFACE)
        .map(Vec::as_slice)
        .unwrap_or_default();
    anyhow::ensure!(
        String::from_utf8_lossy(main)
            .lines()
            .any(|line| line.trim() == package),
        "{WIT}/{INTERFACE} does not say `{package}`"
    );
    fs::create_dir(root.join(&folder)).with_context(|| format!("could not make {folder}"))?;
    let mut written = Vec::new();
    for (name, content) in sources {
        let path = format!("{folder}/{name}");
        fs::write(root.join(&path), &content).with_context(|| format!("could not write {path}"))?;
        record.add(&path, digest_of(&content));
        written.push(path);
    }
    record.write(root)?;
    written.push(RECORD.to_owned());
    Ok(written)
}

/// The interface in the making: the files beside the releases.
fn sources(root: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut sources = BTreeMap::new();
    for (name, path) in entries(&root.join(WIT))? {
        if name.ends_with(".wit") && path.is_file() {
            sources.insert(name, read(&path)?);
        }
    }
    Ok(sources)
}

type Files = BTreeMap<String, Vec<u8>>;

/// Every file in every folder of a release, and folders that look like one and are none.
fn released_files(root: &Path) -> anyhow::Result<(Files, Vec<Breach>)> {
    let (mut files, mut odd) = (Files::new(), Vec::new());
    if !root.join(WIT).is_dir() {
        return Ok((files, odd));
    }
    for (name, path) in entries(&root.join(WIT))? {
        let Some(version) = name.strip_prefix(FOLDER) else {
            continue;
        };
        let shown = format!("{WIT}/{name}");
        if !path.is_dir() || numbers(version).is_none() {
            odd.push(Breach::new(
                shown,
                "looks like a release and is none: those are folders named provider-X.Y.Z; rename or remove it",
            ));
            continue;
        }
        collect(&path, &shown, &mut files)?;
    }
    Ok((files, odd))
}

fn collect(folder: &Path, shown: &str, files: &mut Files) -> anyhow::Result<()> {
    for (name, path) in entries(folder)? {
        let shown = format!("{shown}/{name}");
        if path.is_dir() {
            collect(&path, &shown, files)?;
        } else {
            files.insert(shown, read(&path)?);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> anyhow::Result<Vec<(String, std::path::PathBuf)>> {
    let listing = || format!("could not list {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(listing)? {
        let entry = entry.with_context(listing)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((name, entry.path()));
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("could not read {}", path.display()))
}

fn digest_of(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Three numbers, written in one way only.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split('.').map(|part| {
        let number: u64 = part.parse().ok()?;
        (number.to_string() == part).then_some(number)
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

/// The version in whose folder this path lies.
fn version_of(path: &str) -> Option<[u64; 3]> {
    let rest = path.strip_prefix(WIT)?.strip_prefix('/')?;
    let (version, _) = rest.strip_prefix(FOLDER)?.split_once('/')?;
    numbers(version)
}
