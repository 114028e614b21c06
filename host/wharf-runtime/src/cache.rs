//! Compiled plugins on disk. Every file is native code, so every file carries a MAC.
//!
//! A file is named after the component's digest and everything that decides about the code (wasmtime's
//! version, the target, the settings). It is read whole and checked in memory: what was checked is
//! what is used. It must not know how code is made or loaded.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use wasmtime::Engine;

use crate::compatibility;
use crate::error::RuntimeError;

const MAC_BYTES: usize = 32;
/// Keeps these MACs apart from any other use of the key.
const MAC_CONTEXT: &[u8] = b"wharf compiled plugin 1\0";
/// A Python guest of 18 MB becomes about 60 MB of code.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

pub(crate) struct CompileCache {
    dir: PathBuf,
    mac: Hmac<Sha256>,
    compatibility: String,
    temporary_names: AtomicU64,
}

/// What a purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    pub files: u64,
    pub bytes: u64,
}

impl Purged {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

#[derive(Debug, Error)]
pub(crate) enum CacheError {
    #[error("could not read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is larger than any compiled plugin")]
    TooLarge { path: PathBuf },
    #[error("{path} was not written by this host or was changed since")]
    BadMac { path: PathBuf },
    #[error("could not write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

impl CompileCache {
    pub(crate) fn open(
        dir: PathBuf,
        key: &[u8; 32],
        engine: &Engine,
    ) -> Result<Self, RuntimeError> {
        prepare(&dir)?;
        let mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        Ok(Self {
            dir,
            mac,
            compatibility: hex::encode(&compatibility::of(engine)[..8]),
            temporary_names: AtomicU64::new(0),
        })
    }

    /// None when there is no such file.
    pub(crate) fn read(&self, digest: &[u8; 32]) -> Result<Option<Vec<u8>>, CacheError> {
        let name = self.file_name(digest);
        let path = self.dir.join(&name);
        let mut bytes = match read_bounded(&path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(CacheError::TooLarge { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CacheError::Read { path, source }),
        };
        let genuine = match bytes.split_first_chunk::<MAC_BYTES>() {
            Some((mac, code)) => self.mac_of(&name, code).verify_slice(mac).is_ok(),
            None => false,
        };
        if !genuine {
            return Err(CacheError::BadMac { path });
        }
        bytes.drain(..MAC_BYTES);
        Ok(Some(bytes))
    }

    /// Written under another name, synced and renamed: a reader sees the whole file or none.
    pub(crate) fn write(&self, digest: &[u8; 32], code: &[u8]) -> Result<(), CacheError> {
        let name = self.file_name(digest);
        let path = self.dir.join(&name);
        let number = self.temporary_names.fetch_add(1, Ordering::Relaxed);
        let temporary = self
            .dir
            .join(format!(".{name}.{}.{number}", std::process::id()));
        let mac = self.mac_of(&name, code).finalize().into_bytes();
        let written = write_synced(&temporary, &mac, code)
            .and_then(|()| fs::rename(&temporary, &path))
            .and_then(|()| File::open(&self.dir)?.sync_all());
        if let Err(source) = written {
            // Best effort: the write has failed already, and that is what is reported.
            drop(fs::remove_file(&temporary));
            return Err(CacheError::Write { path, source });
        }
        Ok(())
    }

    /// Removes files until the folder has at most `bytes_max`, oldest first. What `in_use` names stays,
    /// however large it is; code for another engine is in nobody's use.
    pub(crate) fn purge(&self, in_use: &HashSet<[u8; 32]>, bytes_max: u64) -> io::Result<Purged> {
        let kept: HashSet<_> = in_use.iter().map(|digest| self.file_name(digest)).collect();
        let mut total = 0;
        let mut unused = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if !metadata.is_file() {
                continue;
            }
            total += metadata.len();
            if entry
                .file_name()
                .to_str()
                .is_none_or(|name| !kept.contains(name))
            {
                unused.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
        unused.sort();
        let mut purged = Purged::default();
        for (_, bytes, path) in unused {
            if total <= bytes_max {
                break;
            }
            match fs::remove_file(&path) {
                Ok(()) => purged.add(bytes),
                // Another process that shares the folder was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            total = total.saturating_sub(bytes);
        }
        Ok(purged)
    }

    fn file_name(&self, digest: &[u8; 32]) -> String {
        format!("{}-{}.cwasm", hex::encode(digest), self.compatibility)
    }

    /// The name is covered too, so that no file can stand in for another.
    fn mac_of(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(MAC_CONTEXT);
        mac.update(name.as_bytes());
        mac.update(b"\0");
        mac.update(code);
        mac
    }
}

fn prepare(dir: &Path) -> Result<(), RuntimeError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    let mode = made
        .and_then(|()| fs::metadata(dir))
        .map_err(|source| RuntimeError::CacheDir {
            path: dir.display().to_string(),
            source,
        })?
        .permissions()
        .mode();
    if mode & 0o022 != 0 {
        return Err(RuntimeError::CacheDirOpen {
            path: dir.display().to_string(),
        });
    }
    Ok(())
}

/// None for a file that is too large. It is opened once, so what was measured is what is read; opening
/// does not wait, as it would for a pipe.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    if !file.metadata()?.is_file() {
        let what = "it is no regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok((read as u64 <= FILE_BYTES_MAX).then_some(bytes))
}

fn write_synced(path: &Path, mac: &[u8], code: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(mac)?;
    file.write_all(code)?;
    file.sync_all()
}
