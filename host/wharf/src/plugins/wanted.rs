//! What should be in service, as `plugins.dir` says now: the lock first, then files put there by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::digest::Digest;
use super::folder::{Dropped, Folder, FolderError, Stamp};
use super::install::check_name;
use super::lock::{self, Entry, LockError};

/// One name and where its component is.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Locked(Box<Entry>),
    Dropped(Dropped),
}

/// What identifies a wanted component without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Digest(Digest),
    Stamp(Stamp),
}

impl Wanted {
    pub(super) fn key(&self) -> Key {
        match self {
            Self::Locked(entry) => Key::Digest(entry.current.digest),
            Self::Dropped(file) => Key::Stamp(file.stamp),
        }
    }

    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Locked(entry) => Some(entry.current.digest),
            Self::Dropped(_) => None,
        }
    }
}

/// One look at the folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    pub(super) wanted: BTreeMap<String, Wanted>,
    /// Files that may not be used, by name, with the reason.
    pub(super) refused: BTreeMap<String, String>,
    /// Every digest the lock still needs.
    pub(super) kept: BTreeSet<Digest>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ScanError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("looking at plugins.dir ended badly: {0}")]
    Ended(String),
}

/// `hashed` remembers the digests of files by hand that stand beside a lock entry of their name.
pub(super) fn scan(
    folder: &Folder,
    require_lock: bool,
    hashed: &mut BTreeMap<Stamp, Digest>,
) -> Result<Scan, ScanError> {
    let lock = lock::read(folder.dir())?;
    let mut scan = Scan::default();
    for entry in lock.plugins.values() {
        scan.kept.extend(entry.digests());
    }
    let locked = lock.plugins.into_iter();
    scan.wanted = locked
        .map(|(name, entry)| (name, Wanted::Locked(Box::new(entry))))
        .collect();
    let mut seen = BTreeSet::new();
    for file in folder.dropped()? {
        let name = file.name.clone();
        if let Err(error) = check_name(&name) {
            // Shown in lists and logs, where it must not do anything.
            let name = name.escape_debug().to_string();
            let path = file.path.to_string_lossy().escape_debug().to_string();
            scan.refused.insert(
                name,
                format!("{path}: {error}; rename the file, or `wharf plugin add` it with --name"),
            );
            continue;
        }
        match scan.wanted.get(&name) {
            Some(Wanted::Locked(entry)) => {
                seen.insert(file.stamp);
                if let Some(reason) = beside(folder, &file, entry, hashed) {
                    scan.refused.insert(name, reason);
                }
            }
            _ if require_lock => {
                let path = file.path.display();
                scan.refused.insert(name, format!(
                    "{path} is not in the lock, and plugins.require_lock is set; look at it with `wharf plugin inspect {path}`, then `wharf plugin add {path}`"
                ));
            }
            _ => {
                scan.wanted.insert(name, Wanted::Dropped(file));
            }
        }
    }
    hashed.retain(|stamp, _| seen.contains(stamp));
    Ok(scan)
}

/// Why a file cannot take the place of what the lock names; `None` when it is the very same.
fn beside(
    folder: &Folder,
    file: &Dropped,
    entry: &Entry,
    hashed: &mut BTreeMap<Stamp, Digest>,
) -> Option<String> {
    let found = match hashed.get(&file.stamp) {
        Some(known) => *known,
        None => {
            let bytes = match folder.read(&file.path) {
                Ok(bytes) => bytes,
                Err(error) => return Some(crate::http::Chain(&error).to_string()),
            };
            let found = Digest::of(&bytes);
            hashed.insert(file.stamp, found);
            found
        }
    };
    let locked = entry.current.digest;
    (found != locked).then(|| {
        let path = file.path.display();
        format!("{path} has the digest {found}, the lock says {locked}; the locked version is used. `wharf plugin add {path}` to use the file, or delete it")
    })
}
