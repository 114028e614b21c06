//! Performs a prepared request and decides what of the answer the guest, the store and people get.

use std::sync::Arc;

use http::header::{CONTENT_ENCODING, HOST};
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use tokio::time::Instant;
use wharf_core::provider::{HttpResponse, Outcome, TransportFailure};

use crate::capture::{self, Clean, Withheld};
use crate::client::{self, Begun, Failure, RawAnswer};
use crate::local::{self, LocalService};
use crate::redact::Redactor;
use crate::{Egress, Prepared, journal};

/// Headers every guest may see.
const DEFAULT_HEADERS: [&str; 3] = ["content-type", "retry-after", "date"];
/// Headers no guest may see, whatever its descriptor asks for.
const HIDDEN_HEADERS: [&str; 4] = [
    "set-cookie",
    "authorization",
    "www-authenticate",
    "proxy-authenticate",
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
    /// `{failure, note, duration_ms}`. The request's part is [`Prepared::journal`].
    pub journal: serde_json::Value,
    /// Set when the answer's body was kept from the guest.
    pub withheld: Option<Withheld>,
    pub duration_ms: u64,
}

pub(crate) async fn send(egress: &Egress, mut prepared: Prepared) -> Answered {
    let started = Instant::now();
    let begun = Begun::default();
    let timeout = prepared.timeout;
    let result = match egress.local(&prepared.host) {
        Some(service) => {
            let work = send_local(service, &mut prepared, &begun);
            client::within(timeout, &begun, work).await
        }
        None => {
            let work = send_remote(egress, &mut prepared, &begun);
            client::within(timeout, &begun, work).await
        }
    };
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(answer) => answered(prepared, &answer, duration_ms),
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

async fn send_local(
    service: Arc<dyn LocalService>,
    prepared: &mut Prepared,
    begun: &Begun,
) -> Result<RawAnswer, Failure> {
    let mut request = http::Request::new(std::mem::take(&mut prepared.body));
    *request.method_mut() = prepared.method.clone();
    *request.uri_mut() = prepared.url.as_str().parse().map_err(|_| {
        Failure::new(
            TransportFailure::Denied,
            "the URL cannot stand in a request",
        )
    })?;
    *request.headers_mut() = std::mem::take(&mut prepared.headers);
    request
        .headers_mut()
        .insert(HOST, host_header(&prepared.host)?);
    begun.set();
    local::perform(service, request, prepared.response_bytes_max).await
}

async fn send_remote(
    egress: &Egress,
    prepared: &mut Prepared,
    begun: &Begun,
) -> Result<RawAnswer, Failure> {
    let mut headers = std::mem::take(&mut prepared.headers);
    let origin = egress.connect_to.get(&prepared.host);
    let (client, url) = match (origin, &egress.redirected) {
        (Some(origin), Some(client)) => {
            let mut url = origin.clone();
            url.set_path(prepared.url.path());
            url.set_query(prepared.url.query());
            headers.insert(HOST, host_header(&prepared.host)?);
            (client, url)
        }
        _ => (&egress.guarded, prepared.url.clone()),
    };
    let body = std::mem::take(&mut prepared.body);
    let method = prepared.method.clone();
    let response = client::open(client, method, url, headers, body, begun).await?;
    client::read(response, prepared.response_bytes_max, begun).await
}

fn host_header(host: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(host).map_err(|_| {
        Failure::new(
            TransportFailure::Denied,
            "the host cannot stand in a header",
        )
    })
}

fn answered(mut prepared: Prepared, answer: &RawAnswer, duration_ms: u64) -> Answered {
    let status = answer.status;
    let success = (200..300).contains(&status);
    let cleaned = match is_encoded(&answer.headers) {
        true => Err(Withheld::Encoded),
        false => capture::clean(
            success,
            &answer.body,
            &prepared.captures,
            &mut prepared.redactor,
        ),
    };
    let (clean, withheld) = match cleaned {
        Ok(clean) => (clean, None),
        Err(reason) => (Clean::default(), Some(reason)),
    };
    let headers = visible(
        &answer.headers,
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
