//! Performs a prepared request and decides what of the answer the guest, the store and people get.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use http::response::Parts;
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use tokio::time::Instant;
use wharf_core::provider::{HttpResponse, MediaRef, Outcome, StoredResponse, TransportFailure};

use crate::capture::{self, Clean, Withheld};
use crate::client::{self, Begun, Failure};
use crate::local::LocalService;
use crate::payload::Payload;
use crate::redact::Redactor;
use crate::source::Source;
use crate::store::{self, Kept};
use crate::{Egress, Prepared, journal};

/// Headers every guest may see.
const DEFAULT_HEADERS: [&str; 3] = ["content-type", "retry-after", "date"];
/// Headers no guest may see, whatever its descriptor asks for.
const HIDDEN_HEADERS: [&str; 7] = [
    "set-cookie",
    "set-cookie2",
    "authorization",
    "authentication-info",
    "www-authenticate",
    "proxy-authenticate",
    "proxy-authorization",
];
const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 8 << 10;

/// The name of a secret, its new value, and its lifetime in seconds.
pub type Captured = (String, SecretString, Option<u64>);

/// What became of one request.
pub struct Answered {
    /// Exactly what the guest may see; safe to persist.
    pub outcome: Outcome,
    pub captured: Vec<Captured>,
    /// The answer for people: `{status, headers, body, body_bytes, body_cut?, note?, duration_ms}` or
    /// `{failure, note, duration_ms}`, or `{status, headers, stored: {handle, content_type, size,
    /// sha256}, duration_ms}`. The request's part is [`Prepared::journal`].
    pub journal: serde_json::Value,
    /// Set when the answer's body was kept from the guest.
    pub withheld: Option<Withheld>,
    pub duration_ms: u64,
}

pub(crate) async fn send(egress: &Egress, mut prepared: Prepared) -> Answered {
    let started = Instant::now();
    let begun = Begun::default();
    let total = prepared.total_timeout;
    // Boxed: it is large, and its callers' futures hold it.
    let work = Box::pin(perform(egress, &mut prepared, &begun));
    let result = client::within(total, &begun, work).await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(reply) => answered(prepared, reply, duration_ms),
        Err(failure) => {
            let note = prepared.redactor.text(&failure.note);
            Answered {
                journal: journal::failure(failure.kind, &note, duration_ms),
                outcome: Outcome::Failed(failure.kind),
                captured: Vec::new(),
                withheld: None,
                duration_ms,
            }
        }
    }
}

/// An answer that arrived whole, here or in the media store.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: ReplyBody,
}

enum ReplyBody {
    Read(Bytes),
    Stored(MediaRef),
    Withheld(Withheld),
}

async fn perform(
    egress: &Egress,
    prepared: &mut Prepared,
    begun: &Begun,
) -> Result<Reply, Failure> {
    let wire = std::mem::take(&mut prepared.body);
    let streamed = wire.is_streamed();
    let media_bytes_max = egress.config.media_bytes_max;
    let payload = Payload::open(wire, &*prepared.media, media_bytes_max, begun).await?;
    // An upload may take the whole time; otherwise the answer must begin within an ordinary one.
    let head_timeout = match streamed {
        true => prepared.total_timeout,
        false => prepared.timeout,
    };
    let (head, mut source) = match egress.local(&prepared.host) {
        Some(service) => {
            let bytes_max = egress.config.request_bytes_max;
            let work = open_local(service, prepared, payload, bytes_max, begun);
            client::within(head_timeout, begun, work).await?
        }
        None => {
            let work = open_remote(egress, prepared, payload, begun);
            client::within(head_timeout, begun, work).await?
        }
    };
    check_head(&head.headers, egress.config.response_header_bytes_max)?;
    let success = head.status.is_success();
    let body = if prepared.store && success {
        match is_encoded(&head.headers) {
            true => ReplyBody::Withheld(Withheld::Encoded),
            false => {
                let kept = store::keep(
                    &mut source,
                    &head.headers,
                    &*prepared.media,
                    media_bytes_max,
                    &prepared.redactor,
                );
                match kept.await? {
                    Kept::Stored(media) => ReplyBody::Stored(media),
                    Kept::Withheld(reason) => ReplyBody::Withheld(reason),
                }
            }
        }
    } else {
        ReplyBody::Read(source.read(prepared.response_bytes_max).await?)
    };
    Ok(Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}

async fn open_local(
    service: Arc<dyn LocalService>,
    prepared: &mut Prepared,
    payload: Payload,
    bytes_max: usize,
    begun: &Begun,
) -> Result<(Parts, Source), Failure> {
    let mut request = http::Request::new(payload.collect(bytes_max).await?);
    *request.method_mut() = prepared.method.clone();
    *request.uri_mut() = client::uri(&prepared.url)?;
    *request.headers_mut() = std::mem::take(&mut prepared.headers);
    request
        .headers_mut()
        .insert(HOST, host_header(&prepared.host)?);
    begun.set();
    let (head, body) = service.call(request).await.into_parts();
    Ok((head, Source::Local(Some(body))))
}

async fn open_remote(
    egress: &Egress,
    prepared: &mut Prepared,
    payload: Payload,
    begun: &Begun,
) -> Result<(Parts, Source), Failure> {
    let mut headers = std::mem::take(&mut prepared.headers);
    if payload.is_empty() && payload.was_streamed() {
        // An empty object: say so, as for every other empty body.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let (client, origin) = egress.way_to(&prepared.host);
    let mut redirected = None;
    if let Some(origin) = origin {
        let mut url = origin.clone();
        url.set_path(prepared.url.path());
        url.set_query(prepared.url.query());
        headers.insert(HOST, host_header(&prepared.host)?);
        redirected = Some(url);
    }
    let url = redirected.as_ref().unwrap_or(&prepared.url);
    let method = prepared.method.clone();
    let response = client::open(client, method, url, headers, payload, begun).await?;
    let (head, body) = response.into_parts();
    Ok((head, Source::Remote(body, begun.clone())))
}

/// The buffer that heads are read into is bounded; this makes the bound exact, for local services too.
fn check_head(headers: &HeaderMap, bytes_max: usize) -> Result<(), Failure> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    match bytes <= bytes_max {
        true => Ok(()),
        false => Err(Failure::new(
            TransportFailure::BodyTooLarge,
            format!("the answer's headers have {bytes} bytes, more than the {bytes_max} allowed"),
        )),
    }
}

fn host_header(host: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(host).map_err(|_| {
        Failure::new(
            TransportFailure::Denied,
            "the host cannot stand in a header",
        )
    })
}

fn answered(mut prepared: Prepared, reply: Reply, duration_ms: u64) -> Answered {
    let status = reply.status;
    let success = (200..300).contains(&status);
    let cleaned = match reply.body {
        ReplyBody::Stored(media) => {
            return stored(&prepared, status, &reply.headers, media, duration_ms);
        }
        ReplyBody::Withheld(reason) => Err(reason),
        ReplyBody::Read(_) if is_encoded(&reply.headers) => Err(Withheld::Encoded),
        ReplyBody::Read(body) => {
            capture::clean(success, &body, &prepared.captures, &mut prepared.redactor)
        }
    };
    let (clean, withheld) = match cleaned {
        Ok(clean) => (clean, None),
        Err(reason) => (Clean::default(), Some(reason)),
    };
    let headers = visible(
        &reply.headers,
        &prepared.response_headers,
        &prepared.redactor,
    );
    let journal = journal::response(
        status,
        &headers,
        &clean.body,
        prepared.journal_body_bytes_max,
        withheld.as_ref(),
        duration_ms,
    );
    let outcome = match withheld.is_some() && success {
        true => Outcome::Failed(TransportFailure::Other),
        false => Outcome::Response(HttpResponse {
            status,
            headers,
            body: clean.body,
        }),
    };
    Answered {
        outcome,
        captured: clean.captured,
        journal,
        withheld,
        duration_ms,
    }
}

fn stored(
    prepared: &Prepared,
    status: u16,
    headers: &HeaderMap,
    media: MediaRef,
    duration_ms: u64,
) -> Answered {
    let headers = visible(headers, &prepared.response_headers, &prepared.redactor);
    Answered {
        journal: journal::stored(status, &headers, &media, duration_ms),
        outcome: Outcome::Stored(StoredResponse {
            status,
            headers,
            media,
        }),
        captured: Vec::new(),
        withheld: None,
        duration_ms,
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn visible(headers: &HeaderMap, wanted: &[String], redactor: &Redactor) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, value)| {
            let name = name.as_str();
            let asked = wanted.iter().any(|other| other.eq_ignore_ascii_case(name));
            (asked || DEFAULT_HEADERS.contains(&name))
                && !HIDDEN_HEADERS.contains(&name)
                && value.len() <= HEADER_BYTES_MAX
        })
        .take(HEADERS_MAX)
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), redactor.text(&value).into_owned())
        })
        .collect()
}
