//! Request bodies on the wire: bytes that are there, and stored media streamed between them.
//!
//! The length is known before the first byte leaves, because the store says how long its objects
//! are. No more of an object is held than the chunk that is being written.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use wharf_core::provider::{MediaRef, TransportFailure};

use crate::client::{Begun, Failure};
use crate::media::{MediaChunks, MediaError, MediaStore};

/// A body as it was assembled. Its media are not opened yet.
pub(crate) enum Wire {
    Whole(Bytes),
    Streamed(Vec<Segment>),
}

pub(crate) enum Segment {
    Bytes(Bytes),
    Media(MediaRef),
}

impl Wire {
    /// None when parts of it are still in the media store.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Streamed(_) => None,
        }
    }

    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, Self::Streamed(_))
    }

    /// What is held in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Streamed(segments) => segments
                .iter()
                .map(|segment| match segment {
                    Segment::Bytes(bytes) => bytes.len(),
                    Segment::Media(_) => 0,
                })
                .sum(),
        }
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

/// The store broke its word after the request had begun; the connection is then torn down, and the
/// other end has seen a request without its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayloadError {
    #[error("a stored object could not be read to its end")]
    Media(#[source] MediaError),
    #[error("a stored object ended {missing} bytes early")]
    Short { missing: u64 },
    #[error("a stored object has more bytes than the store said")]
    Long,
}

enum Open {
    Bytes(Bytes),
    Media { left: u64, chunks: MediaChunks },
}

/// A body being sent. It notices when it is asked for; the connection asks an empty one too, for
/// its end.
pub(crate) struct Payload {
    segments: VecDeque<Open>,
    left: u64,
    streamed: bool,
    begun: Begun,
}

impl Payload {
    pub(crate) fn whole(bytes: Bytes, begun: &Begun) -> Self {
        Self {
            left: bytes.len() as u64,
            segments: VecDeque::from([Open::Bytes(bytes)]),
            streamed: false,
            begun: begun.clone(),
        }
    }

    /// Opens every object the body names. What fails here has not been sent.
    pub(crate) async fn open(
        wire: Wire,
        store: &dyn MediaStore,
        media_bytes_max: u64,
        begun: &Begun,
    ) -> Result<Self, Failure> {
        let pieces = match wire {
            Wire::Whole(bytes) => return Ok(Self::whole(bytes, begun)),
            Wire::Streamed(pieces) => pieces,
        };
        let mut segments = VecDeque::with_capacity(pieces.len());
        let mut left = 0_u64;
        for piece in pieces {
            let (size, segment) = match piece {
                Segment::Bytes(bytes) => (bytes.len() as u64, Open::Bytes(bytes)),
                Segment::Media(media) => open_media(store, &media).await?,
            };
            left = left.saturating_add(size);
            segments.push_back(segment);
        }
        if left > media_bytes_max {
            return Err(Failure::new(
                TransportFailure::Denied,
                format!("the body has {left} bytes, more than egress.media_bytes_max allows"),
            ));
        }
        Ok(Self {
            segments,
            left,
            streamed: true,
            begun: begun.clone(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left == 0
    }

    pub(crate) fn was_streamed(&self) -> bool {
        self.streamed
    }

    /// Everything at once, for a service inside this process.
    pub(crate) async fn collect(self, bytes_max: usize) -> Result<Bytes, Failure> {
        if self.left > bytes_max as u64 {
            return Err(Failure::new(
                TransportFailure::Denied,
                format!("a service inside this process takes at most {bytes_max} bytes"),
            ));
        }
        match http_body_util::BodyExt::collect(self).await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => Err(Failure::new(TransportFailure::Canceled, error.to_string())),
        }
    }
}

async fn open_media(store: &dyn MediaStore, media: &MediaRef) -> Result<(u64, Open), Failure> {
    // Nothing has left yet, so what fails may be tried again without harm.
    let reader = store
        .open(media)
        .await
        .map_err(|error| Failure::new(TransportFailure::Canceled, error.to_string()))?
        .ok_or_else(|| {
            let handle: String = media.handle.chars().take(64).collect();
            let note = format!("there is no stored object {handle:?}, or its time is over");
            Failure::new(TransportFailure::Denied, note)
        })?;
    let open = Open::Media {
        left: reader.size,
        chunks: reader.chunks,
    };
    Ok((reader.size, open))
}

impl Body for Payload {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        let this = self.get_mut();
        this.begun.set();
        loop {
            let bytes = match this.segments.front_mut() {
                None => return Poll::Ready(None),
                Some(Open::Bytes(bytes)) => {
                    let bytes = std::mem::take(bytes);
                    this.segments.pop_front();
                    bytes
                }
                Some(Open::Media { left, chunks }) => match ready!(next(left, chunks, context)) {
                    Ok(Some(bytes)) => bytes,
                    Ok(None) => {
                        this.segments.pop_front();
                        continue;
                    }
                    Err(error) => return Poll::Ready(Some(Err(error))),
                },
            };
            if !bytes.is_empty() {
                this.left -= bytes.len() as u64;
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.begun.set();
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn next(
    left: &mut u64,
    chunks: &mut MediaChunks,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>, PayloadError>> {
    Poll::Ready(match ready!(chunks.as_mut().poll_next(context)) {
        Some(Ok(bytes)) => match left.checked_sub(bytes.len() as u64) {
            Some(rest) => {
                *left = rest;
                Ok(Some(bytes))
            }
            None => Err(PayloadError::Long),
        },
        Some(Err(error)) => Err(PayloadError::Media(error)),
        None if *left > 0 => Err(PayloadError::Short { missing: *left }),
        None => Ok(None),
    })
}
