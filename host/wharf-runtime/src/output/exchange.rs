//! An exchange: sizes, names, JSON, pointers, and secrets and webhooks that the description declares.

use serde::de::IgnoredAny;
use wharf_core::provider::{
    Body, Bucket, CAPTURES_MAX, Capture, Exchange, Field, Hmac, HmacInput, Jwt, MEMO_KEY_BYTES_MAX,
    Memo, Part, PartData, Piece, Query, User, Value, WebhookUrl,
};

use super::{Checked, LINE_BYTES_MAX, Rules, line, media_ref, pointer, require, within};
use crate::descriptor::names::{is_header_name, is_slug};

/// Request headers, form fields, parts and query fields of one exchange, each kind for itself.
const FIELDS_MAX: usize = 64;
const URL_BYTES_MAX: usize = 8 * 1024;
const INSERTS_MAX: usize = 64;
const PIECES_MAX: usize = 64;
const HMAC_INPUTS_MAX: usize = 16;
/// A day: a wait is for an upload that is still being read, not for a schedule.
const DELAY_MS_MAX: u32 = 24 * 3600 * 1000;

pub(crate) fn check_exchange(exchange: &Exchange, rules: &Rules<'_>) -> Checked {
    let request = &exchange.request;
    rules.state("exchange.state", &exchange.state)?;
    require(
        is_slug(&exchange.label),
        "exchange.label",
        "must be a name of a-z, 0-9, `.`, `-` and `_`",
    )?;
    require(
        exchange.delay_ms <= DELAY_MS_MAX,
        "exchange.delay-ms",
        "is longer than a day",
    )?;
    within("request.url", request.url.len(), 1, URL_BYTES_MAX)?;
    match &request.query {
        Query::Fields(query) => fields("request.query", query, rules)?,
        Query::Raw(raw) => within("request.query", raw.len(), 0, URL_BYTES_MAX)?,
    }
    within("request.headers", request.headers.len(), 0, FIELDS_MAX)?;
    for header in &request.headers {
        if !is_header_name(&header.name) {
            let name = &header.name;
            return Err(format!("request.headers `{name}` is no header name"));
        }
        value("request.headers", &header.value, rules)?;
    }
    body(&request.body, rules)?;
    within("exchange.capture", exchange.capture.len(), 0, CAPTURES_MAX)?;
    for capture in &exchange.capture {
        check_capture(capture, rules)?;
    }
    if let Some(memo) = &exchange.memo {
        check_memo(memo)?;
    }
    match &exchange.bucket {
        Some(name) => bucket(name, rules),
        None => Ok(()),
    }
}

fn body(body: &Body, rules: &Rules<'_>) -> Checked {
    match body {
        Body::Empty => Ok(()),
        Body::Json(json) => {
            is_json("request.body", &json.document)?;
            within("request.body insert", json.insert.len(), 0, INSERTS_MAX)?;
            for insert in &json.insert {
                pointer("request.body insert", &insert.pointer)?;
                let at_root = insert.pointer.is_empty();
                require(
                    !at_root,
                    "request.body insert",
                    "would replace the document",
                )?;
                value("request.body insert", &insert.value, rules)?;
            }
            Ok(())
        }
        Body::Form(form) => fields("request.body form", form, rules),
        Body::Multipart(parts) => {
            within("request.body multipart", parts.len(), 1, FIELDS_MAX)?;
            parts.iter().try_for_each(|part| check_part(part, rules))
        }
        Body::Bytes(content_type, _) => {
            line("request.body content-type", content_type, LINE_BYTES_MAX)
        }
        Body::Media(media) => media_ref("request.body media", media),
    }
}

fn check_part(part: &Part, rules: &Rules<'_>) -> Checked {
    line("request.body part name", &part.name, LINE_BYTES_MAX)?;
    if let Some(content_type) = &part.content_type {
        line(
            "request.body part content-type",
            content_type,
            LINE_BYTES_MAX,
        )?;
    }
    match &part.data {
        PartData::Value(pieces) => value("request.body part", pieces, rules),
        PartData::Media(media) => media_ref("request.body part media", media),
    }
}

pub(super) fn fields(place: &str, fields: &[Field], rules: &Rules<'_>) -> Checked {
    within(place, fields.len(), 0, FIELDS_MAX)?;
    for field in fields {
        line(place, &field.name, LINE_BYTES_MAX)?;
        value(place, &field.value, rules)?;
    }
    Ok(())
}

fn value(place: &str, value: &Value, rules: &Rules<'_>) -> Checked {
    within(place, value.len(), 0, PIECES_MAX)?;
    value.iter().try_for_each(|piece| match piece {
        Piece::Text(_) | Piece::ReturnUrl => Ok(()),
        Piece::Secret(name) => rules.secret(place, name),
        Piece::Basic(user, password) => {
            if let User::Secret(name) = user {
                rules.secret(place, name)?;
            }
            rules.secret(place, password)
        }
        Piece::Hmac(hmac) => check_hmac(place, hmac, rules),
        Piece::Jwt(jwt) => check_jwt(place, jwt, rules),
        Piece::WebhookUrl(url) => webhook_url(place, url, rules),
        Piece::MediaLink(link) => {
            require(
                link.lifetime_s > 0,
                place,
                "has a media link without a lifetime",
            )?;
            media_ref(place, &link.media)
        }
    })
}

fn check_hmac(place: &str, hmac: &Hmac, rules: &Rules<'_>) -> Checked {
    within(place, hmac.over.len(), 1, HMAC_INPUTS_MAX)?;
    for input in &hmac.over {
        if let HmacInput::Secret(name) = input {
            rules.secret(place, name)?;
        }
    }
    rules.secret(place, &hmac.key)
}

fn check_jwt(place: &str, jwt: &Jwt, rules: &Rules<'_>) -> Checked {
    for document in [&jwt.header, &jwt.claims] {
        is_json(place, document)?;
        require(
            document.trim_start().starts_with('{'),
            place,
            "has a token part that is no JSON object",
        )?;
    }
    rules.secret(place, &jwt.key)
}

fn webhook_url(place: &str, url: &WebhookUrl, rules: &Rules<'_>) -> Checked {
    let webhooks = &rules.descriptor.webhooks;
    if !webhooks.iter().any(|webhook| webhook.name == url.webhook) {
        let name = &url.webhook;
        return Err(format!(
            "{place} names the webhook `{name}`, which is not declared"
        ));
    }
    within(place, url.query.len(), 0, FIELDS_MAX)
}

fn check_capture(capture: &Capture, rules: &Rules<'_>) -> Checked {
    pointer("exchange.capture", &capture.pointer)?;
    if let Some(lifetime) = &capture.lifetime {
        pointer("exchange.capture lifetime", lifetime)?;
    }
    rules.secret("exchange.capture", &capture.secret)
}

fn check_memo(memo: &Memo) -> Checked {
    line("exchange.memo key", &memo.key, MEMO_KEY_BYTES_MAX)?;
    require(memo.lifetime_s > 0, "exchange.memo", "has no lifetime")
}

fn bucket(name: &str, rules: &Rules<'_>) -> Checked {
    let declared = |bucket: &Bucket| matches!(bucket, Bucket::Named(declared) if declared == name);
    if rules
        .descriptor
        .rates
        .iter()
        .any(|rate| declared(&rate.bucket))
    {
        return Ok(());
    }
    Err(format!(
        "exchange.bucket names `{name}`, for which no rate is declared"
    ))
}

/// Builds nothing: the document stays the text it is.
fn is_json(place: &str, document: &str) -> Checked {
    match serde_json::from_str::<IgnoredAny>(document) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{place} is not JSON ({error})")),
    }
}
