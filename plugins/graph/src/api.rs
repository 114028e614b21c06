//! The Cloud API at Meta itself: URLs on the Graph API, a bearer token, and the proof of the app secret
//! where the app asks for it.

use wharf_cloud_api::{CloudApi, Link};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Encoding, Hash, Hmac, HmacInput};

use crate::descriptor::{HOST, MEDIA_HOST, MEDIA_PATH, VERSION_DEFAULT};

/// One number, by its checked settings.
pub(crate) struct GraphApi<'a> {
    version: &'a str,
    phone_number_id: &'a str,
    has_proof: bool,
}

impl<'a> GraphApi<'a> {
    /// The number that a message is sent from.
    pub(crate) fn of_message(ctx: &'a Context, message: &'a Message) -> Result<Self, Error> {
        Self::of(ctx, &message.sender)
    }

    /// The number of the channel.
    pub(crate) fn of_channel(ctx: &'a Context) -> Result<Self, Error> {
        Self::of(ctx, ctx.required("phone_number_id")?)
    }

    fn of(ctx: &'a Context, phone_number_id: &'a str) -> Result<Self, Error> {
        let version = ctx.setting("graph_version").unwrap_or(VERSION_DEFAULT);
        if !is_version(version) {
            return Err(Error::setting("graph_version", "must look like v26.0"));
        }
        let is_digit = |byte: u8| byte.is_ascii_digit();
        if phone_number_id.is_empty() || !phone_number_id.bytes().all(is_digit) {
            return Err(Error::setting(
                "phone_number_id",
                "must be the number's ID, digits only",
            ));
        }
        let has_proof = match ctx.setting("appsecret_proof") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Error::setting("appsecret_proof", "must be true or false")),
        };
        Ok(Self {
            version,
            phone_number_id,
            has_proof,
        })
    }
}

impl CloudApi for GraphApi<'_> {
    fn messages_url(&self) -> String {
        format!(
            "https://{HOST}/{}/{}/messages",
            self.version, self.phone_number_id
        )
    }

    fn uploads_url(&self) -> String {
        format!(
            "https://{HOST}/{}/{}/media",
            self.version, self.phone_number_id
        )
    }

    // Without `phone_number_id`: with it Meta looks among the number's own uploads only, and would not find
    // what a customer sent.
    fn media_url(&self, id: &str) -> String {
        format!("https://{HOST}/{}/{id}", self.version)
    }

    fn download_url(&self, link: &Link<'_>) -> Option<String> {
        (link.host == MEDIA_HOST && link.path.starts_with(MEDIA_PATH))
            .then(|| format!("https://{MEDIA_HOST}{}", link.path))
    }

    fn authenticate(&self, exchange: Exchange) -> Exchange {
        let exchange = exchange.bearer("access_token");
        if self.has_proof {
            exchange.query("appsecret_proof", vec![appsecret_proof()])
        } else {
            exchange
        }
    }

    fn authenticate_download(&self, exchange: Exchange) -> Exchange {
        exchange.bearer("access_token")
    }
}

/// `v`, digits, a point, digits: nothing that could leave its path segment.
fn is_version(version: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    version
        .strip_prefix('v')
        .and_then(|numbers| numbers.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// Proof that the caller knows the app secret; the host computes it, neither secret comes here.
fn appsecret_proof() -> Piece {
    Piece::Hmac(Hmac {
        key: "app_secret".to_owned(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        over: vec![HmacInput::Secret("access_token".to_owned())],
    })
}
