//! One request on a connection, with failures told apart.
//!
//! Knows nothing of guests, secrets and journals.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use wharf_core::provider::TransportFailure;

use crate::connector::{ConnectTimeout, Connector};
use crate::payload::Payload;
use crate::resolver::{AddressDenied, LookupFailed};

const AGENT: &str = concat!("Wharf/", env!("CARGO_PKG_VERSION"));

/// Shorter than the 60 s after which common servers and balancers drop an idle connection: a request
/// written into a connection that is just being closed has an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Per host. Two cores do a few thousand sends a second; 256 connections at 100 ms each carry 2,560.
const IDLE_PER_HOST_MAX: usize = 256;

/// The smallest buffer that the HTTP library reads an answer's head into.
pub(crate) const HEADER_BYTES_MIN: usize = 8 << 10;

pub(crate) type Client = legacy::Client<Connector, Payload>;

/// No usable answer, and why. The note is for people and may quote the host, never the request.
pub(crate) struct Failure {
    pub(crate) kind: TransportFailure,
    pub(crate) note: String,
}

impl Failure {
    pub(crate) fn new(kind: TransportFailure, note: impl Into<String>) -> Self {
        Self {
            kind,
            note: note.into(),
        }
    }
}

/// HTTP/1.1 only: there it is certain whether a request's first byte was handed over, which decides
/// if a failed send may be repeated. Nothing is followed, decompressed or kept beside connections.
/// At most 100 headers are read, the library's own limit, in at most `header_bytes_max`.
pub(crate) fn client(connector: Connector, header_bytes_max: usize) -> Client {
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .http1_max_buf_size(header_bytes_max.max(HEADER_BYTES_MIN))
        .build(connector)
}

/// Set when a connection takes the request up, before its first byte is written.
#[derive(Clone, Default)]
pub(crate) struct Begun(Arc<AtomicBool>);

impl Begun {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs one step of a request under a time limit.
pub(crate) async fn within<T>(
    timeout: Duration,
    begun: &Begun,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(timeout, work)
        .await
        .unwrap_or_else(|_| {
            let kind = match begun.get() {
                true => TransportFailure::TimeoutAfterSend,
                false => TransportFailure::TimeoutBeforeSend,
            };
            let note = format!("no whole answer within {} ms", timeout.as_millis());
            Err(Failure::new(kind, note))
        })
}

/// Sends a request and waits for the answer's head.
pub(crate) async fn open(
    client: &Client,
    method: http::Method,
    url: &url::Url,
    mut headers: HeaderMap,
    payload: Payload,
    begun: &Begun,
) -> Result<Response<Incoming>, Failure> {
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(AGENT));
    headers
        .entry(ACCEPT)
        .or_insert(HeaderValue::from_static("*/*"));
    let mut request = Request::new(payload);
    *request.method_mut() = method;
    *request.uri_mut() = uri(url)?;
    *request.headers_mut() = headers;
    client
        .request(request)
        .await
        .map_err(|error| failure(&error, begun))
}

pub(crate) fn uri(url: &url::Url) -> Result<Uri, Failure> {
    url.as_str().parse().map_err(|_| {
        Failure::new(
            TransportFailure::Denied,
            "the URL cannot stand in a request",
        )
    })
}

/// The length a body announced, if it did.
pub(crate) fn announced(body: &Incoming) -> Option<u64> {
    body.size_hint().exact()
}

/// The next bytes of an answer; none at its end.
pub(crate) async fn chunk(
    body: &mut Incoming,
    begun: &Begun,
) -> Result<Option<bytes::Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failure(&error, begun))?;
        // Trailers are nobody's business.
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Neither library quotes the URL, which may carry secrets in its query.
fn failure(error: &(dyn StdError + 'static), begun: &Begun) -> Failure {
    let kind = classify(error, begun.get());
    Failure::new(kind, describe(error))
}

fn classify(error: &(dyn StdError + 'static), begun: bool) -> TransportFailure {
    let any = |test: &dyn Fn(&(dyn StdError + 'static)) -> bool| any_cause(error, test);
    if begun {
        return match any(&is_large_head) {
            true => TransportFailure::BodyTooLarge,
            false => TransportFailure::Reset,
        };
    }
    if any(&|cause| cause.is::<AddressDenied>()) {
        TransportFailure::Denied
    } else if any(&|cause| cause.is::<LookupFailed>()) {
        TransportFailure::Dns
    } else if any(&is_timeout) {
        TransportFailure::TimeoutBeforeSend
    } else if any(&is_tls) {
        TransportFailure::Tls
    } else {
        TransportFailure::Connect
    }
}

fn is_large_head(cause: &(dyn StdError + 'static)) -> bool {
    cause
        .downcast_ref::<hyper::Error>()
        .is_some_and(hyper::Error::is_parse_too_large)
}

fn is_timeout(cause: &(dyn StdError + 'static)) -> bool {
    cause.is::<ConnectTimeout>() || is_io(cause, io::ErrorKind::TimedOut)
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    // While connecting only the handshake reads, so an early end of the stream is its end.
    cause.is::<rustls::Error>() || is_io(cause, io::ErrorKind::UnexpectedEof)
}

fn is_io(cause: &(dyn StdError + 'static), kind: io::ErrorKind) -> bool {
    cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == kind)
}

/// Looks at the error and every cause. An `io::Error` hides the error it was made from, so it is
/// opened.
fn any_cause(
    error: &(dyn StdError + 'static),
    test: &dyn Fn(&(dyn StdError + 'static)) -> bool,
) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if test(cause) {
            return true;
        }
        next = match cause.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as _),
            None => cause.source(),
        };
    }
    false
}

/// The chain of causes in one line, without repetitions.
fn describe(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = source.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = source.source();
    }
    text
}
