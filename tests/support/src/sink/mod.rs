//! A receiver of deliveries: checks their signature, remembers them, and fails on order.

#[cfg(test)]
mod tests;
mod verify;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::clock;
use crate::server::{Connection, Cut, Server};

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a sink is told at its start.
#[derive(Clone)]
pub struct SinkConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// `whsec_...`; more than one while secrets are rotated.
    pub secrets: Vec<String>,
    /// How far `webhook-timestamp` may be from now.
    pub tolerance: Duration,
    /// How many deliveries are remembered; the oldest are forgotten first.
    pub records_max: usize,
}

impl SinkConfig {
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            port: 0,
            secrets: vec![secret.into()],
            tolerance: Duration::from_secs(300),
            records_max: 200_000,
        }
    }
}

/// How a delivery is answered other than with 204.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkFault {
    /// This status with an empty body.
    Status(u16),
    /// 503 with `Retry-After` in seconds.
    RetryAfter(u32),
    /// 204, but late.
    Slow(Duration),
    /// The body is read, then the connection ends without an answer.
    Drop,
    /// The body is read, then the connection is reset.
    Reset,
}

/// One arrival of a delivery.
#[derive(Debug, Clone)]
pub struct ReceivedDelivery {
    pub at_ms: u64,
    pub webhook_id: String,
    pub timestamp: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// What the signature check said.
    pub verified: Result<(), String>,
    /// The status that went out, unless the connection was cut.
    pub answered: Option<u16>,
}

impl ReceivedDelivery {
    /// The sender knows that this one arrived.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.answered
            .is_some_and(|status| (200..300).contains(&status))
    }
}

/// All arrivals under one `webhook-id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredEvent {
    /// The body of the first arrival.
    pub body: Bytes,
    pub arrivals: usize,
    pub acknowledged: usize,
}

/// A running receiver on 127.0.0.1; it ends when it is dropped.
pub struct Sink {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    keys: Vec<Vec<u8>>,
    tolerance_s: u64,
    records_max: usize,
    state: Mutex<Received>,
}

#[derive(Default)]
struct Received {
    deliveries: VecDeque<ReceivedDelivery>,
    faults: VecDeque<(u32, SinkFault)>,
    down: Option<SinkFault>,
}

impl Sink {
    pub async fn start(secret: impl Into<String>) -> anyhow::Result<Self> {
        Self::start_with(SinkConfig::new(secret)).await
    }

    pub async fn start_with(config: SinkConfig) -> anyhow::Result<Self> {
        let keys = config
            .secrets
            .iter()
            .map(|secret| verify::key_of(secret).map_err(anyhow::Error::msg))
            .collect::<anyhow::Result<Vec<_>>>()
            .context("could not read the secrets of the sink")?;
        let shared = Arc::new(Shared {
            keys,
            tolerance_s: config.tolerance.as_secs(),
            records_max: config.records_max.max(1),
            state: Mutex::default(),
        });
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&shared));
        let server = Server::start(config.port, router)
            .await
            .context("could not start the sink")?;
        Ok(Self { server, shared })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The URL that an endpoint is given; every path is taken.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address())
    }

    /// The next `count` deliveries are answered in this way; further calls queue up.
    pub fn fail_next(&self, count: u32, fault: SinkFault) {
        self.shared.state().faults.push_back((count, fault));
    }

    /// Every delivery is answered in this way until `recover`.
    pub fn fail_always(&self, fault: SinkFault) {
        self.shared.state().down = Some(fault);
    }

    /// Takes back every fault.
    pub fn recover(&self) {
        let mut state = self.shared.state();
        state.down = None;
        state.faults.clear();
    }

    /// Every arrival, oldest first, faults and forgeries included.
    pub fn deliveries(&self) -> Vec<ReceivedDelivery> {
        self.shared.state().deliveries.iter().cloned().collect()
    }

    /// Rightly signed arrivals by `webhook-id`.
    pub fn by_webhook_id(&self) -> BTreeMap<String, DeliveredEvent> {
        let mut events = BTreeMap::new();
        for delivery in &self.shared.state().deliveries {
            if delivery.verified.is_err() {
                continue;
            }
            let event = events
                .entry(delivery.webhook_id.clone())
                .or_insert_with(|| DeliveredEvent {
                    body: delivery.body.clone(),
                    arrivals: 0,
                    acknowledged: 0,
                });
            event.arrivals += 1;
            event.acknowledged += usize::from(delivery.acknowledged());
        }
        events
    }

    /// What a receiver would complain about: bad signatures, and an id that came with two bodies.
    pub fn violations(&self) -> Vec<String> {
        let mut bodies: BTreeMap<&str, &Bytes> = BTreeMap::new();
        let mut violations = Vec::new();
        let state = self.shared.state();
        for delivery in &state.deliveries {
            if let Err(reason) = &delivery.verified {
                violations.push(format!("delivery '{}': {reason}", delivery.webhook_id));
            } else if *bodies.entry(&delivery.webhook_id).or_insert(&delivery.body)
                != &delivery.body
            {
                violations.push(format!(
                    "webhook-id {} came with two bodies",
                    delivery.webhook_id
                ));
            }
        }
        violations
    }
}

impl Shared {
    /// A panic elsewhere leaves these plain collections usable.
    fn state(&self) -> MutexGuard<'_, Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    fn next_fault(&mut self) -> Option<SinkFault> {
        while let Some((left, fault)) = self.faults.front_mut() {
            if *left > 0 {
                *left -= 1;
                return Some(fault.clone());
            }
            self.faults.pop_front();
        }
        self.down.clone()
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let header = |name| text_of(&head.headers, name);
    let (webhook_id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let signed = verify::Signed {
        id: &webhook_id,
        timestamp: &timestamp,
        signatures: &header("webhook-signature"),
        body: &body,
    };
    let mut verified = verify::verify(&signed, &shared.keys, clock::now_s(), shared.tolerance_s);
    if head.method != axum::http::Method::POST {
        verified = Err(format!("came as {} instead of POST", head.method));
    }
    let fault = match verified {
        Ok(()) => shared.state().next_fault(),
        Err(_) => Some(SinkFault::Status(401)),
    };
    let (answered, answer) = answer_of(fault.as_ref());
    let delivery = ReceivedDelivery {
        at_ms: clock::now_ms(),
        webhook_id,
        timestamp,
        path: head.uri.path().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|(name, _)| (name.to_string(), text_of(&head.headers, name.as_str())))
            .collect(),
        body,
        verified,
        answered,
    };
    {
        let mut state = shared.state();
        while state.deliveries.len() >= shared.records_max {
            state.deliveries.pop_front();
        }
        state.deliveries.push_back(delivery);
    }
    match fault {
        Some(SinkFault::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(SinkFault::Drop) => connection.cut(Cut::Close),
        Some(SinkFault::Reset) => connection.cut(Cut::Reset),
        _ => {}
    }
    answer
}

fn answer_of(fault: Option<&SinkFault>) -> (Option<u16>, Response) {
    let no_content = StatusCode::NO_CONTENT;
    match fault {
        None | Some(SinkFault::Slow(_)) => (Some(no_content.as_u16()), no_content.into_response()),
        Some(SinkFault::Status(status)) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (Some(status.as_u16()), status.into_response())
        }
        Some(SinkFault::RetryAfter(seconds)) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let answer = (status, [("retry-after", seconds.to_string())]).into_response();
            (Some(status.as_u16()), answer)
        }
        Some(SinkFault::Drop | SinkFault::Reset) => (None, no_content.into_response()),
    }
}

fn text_of(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}
