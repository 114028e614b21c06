//! `plugins.dir`: components by digest in `store/`, and files that somebody put there by hand.
//!
//! What comes out of the store has been hashed again, so a changed file is found by whoever uses it.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use wharf_config::Config;

use super::digest::Digest;
use super::lock::write_atomic;

const STORE: &str = "store";
const PREFIX: &str = "sha256-";
const SUFFIX: &str = ".wasm";
/// Names in `plugins.dir` that are looked at; beyond it something else fills the folder.
pub const FILES_MAX: usize = 1024;

/// The folder of one deployment.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: PathBuf,
    bytes_max: usize,
}

/// A file that was put there by hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dropped {
    /// The file's name without `.wasm`: the plugin's name.
    pub name: String,
    pub path: PathBuf,
    /// Changes whenever the file does.
    pub stamp: Stamp,
}

/// What the file system says of a file's content without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    pub size: u64,
    pub modified_ns: i128,
    pub inode: u64,
}

#[derive(Debug, Error)]
pub enum FolderError {
    #[error("could not read the folder {path} (plugins.dir)")]
    List { path: PathBuf, source: io::Error },
    #[error("{path} (plugins.dir) has more than {FILES_MAX} entries; keep only plugins there")]
    TooMany { path: PathBuf },
    #[error("could not read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is no regular file; give a component's file itself")]
    NoFile { path: PathBuf },
    #[error(
        "{path} has {size} bytes, at most {bytes_max} are allowed (component_bytes_max of its class, plugins.native or plugins.interpreter)"
    )]
    TooLarge {
        path: PathBuf,
        size: u64,
        bytes_max: usize,
    },
    #[error(
        "{path} is not what the lock says: its digest is {found}; `wharf plugin add` it again from its source, or `wharf plugin rollback`"
    )]
    Changed { path: PathBuf, found: Digest },
    #[error(
        "{path} is gone; `wharf plugin add` it again from its source, or `wharf plugin rollback`"
    )]
    Missing { path: PathBuf },
    #[error("could not write {path}; the command needs write access to plugins.dir")]
    Write { path: PathBuf, source: io::Error },
}

impl Folder {
    pub fn new(dir: &Path, bytes_max: usize) -> Self {
        Self {
            dir: dir.to_owned(),
            bytes_max,
        }
    }

    /// `plugins.dir`, and what a component of the larger class may have.
    pub fn of(config: &Config) -> Self {
        let plugins = &config.plugins;
        let (native, interpreter) = (&plugins.native, &plugins.interpreter);
        let bytes_max = native
            .component_bytes_max
            .max(interpreter.component_bytes_max);
        Self::new(&plugins.dir, bytes_max)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub fn path_of(&self, digest: &Digest) -> PathBuf {
        let name = format!("{PREFIX}{}{SUFFIX}", digest.hex());
        self.dir.join(STORE).join(name)
    }

    /// Keeps a component. One that is there already is written anew, so that it is as young as any other
    /// for [`Folder::unused`] until the lock names it.
    pub fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path_of(digest);
        let store = self.dir.join(STORE);
        let temporary = store.join(format!(".{}.{}", digest.hex(), std::process::id()));
        std::fs::create_dir_all(&store)
            .and_then(|()| write_atomic(&temporary, &path, bytes))
            .map_err(|source| FolderError::Write { path, source })
    }

    /// A component out of the store, hashed again.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, FolderError> {
        let path = self.path_of(digest);
        let bytes = match self.read(&path) {
            Err(FolderError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(FolderError::Missing { path });
            }
            other => other?,
        };
        let found = Digest::of(&bytes);
        match found == *digest {
            true => Ok(bytes),
            false => Err(FolderError::Changed { path, found }),
        }
    }

    /// Any regular file, as long as it may be a component. It is opened once: what was measured is what is
    /// read, and a file that grows meanwhile is not followed.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, FolderError> {
        let failed = |source| FolderError::Read {
            path: path.to_owned(),
            source,
        };
        let too_large = |size| FolderError::TooLarge {
            path: path.to_owned(),
            size,
            bytes_max: self.bytes_max,
        };
        let file = open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(FolderError::NoFile {
                path: path.to_owned(),
            });
        }
        let bytes_max = self.bytes_max as u64;
        if found.len() > bytes_max {
            return Err(too_large(found.len()));
        }
        let mut bytes = Vec::new();
        let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
        let size = read.map_err(failed)? as u64;
        match size > bytes_max {
            true => Err(too_large(size)),
            false => Ok(bytes),
        }
    }

    /// Files put there by hand, in the order of their names.
    pub fn dropped(&self) -> Result<Vec<Dropped>, FolderError> {
        let failed = |source| FolderError::List {
            path: self.dir.clone(),
            source,
        };
        let mut found = Vec::new();
        for (count, entry) in std::fs::read_dir(&self.dir).map_err(failed)?.enumerate() {
            if count >= FILES_MAX {
                return Err(FolderError::TooMany {
                    path: self.dir.clone(),
                });
            }
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name.and_then(|name| name.strip_suffix(SUFFIX)) else {
                continue;
            };
            // Hidden files are somebody's copy in the making.
            if name.is_empty() || name.starts_with('.') {
                continue;
            }
            // One that vanished meanwhile is not there.
            if let Some(stamp) = stamp(&path) {
                found.push(Dropped {
                    name: name.to_owned(),
                    path,
                    stamp,
                });
            }
        }
        found.sort();
        Ok(found)
    }

    /// Components in the store that nobody in `kept` needs and that are older than `age`: a command
    /// that runs now keeps its component before it writes the lock.
    pub fn unused(&self, kept: &BTreeSet<Digest>, age: Duration, now: SystemTime) -> Vec<Digest> {
        let entries = std::fs::read_dir(self.dir.join(STORE));
        let mut unused = Vec::new();
        for entry in entries.into_iter().flatten().flatten().take(FILES_MAX) {
            let name = entry.file_name();
            let digest = name
                .to_str()
                .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX))
                .and_then(|digits| digits.parse::<Digest>().ok());
            let Some(digest) = digest.filter(|digest| !kept.contains(digest)) else {
                continue;
            };
            if is_older(&entry.path(), age, now) {
                unused.push(digest);
            }
        }
        unused
    }

    /// Removes one of [`Folder::unused`], unless a command has put it there again since. True when it is
    /// gone.
    pub fn remove_unused(&self, digest: &Digest, age: Duration, now: SystemTime) -> bool {
        is_older(&self.path_of(digest), age, now) && self.remove(digest).is_ok()
    }

    pub fn remove(&self, digest: &Digest) -> io::Result<()> {
        std::fs::remove_file(self.path_of(digest))
    }
}

fn is_older(path: &Path, age: Duration, now: SystemTime) -> bool {
    let modified = std::fs::metadata(path).and_then(|found| found.modified());
    modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|it| it > age))
}

/// Without waiting: opening a pipe would wait for who writes to it.
fn open(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
}

/// `None` for what is no readable file.
pub fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    Some(Stamp {
        size: found.size(),
        modified_ns: i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec()),
        inode: found.ino(),
    })
}
