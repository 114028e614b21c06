//! What comes out of `outbound`: an exchange to perform, or the end.

use wharf_core::provider::{
    Accepted, Body, Capture, Exchange, Field, Hmac, HmacInput, HttpRequest, JsonBody, JsonInsert,
    Jwt, JwtAlgorithm, MediaLink, Memo, Part, PartData, Piece, Progress, Query, Replay, Sink, Step,
    User, Value, WebhookUrl,
};

use super::super::bindings::exports::wharf::provider::outbound;
use super::super::bindings::wharf::provider::types;
use super::{encoding, hash, level, list, media_ref, method, pace, party};

pub(in super::super) fn progress_from_guest(progress: outbound::Progress) -> Progress {
    match progress {
        outbound::Progress::Exchange(exchange) => Step::Exchange(boxed(exchange)),
        outbound::Progress::Done(taken) => Step::Done(accepted(taken)),
    }
}

pub(super) fn accepted(accepted: outbound::Accepted) -> Accepted {
    Accepted {
        provider_message_id: accepted.provider_message_id,
        pace: list(accepted.pace, pace),
        recipient: accepted.recipient.map(party),
        pending: accepted.pending,
    }
}

pub(super) fn boxed(exchange: types::Exchange) -> Box<Exchange> {
    Box::new(exchange_from_guest(exchange))
}

fn exchange_from_guest(exchange: types::Exchange) -> Exchange {
    Exchange {
        label: exchange.label,
        request: request(exchange.request),
        replay: match exchange.replay {
            types::Replay::Safe => Replay::Safe,
            types::Replay::Keyed => Replay::Keyed,
            types::Replay::Unsafe => Replay::Unsafe,
        },
        sink: match exchange.sink {
            types::Sink::Buffer(bytes_max) => Sink::Buffer(bytes_max),
            types::Sink::Store => Sink::Store,
        },
        capture: list(exchange.capture, |capture| Capture {
            pointer: capture.pointer,
            secret: capture.secret,
            lifetime: capture.lifetime,
        }),
        memo: exchange.memo.map(|memo| Memo {
            key: memo.key,
            lifetime_s: memo.lifetime_s,
            scope: level(memo.scope),
            refresh: memo.refresh,
        }),
        bucket: exchange.bucket,
        delay_ms: exchange.delay_ms,
        state: exchange.state,
    }
}

fn request(request: types::HttpRequest) -> HttpRequest {
    HttpRequest {
        method: method(request.method),
        url: request.url,
        query: match request.query {
            types::Query::Fields(fields) => Query::Fields(list(fields, field)),
            types::Query::Raw(raw) => Query::Raw(raw),
        },
        headers: list(request.headers, field),
        body: body(request.body),
        timeout_ms: request.timeout_ms,
    }
}

fn body(body: types::Body) -> Body {
    match body {
        types::Body::Empty => Body::Empty,
        types::Body::Json(json) => Body::Json(JsonBody {
            document: json.document,
            insert: list(json.insert, |insert| JsonInsert {
                pointer: insert.pointer,
                value: value(insert.value),
            }),
        }),
        types::Body::Form(fields) => Body::Form(list(fields, field)),
        types::Body::Multipart(parts) => Body::Multipart(list(parts, part)),
        types::Body::Bytes((content_type, bytes)) => Body::Bytes(content_type, bytes),
        types::Body::Media(media) => Body::Media(media_ref(media)),
    }
}

fn part(part: types::Part) -> Part {
    Part {
        name: part.name,
        filename: part.filename,
        content_type: part.content_type,
        data: match part.data {
            types::PartData::Value(pieces) => PartData::Value(value(pieces)),
            types::PartData::Media(media) => PartData::Media(media_ref(media)),
        },
    }
}

pub(super) fn field(field: types::Field) -> Field {
    Field {
        name: field.name,
        value: value(field.value),
    }
}

fn value(pieces: types::Value) -> Value {
    list(pieces, piece)
}

fn piece(piece: types::Piece) -> Piece {
    match piece {
        types::Piece::Text(text) => Piece::Text(text),
        types::Piece::Secret(name) => Piece::Secret(name),
        types::Piece::Basic((user, password)) => Piece::Basic(
            match user {
                types::User::Text(text) => User::Text(text),
                types::User::Secret(name) => User::Secret(name),
            },
            password,
        ),
        types::Piece::Hmac(hmac) => Piece::Hmac(Hmac {
            key: hmac.key,
            hash: hash(hmac.hash),
            encoding: encoding(hmac.encoding),
            over: list(hmac.over, |input| match input {
                types::HmacInput::Text(text) => HmacInput::Text(text),
                types::HmacInput::Secret(name) => HmacInput::Secret(name),
                types::HmacInput::Body => HmacInput::Body,
            }),
        }),
        types::Piece::Jwt(jwt) => Piece::Jwt(Jwt {
            key: jwt.key,
            algorithm: match jwt.algorithm {
                types::JwtAlgorithm::Hs256 => JwtAlgorithm::Hs256,
                types::JwtAlgorithm::Rs256 => JwtAlgorithm::Rs256,
                types::JwtAlgorithm::Es256 => JwtAlgorithm::Es256,
            },
            header: jwt.header,
            claims: jwt.claims,
        }),
        types::Piece::WebhookUrl(url) => Piece::WebhookUrl(WebhookUrl {
            webhook: url.webhook,
            query: url.query,
        }),
        types::Piece::MediaLink(link) => Piece::MediaLink(MediaLink {
            media: media_ref(link.media),
            lifetime_s: link.lifetime_s,
        }),
        types::Piece::ReturnUrl => Piece::ReturnUrl,
    }
}
