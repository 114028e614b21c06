//! The record of releases: one line for each file, as `sha256sum` writes and checks it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;

use super::{Breach, version_of};

pub(super) const RECORD: &str = "wit/frozen.sha256";

/// Digests by path, each with the line it stands in.
pub(super) struct Record(BTreeMap<String, (String, usize)>);

impl Record {
    /// What the record says, and which of its lines say nothing. Without a record nothing is released.
    pub(super) fn read(root: &Path) -> anyhow::Result<(Self, Vec<Breach>)> {
        let text = match fs::read_to_string(root.join(RECORD)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("could not read {RECORD}")),
        };
        let (mut record, mut breaches) = (Self(BTreeMap::new()), Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            let mut complain = |message: &str| {
                breaches.push(Breach {
                    file: RECORD.to_owned(),
                    line: Some(number),
                    message: message.to_owned(),
                });
            };
            let Some((digest, path)) = parsed(line) else {
                complain(
                    "is not the SHA-256 of a file in wit/provider-X.Y.Z/, two spaces, and its path; `cargo xtask freeze` writes it",
                );
                continue;
            };
            let entry = (digest.to_owned(), number);
            if record.0.insert(path.to_owned(), entry).is_some() {
                complain("records a file a second time; keep the line that was first");
            }
        }
        Ok((record, breaches))
    }

    pub(super) fn digest_of(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(|(digest, _)| digest.as_str())
    }

    /// Every recorded path with its line.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0
            .iter()
            .map(|(path, (_, line))| (path.as_str(), *line))
    }

    pub(super) fn add(&mut self, path: &str, digest: String) {
        self.0.insert(path.to_owned(), (digest, 0));
    }

    pub(super) fn write(&self, root: &Path) -> anyhow::Result<()> {
        let lines = self.0.iter();
        let text: String = lines
            .map(|(path, (digest, _))| format!("{digest}  {path}\n"))
            .collect();
        fs::write(root.join(RECORD), text).with_context(|| format!("could not write {RECORD}"))
    }
}

fn parsed(line: &str) -> Option<(&str, &str)> {
    let (digest, path) = line.split_once("  ")?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_digest = digest.len() == 64 && digest.bytes().all(is_hex);
    let is_plain = !path.split('/').any(|part| matches!(part, "" | "." | ".."));
    (is_digest && is_plain && version_of(path).is_some()).then_some((digest, path))
}
