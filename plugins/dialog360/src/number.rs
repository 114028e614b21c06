//! One number of 360dialog as a speaker of the Cloud API: its URLs, its header, its refusals. Messages and
//! media are `wharf-cloud-api`'s.

use wharf_cloud_api::{CloudApi, Link};
use wharf_plugin::prelude::*;

use crate::address::{API, API_KEY, META_MEDIA_HOST};
use crate::descriptor::{FETCHES, UPLOADS};
use crate::failure;

/// Whose API key is used is the host's business; so there is nothing to know.
pub(crate) struct Number;

impl CloudApi for Number {
    fn messages_url(&self) -> String {
        format!("https://{API}/messages")
    }

    fn uploads_url(&self) -> String {
        format!("https://{API}/media")
    }

    fn media_url(&self, id: &str) -> String {
        format!("https://{API}/{id}")
    }

    /// The link names Meta's host, where the API key is worth nothing and must not go: 360dialog serves the
    /// same path and query. Only its path of attachments, so that no link can call anything else.
    fn download_url(&self, link: &Link<'_>) -> Option<String> {
        let is_media = link.path == "/whatsapp_business/attachments/"
            && (link.host == META_MEDIA_HOST || link.host == API);
        is_media.then(|| format!("https://{API}{}", link.path))
    }

    fn authenticate(&self, exchange: Exchange) -> Exchange {
        let exchange = match exchange.label.as_str() {
            "media.upload" => exchange.bucket(UPLOADS),
            "media.locate" | "media.download" => exchange.bucket(FETCHES),
            _ => exchange,
        };
        exchange.header("d360-api-key", vec![piece::secret(API_KEY)])
    }

    fn refused(&self, response: &HttpResponse) -> Error {
        failure::of(response, Replay::Unsafe)
    }
}
