//! The media store: bytes in files below one folder, what is known of them in the database.
//!
//! An object is written under a temporary name, synced, renamed and only then given its row; it loses
//! its row before its file. So a crash leaves at most files that no row names, which the sweep
//! removes, and never half an object that somebody can see. Every look-up is one tenant's.

mod links;
mod settings;
mod store;
mod sweep;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs::File;
use url::Url;
use wharf_core::{Clock, IdSource, MediaId, TenantId};
use wharf_egress::{MediaError, MediaStore};
use wharf_store::media::{self, MediaOrigin, MediaRow};
use wharf_store::{Db, StoreError};

pub use links::LinkKeys;
pub(crate) use settings::{limits, link_keys};
pub use store::TenantMedia;
pub use sweep::Swept;

/// What one process needs to keep media.
pub struct MediaFiles {
    db: Db,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    limits: MediaLimits,
    links: LinkKeys,
    public_url: Option<Url>,
}

/// Where objects lie and how many there may be.
#[derive(Clone, Debug)]
pub struct MediaLimits {
    /// None when nobody said where: nothing can be stored then.
    pub dir: Option<PathBuf>,
    pub object_bytes_max: u64,
    pub tenant_bytes_max: u64,
    pub keep_ms: i64,
}

/// What goes on below the folder, for one object: `objects/TENANT/XX/ULID`, XX being the last two
/// letters of the id, so that no folder gets too full.
fn location_of(tenant: &TenantId, id: MediaId) -> String {
    let id = id.bare();
    format!("{OBJECTS}/{tenant}/{}/{id}", &id[id.len() - 2..])
}

const OBJECTS: &str = "objects";
const UNFINISHED: &str = "unfinished";

impl MediaFiles {
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        limits: MediaLimits,
        links: LinkKeys,
        public_url: Option<Url>,
    ) -> Arc<Self> {
        Arc::new(Self {
            db,
            clock,
            ids,
            limits,
            links,
            public_url,
        })
    }

    /// The objects of one tenant, and of nobody else. New ones are brought by `origin`.
    pub fn of(self: &Arc<Self>, tenant: &TenantId, origin: MediaOrigin) -> Arc<dyn MediaStore> {
        self.of_at_most(tenant, origin, u64::MAX)
    }

    /// The same, where new objects have at most so many bytes.
    pub fn of_at_most(
        self: &Arc<Self>,
        tenant: &TenantId,
        origin: MediaOrigin,
        bytes_max: u64,
    ) -> Arc<dyn MediaStore> {
        let files = Arc::clone(self);
        Arc::new(TenantMedia::new(files, tenant.clone(), origin, bytes_max))
    }

    /// What a link leads to: none for one that is wrong, has ended, or whose object is gone.
    pub async fn linked(&self, token: &str) -> Result<Option<(MediaRow, File)>, LinkError> {
        let now = self.clock.now_ms();
        let Some(link) = links::Link::parse(token).filter(|link| link.expires_at > now) else {
            return Ok(None);
        };
        let mut conn = self.db.read().await?;
        let Some(tenant) = media::tenant_of(&mut conn, link.media).await? else {
            return Ok(None);
        };
        if !self.links.signed(&link, &tenant) {
            return Ok(None);
        }
        let row = media::get(&mut conn, &tenant, link.media, now).await?;
        drop(conn);
        match row {
            Some(row) => {
                let file = self.file_of(&row).await?;
                Ok(Some((row, file)))
            }
            None => Ok(None),
        }
    }

    fn link(&self, tenant: &TenantId, id: MediaId, lifetime_s: u32) -> Option<String> {
        let expires_at = self.clock.now_ms() + i64::from(lifetime_s) * 1_000;
        let token = self.links.sign(tenant, id, expires_at);
        let base = self.public_url.as_ref()?;
        base.join(&format!("media/{token}")).ok().map(String::from)
    }

    /// Deletes an object, row first. False when the tenant has no such object.
    pub async fn delete(&self, tenant: &TenantId, id: MediaId) -> Result<bool, StoreError> {
        let owner = tenant.clone();
        let gone = self
            .db
            .write(move |tx| Box::pin(async move { media::delete(tx, &owner, id).await }))
            .await?;
        let Some(gone) = gone else {
            return Ok(false);
        };
        if let Some(dir) = &self.limits.dir {
            sweep::remove(&dir.join(&gone.location)).await;
        }
        Ok(true)
    }

    /// The bytes behind a row, held against its size: a folder that is not the one the row was
    /// written for must not pass for it.
    pub(crate) async fn file_of(&self, row: &MediaRow) -> Result<File, MediaError> {
        let path = self.dir()?.join(&row.location);
        let opened = async {
            let file = File::open(&path).await?;
            Ok::<_, std::io::Error>((file.metadata().await?.len(), file))
        };
        let (size, file) = opened.await.map_err(|error| failed("open", error))?;
        if size == row.size_bytes {
            return Ok(file);
        }
        let wrong = format!("{} has {size} bytes, not {}", row.id, row.size_bytes);
        Err(failed("open", std::io::Error::other(wrong)))
    }

    fn dir(&self) -> Result<&Path, MediaError> {
        self.limits
            .dir
            .as_deref()
            .ok_or_else(|| MediaError::NoRoom {
                reason: "media.dir is not set, which a gateway on PostgreSQL needs".to_owned(),
            })
    }
}

/// Why a link could not be followed although it may be right.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("could not look up what a media link leads to")]
    Store(#[from] StoreError),
    #[error("could not read what a media link leads to")]
    Media(#[from] MediaError),
}

fn failed(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> MediaError {
    MediaError::Failed {
        operation,
        source: source.into(),
    }
}
