//! What a running gateway says of its plugins, for people and for commands: a file that it replaces
//! whole at each change.
//!
//! The file stays locked as long as the gateway lives, so a reader knows whether it speaks of now.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::digest::Digest;

pub const FILE_NAME: &str = "wharf-plugins.state";
const VERSION: u32 = 1;
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// All names, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    /// Of the gateway's process.
    pub pid: u32,
    /// RFC 3339.
    pub at: String,
    pub plugins: Vec<PluginReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginReport {
    pub name: String,
    pub in_service: Option<InService>,
    /// What was to take its place, or to come into service at all, and did not.
    pub refused: Option<Refused>,
    /// Versions that are finishing what they began.
    #[serde(default)]
    pub draining: Vec<Digest>,
    /// What of its calls is refused because of its faults.
    #[serde(default)]
    pub circuit: Option<Circuit>,
}

/// An open circuit; one that is closed is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    /// `open`, `half-open`, or `closed` where only some parties are refused.
    pub state: String,
    /// Tenants that are refused for themselves.
    pub parties_refused: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InService {
    pub digest: Digest,
    pub id: String,
    pub version: String,
    /// False for a file that was put into `plugins.dir` by hand.
    pub locked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Unknown when the file could not be read.
    pub digest: Option<Digest>,
    pub reason: String,
}

/// What a reader finds.
#[derive(Debug)]
pub struct Found {
    pub report: Report,
    /// False when the gateway that wrote it is gone.
    pub live: bool,
}

/// The writing side: one for each gateway.
pub struct Reporter {
    path: PathBuf,
    written: Mutex<Option<(Vec<PluginReport>, File)>>,
}

impl Reporter {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            written: Mutex::default(),
        }
    }

    /// Writes when something is new. A folder that cannot be written to is said once: the gateway
    /// serves without.
    pub fn write(&self, plugins: Vec<PluginReport>, at: String) {
        let mut written = self.written.lock().expect("no panic holds this lock");
        if written.as_ref().is_some_and(|(last, _)| *last == plugins) {
            return;
        }
        let report = Report {
            version: VERSION,
            pid: std::process::id(),
            at,
            plugins,
        };
        match replace(&self.path, &report) {
            Ok(file) => *written = Some((report.plugins, file)),
            Err(error) => tracing::warn!(
                path = %self.path.display(), error = %error,
                "could not write the state of the plugins; `wharf plugin list` cannot show it (plugins.state_file)"
            ),
        }
    }

    /// The gateway ends in order: what it said is no longer true.
    pub fn remove(&self) {
        let mut written = self.written.lock().expect("no panic holds this lock");
        if written.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The lock belongs to the open file, so it survives the renaming.
fn replace(path: &Path, report: &Report) -> std::io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let mut file = File::create(&temporary)?;
    let text = serde_json::to_vec_pretty(report).expect("names and lists are JSON");
    let written = file
        .try_lock()
        .map_err(std::io::Error::from)
        .and_then(|()| file.write_all(&text))
        .and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(file)
}

/// `None` when no gateway has written there, or what is there is no report.
pub fn read(path: &Path) -> Option<Found> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() > FILE_BYTES_MAX {
        return None;
    }
    let live = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let report: Report = serde_json::from_reader(std::io::BufReader::new(&file)).ok()?;
    (report.version == VERSION).then_some(Found { report, live })
}
