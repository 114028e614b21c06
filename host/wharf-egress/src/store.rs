//! An answer's body into the media store, chunk by chunk: size cap, digest, and a look for tokens.
//!
//! What was begun and not finished is dropped, and with it the partial object.

use http::HeaderMap;
use sha2::{Digest, Sha256};
use wharf_core::provider::{MediaRef, TransportFailure};

use crate::capture::{TOKEN_MEMBERS, Withheld};
use crate::client::Failure;
use crate::media::{MediaError, MediaSink, MediaStore, NewMedia};
use crate::redact::Redactor;
use crate::source::Source;
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

/// Looks through bodies that could be an API's answer. Stored, a token in one could be sent on to a
/// host outside of its audience; an image cannot be one, and a file somebody sent may hold anything.
struct Watch {
    active: bool,
    /// The end of what came before: a name may lie across two chunks.
    tail: Vec<u8>,
}

impl Watch {
    fn over(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        Self {
            active: essence.ends_with("/json")
                || essence.ends_with("+json")
                || essence == "application/x-www-form-urlencoded",
            tail: Vec::new(),
        }
    }

    fn sees(&mut self, chunk: &[u8], redactor: &Redactor) -> bool {
        if !self.active {
            return false;
        }
        self.tail.extend_from_slice(chunk);
        let names = TOKEN_MEMBERS
            .iter()
            .any(|name| memchr::memmem::find(&self.tail, name.as_bytes()).is_some());
        if names || redactor.knows(&self.tail) {
            return true;
        }
        let longest = redactor.longest_bytes().max(TOKEN_NAME_BYTES_MAX);
        let old = self.tail.len().saturating_sub(longest);
        self.tail.drain(..old);
        false
    }
}

const TOKEN_NAME_BYTES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_seen_across_chunks_and_only_in_an_apis_answer() {
        let mut redactor = Redactor::default();
        redactor.learn("a-known-secret-of-the-channel", "[secret]");
        let sees = |content_type: &str, chunks: &[&str]| {
            let mut watch = Watch::over(content_type);
            chunks
                .iter()
                .any(|chunk| watch.sees(chunk.as_bytes(), &redactor))
        };
        assert!(sees(
            "application/json",
            &[r#"{"acce"#, r#"ss_token":"x"}"#]
        ));
        assert!(sees(
            "application/problem+json; charset=utf-8",
            &["api_key"]
        ));
        assert!(sees(
            "application/x-www-form-urlencoded",
            &["k=a-known-sec", "ret-of-the-", "channel"]
        ));
        assert!(!sees("application/json", &[r#"{"id":"#, r#""1"}"#]));
        assert!(!sees("image/jpeg", &["access_token"]));
    }
}
