//! Building exchanges: the request, what may be done with it, and what the host does with its answer.

use crate::outbound::{Accepted, Progress};
use crate::types::{
    Body, Bucket, Capture, Exchange, Field, HttpMethod, HttpRequest, JsonBody, JsonInsert, Level,
    MediaRef, Memo, Pace, Part, PartData, Party, Query, Replay, Sink, Value,
};
use crate::value::{piece, text};

/// How much of an answer a plugin wants to see unless it says otherwise: a send's answer is well below
/// 1 KiB, an error page of a proxy a few KiB.
const ANSWER_BYTES_MAX: u32 = 64 * 1024;

impl Exchange {
    /// A request without a body. Until told otherwise a GET may be repeated and nothing else may.
    pub fn new(label: &str, method: HttpMethod, url: impl Into<String>) -> Self {
        Self {
            label: label.to_owned(),
            request: HttpRequest {
                method,
                url: url.into(),
                query: Query::Fields(Vec::new()),
                headers: Vec::new(),
                body: Body::Empty,
                timeout_ms: None,
            },
            replay: if method == HttpMethod::Get {
                Replay::Safe
            } else {
                Replay::Unsafe
            },
            sink: Sink::Buffer(ANSWER_BYTES_MAX),
            capture: Vec::new(),
            memo: None,
            bucket: None,
            delay_ms: 0,
            state: Vec::new(),
        }
    }

    /// GET.
    pub fn get(label: &str, url: impl Into<String>) -> Self {
        Self::new(label, HttpMethod::Get, url)
    }

    /// DELETE. Deleting twice harms nobody.
    pub fn delete(label: &str, url: impl Into<String>) -> Self {
        Self::new(label, HttpMethod::Delete, url).replay(Replay::Safe)
    }

    /// POST a JSON document. Until told otherwise the exchange must not be repeated.
    pub fn post_json(label: &str, url: impl Into<String>, document: impl Into<String>) -> Self {
        Self::new(label, HttpMethod::Post, url).json(document)
    }

    /// POST a form, encoded by the host.
    pub fn post_form(label: &str, url: impl Into<String>, fields: Vec<Field>) -> Self {
        Self::new(label, HttpMethod::Post, url).body(Body::Form(fields))
    }

    /// POST parts, for example a stored object with its name.
    pub fn post_multipart(label: &str, url: impl Into<String>, parts: Vec<Part>) -> Self {
        Self::new(label, HttpMethod::Post, url).body(Body::Multipart(parts))
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.request.body = body;
        self
    }

    /// A JSON document as the body.
    #[must_use]
    pub fn json(self, document: impl Into<String>) -> Self {
        self.body(Body::Json(JsonBody {
            document: document.into(),
            insert: Vec::new(),
        }))
    }

    /// Bytes as the body, with their content type.
    #[must_use]
    pub fn bytes(self, content_type: &str, bytes: Vec<u8>) -> Self {
        self.body(Body::Bytes((content_type.to_owned(), bytes)))
    }

    /// A stored object as the body.
    #[must_use]
    pub fn media(self, media: &MediaRef) -> Self {
        self.body(Body::Media(media.clone()))
    }

    /// Put a value into the JSON body, at a pointer that must not exist yet or at an array's end (`-`).
    /// For secrets and links, which cannot stand in a document. Makes the body a JSON object if it is none.
    #[must_use]
    pub fn insert(mut self, pointer: &str, value: Value) -> Self {
        let insert = JsonInsert {
            pointer: pointer.to_owned(),
            value,
        };
        match &mut self.request.body {
            Body::Json(json) => json.insert.push(insert),
            body => {
                *body = Body::Json(JsonBody {
                    document: "{}".to_owned(),
                    insert: vec![insert],
                })
            }
        }
        self
    }

    /// Add a header; the host adds `content-type` by the body.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.request.headers.push(Field::new(name, value));
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

    /// `Authorization: Basic` with a user and a declared secret.
    #[must_use]
    pub fn basic(self, user: impl Into<String>, password: &str) -> Self {
        self.header("authorization", vec![piece::basic(user, password)])
    }

    /// Add a query parameter, encoded by the host.
    #[must_use]
    pub fn query(mut self, name: &str, value: Value) -> Self {
        let field = Field::new(name, value);
        match &mut self.request.query {
            Query::Fields(fields) => fields.push(field),
            Query::Raw(_) => self.request.query = Query::Fields(vec![field]),
        }
        self
    }

    /// Add a query parameter that is verbatim text.
    #[must_use]
    pub fn query_text(self, name: &str, value: impl Into<String>) -> Self {
        self.query(name, text(value))
    }

    /// The whole query, percent-encoded already: a paging link, a signed link.
    #[must_use]
    pub fn raw_query(mut self, query: impl Into<String>) -> Self {
        self.request.query = Query::Raw(query.into());
        self
    }

    /// Wish for a shorter wait than the host's.
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.request.timeout_ms = Some(timeout_ms);
        self
    }

    /// Say whether the same request may be sent twice.
    #[must_use]
    pub fn replay(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }

    /// See at most this much of the answer.
    #[must_use]
    pub fn answer_bytes_max(mut self, bytes: u32) -> Self {
        self.sink = Sink::Buffer(bytes);
        self
    }

    /// Stream a 2xx answer into the media store instead of into the plugin.
    #[must_use]
    pub fn store_answer(mut self) -> Self {
        self.sink = Sink::Store;
        self
    }

    /// Lift a value out of a JSON answer into a declared secret; the plugin sees `[captured]` there.
    #[must_use]
    pub fn capture(mut self, pointer: &str, secret: &str) -> Self {
        self.capture.push(Capture {
            pointer: pointer.to_owned(),
            secret: secret.to_owned(),
            lifetime: None,
        });
        self
    }

    /// The same for a secret that expires; `lifetime` points at its seconds.
    #[must_use]
    pub fn capture_expiring(mut self, pointer: &str, secret: &str, lifetime: &str) -> Self {
        self.capture.push(Capture {
            pointer: pointer.to_owned(),
            secret: secret.to_owned(),
            lifetime: Some(lifetime.to_owned()),
        });
        self
    }

    /// Let the host answer from an earlier exchange with the same key, while that is younger than this.
    #[must_use]
    pub fn memo(mut self, scope: Level, key: impl Into<String>, lifetime_s: u32) -> Self {
        self.memo = Some(Memo {
            key: key.into(),
            lifetime_s,
            scope,
            refresh: false,
        });
        self
    }

    /// Replace the kept answer, which the provider no longer honours.
    #[must_use]
    pub fn refresh_memo(mut self) -> Self {
        if let Some(memo) = &mut self.memo {
            memo.refresh = true;
        }
        self
    }

    /// Draw from a named rate of the descriptor.
    #[must_use]
    pub fn bucket(mut self, name: &str) -> Self {
        self.bucket = Some(name.to_owned());
        self
    }

    /// Not before this long after the last outcome; costs no worker.
    #[must_use]
    pub fn delay_ms(mut self, delay_ms: u32) -> Self {
        self.delay_ms = delay_ms;
        self
    }

    /// Given back on resume, byte for byte. At most 16 KiB, no secrets; see [`crate::flow`].
    #[must_use]
    pub fn state(mut self, state: impl Into<Vec<u8>>) -> Self {
        self.state = state.into();
        self
    }
}

impl From<Exchange> for Progress {
    fn from(exchange: Exchange) -> Self {
        Self::Exchange(exchange)
    }
}

impl From<Accepted> for Progress {
    fn from(accepted: Accepted) -> Self {
        Self::Done(accepted)
    }
}

/// The optional interfaces' progress begins with an exchange too.
macro_rules! from_exchange {
    ($($module:ident::$name:ident),*) => {$(
        impl From<Exchange> for crate::$module::$name {
            fn from(exchange: Exchange) -> Self {
                Self::Exchange(exchange)
            }
        }
    )*};
}

from_exchange!(
    media::Progress,
    templates::Progress,
    health::Progress,
    reconcile::Progress,
    reconcile::CatchUpProgress,
    profile::Progress
);

impl Part {
    /// A part that is a value.
    pub fn value(name: impl Into<String>, value: Value) -> Self {
        Self {
            name: name.into(),
            filename: None,
            content_type: None,
            data: PartData::Value(value),
        }
    }

    /// A part that is a verbatim text.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::value(name, text(value))
    }

    /// A part that is a stored object, under its own name and type.
    pub fn media(name: impl Into<String>, media: &MediaRef) -> Self {
        Self {
            name: name.into(),
            filename: media.filename.clone(),
            content_type: Some(media.content_type.clone()),
            data: PartData::Media(media.clone()),
        }
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

    /// The provider took it and gave no id, as for a read receipt.
    #[must_use]
    pub fn without_id() -> Self {
        Self {
            provider_message_id: None,
            pace: Vec::new(),
            recipient: None,
            pending: false,
        }
    }

    /// The provider has only queued it.
    #[must_use]
    pub fn pending(mut self) -> Self {
        self.pending = true;
        self
    }

    /// The recipient as the provider normalised it.
    #[must_use]
    pub fn recipient(mut self, recipient: Party) -> Self {
        self.recipient = Some(recipient);
        self
    }

    /// What the answer says about speed.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace.push(pace);
        self
    }
}

impl Pace {
    /// Send nothing from this bucket for so long.
    #[must_use]
    pub fn pause(bucket: Bucket, pause_ms: u64) -> Self {
        Self {
            bucket,
            pause_ms: Some(pause_ms),
            per_second: None,
        }
    }

    /// Send so many a second from this bucket.
    #[must_use]
    pub fn rate(bucket: Bucket, per_second: u32) -> Self {
        Self {
            bucket,
            pause_ms: None,
            per_second: Some(per_second),
        }
    }
}
