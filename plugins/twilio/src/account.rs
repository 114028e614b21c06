//! Twilio's hosts, and who asks them: the account's SID with its auth token, or an API key of it.

use wharf_plugin::prelude::*;

/// Messages and media.
pub(crate) const API: &str = "api.twilio.com";
/// Content templates.
pub(crate) const CONTENT: &str = "content.twilio.com";
/// Senders and indicators.
pub(crate) const MESSAGING: &str = "messaging.twilio.com";

/// The exchange with Basic credentials: of the API key where one is set, else of the account.
pub(crate) fn authorize(ctx: &Context, exchange: Exchange) -> Result<Exchange, Error> {
    match ctx.setting("api_key_sid") {
        Some(key) if is_sid(key, "SK") => Ok(exchange.basic(key, "api_key_secret")),
        Some(_) => Err(Error::setting(
            "api_key_sid",
            "must be SK and 32 hexadecimal digits",
        )),
        None => Ok(exchange.basic(account_sid(ctx)?, "auth_token")),
    }
}

/// A URL of the account on the 2010 API; `rest` is what follows the account.
pub(crate) fn account_url(ctx: &Context, rest: &str) -> Result<String, Error> {
    Ok(format!(
        "https://{API}/2010-04-01/Accounts/{}/{rest}",
        account_sid(ctx)?
    ))
}

pub(crate) fn account_sid(ctx: &Context) -> Result<&str, Error> {
    let sid = ctx.required("account_sid")?;
    if is_sid(sid, "AC") {
        return Ok(sid);
    }
    Err(Error::setting(
        "account_sid",
        "must be AC and 32 hexadecimal digits",
    ))
}

/// Whether this is an id of Twilio's with that prefix: nothing that could leave its path segment.
pub(crate) fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
