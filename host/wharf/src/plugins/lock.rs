//! `wharf-plugins.lock`: which component each name stands for, where it came from, and what the
//! operator allowed it.
//!
//! JSON, written whole under another name, synced and renamed: a reader sees the old file or the new
//! one. Writers take turns by an advisory lock on a file beside it. It must not know what a component
//! is; [`super::folder`] keeps the bytes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::digest::Digest;
use super::permissions::Permissions;

pub const FILE_NAME: &str = "wharf-plugins.lock";
const GUARD_NAME: &str = ".wharf-plugins.guard";
const TEMPORARY_PREFIX: &str = ".wharf-plugins.lock.";
/// Grows when an older program would misread the file.
const VERSION: u32 = 1;
/// 256 plugins with their permissions and previous versions stay far below.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Versions kept for going back to.
pub const PREVIOUS_MAX: usize = 5;
/// A command holds the lock for one write; longer, and something hangs.
const GUARD_WAIT: Duration = Duration::from_secs(10);
const GUARD_POLL: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    pub plugins: BTreeMap<String, Entry>,
}

/// One name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The plugin's own id, which stays the same for ever.
    pub id: String,
    /// In service.
    pub current: Version,
    /// What the operator allowed: never less than `current` asks for.
    pub approved: Approval,
    /// Waits for `wharf plugin approve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// What was in service before, newest first, each with the approval it had.
    #[serde(default)]
    pub previous: Vec<Previous>,
}

/// One component and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    pub digest: Digest,
    /// As the plugin says.
    pub version: String,
    /// `path:...`, `https://...` or `oci:...`.
    pub source: String,
    /// What an OCI tag stood for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<Digest>,
    pub size_bytes: u64,
    /// RFC 3339.
    pub added_at: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub permissions_sha256: Digest,
    pub permissions: Permissions,
    pub by: String,
    /// RFC 3339.
    pub at: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    pub version: Version,
    pub permissions: Permissions,
    /// Why it waits, a line each.
    pub reasons: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    pub version: Version,
    pub approved: Approval,
}

#[derive(Debug, Error)]
pub enum LockError {
    #[error("could not read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is larger than any lock file of this program; restore it from a backup")]
    TooLarge { path: PathBuf },
    #[error(
        "{path} cannot be understood; restore it from a backup, or remove it and add the plugins again"
    )]
    Parse {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "{path} has version {found}, this program knows version {VERSION}; use the newer program"
    )]
    Newer { path: PathBuf, found: u64 },
    #[error(
        "{path}: the approved permissions of {name} do not match their hash, so somebody edited the file; add the plugin again"
    )]
    Tampered { path: PathBuf, name: String },
    #[error("could not write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("could not lock {path}")]
    Guard { path: PathBuf, source: io::Error },
    #[error(
        "another `wharf plugin` command holds {path} for more than 10 s; wait for it or end it"
    )]
    Busy { path: PathBuf },
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            version: VERSION,
            plugins: BTreeMap::new(),
        }
    }
}

impl Entry {
    /// Every digest this entry may still need.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        let pending = self.pending.as_ref().map(|pending| pending.version.digest);
        self.served().chain(pending)
    }

    /// What an operator took into service, now or before; what waits for approval is not among it.
    pub fn served(&self) -> impl Iterator<Item = Digest> {
        let previous = self.previous.iter().map(|previous| previous.version.digest);
        std::iter::once(self.current.digest).chain(previous)
    }
}

impl Approval {
    pub fn new(permissions: Permissions, by: &str, at: &str) -> Self {
        Self {
            permissions_sha256: permissions.hash(),
            permissions,
            by: by.to_owned(),
            at: at.to_owned(),
        }
    }
}

/// The lock of this folder; an empty one when there is none yet.
pub fn read(dir: &Path) -> Result<Lock, LockError> {
    let path = dir.join(FILE_NAME);
    let failed = |source| LockError::Read {
        path: path.clone(),
        source,
    };
    match std::fs::metadata(&path) {
        Ok(found) if found.len() > FILE_BYTES_MAX => return Err(LockError::TooLarge { path }),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lock::default()),
        Err(error) => return Err(failed(error)),
    }
    let bytes = std::fs::read(&path).map_err(failed)?;
    parse(path, &bytes)
}

fn parse(path: PathBuf, bytes: &[u8]) -> Result<Lock, LockError> {
    let unclear = |path: PathBuf, source| LockError::Parse { path, source };
    // The version first: another one has other fields, which would read as mistakes.
    let json: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(json) => json,
        Err(source) => return Err(unclear(path, source)),
    };
    if let Some(found) = json["version"].as_u64()
        && found != u64::from(VERSION)
    {
        return Err(LockError::Newer { path, found });
    }
    let lock: Lock = match serde_json::from_value(json) {
        Ok(lock) => lock,
        Err(source) => return Err(unclear(path, source)),
    };
    let forged = |approved: &Approval| approved.permissions.hash() != approved.permissions_sha256;
    for (name, entry) in &lock.plugins {
        let mut approvals = entry.previous.iter().map(|previous| &previous.approved);
        if forged(&entry.approved) || approvals.any(forged) {
            let name = name.clone();
            return Err(LockError::Tampered { path, name });
        }
    }
    Ok(lock)
}

/// The right to write the lock, until it is dropped.
pub struct Guard {
    dir: PathBuf,
    _file: File,
}

impl Guard {
    /// Waits its turn, not for ever.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join(GUARD_NAME);
        let failed = |source| LockError::Guard {
            path: path.clone(),
            source,
        };
        let open = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = open.map_err(failed)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if began.elapsed() < GUARD_WAIT => {
                    std::thread::sleep(GUARD_POLL);
                }
                Err(TryLockError::WouldBlock) => return Err(LockError::Busy { path }),
            }
        }
        let guard = Self {
            dir: dir.to_owned(),
            _file: file,
        };
        guard.clear_leftovers();
        Ok(guard)
    }

    pub fn read(&self) -> Result<Lock, LockError> {
        read(&self.dir)
    }

    pub fn write(&self, lock: &Lock) -> Result<(), LockError> {
        let path = self.dir.join(FILE_NAME);
        let mut text = serde_json::to_vec_pretty(lock).expect("names and lists are JSON");
        text.push(b'\n');
        let temporary = format!("{TEMPORARY_PREFIX}{}", std::process::id());
        write_atomic(&self.dir.join(temporary), &path, &text)
            .map_err(|source| LockError::Write { path, source })
    }

    /// What a command left that was killed between writing and renaming. Nobody else writes now.
    fn clear_leftovers(&self) {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for entry in entries {
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(TEMPORARY_PREFIX)
            {
                // It stays in the way of nobody, so a failure is no reason to stop.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Whole or not at all, and on the disk when it returns.
pub(super) fn write_atomic(temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = File::create(temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(temporary, path));
    if let Err(error) = written {
        // Best effort: the write has failed already, and that is what is reported.
        let _ = std::fs::remove_file(temporary);
        return Err(error);
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}
