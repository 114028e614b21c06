//! What may become of an exchange, good and bad.

use crate::types::{HttpResponse, Outcome, TransportFailure};

/// Deep enough to end a parser that recurses on every bracket.
const NESTING: usize = 50_000;

/// An answer with a JSON body.
#[must_use]
pub fn answer(status: u16, body: &str) -> Outcome {
    answer_with(
        status,
        &[("content-type", "application/json")],
        body.as_bytes(),
    )
}

/// An answer with its headers and any bytes.
#[must_use]
pub fn answer_with(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Outcome {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Outcome::Response(HttpResponse {
        status,
        headers: headers.iter().map(owned).collect(),
        body: body.to_vec(),
    })
}

/// Every way to fail without an answer, and whether the provider may have acted all the same.
#[must_use]
pub fn failures() -> [(TransportFailure, bool); 11] {
    use TransportFailure as F;
    [
        (F::Dns, false),
        (F::Connect, false),
        (F::Tls, false),
        (F::TimeoutBeforeSend, false),
        (F::Denied, false),
        (F::TimeoutAfterSend, true),
        (F::Reset, true),
        (F::BodyTooLarge, true),
        (F::Canceled, true),
        (F::Interrupted, true),
        (F::Other, true),
    ]
}

/// Bodies that no provider documents and every provider has sent: nothing, pages of HTML, cut JSON, other
/// types than promised, what is no text, and what is nested without end.
#[must_use]
pub fn garbage() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "null",
        "true",
        "0",
        "\"text\"",
        "[]",
        "{}",
        "[[]]",
        "{\"error\":null}",
        "{\"error\":\"text\"}",
        "{\"error\":[]}",
        "{\"messages\":null}",
        "{\"messages\":[null]}",
        "{\"messages\":{}}",
        "{\"id\":5}",
        "{\"id\":\"\"}",
        "{\"id\":\"a",
        "<html><body>502 Bad Gateway</body></html>",
        "{\"id\":\"a\"}{\"id\":\"b\"}",
        "\u{feff}{}",
        "{\"id\":\"\\ud800\"}",
        "{\"a\":1e999}",
    ]
    .iter()
    .map(|body| body.as_bytes().to_vec())
    .collect();
    bodies.push(vec![0xff, 0xfe, 0x00]);
    bodies.push(vec![0; 1024]);
    bodies.push("[".repeat(NESTING).into_bytes());
    bodies.push("{\"a\":".repeat(NESTING).into_bytes());
    bodies
}

/// Every [`garbage`] as the answer to a request, with the statuses that matter.
#[must_use]
pub fn broken_answers() -> Vec<Outcome> {
    const STATUSES: [u16; 11] = [200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503];
    let mut outcomes = Vec::new();
    for body in garbage() {
        outcomes.extend(STATUSES.map(|status| answer_with(status, &[], &body)));
    }
    outcomes
}
