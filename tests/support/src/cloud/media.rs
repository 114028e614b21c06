//! Media as the platform keeps them: uploads and what customers sent, with ids and links that end.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::error::GraphError;
use super::multipart::Part;

/// How long a link to the bytes works.
pub(crate) const LINK_LIFETIME: Duration = Duration::from_secs(5 * 60);
const UPLOAD_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Of what a webhook named.
const INBOUND_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MIB: usize = 1024 * 1024;
const ANIMATED_STICKER_BYTES_MAX: usize = 500 * 1024;

/// Type, the kinds of message that take it, and its size at most.
const TYPES: &[(&str, &str, usize)] = &[
    ("audio/aac", "audio", 16 * MIB),
    ("audio/amr", "audio", 16 * MIB),
    ("audio/mpeg", "audio", 16 * MIB),
    ("audio/mp4", "audio", 16 * MIB),
    ("audio/ogg", "audio", 16 * MIB),
    ("image/jpeg", "image", 5 * MIB),
    ("image/png", "image", 5 * MIB),
    ("image/webp", "sticker", ANIMATED_STICKER_BYTES_MAX),
    ("video/mp4", "video", 16 * MIB),
    ("video/3gpp", "video", 16 * MIB),
    ("text/plain", "document", 100 * MIB),
    ("application/pdf", "document", 100 * MIB),
    ("application/msword", "document", 100 * MIB),
    ("application/vnd.ms-excel", "document", 100 * MIB),
    ("application/vnd.ms-powerpoint", "document", 100 * MIB),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "document",
        100 * MIB,
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "document",
        100 * MIB,
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "document",
        100 * MIB,
    ),
];

/// One object of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    pub id: String,
    /// The number that uploaded or received it.
    pub phone_number_id: String,
    pub content_type: String,
    pub filename: Option<String>,
    pub bytes: Bytes,
    pub expires_ms: u64,
}

/// All media of one fake.
pub(crate) struct MediaStore {
    media: BTreeMap<String, Medium>,
    next: u64,
    link_key: [u8; 16],
}

impl MediaStore {
    pub(crate) fn new() -> Self {
        Self {
            media: BTreeMap::new(),
            next: 4_490_709_327_384_000,
            link_key: rand::random(),
        }
    }

    /// Takes the parts of an upload in any order.
    pub(crate) fn upload(
        &mut self,
        phone_number_id: &str,
        parts: &[Part],
        now_ms: u64,
    ) -> Result<String, GraphError> {
        let (content_type, file) = read_upload(parts)?;
        let expires_ms = after(now_ms, UPLOAD_LIFETIME);
        Ok(self.keep(
            phone_number_id,
            &content_type,
            file.filename.clone(),
            file.data.clone(),
            expires_ms,
        ))
    }

    /// What a customer sent; any type comes.
    pub(crate) fn receive(
        &mut self,
        phone_number_id: &str,
        content_type: &str,
        bytes: Bytes,
        now_ms: u64,
    ) -> String {
        let expires_ms = after(now_ms, INBOUND_LIFETIME);
        self.keep(phone_number_id, content_type, None, bytes, expires_ms)
    }

    fn keep(
        &mut self,
        phone_number_id: &str,
        content_type: &str,
        filename: Option<String>,
        bytes: Bytes,
        expires_ms: u64,
    ) -> String {
        self.next += 1;
        let id = self.next.to_string();
        let medium = Medium {
            id: id.clone(),
            phone_number_id: phone_number_id.to_owned(),
            content_type: content_type.to_owned(),
            filename,
            bytes,
            expires_ms,
        };
        self.media.insert(id.clone(), medium);
        id
    }

    /// A medium of this number that has not ended.
    pub(crate) fn find(&self, id: &str, phone_number_id: &str, now_ms: u64) -> Option<&Medium> {
        self.media
            .get(id)
            .filter(|medium| medium.phone_number_id == phone_number_id)
            .filter(|medium| medium.expires_ms > now_ms)
    }

    /// Whose a medium is, if there is one.
    pub(crate) fn owner(&self, id: &str) -> Option<&str> {
        self.media
            .get(id)
            .map(|medium| medium.phone_number_id.as_str())
    }

    pub(crate) fn delete(&mut self, id: &str) -> bool {
        self.media.remove(id).is_some()
    }

    pub(crate) fn all(&self) -> Vec<Medium> {
        self.media.values().cloned().collect()
    }

    /// A link to the bytes; `host` is where they lie.
    pub(crate) fn link(&self, host: &str, id: &str, now_ms: u64) -> String {
        let ends_s = after(now_ms, LINK_LIFETIME) / 1000;
        let hash = self.link_hash(id, ends_s);
        format!("https://{host}/whatsapp_business/attachments/?mid={id}&ext={ends_s}&hash={hash}")
    }

    /// Whose bytes a link leads to, unless it is forged or has ended.
    pub(crate) fn by_link(&self, query: &[(String, String)], now_ms: u64) -> Option<&Medium> {
        let of = |name: &str| {
            query
                .iter()
                .find(|pair| pair.0 == name)
                .map(|pair| &*pair.1)
        };
        let (id, hash) = (of("mid")?, of("hash")?);
        let ends_s: u64 = of("ext")?.parse().ok()?;
        let is_good = hash == self.link_hash(id, ends_s) && ends_s > now_ms / 1000;
        self.media
            .get(id)
            .filter(|medium| is_good && medium.expires_ms > now_ms)
    }

    fn link_hash(&self, id: &str, ends_s: u64) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.link_key).expect("HMAC takes a key of any length");
        mac.update(format!("{id}|{ends_s}").as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

/// A medium as it is shown to who asks for its link.
pub(crate) fn shown(medium: &Medium, url: &str) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": medium.content_type,
        "sha256": hex::encode(Sha256::digest(&medium.bytes)),
        "file_size": medium.bytes.len(),
        "id": medium.id,
    })
}

/// A medium as it stands in an inbound message.
pub(crate) fn in_webhook(medium: &Medium, url: &str) -> Value {
    json!({
        "mime_type": medium.content_type,
        "sha256": STANDARD.encode(Sha256::digest(&medium.bytes)),
        "id": medium.id,
        "url": url,
    })
}

/// Whether a message of this kind may hold a medium of this type.
pub(crate) fn fits(content_type: &str, kind: &str, is_voice: bool) -> bool {
    let essence = essence(content_type);
    match kind {
        // Documents are anything; only their names are listed.
        "document" => true,
        "audio" if is_voice => essence == "audio/ogg",
        _ => TYPES
            .iter()
            .any(|known| known.0 == essence && known.1 == kind),
    }
}

fn after(now_ms: u64, lifetime: Duration) -> u64 {
    now_ms.saturating_add(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX))
}

fn essence(content_type: &str) -> String {
    let first = content_type.split(';').next().unwrap_or_default();
    first.trim().to_ascii_lowercase()
}

fn read_upload(parts: &[Part]) -> Result<(String, &Part), GraphError> {
    if let Some(part) = parts
        .iter()
        .find(|part| !["messaging_product", "file", "type"].contains(&&*part.name))
    {
        return Err(GraphError::parameter(format_args!(
            "Unexpected key \"{}\".",
            part.name
        )));
    }
    let one = |name: &str| {
        let mut found = parts.iter().filter(|part| part.name == name);
        match (found.next(), found.next()) {
            (Some(part), None) => Ok(part),
            (None, _) => Err(GraphError::parameter(format_args!(
                "The parameter {name} is required."
            ))),
            _ => Err(GraphError::parameter(format_args!(
                "Param {name} stands there twice."
            ))),
        }
    };
    if one("messaging_product")?.data != "whatsapp" {
        return Err(GraphError::parameter(
            "The parameter messaging_product is required.",
        ));
    }
    let file = one("file")?;
    if file.filename.is_none() {
        return Err(GraphError::parameter("Param file must be a file."));
    }
    let content_type = String::from_utf8_lossy(&one("type")?.data).into_owned();
    check_upload(&content_type, file)?;
    Ok((content_type, file))
}

fn check_upload(content_type: &str, file: &Part) -> Result<(), GraphError> {
    let wanted = essence(content_type);
    let Some((_, _, bytes_max)) = TYPES.iter().find(|known| known.0 == wanted) else {
        let all: Vec<_> = TYPES.iter().map(|known| known.0).collect();
        return Err(GraphError::parameter(format_args!(
            "Param file must be a file with one of the following types: {}. Received file of type '{wanted}'.",
            all.join(", ")
        )));
    };
    let given = file.content_type.as_deref().map(essence);
    if given.as_deref().is_some_and(|given| given != wanted) {
        return Err(GraphError::parameter(format_args!(
            "Param file has the type '{}', but type says '{wanted}'.",
            given.unwrap_or_default()
        )));
    }
    let count = file.data.len();
    if (1..=*bytes_max).contains(&count) {
        return Ok(());
    }
    let details =
        format!("a file of type {wanted} has 1 to {bytes_max} bytes, this one has {count}");
    Err(GraphError::with_details(131_053, details))
}
