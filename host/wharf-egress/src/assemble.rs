//! One exchange to one request: policy first, then body, query and headers, secrets last.
//!
//! Pure. Everything it refuses, it refuses before any byte leaves.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, header::ACCEPT_ENCODING};
use url::Url;
use wharf_core::provider::{
    CAPTURES_MAX, Capture, Exchange, Field, HttpMethod, MEMO_KEY_BYTES_MAX, Memo,
    POINTER_BYTES_MAX, Query, Sink,
};

use crate::body::{self, RenderedBody};
use crate::media::MediaStore;
use crate::payload::Wire;
use crate::policy::{self, URL_BYTES_MAX};
use crate::redact::Redactor;
use crate::value::{Assembly, Rendered, percent_encode};
use crate::{Denied, EgressConfig, Grant, journal};

const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 8 << 10;
const QUERY_FIELDS_MAX: usize = 256;

/// What a guest gets of an answer that was to be stored and is no 2xx.
const STORE_ANSWER_BYTES_MAX: usize = 64 << 10;

/// A request that passed every check. It holds secrets, so it has no `Debug`.
pub struct Prepared {
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Wire,
    /// Until the answer's head is there; for most exchanges also until its end.
    pub(crate) timeout: Duration,
    /// Until the answer's end: longer when media are streamed.
    pub(crate) total_timeout: Duration,
    pub(crate) response_bytes_max: usize,
    /// A 2xx is streamed into the media store instead of being read.
    pub(crate) store: bool,
    pub(crate) media: Arc<dyn MediaStore>,
    pub(crate) response_headers: Vec<String>,
    pub(crate) captures: Vec<Capture>,
    pub(crate) redactor: Redactor,
    pub(crate) journal_body_bytes_max: usize,
    shown: Shown,
}

/// The same request for people.
struct Shown {
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Prepared {
    /// The request with every secret named instead of shown:
    /// `{method, url, headers: [[name, value]], body, body_bytes, body_cut?}`.
    pub fn journal(&self) -> serde_json::Value {
        journal::request(
            self.method.as_str(),
            &self.shown.url,
            &self.shown.headers,
            &self.shown.body,
            self.journal_body_bytes_max,
        )
    }

    /// The host it goes to, for metrics and spans.
    pub fn host(&self) -> &str {
        &self.host
    }
}

pub(crate) fn prepare(
    config: &EgressConfig,
    exchange: &Exchange,
    grant: &Grant<'_>,
) -> Result<Prepared, Denied> {
    let request = &exchange.request;
    let mut url = policy::check_target(
        &request.url,
        request.method,
        grant.descriptor,
        grant.settings,
    )?;
    let (response_bytes_max, store) = match exchange.sink {
        Sink::Buffer(wish) => (usize::try_from(wish).unwrap_or(usize::MAX), false),
        Sink::Store => (STORE_ANSWER_BYTES_MAX, true),
    };
    check_memo(exchange.memo.as_ref())?;
    check_captures(exchange, grant)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut assembly = Assembly::new(grant, &host);
    let body = body::render(&mut assembly, &request.body)?;
    check_size(
        "body in bytes",
        body.wire.held_bytes(),
        config.request_bytes_max,
    )?;
    let shown_url = set_query(&mut assembly, &mut url, &request.query, &body)?;
    let (headers, shown_headers) = headers(&mut assembly, &request.headers, &body, request.method)?;
    let wish_ms = request.timeout_ms.map_or(u64::MAX, u64::from);
    let timeout = |max_ms: u64| Duration::from_millis(wish_ms.clamp(1, max_ms.max(1)));
    let media = store || body.wire.is_streamed();
    Ok(Prepared {
        method: method(request.method),
        url,
        headers,
        timeout: timeout(config.request_timeout_ms_max),
        total_timeout: timeout(match media {
            true => config
                .media_timeout_ms_max
                .max(config.request_timeout_ms_max),
            false => config.request_timeout_ms_max,
        }),
        response_bytes_max: response_bytes_max.min(config.response_bytes_max),
        store,
        media: Arc::clone(&grant.media),
        response_headers: grant.descriptor.response_headers.clone(),
        captures: exchange.capture.clone(),
        redactor: assembly.into_redactor(),
        host,
        journal_body_bytes_max: config.journal_body_bytes_max,
        shown: Shown {
            url: shown_url,
            headers: shown_headers,
            body: body.shown(),
        },
        body: body.wire,
    })
}

fn method(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
    }
}

fn check_size(what: &'static str, size: usize, max: usize) -> Result<(), Denied> {
    match size <= max {
        true => Ok(()),
        false => Err(Denied::TooLarge { what, size, max }),
    }
}

fn check_memo(memo: Option<&Memo>) -> Result<(), Denied> {
    let Some(memo) = memo else {
        return Ok(());
    };
    let refuse = |reason| Err(Denied::Memo { reason });
    if memo.key.is_empty() || memo.key.len() > MEMO_KEY_BYTES_MAX {
        return refuse("its key must have 1 to 512 bytes");
    }
    if memo.lifetime_s == 0 {
        return refuse("its lifetime must be at least one second");
    }
    Ok(())
}

/// A capture that could never work must not cost a request whose answer is then withheld.
fn check_captures(exchange: &Exchange, grant: &Grant<'_>) -> Result<(), Denied> {
    let captures = &exchange.capture;
    check_size("number of captures", captures.len(), CAPTURES_MAX)?;
    for (index, capture) in captures.iter().enumerate() {
        let refuse = |reason| Denied::Capture {
            pointer: capture.pointer.clone(),
            reason,
        };
        if exchange.sink == Sink::Store {
            return Err(refuse("an answer that is stored cannot be captured from"));
        }
        let mut pointers = std::iter::once(&capture.pointer).chain(&capture.lifetime);
        if !pointers.all(|pointer| is_pointer(pointer)) {
            return Err(refuse(
                "the pointers must begin with a slash, with 0 or 1 after each ~",
            ));
        }
        if policy::secret_input(grant.descriptor, &capture.secret).is_none() {
            return Err(refuse(
                "its secret is not declared among the plugin's inputs",
            ));
        }
        let before = &captures[..index];
        if before.iter().any(|other| other.secret == capture.secret) {
            return Err(refuse("its secret is captured twice"));
        }
        if before.iter().any(|other| other.pointer == capture.pointer) {
            return Err(refuse("its value is captured twice"));
        }
    }
    Ok(())
}

fn is_pointer(pointer: &str) -> bool {
    pointer.starts_with('/')
        && pointer.len() <= POINTER_BYTES_MAX
        && pointer
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
}

/// Puts the query on the URL and gives the whole URL back as people may see it.
fn set_query(
    assembly: &mut Assembly<'_>,
    url: &mut Url,
    query: &Query,
    body: &RenderedBody,
) -> Result<String, Denied> {
    let mut out = Rendered::default();
    match query {
        Query::Fields(fields) => {
            check_size("number of query fields", fields.len(), QUERY_FIELDS_MAX)?;
            for (index, field) in fields.iter().enumerate() {
                if index > 0 {
                    out.text("&");
                }
                out.text(&percent_encode(&field.name));
                out.text("=");
                let value = assembly.render(&field.value, body.signable())?;
                out.encoded(&value, percent_encode);
            }
        }
        Query::Raw(raw) => {
            // These would be encoded by the URL parser, and then it is not what was signed.
            let plain =
                |b: u8| b > b' ' && b < 0x7f && !matches!(b, b'"' | b'#' | b'<' | b'>' | b'\'');
            if !raw.bytes().all(plain) {
                return Err(Denied::Query {
                    reason: "a raw query must be percent-encoded already",
                });
            }
            out.text(raw);
        }
    }
    let base = url.as_str().to_owned();
    if out.wire.is_empty() {
        return Ok(base);
    }
    url.set_query(Some(&out.wire));
    check_size("URL in bytes", url.as_str().len(), URL_BYTES_MAX)?;
    Ok(format!("{base}?{}", out.shown()))
}

type Headers = (HeaderMap, Vec<(String, String)>);

fn headers(
    assembly: &mut Assembly<'_>,
    fields: &[Field],
    body: &RenderedBody,
    method: HttpMethod,
) -> Result<Headers, Denied> {
    check_size("number of headers", fields.len(), HEADERS_MAX)?;
    let mut wire = HeaderMap::with_capacity(fields.len() + 3);
    let mut shown = Vec::with_capacity(fields.len() + 1);
    for field in fields {
        let name = policy::header_name(&field.name)?;
        let value = assembly.render(&field.value, body.signable())?;
        check_size("header in bytes", value.wire.len(), HEADER_BYTES_MAX)?;
        let mut parsed = policy::header_value(&field.name, &value.wire)?;
        parsed.set_sensitive(value.has_secret());
        shown.push((name.as_str().to_owned(), value.shown().to_owned()));
        wire.append(name, parsed);
    }
    if let Some(content_type) = &body.content_type {
        let own = wire.contains_key(CONTENT_TYPE);
        if own
            && (content_type.starts_with("multipart/")
                || wire.get_all(CONTENT_TYPE).iter().count() > 1)
        {
            return Err(Denied::Header {
                name: CONTENT_TYPE.to_string(),
                reason: "the body's own content type must stand",
            });
        }
        if !own {
            wire.insert(
                CONTENT_TYPE,
                policy::header_value(CONTENT_TYPE.as_str(), content_type)?,
            );
            shown.push((CONTENT_TYPE.to_string(), content_type.clone()));
        }
    }
    // A compressed answer could not be searched for tokens.
    wire.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if !body.wire.is_streamed()
        && body.wire.held_bytes() == 0
        && !matches!(method, HttpMethod::Get | HttpMethod::Delete)
    {
        // Some servers answer 411 to a POST that says nothing about its length.
        wire.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok((wire, shown))
}

#[cfg(test)]
#[path = "assemble_tests/mod.rs"]
mod tests;
