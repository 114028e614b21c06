//! Signed links to stored objects: whoever has one may read that object, whole or in part, until it ends.
//!
//! Bytes come from anywhere and go to anybody, browsers included: they are declared, never guessed, and
//! what a browser could run it is told to save.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;
use wharf_core::Code;
use wharf_store::media::MediaRow;

use super::openapi::{Access, Operation, Shape};
use super::routes::Routes;
use super::{Chain, Problem};
use crate::app::App;
use crate::media::LinkError;

/// What is read from a file at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Types that a browser shows and never runs. All others are saved.
const SHOWN: [&str; 6] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "audio/",
    "video/",
];

pub(super) fn routes() -> Routes {
    Routes::new().on(
        Operation::get("/media/{token}", "get_linked_media")
            .about("media", "An object's bytes, by a signed link")
            .access(Access::Open)
            .header(
                "Range",
                "A part, as bytes=0-1023",
                json!({"type": "string"}),
            )
            .answers_as(
                200,
                "The whole object, with its own type",
                "*/*",
                Shape::bytes(),
            )
            .answers_as(206, "A part of it", "*/*", Shape::bytes()),
        show,
    )
}

async fn show(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    match app.media.linked(&token).await {
        Ok(Some((row, file))) => answer(&row, file, &headers).await,
        Ok(None) => Problem::new(Code::NotFound).into_response(),
        Err(LinkError::Store(error)) => Problem::from(error).into_response(),
        Err(LinkError::Media(error)) => {
            tracing::error!(error = %Chain(&error), "a stored object could not be read");
            Problem::new(Code::Internal).into_response()
        }
    }
}

pub(super) async fn answer(row: &MediaRow, mut file: File, asked: &HeaderMap) -> Response {
    let size = row.size_bytes;
    let tag = format!("\"{}\"", row.sha256);
    let part = range(asked, size, &tag);
    let wanted = part.clone().unwrap_or(0..size);
    if wanted.start > 0
        && let Err(error) = file.seek(SeekFrom::Start(wanted.start)).await
    {
        tracing::error!(%error, "a stored object could not be read");
        return Problem::new(Code::Internal).into_response();
    }
    let length = wanted.end - wanted.start;
    let chunks = ReaderStream::with_capacity(file.take(length), CHUNK_BYTES);
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_LENGTH, length.to_string());
    set(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    set(header::CONTENT_TYPE, row.content_type.clone());
    set(header::CONTENT_DISPOSITION, disposition(row));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; sandbox".to_owned(),
    );
    set(header::CACHE_CONTROL, "private".to_owned());
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::ETAG, tag);
    if part.is_some() {
        let last = wanted.end - 1;
        set(
            header::CONTENT_RANGE,
            format!("bytes {}-{last}/{size}", wanted.start),
        );
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// The one part that was asked for. Whatever is written otherwise, is not there, or belongs to another
/// version is ignored, as RFC 9110 (14.2) lets a server do.
fn range(asked: &HeaderMap, size: u64, tag: &str) -> Option<Range<u64>> {
    if let Some(version) = asked.get(header::IF_RANGE)
        && version.as_bytes() != tag.as_bytes()
    {
        return None;
    }
    let text = asked.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let wanted = match (first, last) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => number(first)?..number(last)?.saturating_add(1).min(size),
    };
    (wanted.start < wanted.end && wanted.start < size).then_some(wanted)
}

fn disposition(row: &MediaRow) -> String {
    let kind = row.content_type.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let is_shown = SHOWN.iter().any(|shown| match shown.ends_with('/') {
        true => kind.starts_with(shown),
        false => kind == *shown,
    });
    let how = if is_shown { "inline" } else { "attachment" };
    match &row.filename {
        Some(name) => format!("{how}; filename*=UTF-8''{}", percent_encoded(name)),
        None => how.to_owned(),
    }
}

/// RFC 8187's `ext-value`: everything but letters, digits and three marks is encoded.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    out
}
