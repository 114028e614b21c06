//! A media store in memory that keeps account: what was read, what was kept, what was dropped.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest, Sha256};
use wharf_core::provider::MediaRef;
use wharf_egress::{BoxFuture, MediaError, MediaReader, MediaSink, MediaStore, NewMedia};

/// What the store makes of an object when it is read.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) handle: &'static str,
    /// What the store says.
    pub(super) size: u64,
    /// What it then yields.
    pub(super) chunks: Vec<Bytes>,
    /// Whether reading fails after the chunks.
    pub(super) breaks: bool,
}

/// An object that was written and finished.
pub(super) struct Kept {
    pub(super) new: NewMedia,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
}

#[derive(Default)]
pub(super) struct Account {
    pub(super) kept: Mutex<Vec<Kept>>,
    pub(super) dropped: AtomicUsize,
    pub(super) read_bytes: AtomicU64,
    /// How far the other end has come, where a test counts that.
    pub(super) other_end_bytes: AtomicU64,
    /// The most that was ever between the two.
    pub(super) gap_bytes_max: AtomicU64,
}

impl Account {
    fn note_gap(&self, ahead: u64, behind: u64) {
        self.gap_bytes_max
            .fetch_max(ahead.saturating_sub(behind), Ordering::SeqCst);
    }
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) objects: Vec<Object>,
    pub(super) refuses: bool,
    pub(super) account: Arc<Account>,
}

pub(super) fn object(handle: &'static str, content: &str) -> Object {
    Object {
        handle,
        size: content.len() as u64,
        chunks: content
            .as_bytes()
            .chunks(7)
            .map(Bytes::copy_from_slice)
            .collect(),
        breaks: false,
    }
}

/// As a guest names an object; what it says of size and digest is wrong on purpose.
pub(super) fn named(handle: &str) -> MediaRef {
    MediaRef {
        handle: handle.to_owned(),
        content_type: "image/jpeg".to_owned(),
        size: 1,
        sha256: vec![7; 32],
        filename: Some("cat.jpg".to_owned()),
    }
}

impl MediaStore for Store {
    fn open<'a>(
        &'a self,
        media: &'a MediaRef,
    ) -> BoxFuture<'a, Result<Option<MediaReader>, MediaError>> {
        let found = self.objects.iter().find(|one| one.handle == media.handle);
        let reader = found.cloned().map(|object| {
            let account = Arc::clone(&self.account);
            let end = object.breaks.then(|| Err(failed("read")));
            let all = object.chunks.into_iter().map(Ok).chain(end);
            let counted = all.inspect(move |chunk| {
                if let Ok(chunk) = chunk {
                    let length = chunk.len() as u64;
                    let read = account.read_bytes.fetch_add(length, Ordering::SeqCst) + length;
                    account.note_gap(read, account.other_end_bytes.load(Ordering::SeqCst));
                }
            });
            MediaReader {
                size: object.size,
                chunks: Box::pin(stream::iter(counted)),
            }
        });
        Box::pin(async { Ok(reader) })
    }

    fn create(&self, new: NewMedia) -> BoxFuture<'_, Result<Box<dyn MediaSink>, MediaError>> {
        let sink = Sink {
            new,
            size: 0,
            hash: Sha256::new(),
            finished: false,
            account: Arc::clone(&self.account),
        };
        let refuses = self.refuses;
        Box::pin(async move {
            match refuses {
                true => Err(failed("create")),
                false => Ok(Box::new(sink) as Box<dyn MediaSink>),
            }
        })
    }

    fn link(&self, _: &MediaRef, _: u32) -> Option<String> {
        None
    }
}

fn failed(operation: &'static str) -> MediaError {
    MediaError::Failed {
        operation,
        source: "the disk is gone".into(),
    }
}

struct Sink {
    new: NewMedia,
    size: u64,
    hash: Sha256,
    finished: bool,
    account: Arc<Account>,
}

impl MediaSink for Sink {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), MediaError>> {
        self.size += chunk.len() as u64;
        self.hash.update(&chunk);
        let sent = self.account.other_end_bytes.load(Ordering::SeqCst);
        self.account.note_gap(sent, self.size);
        Box::pin(async { Ok(()) })
    }

    fn finish(
        mut self: Box<Self>,
        sha256: [u8; 32],
        size: u64,
    ) -> BoxFuture<'static, Result<MediaRef, MediaError>> {
        assert_eq!(size, self.size, "the size must be of what was written");
        let own: [u8; 32] = std::mem::take(&mut self.hash).finalize().into();
        assert_eq!(sha256, own, "the digest must be of what was written");
        self.finished = true;
        let new = self.new.clone();
        let media = MediaRef {
            handle: "med_new".to_owned(),
            content_type: new.content_type.clone(),
            size,
            sha256: sha256.to_vec(),
            filename: new.filename.clone(),
        };
        let kept = Kept { new, size, sha256 };
        self.account.kept.lock().unwrap().push(kept);
        Box::pin(async { Ok(media) })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.finished {
            self.account.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}
