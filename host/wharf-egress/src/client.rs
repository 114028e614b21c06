//! Connections: the three clients, and one request on one of them, with failures told apart.
//!
//! Knows nothing of guests, secrets and journals.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use wharf_core::provider::TransportFailure;

use crate::resolver::{AddressDenied, GuardedResolver};
use crate::{EgressConfig, EgressError};

const USER_AGENT: &str = concat!("Wharf/", env!("CARGO_PKG_VERSION"));

/// Shorter than the 60 s after which common servers and balancers drop an idle connection: a request
/// written into a connection that is just being closed has an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Per host. Two cores do a few thousand sends a second; 256 connections at 100 ms each carry 2,560.
const IDLE_PER_HOST_MAX: usize = 256;

pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

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

pub(crate) fn guarded(config: &EgressConfig) -> Result<reqwest::Client, EgressError> {
    build(
        base(config)
            .https_only(true)
            .dns_resolver(GuardedResolver { allow: Vec::new() }),
    )
}

pub(crate) fn redirected(config: &EgressConfig) -> Result<reqwest::Client, EgressError> {
    build(base(config))
}

pub(crate) fn delivery(config: &EgressConfig) -> Result<reqwest::Client, EgressError> {
    build(
        base(config)
            .https_only(config.delivery_https_only)
            .dns_resolver(GuardedResolver {
                allow: config.delivery_allow.clone(),
            }),
    )
}

/// HTTP/1.1 only: there it is certain whether a request's first byte was handed over, which decides
/// if a failed send may be repeated.
fn base(config: &EgressConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, EgressError> {
    builder.build().map_err(EgressError::Client)
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

/// A body that notices when it is asked for. The connection asks an empty one too, for its end.
struct WatchedBody {
    bytes: Bytes,
    begun: Begun,
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.begun.set();
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.begun.set();
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

/// Runs one request under its total time limit.
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
    client: &reqwest::Client,
    method: http::Method,
    url: url::Url,
    headers: HeaderMap,
    body: Bytes,
    begun: &Begun,
) -> Result<reqwest::Response, Failure> {
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    *request.body_mut() = Some(reqwest::Body::wrap(WatchedBody {
        bytes: body,
        begun: begun.clone(),
    }));
    client
        .execute(request)
        .await
        .map_err(|error| failure(error, begun))
}

/// Reads an answer to its end, up to the cap.
pub(crate) async fn read(
    mut response: reqwest::Response,
    response_bytes_max: usize,
    begun: &Begun,
) -> Result<RawAnswer, Failure> {
    let too_large = || {
        Failure::new(
            TransportFailure::BodyTooLarge,
            format!("the answer has more than {response_bytes_max} bytes"),
        )
    };
    let announced = response.content_length().unwrap_or(0);
    if announced > response_bytes_max as u64 {
        return Err(too_large());
    }
    // Bounded by the check above.
    let mut body = BytesMut::with_capacity(announced as usize);
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| failure(error, begun))?
    {
        if body.len() + chunk.len() > response_bytes_max {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(RawAnswer {
        status: response.status().as_u16(),
        headers: std::mem::take(response.headers_mut()),
        body: body.freeze(),
    })
}

fn failure(error: reqwest::Error, begun: &Begun) -> Failure {
    // The URL may carry secrets in its query.
    let error = error.without_url();
    let kind = classify(&error, begun.get());
    Failure::new(kind, describe(&error))
}

fn classify(error: &reqwest::Error, begun: bool) -> TransportFailure {
    if begun {
        return match error.is_timeout() {
            true => TransportFailure::TimeoutAfterSend,
            false => TransportFailure::Reset,
        };
    }
    if error.is_builder() || any_source(error, &|source| source.is::<AddressDenied>()) {
        TransportFailure::Denied
    } else if error.is_dns() {
        TransportFailure::Dns
    } else if error.is_timeout() {
        TransportFailure::TimeoutBeforeSend
    } else if any_source(error, &is_tls) {
        TransportFailure::Tls
    } else {
        TransportFailure::Connect
    }
}

fn is_tls(source: &(dyn StdError + 'static)) -> bool {
    // While connecting only the handshake reads, so an early end of the stream is its end.
    source.is::<rustls::Error>()
        || source
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof)
}

/// Looks at every cause. An `io::Error` hides the error it was made from, so it is opened.
fn any_source(error: &dyn StdError, test: &dyn Fn(&(dyn StdError + 'static)) -> bool) -> bool {
    let mut next = error.source();
    while let Some(source) = next {
        if test(source) {
            return true;
        }
        next = match source.downcast_ref::<std::io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as _),
            None => source.source(),
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
