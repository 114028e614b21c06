//! Deliveries to tenants' endpoints: one POST, the same address filter, nothing followed.
//!
//! Signing and retrying belong to the caller. Services inside this process and `connect_to` are out of
//! reach from here: a tenant chooses the URL.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, HeaderMap, RETRY_AFTER};
use hyper::body::Incoming;
use tokio::time::Instant;
use url::{Host, Url};
use wharf_core::Reason;
use wharf_core::provider::TransportFailure;

use crate::client::{self, Begun, Failure};
use crate::payload::Payload;
use crate::policy::{self, URL_BYTES_MAX};
use crate::{Egress, EgressConfig, address, failure_reason};

/// How much of an endpoint's answer is kept.
pub const DELIVERY_BODY_BYTES_MAX: usize = 16 << 10;

pub struct DeliveryRequest {
    pub url: Url,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub timeout_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAnswer {
    pub status: u16,
    pub retry_after_s: Option<u64>,
    /// At most [`DELIVERY_BODY_BYTES_MAX`]; shorter when the answer broke off.
    pub body_start: Vec<u8>,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryFailure {
    /// Nothing was sent, and the same request would be refused again.
    #[error("the delivery is refused: {reason}")]
    Refused { reason: String },
    #[error("the endpoint could not be reached ({}): {note}", failure_reason(*.kind).as_str())]
    Failed {
        kind: TransportFailure,
        note: String,
    },
}

impl DeliveryFailure {
    /// Why, in the catalogue of reasons.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused { .. } => Reason::Refused,
            Self::Failed { kind, .. } => failure_reason(*kind),
        }
    }

    /// The reason's stable name.
    pub fn slug(&self) -> &'static str {
        self.reason().as_str()
    }
}

impl From<Failure> for DeliveryFailure {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            TransportFailure::Denied => Self::Refused {
                reason: failure.note,
            },
            kind => Self::Failed {
                kind,
                note: failure.note,
            },
        }
    }
}

pub(crate) async fn deliver(
    egress: &Egress,
    request: DeliveryRequest,
) -> Result<DeliveryAnswer, DeliveryFailure> {
    let refuse = |reason: String| DeliveryFailure::Refused { reason };
    check_url(&egress.config, &request.url).map_err(refuse)?;
    let headers = headers(&request.headers).map_err(refuse)?;
    if request.body.len() > egress.config.request_bytes_max {
        return Err(refuse(format!(
            "its body has {} bytes, more than the {} allowed",
            request.body.len(),
            egress.config.request_bytes_max
        )));
    }
    let started = Instant::now();
    let timeout = Duration::from_millis(request.timeout_ms.max(1));
    let begun = Begun::default();
    let host = request.url.host_str().unwrap_or_default();
    let opened = client::open(
        egress.endpoints.to(host, &egress.no_proxy),
        http::Method::POST,
        &request.url,
        headers,
        Payload::whole(request.body, &begun),
        &begun,
    );
    let (head, mut body) = client::within(timeout, &begun, opened).await?.into_parts();
    // The status decides; a body that is slow or breaks off changes nothing about it.
    let mut body_start = Vec::new();
    let rest = timeout.saturating_sub(started.elapsed());
    let _ = tokio::time::timeout(rest, read_start(&mut body, &begun, &mut body_start)).await;
    Ok(DeliveryAnswer {
        status: head.status.as_u16(),
        retry_after_s: retry_after_s(&head.headers),
        body_start,
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn check_url(config: &EgressConfig, url: &Url) -> Result<(), String> {
    match url.scheme() {
        "https" => {}
        "http" if !config.delivery_https_only => {}
        "http" => return Err("its URL must begin with https://".to_owned()),
        _ => return Err("its URL must be an http or https URL".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its URL must not have user-info".to_owned());
    }
    if url.as_str().len() > URL_BYTES_MAX {
        return Err(format!("its URL has more than {URL_BYTES_MAX} bytes"));
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if !config.delivery_ports.is_empty() && !config.delivery_ports.contains(&port) {
        return Err(format!(
            "port {port} is not among the ports allowed for endpoints"
        ));
    }
    // Names are vetted by the resolver; a literal never gets there.
    let literal = match url.host() {
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        None => return Err("its URL has no host".to_owned()),
    };
    address::check(literal, &config.delivery_allow)
        .map_err(|class| format!("its address {literal} is not public ({class})"))
}

fn headers(fields: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let parsed = policy::header_name(name).map_err(|denied| denied.to_string())?;
        let value = policy::header_value(name, value).map_err(|denied| denied.to_string())?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

async fn read_start(body: &mut Incoming, begun: &Begun, start: &mut Vec<u8>) {
    while let Ok(Some(chunk)) = client::chunk(body, begun).await {
        let room = DELIVERY_BODY_BYTES_MAX - start.len();
        start.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if start.len() == DELIVERY_BODY_BYTES_MAX {
            return;
        }
    }
}

/// Seconds, or a date. A date counts from the answer's own `Date`: both come from the same clock.
fn retry_after_s(headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let value = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(text(DATE)?).ok()?;
    Some(until.duration_since(now).map_or(0, |wait| wait.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn check(config: &EgressConfig, url: &str) -> Result<(), String> {
        check_url(config, &Url::parse(url).unwrap())
    }

    #[test]
    fn endpoints_must_be_public_https_urls() {
        let config = EgressConfig::default();
        assert_eq!(check(&config, "https://hooks.example/x?y=1"), Ok(()));
        assert_eq!(check(&config, "https://8.8.8.8:8443/"), Ok(()));
        for url in [
            "http://hooks.example/",
            "ftp://hooks.example/",
            "https://user:pw@hooks.example/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://017700000001/",
            "https://127.1/",
            "https://0/",
            "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
            "https://127\u{3002}0\u{3002}0\u{3002}1/",
            "https://[::7f00:1]/",
            "https://[0:0:0:0:0:ffff:7f00:0001]/",
            "https://[64:ff9b:1::a00:1]/",
            "https://[2002:a00:1::]/",
            "https://169.254.169.254/latest",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
        ] {
            assert!(check(&config, url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_operator_can_open_nets_and_close_ports() {
        let config = EgressConfig {
            delivery_allow: vec!["127.0.0.0/8".parse().unwrap()],
            delivery_ports: vec![443, 8080],
            delivery_https_only: false,
            ..EgressConfig::default()
        };
        assert_eq!(check(&config, "http://127.0.0.1:8080/"), Ok(()));
        assert!(check(&config, "http://10.0.0.1:8080/").is_err());
        let refused = check(&config, "http://hooks.example:22/").unwrap_err();
        assert!(refused.contains("port 22"), "{refused}");
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let read = |pairs: &[(http::HeaderName, &'static str)]| {
            let pairs = pairs.iter().cloned();
            retry_after_s(
                &pairs
                    .map(|(n, v)| (n, HeaderValue::from_static(v)))
                    .collect(),
            )
        };
        let date = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read(&[(RETRY_AFTER, " 120 ")]), Some(120));
        let later = (RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT");
        assert_eq!(read(&[later.clone(), date.clone()]), Some(120));
        assert_eq!(read(&[later]), None);
        let past = (RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(read(&[past, date]), Some(0));
        assert_eq!(read(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn headers_cannot_be_smuggled() {
        let one = |name: &str, value: &str| headers(&[(name.to_owned(), value.to_owned())]);
        assert!(one("webhook-id", "msg_1").is_ok());
        assert!(one("webhook-id", "a\r\nhost: b").is_err());
        assert!(one("host", "internal").is_err());
        assert!(one("transfer-encoding", "chunked").is_err());
    }
}
