//! Where an exchange may go: URL, host, method, path, header names and the audience of secrets.
//!
//! Pure functions over the request and the descriptor. It must not know how bytes are sent.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use url::{Host, Url};
use wharf_core::Reason;
use wharf_core::provider::{Descriptor, Endpoint, HttpMethod, Input, InputKind, TransportFailure};

use crate::Denied;

/// Longest URL, query included.
pub(crate) const URL_BYTES_MAX: usize = 8 << 10;

const SLOT_BYTES_MAX: usize = 128;

/// Parses the URL and holds origin, method and path against the descriptor's endpoints.
pub(crate) fn check_target(
    text: &str,
    method: HttpMethod,
    descriptor: &Descriptor,
    settings: &[(String, String)],
) -> Result<Url, Denied> {
    let (url, path) = parse(text)?;
    // What was written is checked for tricks, what will be sent is matched.
    if path != url.path() {
        decode_path(path)?;
    }
    let segments = decode_path(url.path())?;
    let host = url.host_str().unwrap_or_default();
    let mut host_declared = false;
    for endpoint in &descriptor.endpoints {
        if !endpoint_covers(endpoint, host, settings) {
            continue;
        }
        host_declared = true;
        if endpoint.methods.contains(&method)
            && endpoint
                .paths
                .iter()
                .any(|path| path_matches(path, &segments))
        {
            return Ok(url);
        }
    }
    let host = host.to_owned();
    Err(match host_declared {
        false => Denied::Host { host },
        true => Denied::Endpoint {
            method: method.as_str(),
            path: url.path().to_owned(),
            host,
        },
    })
}

/// True when the pattern, exact or `*.` plus a suffix of at least two labels, covers the host.
pub(crate) fn host_matches(pattern: &str, host: &str) -> bool {
    let pattern = normal_host(pattern);
    match pattern.strip_prefix("*.") {
        None => pattern == host,
        Some(suffix) => {
            suffix.contains('.')
                && host
                    .strip_suffix(suffix)
                    .and_then(|rest| rest.strip_suffix('.'))
                    .is_some_and(|label| !label.is_empty())
        }
    }
}

/// The declaration behind a secret's name; `name/slot` belongs to `name`.
pub(crate) fn secret_input<'a>(descriptor: &'a Descriptor, name: &str) -> Option<&'a Input> {
    let base = match name.split_once('/') {
        Some((base, slot)) if is_slot(slot) => base,
        Some(_) => return None,
        None => name,
    };
    descriptor
        .inputs
        .iter()
        .find(|input| input.kind == InputKind::Secret && input.name == base)
}

/// A slot names a channel that is about to be, by an id of the provider's.
fn is_slot(slot: &str) -> bool {
    (1..=SLOT_BYTES_MAX).contains(&slot.len())
        && slot.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
}

/// Accepts a guest's header name: a token, and none that steers the connection or the host.
pub(crate) fn header_name(name: &str) -> Result<HeaderName, Denied> {
    let refuse = |reason| Denied::Header {
        name: name.to_owned(),
        reason,
    };
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| refuse("the name must consist of letters, digits and !#$%&'*+-.^_`|~"))?;
    match forbidden(parsed.as_str()) {
        Some(reason) => Err(refuse(reason)),
        None => Ok(parsed),
    }
}

/// Accepts a header's finished value: visible ASCII on one line.
pub(crate) fn header_value(name: &str, value: &str) -> Result<HeaderValue, Denied> {
    let refuse = || Denied::Header {
        name: name.to_owned(),
        reason: "its value must be visible ASCII without line breaks",
    };
    if !value.is_ascii() {
        return Err(refuse());
    }
    HeaderValue::from_str(value).map_err(|_| refuse())
}

/// A bare host name, normalised; for configuration and registration.
pub(crate) fn plain_host(host: &str) -> Result<String, &'static str> {
    match Host::parse(host) {
        Ok(Host::Domain(name)) if !name.contains('*') && !name.ends_with('.') => Ok(name),
        Ok(Host::Domain(_)) => Err("give one exact host name without wildcard and final dot"),
        Ok(_) => Err("give a host name, not an address"),
        Err(_) => Err("not a host name; give it without scheme, port and path"),
    }
}

/// The stable name of a transport failure, as the interface spells it.
pub fn failure_reason(failure: TransportFailure) -> Reason {
    match failure {
        TransportFailure::Dns => Reason::Dns,
        TransportFailure::Connect => Reason::Connect,
        TransportFailure::Tls => Reason::Tls,
        TransportFailure::TimeoutBeforeSend => Reason::TimeoutBeforeSend,
        TransportFailure::TimeoutAfterSend => Reason::TimeoutAfterSend,
        TransportFailure::Reset => Reason::Reset,
        TransportFailure::BodyTooLarge => Reason::BodyTooLarge,
        TransportFailure::Denied => Reason::Denied,
        TransportFailure::Canceled => Reason::Canceled,
        TransportFailure::Interrupted => Reason::Interrupted,
        TransportFailure::Other => Reason::Other,
    }
}

/// The URL and its path as the guest wrote it. The parser forgives much (`https:/h`, tabs,
/// backslashes, `..`); a request built from such text is a mistake or an attack, so it is refused.
fn parse(text: &str) -> Result<(Url, &str), Denied> {
    let refuse = |reason| Err(Denied::Url { reason });
    if text.len() > URL_BYTES_MAX {
        return Err(Denied::TooLarge {
            what: "URL in bytes",
            size: text.len(),
            max: URL_BYTES_MAX,
        });
    }
    if text.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
        return refuse("it contains a space, a control character or a backslash");
    }
    let Some(rest) = text
        .split_at_checked(8)
        .and_then(|(scheme, rest)| scheme.eq_ignore_ascii_case("https://").then_some(rest))
    else {
        return refuse("it must begin with https://");
    };
    if text.contains('?') {
        return refuse("its query belongs into the query field");
    }
    if text.contains('#') {
        return refuse("it must not have a fragment");
    }
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if authority.is_empty() {
        return refuse("it has no host");
    }
    if authority.contains('@') {
        return refuse("it must not have user-info; use a basic piece");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("it is not an absolute URL");
    };
    match url.host() {
        Some(Host::Domain(name)) if !name.ends_with('.') => {}
        Some(Host::Domain(_)) => return refuse("its host must not end with a dot"),
        Some(_) => return refuse("its host is an address; name the host"),
        None => return refuse("it has no host"),
    }
    if url.port().is_some() {
        return refuse("its port must be 443");
    }
    Ok((url, path))
}

/// The path's segments, percent-decoded until nothing is left to decode.
fn decode_path(path: &str) -> Result<Vec<Cow<'_, [u8]>>, Denied> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/')
        .map(|segment| {
            let decoded = decode_fully(segment.as_bytes());
            if matches!(&*decoded, b"." | b"..") {
                return Err(Denied::Path {
                    reason: "it contains a dot segment",
                });
            }
            if decoded
                .iter()
                .any(|b| matches!(b, b'/' | b'\\' | 0..0x20 | 0x7f))
            {
                return Err(Denied::Path {
                    reason: "a segment contains an encoded slash, backslash or control character",
                });
            }
            Ok(decoded)
        })
        .collect()
}

/// Every pass shortens the text, so this ends.
fn decode_fully(segment: &[u8]) -> Cow<'_, [u8]> {
    let mut segment = Cow::Borrowed(segment);
    while let Some(decoded) = decode_once(&segment) {
        segment = Cow::Owned(decoded);
    }
    segment
}

pub(crate) fn decode_once(segment: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'%', segment)?;
    let hex = |at: usize| {
        let digit = char::from(*segment.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let mut out = Vec::with_capacity(segment.len());
    let mut at = 0;
    while at < segment.len() {
        match (segment[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    (out.len() < segment.len()).then_some(out)
}

fn endpoint_covers(endpoint: &Endpoint, host: &str, settings: &[(String, String)]) -> bool {
    let Some(setting) = &endpoint.host_setting else {
        return host_matches(&endpoint.host, host);
    };
    match settings.iter().find(|(name, _)| name == setting) {
        // A setting of kind url carries a scheme; only its host counts.
        Some((_, value)) => {
            let value = value.strip_prefix("https://").unwrap_or(value);
            let value = value.strip_suffix('/').unwrap_or(value);
            normal_host(value) == host && host_matches(&endpoint.host, host)
        }
        // Nobody chose a host: a suffix alone must not open all of its subdomains.
        None => !endpoint.host.starts_with("*.") && host_matches(&endpoint.host, host),
    }
}

/// Lower case and punycode, as the URL parser spells hosts.
fn normal_host(host: &str) -> Cow<'_, str> {
    if host.is_ascii() {
        return match host.bytes().any(|b| b.is_ascii_uppercase()) {
            false => Cow::Borrowed(host),
            true => Cow::Owned(host.to_ascii_lowercase()),
        };
    }
    let (wildcard, name) = match host.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", host),
    };
    match Host::parse(name) {
        Ok(name) => Cow::Owned(format!("{wildcard}{name}")),
        Err(_) => Cow::Borrowed(host),
    }
}

fn path_matches(pattern: &str, segments: &[Cow<'_, [u8]>]) -> bool {
    let Some(pattern) = pattern.strip_prefix('/') else {
        return false;
    };
    if pattern.is_empty() {
        return true;
    }
    let (pattern, prefix) = match pattern.strip_suffix('/') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut rest = segments.iter();
    for expected in pattern.split('/') {
        let Some(segment) = rest.next() else {
            return false;
        };
        let any = expected.len() > 2 && expected.starts_with('{') && expected.ends_with('}');
        if !(any && !segment.is_empty() || expected.as_bytes() == &**segment) {
            return false;
        }
    }
    // A prefix ends in a slash, so at least one more segment, perhaps an empty one, must follow.
    prefix == rest.next().is_some()
}

fn forbidden(name: &str) -> Option<&'static str> {
    Some(match name {
        "host" | "content-length" | "transfer-encoding" | "te" | "trailer" | "connection"
        | "keep-alive" | "upgrade" | "expect" | "http2-settings" => {
            "the host alone frames the connection"
        }
        "cookie" | "set-cookie" => "cookies are not sent",
        // Anything but plain bytes could carry a token past capture and redaction.
        "accept-encoding" | "accept-charset" | "content-encoding" | "range" | "if-range" => {
            "bodies travel whole and plain"
        }
        "x-http-method-override"
        | "x-http-method"
        | "x-method-override"
        | "x-original-url"
        | "x-rewrite-url" => "it would change what the endpoint check has seen",
        _ if name.starts_with("proxy-") => "there is no proxy to speak to",
        _ => return None,
    })
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
