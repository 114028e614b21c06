//! Reading request bodies: bounded in bytes and in time, JSON by media type.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use wharf_core::Code;

use super::Problem;

/// The whole body, at most `bytes_max` and within `time_max`.
pub(super) async fn read(
    body: Body,
    bytes_max: usize,
    time_max: Duration,
) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(time_max, Limited::new(body, bytes_max).collect()).await;
    match collected {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(Problem::new(Code::BodyTooLarge)
                .detail(format!("at most {bytes_max} bytes are taken here")))
        }
        Ok(Err(_)) => {
            Err(Problem::new(Code::InvalidJson).detail("the body ended before it was complete"))
        }
        Err(_) => Err(Problem::new(Code::InvalidJson).detail("the body did not arrive in time")),
    }
}

/// Reads JSON by its media type. Of a member given twice the last counts, as JSON parsers do it.
pub(super) fn json(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Problem> {
    not_compressed(headers)?;
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Code::UnsupportedMediaType));
    }
    serde_json::from_slice(bytes).map_err(|e| {
        Problem::new(Code::InvalidJson).detail(format!(
            "not JSON at line {} column {}",
            e.line(),
            e.column()
        ))
    })
}

/// Bodies are taken as they are: one that were to be unpacked first could be of any size.
pub(super) fn not_compressed(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    match codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        true => Ok(()),
        false => Err(Problem::new(Code::UnsupportedMediaType)
            .detail("compressed bodies are not taken; send it without Content-Encoding")),
    }
}
