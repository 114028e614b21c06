//! The advertisement a conversation came from, by the Cloud API's names.

use serde_json::{Map, Value};

use super::form::Form;

/// Twilio's field and the Cloud API's member.
const MEMBERS: [(&str, &str); 8] = [
    ("ReferralBody", "body"),
    ("ReferralCtwaClid", "ctwa_clid"),
    ("ReferralHeadline", "headline"),
    ("ReferralMediaContentType", "media_content_type"),
    ("ReferralMediaId", "media_id"),
    ("ReferralSourceId", "source_id"),
    ("ReferralSourceType", "source_type"),
    ("ReferralSourceUrl", "source_url"),
];

pub(super) fn read(form: &Form) -> Option<String> {
    let mut referral = Map::new();
    for (field, member) in MEMBERS {
        if let Some(value) = form.get(field) {
            referral.insert(member.to_owned(), value.into());
        }
    }
    if let Some(url) = form.get("ReferralMediaUrl") {
        let content_type = form.get("ReferralMediaContentType").unwrap_or_default();
        let (kind, member) = match content_type.split_once('/') {
            Some(("video", _)) => (Some("video"), "video_url"),
            Some(("image", _)) => (Some("image"), "image_url"),
            _ => (None, "media_url"),
        };
        if let Some(kind) = kind {
            referral.insert("media_type".to_owned(), kind.into());
        }
        referral.insert(member.to_owned(), url.into());
    }
    (!referral.is_empty()).then(|| Value::Object(referral).to_string())
}
