//! What a plugin may return beyond what the types say. Rules about hosts, secrets and addresses are
//! egress policy and checked there; these are sizes and shapes.

use wharf_core::provider::{
    Body, Exchange, InboundItem, Pace, Parsed, PlatformError, Progress, Query, Route,
};

use crate::log;

/// Request headers, form fields, parts and query fields of one exchange, each kind for itself.
const FIELDS_MAX: usize = 64;
/// Short static names for traces and metrics.
const LABEL_BYTES_MAX: usize = 64;
const URL_BYTES_MAX: usize = 8 * 1024;
const CAPTURES_MAX: usize = 16;
const INSERTS_MAX: usize = 64;
const PACES_MAX: usize = 16;
/// Ids of providers: Meta's are under 100 bytes, Twilio's 34.
const ID_BYTES_MAX: usize = 512;
const DEDUPE_KEY_BYTES_MAX: usize = 512;
const MEMO_KEY_BYTES_MAX: usize = 512;
/// Texts of an error: enough for a sentence and a provider's own words.
const DETAIL_BYTES_MAX: usize = 2048;

/// `Err` says which rule was broken.
pub(crate) fn check_progress(progress: &Progress, state_bytes_max: usize) -> Result<(), String> {
    match progress {
        Progress::Exchange(exchange) => check_exchange(exchange, state_bytes_max),
        Progress::Done(accepted) => {
            if let Some(id) = &accepted.provider_message_id {
                within("provider-message-id", id.len(), 1, ID_BYTES_MAX)?;
            }
            check_paces(&accepted.pace)
        }
    }
}

fn check_exchange(exchange: &Exchange, state_bytes_max: usize) -> Result<(), String> {
    let request = &exchange.request;
    within("exchange.state", exchange.state.len(), 0, state_bytes_max)?;
    within("exchange.label", exchange.label.len(), 1, LABEL_BYTES_MAX)?;
    within("request.url", request.url.len(), 1, URL_BYTES_MAX)?;
    within("request.headers", request.headers.len(), 0, FIELDS_MAX)?;
    within("exchange.capture", exchange.capture.len(), 0, CAPTURES_MAX)?;
    if request.headers.iter().any(|header| header.name.is_empty()) {
        return Err("request.headers has a header without a name".to_owned());
    }
    if let Query::Fields(fields) = &request.query {
        within("request.query", fields.len(), 0, FIELDS_MAX)?;
    }
    match &request.body {
        Body::Json(json) => within("request.body insert", json.insert.len(), 0, INSERTS_MAX)?,
        Body::Form(fields) => within("request.body form", fields.len(), 0, FIELDS_MAX)?,
        Body::Multipart(parts) => within("request.body multipart", parts.len(), 0, FIELDS_MAX)?,
        Body::Empty | Body::Bytes(..) | Body::Media(_) => {}
    }
    match &exchange.memo {
        Some(memo) => within("exchange.memo key", memo.key.len(), 1, MEMO_KEY_BYTES_MAX),
        None => Ok(()),
    }
}

/// `skip` is what the call was asked to leave out, so that `next` can be seen to go forward.
pub(crate) fn check_parsed(parsed: &Parsed, skip: u32, items_max: usize) -> Result<(), String> {
    within("parsed.items", parsed.items.len(), 0, items_max)?;
    for (number, item) in parsed.items.iter().enumerate() {
        check_item(item).map_err(|what| format!("items[{number}]: {what}"))?;
    }
    match parsed.next {
        Some(next) if next <= skip => Err(format!(
            "parsed.next is {next} after a skip of {skip}, which would never end"
        )),
        _ => Ok(()),
    }
}

fn check_item(item: &InboundItem) -> Result<(), String> {
    within("dedupe-key", item.dedupe_key.len(), 1, DEDUPE_KEY_BYTES_MAX)?;
    match &item.route {
        Route::Sender(id) => within("route sender", id.len(), 1, ID_BYTES_MAX),
        Route::Account(id) => within("route account", id.len(), 1, ID_BYTES_MAX),
        Route::App => Ok(()),
    }
}

fn check_paces(paces: &[Pace]) -> Result<(), String> {
    within("pace", paces.len(), 0, PACES_MAX)
}

fn within(what: &str, size: usize, min: usize, max: usize) -> Result<(), String> {
    if size < min {
        return Err(format!("{what} is empty"));
    }
    if size > max {
        return Err(format!("{what} has {size}, at most {max} are allowed"));
    }
    Ok(())
}

/// A failure must never be lost for being too long: it is cut, and control characters are escaped,
/// because operators read it on terminals.
pub(crate) fn bounded_error(mut error: PlatformError) -> PlatformError {
    error.detail = log::escape(&error.detail, DETAIL_BYTES_MAX);
    error.provider_code = bounded(error.provider_code, ID_BYTES_MAX);
    error.trace_id = bounded(error.trace_id, ID_BYTES_MAX);
    error.remedy = bounded(error.remedy, DETAIL_BYTES_MAX);
    error.pace.truncate(PACES_MAX);
    error
}

fn bounded(text: Option<String>, bytes_max: usize) -> Option<String> {
    text.map(|text| log::escape(&text, bytes_max))
}
