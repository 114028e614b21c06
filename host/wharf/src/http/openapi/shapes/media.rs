//! Stored objects.

use serde::Deserialize;
use utoipa::ToSchema;

/// An object in the media store.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Media {
    #[schema(example = "med_01K0000000000000000000000")]
    id: String,
    content_type: String,
    size_bytes: u64,
    /// Lower-case hex.
    sha256: String,
    filename: Option<String>,
    /// Who brought it: `tenant`, or what came from a provider; more may come.
    origin: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
}
