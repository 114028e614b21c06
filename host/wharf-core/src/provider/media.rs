//! The optional interface `media`: fetch what an inbound message names, upload and delete.

use serde::{Deserialize, Serialize};

use super::exchange::MediaRef;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaRequest {
    /// Bring in what this locator of an inbound message names.
    Fetch(String),
    Upload(MediaRef),
    /// Delete what has this provider id.
    Delete(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaAnswer {
    Fetched(MediaRef),
    /// The provider's id.
    Uploaded(String),
    Deleted,
}
