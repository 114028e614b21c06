//! What differs between those that speak Meta's Cloud API: where its calls go, and what proves who makes
//! them. Everything else about messages and media is the same for all, and stands beside this.

use wharf_plugin::prelude::{Error, Exchange, HttpResponse};

use crate::failure;

/// One number at one provider that speaks the Cloud API. Made anew for each call, from its context, by
/// code that has checked the settings: nothing here can fail.
///
/// Exchanges carry one of the labels `send`, `read`, `media.upload`, `media.locate`, `media.download` and
/// `media.delete`, so that [`CloudApi::authenticate`] can give some of them a bucket of their own.
pub trait CloudApi {
    /// Where messages and read receipts are posted.
    fn messages_url(&self) -> String;

    /// Where media are posted.
    fn uploads_url(&self) -> String;

    /// Where one medium is looked up and deleted. `id` has letters, digits, `-` and `_` only.
    fn media_url(&self, id: &str) -> String;

    /// The URL, without its query, under which the bytes behind a link of Meta's are fetched. None for a
    /// link that must not get the credentials. The query of the link is sent byte for byte.
    fn download_url(&self, link: &Link<'_>) -> Option<String>;

    /// Adds what proves who calls.
    fn authenticate(&self, exchange: Exchange) -> Exchange;

    /// The same for a download, whose query is Meta's and complete.
    fn authenticate_download(&self, exchange: Exchange) -> Exchange {
        self.authenticate(exchange)
    }

    /// What an answer means that is not what was asked for. Meta's error object, unless the provider has
    /// shapes of its own.
    fn refused(&self, response: &HttpResponse) -> Error {
        failure::from_response(response)
    }
}

/// A link to a medium's bytes, in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Lower case, without a port.
    pub host: &'a str,
    /// Begins with a slash.
    pub path: &'a str,
    /// Percent-encoded, without the question mark; empty for none.
    pub query: &'a str,
}

impl<'a> Link<'a> {
    /// None for what is not a plain https link: other schemes, user-info, ports, upper-case hosts.
    #[must_use]
    pub fn read(url: &'a str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let slash = address.find('/')?;
        let (host, path) = address.split_at_checked(slash)?;
        let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        (!host.is_empty() && host.bytes().all(is_name)).then_some(Self { host, path, query })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_taken_apart_and_nothing_else_is_one() {
        assert_eq!(
            Link::read(
                "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&hash=A%2B"
            ),
            Some(Link {
                host: "lookaside.fbsbx.com",
                path: "/whatsapp_business/attachments/",
                query: "mid=1&hash=A%2B",
            })
        );
        for wrong in [
            "",
            "http://lookaside.fbsbx.com/a",
            "https://lookaside.fbsbx.com",
            "https:///a",
            "https://lookaside.fbsbx.com:8443/a",
            "https://user@lookaside.fbsbx.com/a",
            "https://lookaside.fbsbx.com\\@evil.example/a",
            "//lookaside.fbsbx.com/a",
        ] {
            assert_eq!(Link::read(wrong), None, "{wrong}");
        }
    }
}
