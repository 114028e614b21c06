//! One tenant's objects, as egress reads and writes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use wharf_core::provider::MediaRef;
use wharf_core::{MediaId, TenantId};
use wharf_egress::{BoxFuture, MediaError, MediaReader, MediaSink, MediaStore, NewMedia};
use wharf_store::media::{self, MediaOrigin, MediaRow};

use super::{MediaFiles, UNFINISHED, failed, location_of};

/// What is read from a file at a time.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// A store that knows one tenant's objects only.
pub struct TenantMedia {
    files: Arc<MediaFiles>,
    tenant: TenantId,
    origin: MediaOrigin,
    /// Of a new object, beside the limit that holds for all.
    bytes_max: u64,
}

impl TenantMedia {
    pub(super) fn new(
        files: Arc<MediaFiles>,
        tenant: TenantId,
        origin: MediaOrigin,
        bytes_max: u64,
    ) -> Self {
        Self {
            files,
            tenant,
            origin,
            bytes_max,
        }
    }

    async fn read(&self, handle: &str) -> Result<Option<MediaReader>, MediaError> {
        let Ok(id) = handle.parse::<MediaId>() else {
            return Ok(None);
        };
        let files = &self.files;
        let look = async {
            let mut conn = files.db.read().await?;
            media::get(&mut conn, &self.tenant, id, files.clock.now_ms()).await
        };
        let Some(row) = look.await.map_err(|error| failed("open", error))? else {
            return Ok(None);
        };
        let file = files.file_of(&row).await?;
        let chunks = ReaderStream::with_capacity(file.take(row.size_bytes), CHUNK_BYTES);
        Ok(Some(MediaReader {
            size: row.size_bytes,
            chunks: Box::pin(futures_util::StreamExt::map(chunks, |chunk| {
                chunk.map_err(|error| failed("read", error))
            })),
        }))
    }

    async fn begin(&self, new: NewMedia) -> Result<Box<dyn MediaSink>, MediaError> {
        let limits = &self.files.limits;
        let bytes_max = new
            .bytes_max
            .min(limits.object_bytes_max)
            .min(self.bytes_max);
        if new.announced_bytes.is_some_and(|bytes| bytes > bytes_max) {
            return Err(MediaError::TooLarge { bytes_max });
        }
        let look = async {
            let mut conn = self.files.db.read().await?;
            media::usage_bytes(&mut conn, &self.tenant).await
        };
        let used = look.await.map_err(|error| failed("create", error))?;
        let wanted = used.saturating_add(new.announced_bytes.unwrap_or(1));
        if wanted > limits.tenant_bytes_max {
            return Err(no_room(limits.tenant_bytes_max));
        }
        let id = MediaId::new(&*self.files.ids);
        let folder = self.files.dir()?.join(UNFINISHED);
        let path = folder.join(id.bare());
        let created = async {
            make_folder(&folder).await?;
            private_file(&path).await
        };
        let file = created.await.map_err(|error| on_disk("create", error))?;
        Ok(Box::new(Writing {
            files: Arc::clone(&self.files),
            tenant: self.tenant.clone(),
            origin: self.origin,
            id,
            new,
            bytes_max,
            written: 0,
            file,
            unfinished: Unfinished(Some(path)),
        }))
    }
}

impl MediaStore for TenantMedia {
    fn open<'a>(
        &'a self,
        media: &'a MediaRef,
    ) -> BoxFuture<'a, Result<Option<MediaReader>, MediaError>> {
        Box::pin(self.read(&media.handle))
    }

    fn create(&self, new: NewMedia) -> BoxFuture<'_, Result<Box<dyn MediaSink>, MediaError>> {
        Box::pin(self.begin(new))
    }

    fn link(&self, media: &MediaRef, lifetime_s: u32) -> Option<String> {
        // Whether there is such an object is seen when somebody follows the link: the signature
        // holds for this tenant's object of that id and leads nowhere when it is another's.
        let id = media.handle.parse().ok()?;
        self.files.link(&self.tenant, id, lifetime_s)
    }
}

/// An object on its way in.
struct Writing {
    files: Arc<MediaFiles>,
    tenant: TenantId,
    origin: MediaOrigin,
    id: MediaId,
    new: NewMedia,
    bytes_max: u64,
    written: u64,
    file: File,
    unfinished: Unfinished,
}

/// A file under its temporary name: gone when nobody finishes it.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // What cannot be removed now is removed by the sweep.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl MediaSink for Writing {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), MediaError>> {
        Box::pin(async move {
            let written = self.written.saturating_add(chunk.len() as u64);
            if written > self.bytes_max {
                return Err(MediaError::TooLarge {
                    bytes_max: self.bytes_max,
                });
            }
            let wrote = self.file.write_all(&chunk).await;
            wrote.map_err(|error| on_disk("write", error))?;
            self.written = written;
            Ok(())
        })
    }

    fn finish(
        self: Box<Self>,
        sha256: [u8; 32],
        size: u64,
    ) -> BoxFuture<'static, Result<MediaRef, MediaError>> {
        // On its own, since a caller who leaves halfway must not part a row from its file.
        let kept = tokio::spawn(self.keep(sha256, size));
        Box::pin(async move {
            kept.await
                .unwrap_or_else(|error| Err(failed("finish", error)))
        })
    }
}

impl Writing {
    async fn keep(
        mut self: Box<Self>,
        sha256: [u8; 32],
        size: u64,
    ) -> Result<MediaRef, MediaError> {
        if size != self.written {
            let wrong = format!("{} bytes were written and {size} announced", self.written);
            return Err(failed("finish", std::io::Error::other(wrong)));
        }
        let location = location_of(&self.tenant, self.id);
        let path = self.files.dir()?.join(&location);
        let moved = self.settle(&path).await;
        moved.map_err(|error| on_disk("finish", error))?;
        // From here on the guard has nothing to remove under the old name.
        self.unfinished.0 = None;
        let now = self.files.clock.now_ms();
        let row = MediaRow {
            id: self.id,
            content_type: self.new.content_type.clone(),
            size_bytes: size,
            sha256: hex::encode(sha256),
            filename: self.new.filename.clone(),
            origin: self.origin,
            location,
            created_at: now,
            expires_at: now.saturating_add(self.files.limits.keep_ms),
        };
        let (tenant, bytes_max) = (self.tenant.clone(), self.files.limits.tenant_bytes_max);
        let kept = self
            .files
            .db
            .write(move |tx| {
                Box::pin(async move { media::insert(tx, &tenant, &row, bytes_max).await })
            })
            .await;
        match kept {
            Ok(true) => Ok(MediaRef {
                handle: self.id.to_string(),
                content_type: self.new.content_type,
                size,
                sha256: sha256.to_vec(),
                filename: self.new.filename,
            }),
            Ok(false) => {
                let _ = fs::remove_file(&path).await;
                Err(no_room(bytes_max))
            }
            // Whether the row is in is not known: the file stays, and the sweep removes it if not.
            Err(error) => Err(failed("finish", error)),
        }
    }

    /// Complete and on the disk under its name, or an error.
    async fn settle(&mut self, path: &Path) -> std::io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let folder = path.parent().expect("an object lies in a folder");
        make_folder(folder).await?;
        let from = self.unfinished.0.as_ref().expect("not finished yet");
        fs::rename(from, path).await?;
        sync_folder(folder).await
    }
}

fn no_room(bytes_max: u64) -> MediaError {
    MediaError::NoRoom {
        reason: format!("the tenant may store {bytes_max} bytes (media.tenant_bytes_max)"),
    }
}

fn on_disk(operation: &'static str, error: std::io::Error) -> MediaError {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => MediaError::NoRoom {
            reason: format!("the disk of media.dir is full ({error})"),
        },
        _ => failed(operation, error),
    }
}

/// Readable by the gateway's user only, with those above it that are missing.
async fn make_folder(path: &Path) -> std::io::Result<()> {
    if fs::try_exists(path).await? {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path).await?;
    // A name in a folder is on the disk when the folder is.
    let mut above = path.parent();
    for _ in 0..FOLDERS_DEEP {
        match above {
            Some(folder) if !folder.as_os_str().is_empty() => {
                sync_folder(folder).await?;
                above = folder.parent();
            }
            _ => break,
        }
    }
    Ok(())
}

/// `DIR/objects/TENANT/XX`: what may be new above a new folder.
const FOLDERS_DEEP: usize = 3;

async fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).await
}

async fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path).await?.sync_all().await
}
