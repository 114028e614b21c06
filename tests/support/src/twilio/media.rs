//! Media of inbound messages: resources behind credentials, files behind signed links that end.

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::error::TwilioError;
use super::paging::{self, Page};
use super::parameters;
use super::serve::Reply;
use super::{Shared, date};
use crate::cloud::Platform;
use crate::cloud::serve::Request;

/// A signed link of the CDN works about four hours.
const LINK_LIFETIME_MS: u64 = 4 * 60 * 60 * 1000;

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// `ME` and 32 digits.
    pub sid: String,
    pub message_sid: String,
    pub account_sid: String,
    pub content_type: String,
    pub bytes: Bytes,
    pub created_ms: u64,
    /// The secret of each link, and when it ends.
    pub(super) links: Vec<(String, u64)>,
}

impl Medium {
    fn uri(&self) -> String {
        format!(
            "/2010-04-01/Accounts/{}/Messages/{}/Media/{}",
            self.account_sid, self.message_sid, self.sid
        )
    }

    /// The address that webhooks name.
    pub(super) fn url(&self, host: &str) -> String {
        format!("https://{host}{}", self.uri())
    }

    fn shown(&self) -> Value {
        json!({
            "account_sid": self.account_sid,
            "content_type": self.content_type,
            "date_created": date::rfc2822(self.created_ms),
            "date_updated": date::rfc2822(self.created_ms),
            "parent_sid": self.message_sid,
            "sid": self.sid,
            "uri": format!("{}.json", self.uri()),
        })
    }
}

pub(super) fn list(
    shared: &Shared,
    request: &Request,
    account: &str,
    message: &str,
) -> Result<Reply, TwilioError> {
    let query = parameters::query(request, parameters::PAGING)?;
    let books = shared.books();
    books.message(account, message)?;
    let media = books.media.iter().filter(|it| it.message_sid == message);
    let all: Vec<_> = media.map(|it| (it.sid.clone(), it.shown())).collect();
    let page = Page::of(&query, &all)?;
    let path = &request.path;
    Ok(Reply::ok(paging::by_uri(path, "media_list", &query, &page)))
}

/// `Media/ME...json` shows, `Media/ME...` sends on to the file.
pub(super) fn fetch(
    shared: &Shared,
    account: &str,
    message: &str,
    name: &str,
) -> Result<Reply, TwilioError> {
    let sid = name.strip_suffix(".json").unwrap_or(name);
    let now_ms = shared.clock.now_ms();
    let mut books = shared.books();
    let medium = books
        .media
        .iter_mut()
        .find(|it| it.sid == sid && it.message_sid == message && it.account_sid == account)
        .ok_or_else(|| TwilioError::not_found(&format!("Media {sid}")))?;
    if name != sid {
        return Ok(Reply::ok(medium.shown()));
    }
    let secret = Platform::secret("");
    let until_ms = now_ms + LINK_LIFETIME_MS;
    medium.links.push((secret.clone(), until_ms));
    Ok(Reply::Redirect(format!(
        "https://{}/{account}/{sid}?Expires={}&Signature={secret}",
        shared.config.media_host,
        until_ms / 1000
    )))
}

pub(super) fn delete(
    shared: &Shared,
    account: &str,
    message: &str,
    name: &str,
) -> Result<Reply, TwilioError> {
    let sid = name.strip_suffix(".json").unwrap_or(name);
    let mut books = shared.books();
    let before = books.media.len();
    books
        .media
        .retain(|it| it.sid != sid || it.message_sid != message || it.account_sid != account);
    if books.media.len() == before {
        return Err(TwilioError::not_found(&format!("Media {sid}")));
    }
    Ok(Reply::NoContent)
}

/// The CDN: the link is all the proof it wants, and credentials of another host are a leak.
pub(super) fn download(shared: &Shared, request: &Request) -> Result<Reply, TwilioError> {
    if request.header("authorization").is_some() {
        return Err(TwilioError::invalid(
            "credentials were sent to the host of the files, which is not Twilio's API",
        ));
    }
    let denied = || TwilioError {
        status: StatusCode::FORBIDDEN.as_u16(),
        ..TwilioError::invalid("the link is wrong or has ended")
    };
    let sid = request.path.rsplit('/').next().unwrap_or_default();
    let secret = request.parameter("Signature").ok_or_else(denied)?;
    let now_ms = shared.clock.now_ms();
    let books = shared.books();
    let medium = books
        .media
        .iter()
        .find(|it| it.sid == sid)
        .ok_or_else(denied)?;
    let is_good = medium
        .links
        .iter()
        .any(|(known, until_ms)| known == secret && now_ms < *until_ms);
    if !is_good {
        return Err(denied());
    }
    Ok(Reply::Bytes {
        content_type: medium.content_type.clone(),
        bytes: medium.bytes.clone(),
    })
}
