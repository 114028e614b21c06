//! What the way out needs of a media store: bytes in, bytes out, links. Where they lie is not its business.
//!
//! A [`MediaStore`] is bound to one tenant by whoever makes it, so a plugin that names another
//! tenant's handle finds nothing. Objects are streamed both ways and never held whole.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use wharf_core::provider::MediaRef;

use crate::BoxFuture;

/// The longest lifetime of a link, in seconds: a week. Providers fetch within minutes; a week covers
/// a message that waits for its recipient's provider.
pub const MEDIA_LINK_LIFETIME_S_MAX: u32 = 7 * 24 * 60 * 60;

/// Why the media store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// More bytes than the object may have. The object is not kept.
    #[error("the object has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    /// The owner's share of the store, or the store itself, is used up.
    #[error("the media store has no room: {reason}")]
    NoRoom { reason: String },
    /// This gateway runs without a media store.
    #[error("there is no media store here")]
    Absent,
    #[error("the media store failed to {operation}")]
    Failed {
        /// `open`, `read`, `create`, `write` or `finish`.
        operation: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An object's bytes in order, in chunks of a size the store chooses (64 KiB are a good one).
pub type MediaChunks = Pin<Box<dyn Stream<Item = Result<Bytes, MediaError>> + Send>>;

/// A stored object being read.
pub struct MediaReader {
    /// How many bytes `chunks` yields. It becomes part of a `Content-Length`, so a stream that ends
    /// earlier or later breaks the request off.
    pub size: u64,
    pub chunks: MediaChunks,
}

/// An object to be made. Content type and file name are sanitised already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMedia {
    /// `type/subtype` in lower case, perhaps with parameters; visible ASCII, at most 255 bytes.
    pub content_type: String,
    /// A bare name without directories and control characters, at most 200 bytes.
    pub filename: Option<String>,
    /// The caller writes no more than this.
    pub bytes_max: u64,
    /// What the sender announced, if it did: at most `bytes_max`, and not yet a promise kept.
    pub announced_bytes: Option<u64>,
}

/// An object being written. Dropped before [`finish`](MediaSink::finish) it leaves nothing behind.
pub trait MediaSink: Send {
    /// Appends a chunk. It returns when the store can take the next one.
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), MediaError>>;

    /// Makes the object visible. Digest and size are of exactly what was written.
    fn finish(
        self: Box<Self>,
        sha256: [u8; 32],
        size: u64,
    ) -> BoxFuture<'static, Result<MediaRef, MediaError>>;
}

/// One tenant's media.
pub trait MediaStore: Send + Sync {
    /// The bytes of the object that `media.handle` names; none when this owner has no such object.
    /// Every other member of `media` comes from the guest and proves nothing.
    fn open<'a>(
        &'a self,
        media: &'a MediaRef,
    ) -> BoxFuture<'a, Result<Option<MediaReader>, MediaError>>;

    /// Begins an object.
    fn create(&self, new: NewMedia) -> BoxFuture<'_, Result<Box<dyn MediaSink>, MediaError>>;

    /// A signed https link that anybody may GET and HEAD until its lifetime is over; none when this
    /// owner has no such object or links are not to be had. Called with 1 to
    /// [`MEDIA_LINK_LIFETIME_S_MAX`] seconds. It must not wait for anything.
    fn link(&self, media: &MediaRef, lifetime_s: u32) -> Option<String>;
}

/// For callers without a store: there is no object, and none can be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMedia;

impl MediaStore for NoMedia {
    fn open<'a>(
        &'a self,
        _: &'a MediaRef,
    ) -> BoxFuture<'a, Result<Option<MediaReader>, MediaError>> {
        Box::pin(async { Ok(None) })
    }

    fn create(&self, _: NewMedia) -> BoxFuture<'_, Result<Box<dyn MediaSink>, MediaError>> {
        Box::pin(async { Err(MediaError::Absent) })
    }

    fn link(&self, _: &MediaRef, _: u32) -> Option<String> {
        None
    }
}
