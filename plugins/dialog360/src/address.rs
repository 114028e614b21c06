//! 360dialog's hosts and paths, and how a request proves whose it is.

use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;

/// The messaging API. The API key selects the number, so no path names one.
pub(crate) const API: &str = "waba-v2.360dialog.io";
/// The partner API.
pub(crate) const HUB: &str = "hub.360dialog.io";
/// Where a customer of a partner signs up, in a browser.
pub(crate) const SIGNUP: &str = "app.360dialog.com";
/// Where Meta says that media are; 360dialog serves them under its own name.
pub(crate) const META_MEDIA_HOST: &str = "lookaside.fbsbx.com";

/// Secrets by their declared names.
pub(crate) const API_KEY: &str = "api_key";
pub(crate) const PARTNER_KEY: &str = "partner_key";
pub(crate) const WEBHOOK_SECRET: &str = "webhook_secret";
/// The header that every webhook of a number carries, because we ask for it.
pub(crate) const WEBHOOK_HEADER: &str = "x-wharf-webhook-secret";

/// Meta's ids have some twenty digits, 360dialog's some ten characters; both are known to grow.
const SEGMENT_BYTES_MAX: usize = 128;

/// A request of a number, proven by its API key.
pub(crate) fn api(label: &str, method: HttpMethod, path: &str) -> Exchange {
    api_with(label, method, path, API_KEY)
}

/// The same with the key of a channel that a flow is about to make.
pub(crate) fn api_with(label: &str, method: HttpMethod, path: &str, key: &str) -> Exchange {
    Exchange::new(label, method, format!("https://{API}/{path}"))
        .header("d360-api-key", vec![piece::secret(key)])
}

/// A request of the partner.
pub(crate) fn hub(label: &str, method: HttpMethod, partner: &str, path: &str) -> Exchange {
    let url = format!("https://{HUB}/api/v2/partners/{partner}/{path}");
    Exchange::new(label, method, url).header("x-api-key", vec![piece::secret(PARTNER_KEY)])
}

/// An id as one segment of a path: letters, digits, hyphens and underscores, nothing that could leave it.
pub(crate) fn is_segment(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=SEGMENT_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain)
}
