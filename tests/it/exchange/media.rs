//! Stored objects: streamed in and out, one tenant's only, whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use ulid::Ulid;
use wharf::media::{LinkKeys, MediaFiles, MediaLimits};
use wharf_core::provider::MediaRef;
use wharf_core::{Clock, IdSource, TenantId};
use wharf_egress::{MediaError, MediaSink, MediaStore, NewMedia};
use wharf_store::Db;
use wharf_store::media::MediaOrigin;

use crate::databases::each_database;
use crate::harness::{ACME, GLOBEX};

const NOW: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;

/// The time that the test sets; ids are of that time.
#[derive(Default)]
struct Time {
    now: AtomicI64,
    next: AtomicU64,
}

impl Clock for Time {
    fn now_ms(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }
}

impl IdSource for Time {
    fn ulid(&self) -> Ulid {
        let random = self.next.fetch_add(1, Ordering::Relaxed);
        Ulid::from_parts(self.now_ms().cast_unsigned(), u128::from(random) << 5)
    }
}

pub(super) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

struct Store {
    files: Arc<MediaFiles>,
    time: Arc<Time>,
    folder: tempfile::TempDir,
}

fn store(db: &Db) -> Store {
    let folder = tempfile::tempdir().unwrap();
    let time = Arc::new(Time::default());
    time.now.store(NOW, Ordering::Relaxed);
    let limits = MediaLimits {
        dir: Some(folder.path().join("media")),
        object_bytes_max: 1_000,
        tenant_bytes_max: 1_500,
        keep_ms: 24 * HOUR_MS,
    };
    let keys = LinkKeys::derive([&[1; 32]]);
    let (clock, ids) = (Arc::clone(&time), Arc::clone(&time));
    Store {
        files: MediaFiles::new(db.clone(), clock, ids, limits, keys, None),
        time,
        folder,
    }
}

impl Store {
    /// Every file, by its path below the folder.
    fn listing(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.folder.path().join("media"), "", &mut found);
        found.sort();
        found
    }
}

fn list(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true => list(&entry.path(), &format!("{name}/"), found),
            false => found.push(name),
        }
    }
}

pub(super) fn new_media(content_type: &str, filename: Option<&str>) -> NewMedia {
    NewMedia {
        content_type: content_type.to_owned(),
        filename: filename.map(str::to_owned),
        bytes_max: 1 << 20,
        announced_bytes: None,
    }
}

async fn begun(store: &Arc<dyn MediaStore>, chunks: &[&[u8]]) -> Box<dyn MediaSink> {
    let mut sink = store.create(new_media("text/plain", None)).await.unwrap();
    for chunk in chunks {
        sink.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    sink
}

pub(super) async fn finished(
    sink: Box<dyn MediaSink>,
    whole: &[u8],
) -> Result<MediaRef, MediaError> {
    let digest = Sha256::digest(whole).into();
    sink.finish(digest, whole.len() as u64).await
}

async fn kept(store: &Arc<dyn MediaStore>, whole: &[u8]) -> MediaRef {
    finished(begun(store, &[whole]).await, whole).await.unwrap()
}

async fn read(store: &Arc<dyn MediaStore>, media: &MediaRef) -> Option<Vec<u8>> {
    let reader = store.open(media).await.unwrap()?;
    let mut whole = Vec::new();
    let mut chunks = reader.chunks;
    while let Some(chunk) = chunks.next().await {
        whole.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(reader.size, whole.len() as u64);
    Some(whole)
}

#[tokio::test]
async fn an_object_comes_back_as_it_went_in_and_to_its_tenant_only() {
    each_database(async |db| {
        let store = store(&db);
        let (acme, globex) = (
            store.files.of(&tenant(ACME), MediaOrigin::Tenant),
            store.files.of(&tenant(GLOBEX), MediaOrigin::Tenant),
        );
        let sink = begun(&acme, &[b"first ", b"", b"second"]).await;
        let media = finished(sink, b"first second").await.unwrap();
        assert_eq!(media.size, 12);
        assert_eq!(media.sha256, Sha256::digest(b"first second").to_vec());
        assert_eq!(read(&acme, &media).await.unwrap(), b"first second");
        assert_eq!(read(&globex, &media).await, None);
        for handle in [
            "",
            "med_",
            "../../../etc/passwd",
            "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            let wrong = MediaRef {
                handle: handle.to_owned(),
                ..media.clone()
            };
            assert_eq!(read(&acme, &wrong).await, None, "{handle}");
        }
        store.time.now.store(NOW + 24 * HOUR_MS, Ordering::Relaxed);
        assert_eq!(read(&acme, &media).await, None);
    })
    .await;
}

#[tokio::test]
async fn more_than_allowed_is_refused_and_leaves_nothing() {
    each_database(async |db| {
        let store = store(&db);
        let acme = store.files.of(&tenant(ACME), MediaOrigin::Tenant);
        let mut announced = new_media("text/plain", None);
        announced.announced_bytes = Some(1_001);
        let refused = acme.create(announced).await;
        assert!(matches!(
            refused,
            Err(MediaError::TooLarge { bytes_max: 1_000 })
        ));

        let mut sink = begun(&acme, &[&[b'x'; 600]]).await;
        let refused = sink.write(Bytes::from(vec![b'x'; 401])).await;
        assert!(matches!(refused, Err(MediaError::TooLarge { .. })));
        drop(sink);
        assert_eq!(store.listing(), [""; 0]);

        // Two that both fit when they begin, and together do not.
        let (one, two) = (
            begun(&acme, &[&[b'1'; 900]]).await,
            begun(&acme, &[&[b'2'; 900]]).await,
        );
        finished(one, &[b'1'; 900]).await.unwrap();
        let refused = finished(two, &[b'2'; 900]).await;
        assert!(
            matches!(refused, Err(MediaError::NoRoom { .. })),
            "{refused:?}"
        );
        assert_eq!(store.listing().len(), 1);
        let mut announced = new_media("text/plain", None);
        announced.announced_bytes = Some(601);
        let refused = acme.create(announced).await;
        assert!(matches!(refused, Err(MediaError::NoRoom { .. })));
        kept(
            &store.files.of(&tenant(GLOBEX), MediaOrigin::Tenant),
            &[b'3'; 900],
        )
        .await;
        // What ends makes room.
        store.time.now.store(NOW + 24 * HOUR_MS, Ordering::Relaxed);
        assert_eq!(store.files.remove_ended().await.unwrap().ended, 2);
        assert_eq!(store.listing(), [""; 0]);
        kept(&acme, &[b'4'; 900]).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_crash_leaves_is_seen_by_nobody_and_goes() {
    each_database(async |db| {
        let store = store(&db);
        let acme = store.files.of(&tenant(ACME), MediaOrigin::Tenant);
        // A process that is killed runs no destructor: the file stays where it was being written.
        std::mem::forget(begun(&acme, &[b"half"]).await);
        let whole = kept(&acme, b"whole").await;
        let lost = kept(&acme, b"renamed, and killed before its row").await;
        let id = lost.handle.parse().unwrap();
        db.write(move |tx| {
            Box::pin(async move {
                wharf_store::media::delete(tx, &tenant(ACME), id)
                    .await
                    .map(drop)
            })
        })
        .await
        .unwrap();
        let stranger = store.folder.path().join("media/objects/acme/notes.txt");
        std::fs::write(&stranger, "somebody else's").unwrap();
        assert_eq!(store.listing().len(), 4);
        assert_eq!(read(&acme, &lost).await, None);

        // Nobody can tell them from files that are being written, until an hour is over.
        store.time.now.store(NOW + HOUR_MS, Ordering::Relaxed);
        assert_eq!(store.files.remove_orphans().await.unwrap().orphans, 0);
        store.time.now.store(NOW + HOUR_MS + 1, Ordering::Relaxed);
        assert_eq!(store.files.remove_orphans().await.unwrap().orphans, 2);
        assert_eq!(store.listing().len(), 2);
        assert_eq!(read(&acme, &whole).await.unwrap(), b"whole");
        assert!(stranger.exists());
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_not_the_one_that_was_stored_is_not_given_out() {
    each_database(async |db| {
        let store = store(&db);
        let acme = store.files.of(&tenant(ACME), MediaOrigin::Tenant);
        let media = kept(&acme, b"whole").await;
        let path: PathBuf = store.folder.path().join("media").join(&store.listing()[0]);
        std::fs::write(&path, "cut").unwrap();
        assert!(matches!(
            acme.open(&media).await,
            Err(MediaError::Failed {
                operation: "open",
                ..
            })
        ));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(
            acme.open(&media).await,
            Err(MediaError::Failed {
                operation: "open",
                ..
            })
        ));
    })
    .await;
}
