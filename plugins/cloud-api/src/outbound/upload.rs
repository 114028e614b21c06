//! One stored medium to the provider. The answer is remembered for the channel, so that a picture that goes
//! to ten thousand people is uploaded once.

use std::fmt::Write;

use serde::Deserialize;
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Level, MediaRef, Part};

use super::accepted::is_id;
use super::media::base_type;
use crate::api::CloudApi;

/// Meta keeps an upload for 30 days. Two days less, so that a message that waits in a queue or for
/// its next attempt does not find its medium gone.
const LIFETIME_S: u32 = 28 * 24 * 60 * 60;

/// The multipart post. A second upload harms nobody: it makes a second id for the same bytes.
pub(crate) fn exchange(api: &impl CloudApi, media: &MediaRef) -> Exchange {
    let content_type = base_type(&media.content_type);
    let mut file = Part::media("file", media);
    file.content_type = Some(content_type.clone());
    let parts = vec![
        Part::text("messaging_product", "whatsapp"),
        Part::text("type", content_type),
        file,
    ];
    let exchange = Exchange::post_multipart("media.upload", api.uploads_url(), parts)
        .replay(Replay::Safe)
        .memo(Level::Channel, key(media), LIFETIME_S);
    api.authenticate(exchange)
}

/// What makes two uploads the same: the bytes and what they are said to be.
fn key(media: &MediaRef) -> String {
    let mut key = String::from("media:");
    for byte in &media.sha256 {
        // Writing into a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    key.push(':');
    key.push_str(&base_type(&media.content_type));
    key
}

/// The id that an upload came to.
pub(crate) fn id(api: &impl CloudApi, outcome: Outcome) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Uploaded {
        id: String,
    }
    one_shot_or(
        outcome,
        Replay::Safe,
        |response| {
            let uploaded: Uploaded = response.json()?;
            is_id(&uploaded.id).then_some(uploaded.id)
        },
        |response| repeatable(api.refused(response)),
    )
}

/// A refusal of something that may be done twice: there is nothing to be uncertain about.
pub(crate) fn repeatable(mut error: Error) -> Error {
    if error.retry == Retry::Uncertain {
        error.retry = Retry::Backoff;
        return error.remedy("Nothing to do: it is tried again.");
    }
    error
}
