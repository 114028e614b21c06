//! One HTTP request from its bytes to its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Shared;
use super::check::{self, Call, Incoming, SendRequest};
use super::config::PhoneNumber;
use super::error::GraphError;
use super::fault::Fault;
use super::journal::{RecordedRequest, Verdict};
use super::payload;
use crate::clock;
use crate::server::{Connection, Cut};

const REQUEST_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let trace_id = shared.next_trace_id();
    let Ok(body) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else {
        let error = GraphError::with_details(1, "the body broke off, or is larger than 1 MiB");
        return json_answer(error.status, &error.body(&trace_id), &trace_id);
    };
    let incoming = Incoming {
        method: &head.method,
        path: head.uri.path(),
        headers: &head.headers,
        body: &body,
    };
    let read = check::read(
        &incoming,
        &shared.config.expected_host,
        &shared.config.numbers,
    );
    let (send, verdict) = decide(&shared, read.as_ref());
    shared.journal().add(RecordedRequest {
        at_ms: clock::now_ms(),
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers: printable(&head.headers),
        body: body.clone(),
        send: send.cloned(),
        verdict: verdict.clone(),
    });
    if let (Ok((_, number)), Some(send), Verdict::Accepted { wamid, .. }) = (&read, send, &verdict)
    {
        play_statuses(&shared, number, send, wamid);
    }
    carry_out(send, verdict, &connection, &trace_id).await
}

/// What becomes of the request, before anything is written.
fn decide<'a>(
    shared: &Shared,
    read: Result<&'a (Call, &PhoneNumber), &GraphError>,
) -> (Option<&'a SendRequest>, Verdict) {
    match read {
        Err(error) => (None, Verdict::Refused(error.clone())),
        Ok((Call::MarkRead { message_id }, _)) => (
            None,
            Verdict::MarkedRead {
                message_id: message_id.clone(),
            },
        ),
        Ok((Call::Send(send), _)) => {
            let fault = shared.faults().strike(send.recipient.key());
            let verdict = match fault {
                Some(
                    fault @ (Fault::GraphError(_)
                    | Fault::InternalServerError
                    | Fault::Unavailable
                    | Fault::Reset
                    | Fault::Drop),
                ) => Verdict::Faulted(fault),
                spoiled => Verdict::Accepted {
                    wamid: shared.next_wamid(send.recipient.key()),
                    spoiled,
                },
            };
            (Some(send), verdict)
        }
    }
}

fn play_statuses(shared: &Arc<Shared>, number: &PhoneNumber, send: &SendRequest, wamid: &str) {
    if !shared.webhooks.has_callback() {
        return;
    }
    let plan = shared.statuses();
    let failure = shared
        .delivery_failure(send.recipient.key())
        .map(GraphError::of_code);
    for (status, delay) in plan.steps() {
        let (status, failure) = match (&failure, status) {
            (Some(_), "read") => continue,
            (Some(failure), "delivered") => ("failed", Some(failure.clone())),
            _ => (status, None),
        };
        for _ in 0..plan.copies {
            let (number, send) = (number.clone(), send.clone());
            let (wamid, failure) = (wamid.to_owned(), failure.clone());
            shared.webhooks.deliver(delay, move || {
                let body = payload::status(&number, &send, &wamid, status, failure.as_ref());
                payload::to_bytes(&body)
            });
        }
    }
}

async fn carry_out(
    send: Option<&SendRequest>,
    verdict: Verdict,
    connection: &Connection,
    trace_id: &str,
) -> Response {
    match verdict {
        Verdict::Refused(error) => json_answer(error.status, &error.body(trace_id), trace_id),
        Verdict::MarkedRead { .. } => {
            json_answer(StatusCode::OK, &json!({ "success": true }), trace_id)
        }
        Verdict::Accepted { wamid, spoiled } => {
            let body = send.map_or(Value::Null, |send| payload::accepted(send, &wamid));
            spoil(
                json_answer(StatusCode::OK, &body, trace_id),
                spoiled,
                connection,
            )
            .await
        }
        Verdict::Faulted(Fault::GraphError(code)) => {
            let error = GraphError::with_details(code, "this failure was ordered");
            json_answer(error.status, &error.body(trace_id), trace_id)
        }
        Verdict::Faulted(Fault::InternalServerError) => {
            let page =
                "<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>";
            plain_answer(StatusCode::INTERNAL_SERVER_ERROR, "text/html", page)
        }
        Verdict::Faulted(fault) => {
            spoil(
                plain_answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", ""),
                Some(fault),
                connection,
            )
            .await
        }
    }
}

/// Delays, cuts or garbles an answer on its way to the socket.
async fn spoil(answer: Response, fault: Option<Fault>, connection: &Connection) -> Response {
    match fault {
        Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Reset | Fault::AcceptAndReset) => connection.cut(Cut::Reset),
        Some(Fault::Drop | Fault::AcceptAndDrop) => connection.cut(Cut::Close),
        // 40 bytes before the end is inside of the message id.
        Some(Fault::AcceptAndTruncate) => connection.cut(Cut::KeepBack(40)),
        Some(Fault::AcceptAndGarble) => {
            return plain_answer(StatusCode::OK, "text/html", "<html><body>OK</body></html>");
        }
        Some(Fault::GraphError(_) | Fault::InternalServerError | Fault::Unavailable) | None => {}
    }
    answer
}

fn json_answer(status: StatusCode, body: &Value, trace_id: &str) -> Response {
    let mut answer = plain_answer(status, "application/json; charset=UTF-8", body.to_string());
    let headers = answer.headers_mut();
    for name in ["x-fb-trace-id", "x-fb-request-id"] {
        if let Ok(value) = trace_id.parse() {
            headers.insert(name, value);
        }
    }
    answer
}

fn plain_answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    answer
}

fn printable(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| *name != header::AUTHORIZATION)
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

impl Shared {
    /// Looks like Meta's: bytes around the number and 18 hex digits, in base64 with padding.
    pub(super) fn next_wamid(&self, recipient: &str) -> String {
        let count = self.sends_count.fetch_add(1, Ordering::Relaxed);
        let mut raw = vec![0x1c, 0x18];
        raw.push(u8::try_from(recipient.len()).unwrap_or(u8::MAX));
        raw.extend_from_slice(recipient.as_bytes());
        raw.extend_from_slice(&[0x15, 0x02, 0x00, 0x11, 0x18, 0x12]);
        raw.extend_from_slice(format!("{:08X}{count:010X}", self.run).as_bytes());
        raw.push(0);
        format!("wamid.{}", STANDARD.encode(raw))
    }

    fn next_trace_id(&self) -> String {
        let count = self.trace_count.fetch_add(1, Ordering::Relaxed);
        format!("A{:08x}{count:x}", self.run)
    }
}

/// How long a delivery that shall start at once waits.
pub(super) const AT_ONCE: Duration = Duration::ZERO;
