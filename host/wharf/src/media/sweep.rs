//! What goes: objects past their keeping time, and files that a crash left without a row.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs;
use wharf_core::MediaId;
use wharf_store::{StoreError, media};

use super::{MediaFiles, OBJECTS, UNFINISHED};

/// Rows deleted in one transaction, and files looked for with one query.
const BATCH: usize = 500;

/// A file without a row that is younger than this may be one that is being written: by far longer
/// than any exchange or upload may take.
const ORPHAN_AGE_MS: i64 = 3_600_000;

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects past their keeping time.
    pub ended: u64,
    /// Files that no row names.
    pub orphans: u64,
}

impl MediaFiles {
    /// Removes objects past their keeping time, rows first.
    pub async fn remove_ended(self: &Arc<Self>) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        loop {
            let now = self.clock.now_ms();
            let limit = u32::try_from(BATCH).unwrap_or(u32::MAX);
            let gone = self
                .db
                .write(move |tx| Box::pin(async move { media::purge(tx, now, limit).await }))
                .await?;
            let Some(dir) = self.limits.dir.as_deref().filter(|_| !gone.is_empty()) else {
                return Ok(swept);
            };
            for object in &gone {
                remove(&dir.join(&object.location)).await;
            }
            swept.ended += gone.len() as u64;
        }
    }

    /// Removes files that no row names and nobody can be writing any more.
    pub async fn remove_orphans(self: &Arc<Self>) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let Some(dir) = self.limits.dir.as_deref() else {
            return Ok(swept);
        };
        for (_, path) in self.old_files(&dir.join(UNFINISHED)).await {
            swept.orphans += u64::from(remove(&path).await);
        }
        for tenant in folders(&dir.join(OBJECTS)).await {
            for shard in folders(&tenant).await {
                let files = self.old_files(&shard).await;
                for batch in files.chunks(BATCH) {
                    swept.orphans += self.remove_unknown(batch).await?;
                }
            }
        }
        Ok(swept)
    }

    async fn remove_unknown(&self, files: &[(MediaId, PathBuf)]) -> Result<u64, StoreError> {
        let ids: Vec<_> = files.iter().map(|(id, _)| *id).collect();
        let mut conn = self.db.read().await?;
        let known = media::known(&mut conn, &ids).await?;
        drop(conn);
        let mut removed = 0;
        for (id, path) in files {
            if !known.contains(id) {
                removed += u64::from(remove(path).await);
            }
        }
        Ok(removed)
    }

    /// Files whose names are ids made long ago. What is named otherwise is not ours to remove.
    async fn old_files(&self, folder: &Path) -> Vec<(MediaId, PathBuf)> {
        let before = self.clock.now_ms() - ORPHAN_AGE_MS;
        let named = |path: PathBuf| {
            let id = MediaId::from_bare(path.file_name()?.to_str()?).ok()?;
            (id.made_at() < before).then_some((id, path))
        };
        entries(folder)
            .await
            .into_iter()
            .filter_map(named)
            .collect()
    }
}

async fn folders(path: &Path) -> Vec<PathBuf> {
    let mut found = entries(path).await;
    found.retain(|entry| entry.is_dir());
    found
}

async fn entries(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut listing = match fs::read_dir(path).await {
        Ok(listing) => listing,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "could not list a folder of the media store");
            }
            return found;
        }
    };
    while let Ok(Some(entry)) = listing.next_entry().await {
        found.push(entry.path());
    }
    found
}

pub(super) async fn remove(path: &Path) -> bool {
    match fs::remove_file(path).await {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "could not remove a file of the media store");
            false
        }
    }
}
