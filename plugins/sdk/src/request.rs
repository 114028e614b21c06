//! Building exchanges and reading their answers. Secrets are named, never seen.

use serde::Deserialize;

use crate::messages::Content;
use crate::outbound::{Accepted, Progress};
use crate::types::{
    Body, Context, Exchange, Field, HttpMethod, HttpRequest, HttpResponse, JsonBody, Piece, Query,
    Replay, Sink, Value,
};

/// How much of an answer a plugin wants to see unless it says otherwise: a send's answer is well below
/// 1 KiB, an error page of a proxy a few KiB.
const ANSWER_BYTES_MAX: u32 = 64 * 1024;

/// A value that is one verbatim text.
pub fn text(value: impl Into<String>) -> Value {
    vec![Piece::Text(value.into())]
}

/// Single pieces of a value.
pub mod piece {
    use crate::types::Piece;

    /// Verbatim text.
    pub fn text(value: impl Into<String>) -> Piece {
        Piece::Text(value.into())
    }

    /// The value of a declared secret, inserted by the host.
    pub fn secret(name: &str) -> Piece {
        Piece::Secret(name.to_owned())
    }
}

impl Exchange {
    /// POST a JSON document. Until told otherwise the exchange must not be repeated.
    pub fn post_json(label: &str, url: impl Into<String>, document: impl Into<String>) -> Self {
        Self {
            label: label.to_owned(),
            request: HttpRequest {
                method: HttpMethod::Post,
                url: url.into(),
                query: Query::Fields(Vec::new()),
                headers: Vec::new(),
                body: Body::Json(JsonBody {
                    document: document.into(),
                    insert: Vec::new(),
                }),
                timeout_ms: None,
            },
            replay: Replay::Unsafe,
            sink: Sink::Buffer(ANSWER_BYTES_MAX),
            capture: Vec::new(),
            memo: None,
            bucket: None,
            delay_ms: 0,
            state: Vec::new(),
        }
    }

    /// Add a header; the host adds `content-type` by the body.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.request.headers.push(Field {
            name: name.to_owned(),
            value,
        });
        self
    }

    /// `Authorization: Bearer` with a declared secret.
    #[must_use]
    pub fn bearer(self, secret: &str) -> Self {
        self.header(
            "authorization",
            vec![piece::text("Bearer "), piece::secret(secret)],
        )
    }

    /// Add a query parameter, encoded by the host.
    #[must_use]
    pub fn query(mut self, name: &str, value: Value) -> Self {
        let field = Field {
            name: name.to_owned(),
            value,
        };
        match &mut self.request.query {
            Query::Fields(fields) => fields.push(field),
            Query::Raw(_) => self.request.query = Query::Fields(vec![field]),
        }
        self
    }

    /// Say whether the same request may be sent twice.
    #[must_use]
    pub fn replay(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }
}

impl From<Exchange> for Progress {
    fn from(exchange: Exchange) -> Self {
        Self::Exchange(exchange)
    }
}

impl Accepted {
    /// The provider took the message under this id. For a provider that has only queued it, set
    /// `pending`: the message then counts as sent when a status says so.
    pub fn id(provider_message_id: impl Into<String>) -> Self {
        Self {
            provider_message_id: Some(provider_message_id.into()),
            pace: Vec::new(),
            recipient: None,
            pending: false,
        }
    }
}

impl HttpResponse {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A response header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON of the wanted shape, `None` when it is something else.
    #[must_use]
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl Context {
    /// A setting by its declared name; an empty value counts as unset.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

impl Content {
    /// The kind's name as capabilities and refusals spell it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio(_) => "audio",
            Self::Document(_) => "document",
            Self::Sticker(_) => "sticker",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Interactive(_) => "interactive",
            Self::Template(_) => "template",
            Self::Read(_) => "read",
            Self::Other(_) => "other",
        }
    }
}
