//! A request as data, and what became of it.

use serde::{Deserialize, Serialize};

use super::descriptor::Level;

/// Values that one exchange may capture. A Meta page lists 25 accounts a page; a token of each of them is
/// better captured over several exchanges.
pub const CAPTURES_MAX: usize = 16;
/// A memo's key: a digest, or a few ids in a row.
pub const MEMO_KEY_BYTES_MAX: usize = 512;
/// RFC 6901 pointers: the deepest of Meta's webhooks has under 100 bytes.
pub const POINTER_BYTES_MAX: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl HttpMethod {
    /// The method as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    Hex,
    Base64,
    Base64url,
}

/// An HMAC the host computes when it assembles the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hmac {
    /// Name of the secret that is the key.
    pub key: String,
    pub hash: Hash,
    pub encoding: Encoding,
    pub over: Vec<HmacInput>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HmacInput {
    Text(String),
    Secret(String),
    /// The final request body, as sent.
    Body,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JwtAlgorithm {
    Hs256,
    Rs256,
    Es256,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwt {
    pub key: String,
    pub algorithm: JwtAlgorithm,
    /// JSON objects, serialised.
    pub header: String,
    pub claims: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum User {
    Text(String),
    Secret(String),
}

/// Where the provider reaches one of this account's webhooks; the token never enters the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookUrl {
    pub webhook: String,
    pub query: Vec<(String, String)>,
}

/// A signed, expiring https link to a stored object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaLink {
    pub media: MediaRef,
    pub lifetime_s: u32,
}

/// One part of a value. Text is copied verbatim and is never searched for placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    Text(String),
    Secret(String),
    /// `Basic` credentials from a user and the name of the password's secret.
    Basic(User, String),
    Hmac(Hmac),
    Jwt(Jwt),
    WebhookUrl(WebhookUrl),
    MediaLink(MediaLink),
    ReturnUrl,
}

/// Concatenation of its pieces.
pub type Value = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub value: Value,
}

/// Handle of an object in the host's media store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaRef {
    pub handle: String,
    pub content_type: String,
    pub size: u64,
    pub sha256: Vec<u8>,
    pub filename: Option<String>,
}

/// Puts a value at an RFC 6901 pointer that must not exist yet, or at an array's end (`-`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonInsert {
    pub pointer: String,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonBody {
    /// A serialised JSON document.
    pub document: String,
    pub insert: Vec<JsonInsert>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartData {
    Value(Value),
    Media(MediaRef),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub data: PartData,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    Empty,
    Json(JsonBody),
    Form(Vec<Field>),
    Multipart(Vec<Part>),
    /// Content type and bytes.
    Bytes(String, #[serde(with = "super::bytes")] Vec<u8>),
    Media(MediaRef),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Query {
    /// Encoded by the host.
    Fields(Vec<Field>),
    /// Percent-encoded already, sent byte for byte.
    Raw(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    pub method: HttpMethod,
    /// Absolute https URL without query, user-info or fragment.
    pub url: String,
    pub query: Query,
    pub headers: Vec<Field>,
    pub body: Body,
    /// A wish; the host may lower it.
    pub timeout_ms: Option<u32>,
}

/// May the host send the same request twice?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replay {
    /// Reading, idempotent, or a second one harms nobody.
    Safe,
    /// It carries an idempotency key the provider honours.
    Keyed,
    /// A lost answer must be reconciled, not resent.
    Unsafe,
}

/// Lifts a value out of a JSON answer into the secret store before the guest sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    pub pointer: String,
    pub secret: String,
    /// Pointer to a lifetime in seconds.
    pub lifetime: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sink {
    /// Hand the body to the guest; at most this many bytes.
    Buffer(u32),
    /// Stream a 2xx body into the media store; any other answer comes as a response.
    Store,
}

/// What a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bucket {
    Level(Level),
    Recipient,
    Named(String),
}

/// What an answer says about speed: pause a bucket, or set its rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    pub bucket: Bucket,
    pub pause_ms: Option<u64>,
    pub per_second: Option<u32>,
}

/// Lets the host answer this exchange from an earlier one with the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memo {
    pub key: String,
    pub lifetime_s: u32,
    pub scope: Level,
    pub refresh: bool,
}

/// One request for the host to perform, and where to continue after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Short static name for traces and metrics, for example `send`.
    pub label: String,
    pub request: HttpRequest,
    pub replay: Replay,
    pub sink: Sink,
    pub capture: Vec<Capture>,
    pub memo: Option<Memo>,
    /// A `named` bucket this exchange draws from.
    pub bucket: Option<String>,
    /// Not before this long after the last outcome.
    pub delay_ms: u32,
    /// Given back unchanged on resume. At most 16 KiB, no secrets.
    #[serde(with = "super::bytes")]
    pub state: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    pub status: u16,
    /// Names lower-cased; only those the descriptor asks for and the default ones.
    pub headers: Vec<(String, String)>,
    #[serde(with = "super::bytes")]
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub media: MediaRef,
}

/// `Interrupted`: the host stopped after the exchange began and does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportFailure {
    Dns,
    Connect,
    Tls,
    TimeoutBeforeSend,
    TimeoutAfterSend,
    Reset,
    BodyTooLarge,
    Denied,
    Canceled,
    Interrupted,
    Other,
}

impl TransportFailure {
    /// True when the provider may have acted on the request although no answer was read.
    pub fn is_ambiguous(self) -> bool {
        match self {
            Self::Dns
            | Self::Connect
            | Self::Tls
            | Self::TimeoutBeforeSend
            | Self::Denied
            | Self::Canceled => false,
            Self::TimeoutAfterSend
            | Self::Reset
            | Self::BodyTooLarge
            | Self::Interrupted
            | Self::Other => true,
        }
    }
}

/// What became of an exchange: exactly what the guest sees, so it can be kept and handed in later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Response(HttpResponse),
    Stored(StoredResponse),
    Failed(TransportFailure),
}
