//! One HTTP request from its bytes to its answer, as far as all doors do the same.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::config::PhoneNumber;
use super::error::GraphError;
use super::fault::Fault;
use super::journal::{RecordedRequest, Verdict};
use super::message::{self, Call, Door, SendRequest};
pub(crate) use super::request::Request;
use super::send::Admission;
use super::{Platform, payload};
use crate::server::{Connection, Cut};

/// Headers and parameters whose values nobody should find in a record.
const SECRET_HEADERS: &[&str] = &["authorization", "d360-api-key", "x-api-key"];
const SECRET_PARAMETERS: &[&str] = &[
    "access_token",
    "input_token",
    "client_secret",
    "code",
    "appsecret_proof",
    "verify_token",
    "hash",
];

/// What a call answers when it did what it was asked for.
pub(crate) enum Reply {
    Json(StatusCode, Value),
    /// JSON with `\/` for `/`.
    EscapedJson(Value),
    Bytes {
        content_type: String,
        bytes: Bytes,
    },
    Empty(StatusCode),
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self::Json(StatusCode::OK, body)
    }

    pub(crate) fn success() -> Self {
        Self::ok(json!({ "success": true }))
    }
}

/// Why a call does nothing.
pub(crate) enum Refusal {
    Meta(GraphError),
    /// The reseller's own answer.
    Own {
        status: u16,
        body: Value,
        reason: String,
    },
}

impl From<GraphError> for Refusal {
    fn from(error: GraphError) -> Self {
        Self::Meta(error)
    }
}

/// A request that was dealt with, and what is left to do.
pub(crate) struct Outcome {
    pub(crate) call: &'static str,
    send: Option<SendRequest>,
    verdict: Verdict,
    answer: Response,
    statuses: Option<(PhoneNumber, String, Admission)>,
}

impl Outcome {
    pub(crate) fn refused(call: &'static str, refusal: Refusal, trace_id: &str) -> Self {
        let (verdict, answer) = match refusal {
            Refusal::Meta(error) => {
                let answer = json_answer(error.status, &error.body(trace_id), trace_id);
                (Verdict::Refused(error), answer)
            }
            Refusal::Own {
                status,
                body,
                reason,
            } => {
                let code = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                let answer = json_answer(code, &body, trace_id);
                (Verdict::Declined { status, reason }, answer)
            }
        };
        Self {
            call,
            send: None,
            verdict,
            answer,
            statuses: None,
        }
    }

    /// One more header of the answer.
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.answer.headers_mut().insert(name, value);
        }
        self
    }
}

/// A message that was posted for `number`.
pub(crate) fn message(
    platform: &Platform,
    request: &Request,
    number: &PhoneNumber,
    door: Door<'_>,
    accepted: StatusCode,
    trace_id: &str,
) -> Outcome {
    let call = super::fault::SEND;
    let read = request
        .json()
        .and_then(|body| message::read(&body, number, door));
    let mut send = match read {
        Err(error) => return Outcome::refused(call, error.into(), trace_id),
        Ok(Call::MarkRead { message_id }) => {
            return Outcome {
                verdict: Verdict::MarkedRead { message_id },
                ..performed("messages.read", Reply::success(), None, trace_id)
            };
        }
        Ok(Call::Send(send)) => *send,
    };
    let mut admission = match platform.admit(&mut send) {
        Ok(admission) => admission,
        Err(error) => return Outcome::refused(call, error.into(), trace_id),
    };
    let verdict = platform.decide(&send, &mut admission);
    let mut statuses = None;
    let answer = match &verdict {
        Verdict::Accepted { wamid, .. } => {
            statuses = Some((number.clone(), wamid.clone(), admission));
            json_answer(accepted, &payload::accepted(&send, wamid), trace_id)
        }
        Verdict::Limited(error) => json_answer(error.status, &error.body(trace_id), trace_id),
        Verdict::Faulted(fault) => fault_answer(fault, trace_id),
        _ => plain_answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", ""),
    };
    Outcome {
        call,
        send: Some(send),
        verdict,
        answer,
        statuses,
    }
}

/// Any other call: struck by a fault, or performed.
pub(crate) fn perform(
    platform: &Platform,
    call: &'static str,
    trace_id: &str,
    perform: impl FnOnce() -> Result<Reply, Refusal>,
) -> Outcome {
    let fault = platform.faults().strike_call(call, "");
    if let Some(fault) = &fault
        && fault.prevents()
    {
        return Outcome {
            call,
            send: None,
            answer: fault_answer(fault, trace_id),
            verdict: Verdict::Faulted(fault.clone()),
            statuses: None,
        };
    }
    match perform() {
        Ok(reply) => performed(call, reply, fault, trace_id),
        Err(refusal) => Outcome::refused(call, refusal, trace_id),
    }
}

fn performed(call: &'static str, reply: Reply, spoiled: Option<Fault>, trace_id: &str) -> Outcome {
    let answer = match reply {
        Reply::Json(status, body) => json_answer(status, &body, trace_id),
        Reply::EscapedJson(body) => {
            plain_answer(StatusCode::OK, "application/json", payload::to_bytes(&body))
        }
        Reply::Bytes {
            content_type,
            bytes,
        } => plain_answer(StatusCode::OK, &content_type, bytes),
        Reply::Empty(status) => plain_answer(status, "text/plain", ""),
    };
    Outcome {
        call,
        send: None,
        verdict: Verdict::Answered { spoiled },
        answer,
        statuses: None,
    }
}

/// Notes the request, sets off what follows it, and answers it as the verdict says.
pub(crate) async fn finish(
    platform: &Arc<Platform>,
    request: Request,
    outcome: Outcome,
    connection: &Connection,
) -> Response {
    // Their whole body is a secret.
    let is_secret = ["oauth.exchange", "partner.login"].contains(&outcome.call);
    let body = if is_secret {
        Bytes::new()
    } else {
        request.body
    };
    platform.journal().add(RecordedRequest {
        at_ms: platform.clock.now_ms(),
        method: request.method.to_string(),
        path: request.path,
        query: printable_query(request.query),
        call: outcome.call,
        headers: printable(&request.headers),
        body,
        send: outcome.send.clone(),
        verdict: outcome.verdict.clone(),
    });
    if let (Some((number, wamid, admission)), Some(send)) = (outcome.statuses, &outcome.send) {
        platform.play_statuses(&number, send, &wamid, admission);
    }
    let fault = match outcome.verdict {
        Verdict::Accepted { spoiled, .. } | Verdict::Answered { spoiled } => spoiled,
        Verdict::Faulted(fault) => Some(fault),
        _ => None,
    };
    spoil(outcome.answer, fault, connection).await
}

fn fault_answer(fault: &Fault, trace_id: &str) -> Response {
    match fault {
        Fault::GraphError(code) => {
            let error = GraphError::with_details(*code, "this failure was ordered");
            json_answer(error.status, &error.body(trace_id), trace_id)
        }
        Fault::InternalServerError => {
            let page =
                "<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>";
            plain_answer(StatusCode::INTERNAL_SERVER_ERROR, "text/html", page)
        }
        Fault::Answer {
            status,
            content_type,
            body,
        } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            plain_answer(status, content_type, body.clone())
        }
        _ => plain_answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", ""),
    }
}

/// Delays, cuts or garbles an answer on its way to the socket.
pub(crate) async fn spoil(
    answer: Response,
    fault: Option<Fault>,
    connection: &Connection,
) -> Response {
    match fault {
        Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Reset | Fault::AcceptAndReset) => connection.cut(Cut::Reset),
        Some(Fault::Drop | Fault::AcceptAndDrop) => connection.cut(Cut::Close),
        Some(Fault::ResetAfter(count)) => connection.cut(Cut::ResetAfter(count)),
        // 40 bytes before the end is inside of the message id.
        Some(Fault::AcceptAndTruncate) => connection.cut(Cut::KeepBack(40)),
        Some(Fault::AcceptAndGarble) => {
            return plain_answer(StatusCode::OK, "text/html", "<html><body>OK</body></html>");
        }
        Some(Fault::AcceptAndAnswer { content_type, body }) => {
            return plain_answer(StatusCode::OK, content_type, body);
        }
        _ => {}
    }
    answer
}

pub(crate) fn json_answer(status: StatusCode, body: &Value, trace_id: &str) -> Response {
    let mut answer = plain_answer(status, "application/json; charset=UTF-8", body.to_string());
    let headers = answer.headers_mut();
    for name in ["x-fb-trace-id", "x-fb-request-id"] {
        if let Ok(value) = trace_id.parse() {
            headers.insert(name, value);
        }
    }
    answer
}

fn plain_answer(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_str(content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    answer
}

fn printable(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !SECRET_HEADERS.contains(&name.as_str()))
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

fn printable_query(query: Vec<(String, String)>) -> Vec<(String, String)> {
    query
        .into_iter()
        .filter(|(name, _)| !SECRET_PARAMETERS.contains(&&**name))
        .collect()
}
