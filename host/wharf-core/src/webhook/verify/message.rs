//! What a signature stands for: declared parts of the call, one after the other.

use super::{Incoming, Refusal, form, url};
use crate::provider::{Freshness, Signed};

/// The signed bytes: one message for each form of the URL where it is part of them, else one.
pub(super) fn signed(over: &[Signed], call: &Incoming<'_>) -> Result<Vec<Vec<u8>>, Refusal> {
    if !over.contains(&Signed::Url) {
        return Ok(vec![joined(over, call, "")?]);
    }
    let urls = url::forms(call.url.ok_or(Refusal::UrlUnknown)?);
    urls.iter().map(|url| joined(over, call, url)).collect()
}

fn joined(over: &[Signed], call: &Incoming<'_>, url: &str) -> Result<Vec<u8>, Refusal> {
    let mut message = Vec::with_capacity(call.body.len() + url.len());
    for part in over {
        match part {
            Signed::Body => message.extend_from_slice(call.body),
            Signed::Url => message.extend_from_slice(url.as_bytes()),
            Signed::FormSorted => message.extend_from_slice(&form::sorted(call)?),
            Signed::Header(name) => message.extend_from_slice(call.header(name)?.as_bytes()),
            Signed::Text(text) => message.extend_from_slice(text.as_bytes()),
        }
    }
    Ok(message)
}

/// A call older than the window, or further ahead of our clock, is a replay.
pub(super) fn check_freshness(
    freshness: Option<&Freshness>,
    call: &Incoming<'_>,
) -> Result<(), Refusal> {
    let Some(Freshness {
        header,
        tolerance_s,
    }) = freshness
    else {
        return Ok(());
    };
    let at: i64 = call
        .header(header)?
        .trim()
        .parse()
        .map_err(|_| Refusal::TimeUnreadable {
            header: header.clone(),
        })?;
    let (seconds, tolerance_s) = (call.now_s.abs_diff(at), u64::from(*tolerance_s));
    if seconds > tolerance_s {
        return Err(Refusal::Stale {
            header: header.clone(),
            seconds,
            tolerance_s,
        });
    }
    Ok(())
}
