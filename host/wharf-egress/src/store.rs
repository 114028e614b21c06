//! An answer's body into the media store, chunk by chunk: size cap, digest, and a look for tokens.
//!
//! What was begun and not finished is dropped, and with it the partial object.

use http::HeaderMap;
use sha2::{Digest, Sha256};
use wharf_core::provider::{MediaRef, TransportFailure};

use crate::capture::Withheld;
use crate::client::Failure;
use crate::media::{MediaError, MediaSink, MediaStore, NewMedia};
use crate::redact::Redactor;
use crate::source::Source;
use crate::watch::Watch;
use crate::{label, media};

pub(crate) enum Kept {
    Stored(MediaRef),
    Withheld(Withheld),
}

pub(crate) async fn keep(
    source: &mut Source,
    headers: &HeaderMap,
    store: &dyn MediaStore,
    bytes_max: u64,
    redactor: &Redactor,
) -> Result<Kept, Failure> {
    let too_large = || {
        let note = format!("the answer has more than the {bytes_max} bytes that are stored");
        Failure::new(TransportFailure::BodyTooLarge, note)
    };
    let announced = source.announced();
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let content_type = label::content_type(headers);
    let mut watch = Watch::over(&content_type);
    let new = NewMedia {
        content_type,
        filename: label::filename(headers),
        bytes_max,
        announced_bytes: announced,
    };
    let mut sink: Box<dyn MediaSink> = store.create(new).await.map_err(broken)?;
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    while let Some(chunk) = source.chunk().await? {
        size += chunk.len() as u64;
        if size > bytes_max {
            return Err(too_large());
        }
        if watch.sees(&chunk, redactor) {
            return Ok(Kept::Withheld(Withheld::TokensInMedia));
        }
        hash.update(&chunk);
        sink.write(chunk).await.map_err(broken)?;
    }
    let sha256 = hash.finalize().into();
    let stored = sink.finish(sha256, size).await.map_err(broken)?;
    Ok(Kept::Stored(stored))
}

/// The provider did its part, so this is no reason to believe that nothing happened.
fn broken(error: MediaError) -> Failure {
    match error {
        media::MediaError::TooLarge { .. } => {
            Failure::new(TransportFailure::BodyTooLarge, error.to_string())
        }
        _ => Failure::new(TransportFailure::Other, error.to_string()),
    }
}
