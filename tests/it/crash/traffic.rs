//! Who keeps the gateway busy while it dies: careful callers, customers who write, and a provider
//! and an endpoint that fail now and then.
//!
//! A careful caller gives each message a key of its own and repeats the same request under the same
//! key until it has an answer. It knows nothing of the gateway but its API.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::StatusCode;
use serde_json::{Value, json};
use wharf_test_support::FakeGraph;
use wharf_test_support::graph::{Fault, FaultRule, payload};
use wharf_test_support::sink::{Sink, SinkFault};

use super::verdict::Asked;

/// Callers at the same time: those who queue their messages, and those who wait for the outcome.
const QUEUING_CALLERS: usize = 8;
const WAITING_CALLERS: usize = 4;
/// Between two messages of one caller.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 1..=20;
/// Between two texts of customers. Each message makes six webhooks besides.
const WRITE_EVERY_MS: std::ops::RangeInclusive<u64> = 20..=120;
/// Before an unanswered request is repeated.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Longer than any answer takes while the gateway lives.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Share of messages that are asked for once more after they were answered.
const REPEATED: f64 = 0.1;
/// Share of texts that the provider posts twice.
const TWICE: f64 = 0.2;

/// What all callers share.
pub(super) struct Callers {
    pub(super) client: reqwest::Client,
    pub(super) url: String,
    pub(super) key: String,
    pub(super) seed: u64,
    pub(super) stop: Arc<AtomicBool>,
}

/// What one caller remembers.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) asked: Vec<Asked>,
    /// Answers that the API does not promise.
    pub(super) complaints: Vec<String>,
    pub(super) requests: usize,
}

/// What an answer means to a caller.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// This message is taken, whatever became of it.
    Taken(String),
    /// Not now: the same request again.
    Again,
    /// Nothing that the API promises.
    Nonsense,
}

/// Starts the callers; each returns its memory after `stop`, when its last message is answered.
pub(super) fn start_callers(callers: &Arc<Callers>) -> Vec<tokio::task::JoinHandle<Memory>> {
    let number = Arc::new(AtomicUsize::new(0));
    (0..QUEUING_CALLERS + WAITING_CALLERS)
        .map(|caller| {
            let (callers, number) = (Arc::clone(callers), Arc::clone(&number));
            tokio::spawn(async move { call(&callers, caller, &number).await })
        })
        .collect()
}

async fn call(callers: &Callers, caller: usize, number: &AtomicUsize) -> Memory {
    let mut dice = StdRng::seed_from_u64(callers.seed.wrapping_add(1 + caller as u64));
    let mut memory = Memory::default();
    while !callers.stop.load(Ordering::Relaxed) {
        let n = number.fetch_add(1, Ordering::Relaxed);
        let mut asked = Asked {
            key: format!("order-{n}"),
            told: BTreeSet::new(),
        };
        let request = Request::new(n, caller >= QUEUING_CALLERS);
        ask(callers, &request, &mut asked, &mut memory).await;
        if dice.random_bool(REPEATED) {
            ask(callers, &request, &mut asked, &mut memory).await;
        }
        memory.asked.push(asked);
        tokio::time::sleep(Duration::from_millis(dice.random_range(PAUSE_MS))).await;
    }
    memory
}

struct Request {
    path: &'static str,
    body: String,
}

impl Request {
    /// Message number `n` goes to a number that nothing else goes to.
    fn new(n: usize, immediate: bool) -> Self {
        let (to, text, reference) = (
            format!("+4915{:09}", 100_000_000 + n),
            format!("Your order {n} is on its way. Grüße/👋"),
            format!("order-{n}"),
        );
        let (path, body) = if immediate {
            (
                "/api/whatsapp/official/send/immediate",
                json!({ "to": to, "message": text, "reference": reference }),
            )
        } else {
            (
                "/v1/messages",
                json!({ "channel": "main", "to": to, "text": { "body": text }, "reference": reference }),
            )
        };
        Self {
            path,
            body: body.to_string(),
        }
    }
}

/// Repeats one request until it is answered, and remembers the id.
async fn ask(callers: &Callers, request: &Request, asked: &mut Asked, memory: &mut Memory) {
    loop {
        memory.requests += 1;
        let answer = post(callers, request, &asked.key).await;
        // A connection that was refused or broke off says nothing.
        let meaning = answer
            .as_ref()
            .map_or(Meaning::Again, |(status, body)| meaning_of(*status, body));
        match meaning {
            Meaning::Taken(id) => {
                asked.told.insert(id);
                return;
            }
            Meaning::Again => tokio::time::sleep(AGAIN_AFTER).await,
            Meaning::Nonsense => {
                let what = format!(
                    "{} under {} was answered with {answer:?}",
                    request.path, asked.key
                );
                memory.complaints.push(what);
                return;
            }
        }
    }
}

async fn post(
    callers: &Callers,
    request: &Request,
    key: &str,
) -> Result<(StatusCode, Value), reqwest::Error> {
    let answer = callers
        .client
        .post(format!("{}{}", callers.url, request.path))
        .bearer_auth(&callers.key)
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .timeout(ANSWER_WITHIN)
        .body(request.body.clone())
        .send()
        .await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

fn meaning_of(status: StatusCode, body: &Value) -> Meaning {
    let taken = |id: &Value| {
        id.as_str()
            .map_or(Meaning::Nonsense, |id| Meaning::Taken(id.to_owned()))
    };
    match (status.as_u16(), body["code"].as_str()) {
        (200 | 202, _) => taken(&body["id"]),
        // An immediate send that the provider refused is a message all the same.
        (422 | 502, _) if body["message"].is_object() => taken(&body["message"]["id"]),
        (409, Some("idempotency-in-progress")) | (503, _) => Meaning::Again,
        _ => Meaning::Nonsense,
    }
}

/// Customers write until `stop`; returns the ids of their texts.
pub(super) async fn customers_write(
    graph: Arc<FakeGraph>,
    seed: u64,
    stop: Arc<AtomicBool>,
) -> BTreeSet<String> {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut written = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        let from = format!("1650555{:04}", dice.random_range(0..200));
        let wamid = graph.new_wamid(&from);
        let text = format!("Where is it? {}", written.len());
        let webhook = payload::inbound_text(graph.number(), &from, &wamid, &text);
        if dice.random_bool(TWICE) {
            graph.deliver(webhook.clone());
        }
        graph.deliver(webhook);
        written.insert(wamid);
        tokio::time::sleep(Duration::from_millis(dice.random_range(WRITE_EVERY_MS))).await;
    }
    written
}

/// About every fifth send fails, some before and some after they had an effect.
pub(super) fn provider_fails(graph: &FakeGraph) {
    const TOO_MANY_TO_ONE_RECIPIENT: u32 = 131_056;
    let slow = Fault::Slow(Duration::from_millis(150));
    for (fault, share) in [
        (slow, 0.05),
        (Fault::Reset, 0.02),
        (Fault::AcceptAndDrop, 0.03),
        (Fault::AcceptAndReset, 0.03),
        (Fault::Unavailable, 0.04),
        (Fault::GraphError(TOO_MANY_TO_ONE_RECIPIENT), 0.04),
        (Fault::InternalServerError, 0.02),
    ] {
        graph.add_fault(FaultRule::new(fault).with_probability(share));
    }
}

/// One or two of the next deliveries fail.
pub(super) fn endpoint_fails(sink: &Sink, dice: &mut StdRng) {
    let faults = [
        SinkFault::Status(500),
        SinkFault::RetryAfter(1),
        SinkFault::Slow(Duration::from_millis(200)),
        SinkFault::Drop,
        SinkFault::Reset,
    ];
    if let Some(fault) = faults.choose(dice) {
        sink.fail_next(dice.random_range(1..=2), fault.clone());
    }
}

mod tests {
    use super::*;

    #[test]
    fn a_careful_caller_repeats_only_what_was_not_answered() {
        let of = |status: u16, body: Value| {
            meaning_of(StatusCode::from_u16(status).unwrap_or_default(), &body)
        };
        let taken = || Meaning::Taken("msg_1".to_owned());
        assert_eq!(of(202, json!({ "id": "msg_1" })), taken());
        assert_eq!(of(200, json!({ "id": "msg_1" })), taken());
        assert_eq!(
            of(502, json!({ "code": "x", "message": { "id": "msg_1" } })),
            taken()
        );
        assert_eq!(of(503, Value::Null), Meaning::Again);
        assert_eq!(
            of(409, json!({ "code": "idempotency-in-progress" })),
            Meaning::Again
        );
        for (status, body) in [
            (202, json!({})),
            (422, json!({ "code": "idempotency-mismatch" })),
            (422, json!({ "code": "invalid-request" })),
            (500, json!({ "code": "internal" })),
        ] {
            assert_eq!(of(status, body), Meaning::Nonsense, "{status}");
        }
    }
}
