//! The files of outbound messages, fetched as Twilio fetches them: HEAD, then GET, then a look at the type.
//!
//! Limits: <https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages>.

use std::sync::Arc;

use axum::http::header;
use bytes::Bytes;
use serde_json::Value;

use super::Shared;
use super::message::Message;
use crate::http_client::Answer;

const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
const IMAGE_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Types that WhatsApp takes, by their beginnings.
const TYPES: &[&str] = &[
    "image/jpeg",
    "image/png",
    "image/webp",
    "audio/ogg",
    "audio/amr",
    "audio/3gpp",
    "audio/aac",
    "audio/mpeg",
    "audio/mp4",
    "video/mp4",
    "video/3gpp",
    "application/pdf",
    "application/msword",
    "application/vnd.ms-powerpoint",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.",
    "text/vcard",
    "text/x-vcard",
];

const DOWNLOAD_FAILED: u32 = 63_019;
const TOO_LARGE: u32 = 63_034;
const INVALID_CONTENT: u32 = 63_021;

/// A file that Twilio fetched for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedFile {
    pub message_sid: String,
    pub url: String,
    pub content_type: String,
    /// As it came; the name of a document is taken from it.
    pub content_disposition: Option<String>,
    pub bytes: Bytes,
}

/// The address of the file that a message shows, its content's included.
pub(super) fn url_of(message: &Message) -> Option<String> {
    if let Some(url) = message.media_urls.first() {
        return Some(url.clone());
    }
    let types = message.content.as_ref()?.as_object()?;
    let mut media = types.values().filter_map(|value| match &value["media"] {
        Value::Array(urls) => urls.first()?.as_str(),
        _ => None,
    });
    media.next().map(str::to_owned)
}

/// Fetches the file of a message and keeps it; the code that the message fails with otherwise.
pub(super) async fn fetch(shared: &Arc<Shared>, sid: &str, url: &str) -> Result<(), u32> {
    let head = shared.webhooks.get(url, true).await;
    let head = head.map_err(|_| DOWNLOAD_FAILED)?;
    if !head.status.is_success() {
        return Err(DOWNLOAD_FAILED);
    }
    let answer = shared.webhooks.get(url, false).await;
    let answer = answer.map_err(|_| DOWNLOAD_FAILED)?;
    if !answer.status.is_success() {
        return Err(DOWNLOAD_FAILED);
    }
    let content_type = text_of(&answer, header::CONTENT_TYPE).unwrap_or_default();
    if !TYPES.iter().any(|known| content_type.starts_with(known)) {
        return Err(INVALID_CONTENT);
    }
    let is_image = content_type.starts_with("image/");
    let bytes_max = if is_image {
        IMAGE_BYTES_MAX
    } else {
        FILE_BYTES_MAX
    };
    if answer.body.len() > bytes_max {
        return Err(TOO_LARGE);
    }
    shared.books().fetched.push(FetchedFile {
        message_sid: sid.to_owned(),
        url: url.to_owned(),
        content_disposition: text_of(&answer, header::CONTENT_DISPOSITION),
        content_type,
        bytes: answer.body,
    });
    Ok(())
}

fn text_of(answer: &Answer, name: header::HeaderName) -> Option<String> {
    Some(answer.headers.get(name)?.to_str().ok()?.to_owned())
}
