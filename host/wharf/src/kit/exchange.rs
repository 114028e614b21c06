//! An exchange as a golden case shows it, as the host's own model has it.

use serde_json::Value as Json;
use wharf_core::provider::{
    Body, Capture, Exchange, Field, Hmac, HmacInput, HttpMethod, HttpRequest, JsonBody, JsonInsert,
    Jwt, MediaLink, MediaRef, Memo, Part, PartData, Piece, Query, Replay, Sink, User, Value,
    WebhookUrl,
};

pub(super) type Read<T> = Result<T, String>;

/// Reads what `Plugin::call_json` shows.
pub(super) fn read(shown: &Json) -> Read<Exchange> {
    Ok(Exchange {
        label: text(&shown["label"])?,
        request: request(&shown["request"])?,
        replay: named::<Replay>(&shown["replay"])?,
        sink: sink(&shown["sink"])?,
        capture: all(&shown["capture"], capture)?,
        memo: optional(&shown["memo"], memo)?,
        bucket: optional(&shown["bucket"], text)?,
        delay_ms: number(&shown["delay-ms"])?,
        state: bytes(&shown["state"])?,
    })
}

fn request(shown: &Json) -> Read<HttpRequest> {
    let method = text(&shown["method"])?.to_uppercase();
    Ok(HttpRequest {
        method: named::<HttpMethod>(&method.into())?,
        url: text(&shown["url"])?,
        query: match case(&shown["query"])? {
            ("fields", fields) => Query::Fields(all(fields, field)?),
            ("raw", raw) => Query::Raw(text(raw)?),
            other => return unknown("query", other.0),
        },
        headers: all(&shown["headers"], field)?,
        body: body(&shown["body"])?,
        timeout_ms: optional(&shown["timeout-ms"], number)?,
    })
}

fn body(shown: &Json) -> Read<Body> {
    Ok(match case(shown)? {
        ("empty", _) => Body::Empty,
        ("json", json) => Body::Json(JsonBody {
            document: text(&json["document"])?,
            insert: all(&json["insert"], |insert| {
                Ok(JsonInsert {
                    pointer: text(&insert["pointer"])?,
                    value: value(&insert["value"])?,
                })
            })?,
        }),
        ("form", fields) => Body::Form(all(fields, field)?),
        ("multipart", parts) => Body::Multipart(all(parts, part)?),
        ("bytes", pair) => Body::Bytes(text(&pair[0])?, bytes(&pair[1])?),
        ("media", media) => Body::Media(media_ref(media)?),
        (other, _) => return unknown("body", other),
    })
}

fn part(shown: &Json) -> Read<Part> {
    Ok(Part {
        name: text(&shown["name"])?,
        filename: optional(&shown["filename"], text)?,
        content_type: optional(&shown["content-type"], text)?,
        data: match case(&shown["data"])? {
            ("value", pieces) => PartData::Value(value(pieces)?),
            ("media", media) => PartData::Media(media_ref(media)?),
            (other, _) => return unknown("part", other),
        },
    })
}

fn field(shown: &Json) -> Read<Field> {
    Ok(Field {
        name: text(&shown["name"])?,
        value: value(&shown["value"])?,
    })
}

fn value(shown: &Json) -> Read<Value> {
    all(shown, piece)
}

fn piece(shown: &Json) -> Read<Piece> {
    Ok(match case(shown)? {
        ("text", it) => Piece::Text(text(it)?),
        ("secret", name) => Piece::Secret(text(name)?),
        ("basic", pair) => {
            let user = match case(&pair[0])? {
                ("text", user) => User::Text(text(user)?),
                ("secret", user) => User::Secret(text(user)?),
                (other, _) => return unknown("user", other),
            };
            Piece::Basic(user, text(&pair[1])?)
        }
        ("hmac", hmac) => Piece::Hmac(Hmac {
            key: text(&hmac["key"])?,
            hash: named(&hmac["hash"])?,
            encoding: named(&hmac["encoding"])?,
            over: all(&hmac["over"], |input| match case(input)? {
                ("text", it) => Ok(HmacInput::Text(text(it)?)),
                ("secret", name) => Ok(HmacInput::Secret(text(name)?)),
                ("body", _) => Ok(HmacInput::Body),
                (other, _) => unknown("hmac input", other),
            })?,
        }),
        ("jwt", jwt) => Piece::Jwt(Jwt {
            key: text(&jwt["key"])?,
            algorithm: named(&jwt["algorithm"])?,
            header: text(&jwt["header"])?,
            claims: text(&jwt["claims"])?,
        }),
        ("webhook-url", url) => Piece::WebhookUrl(WebhookUrl {
            webhook: text(&url["webhook"])?,
            query: all(&url["query"], |pair| Ok((text(&pair[0])?, text(&pair[1])?)))?,
        }),
        ("media-link", link) => Piece::MediaLink(MediaLink {
            media: media_ref(&link["media"])?,
            lifetime_s: number(&link["lifetime-s"])?,
        }),
        ("return-url", _) => Piece::ReturnUrl,
        (other, _) => return unknown("piece", other),
    })
}

pub(super) fn media_ref(shown: &Json) -> Read<MediaRef> {
    Ok(MediaRef {
        handle: text(&shown["handle"])?,
        content_type: text(&shown["content-type"])?,
        size: shown["size"].as_u64().unwrap_or_default(),
        sha256: bytes(&shown["sha256"])?,
        filename: optional(&shown["filename"], text)?,
    })
}

fn capture(shown: &Json) -> Read<Capture> {
    Ok(Capture {
        pointer: text(&shown["pointer"])?,
        secret: text(&shown["secret"])?,
        lifetime: optional(&shown["lifetime"], text)?,
    })
}

fn memo(shown: &Json) -> Read<Memo> {
    Ok(Memo {
        key: text(&shown["key"])?,
        lifetime_s: number(&shown["lifetime-s"])?,
        scope: named(&shown["scope"])?,
        refresh: shown["refresh"].as_bool().unwrap_or_default(),
    })
}

fn sink(shown: &Json) -> Read<Sink> {
    match case(shown)? {
        ("buffer", bytes) => Ok(Sink::Buffer(number(bytes)?)),
        ("store", _) => Ok(Sink::Store),
        (other, _) => unknown("sink", other),
    }
}

pub(super) fn unknown<T>(what: &str, name: &str) -> Read<T> {
    Err(format!("`{name}` is no {what} that this gateway knows"))
}

/// A text, or a document shown in a text's place.
pub(super) fn text(shown: &Json) -> Read<String> {
    match shown {
        Json::String(text) => Ok(text.clone()),
        Json::Object(_) | Json::Array(_) => Ok(shown.to_string()),
        other => Err(format!("expected a text, got {other}")),
    }
}

pub(super) fn bytes(shown: &Json) -> Read<Vec<u8>> {
    match shown {
        // An empty list of bytes.
        Json::Array(none) if none.is_empty() => Ok(Vec::new()),
        shown => wharf_cases::read_bytes(shown),
    }
}

pub(super) fn number(shown: &Json) -> Read<u32> {
    match shown {
        Json::Null => Ok(0),
        shown => {
            let number = shown.as_u64().and_then(|number| u32::try_from(number).ok());
            number.ok_or_else(|| format!("expected a number, got {shown}"))
        }
    }
}

pub(super) fn case(shown: &Json) -> Read<(&str, &Json)> {
    const NOTHING: &Json = &Json::Null;
    match shown {
        Json::String(name) => Ok((name, NOTHING)),
        Json::Object(members) if members.len() == 1 => {
            let only = members
                .iter()
                .next()
                .map(|(name, payload)| (name.as_str(), payload));
            only.ok_or_else(|| "expected a case".to_owned())
        }
        other => Err(format!("expected a case, got {other}")),
    }
}

pub(super) fn named<T: serde::de::DeserializeOwned>(shown: &Json) -> Read<T> {
    serde_json::from_value(shown.clone()).map_err(|error| error.to_string())
}

pub(super) fn optional<T>(shown: &Json, read: impl Fn(&Json) -> Read<T>) -> Read<Option<T>> {
    match shown {
        Json::Null => Ok(None),
        shown => read(shown).map(Some),
    }
}

pub(super) fn all<T>(shown: &Json, read: impl Fn(&Json) -> Read<T>) -> Read<Vec<T>> {
    match shown {
        Json::Null => Ok(Vec::new()),
        Json::Array(elements) => elements.iter().map(read).collect(),
        other => Err(format!("expected a list, got {other}")),
    }
}
