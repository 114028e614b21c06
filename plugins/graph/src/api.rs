//! The Cloud API at Meta itself: URLs on the Graph API, a bearer token, and the proof of the app secret
//! where the app asks for it.

use wharf_cloud_api::{CloudApi, Link};
use wharf_plugin::prelude::*;

use crate::call::Calls;
use crate::descriptor::{MEDIA_HOST, MEDIA_PATH};

/// One number, by its checked settings.
pub(crate) struct GraphApi<'a> {
    calls: Calls,
    phone_number_id: &'a str,
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
        let calls = Calls::of(ctx)?;
        let is_digit = |byte: u8| byte.is_ascii_digit();
        if phone_number_id.is_empty() || !phone_number_id.bytes().all(is_digit) {
            return Err(Error::setting(
                "phone_number_id",
                "must be the number's ID, digits only",
            ));
        }
        Ok(Self {
            calls,
            phone_number_id,
        })
    }
}

impl CloudApi for GraphApi<'_> {
    fn messages_url(&self) -> String {
        self.calls
            .url(&format!("{}/messages", self.phone_number_id))
    }

    fn uploads_url(&self) -> String {
        self.calls.url(&format!("{}/media", self.phone_number_id))
    }

    // Without `phone_number_id`: with it Meta looks among the number's own uploads only, and would not find
    // what a customer sent.
    fn media_url(&self, id: &str) -> String {
        self.calls.url(id)
    }

    fn download_url(&self, link: &Link<'_>) -> Option<String> {
        (link.host == MEDIA_HOST && link.path.starts_with(MEDIA_PATH))
            .then(|| format!("https://{MEDIA_HOST}{}", link.path))
    }

    fn authenticate(&self, exchange: Exchange) -> Exchange {
        self.calls.by_account(exchange)
    }

    fn authenticate_download(&self, exchange: Exchange) -> Exchange {
        exchange.bearer("access_token")
    }
}
