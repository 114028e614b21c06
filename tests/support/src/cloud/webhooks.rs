//! The sender of webhooks: signs, posts, and repeats until the receiver says 200.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::Full;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::config::WebhookRetry;
use crate::http_client::{Answer, HttpClient};

/// One webhook and how far its delivery has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRecord {
    pub body: Bytes,
    /// Posts so far, each of which may have reached the receiver.
    pub posts: u32,
    /// The receiver answered 200.
    pub acknowledged: bool,
    /// Status or failure of the latest post.
    pub last_answer: Option<Result<u16, String>>,
}

/// Where a webhook goes at the moment of its post, and the headers that prove its sender.
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// Asked anew for each post, so that a repetition goes where the receiver is by then.
pub(crate) type Resolve = Arc<dyn Fn(&[u8]) -> anyhow::Result<Target> + Send + Sync>;

pub(crate) struct WebhookSender {
    client: HttpClient,
    retry: WebhookRetry,
    under_way: Semaphore,
    closed: watch::Sender<bool>,
    records_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Public addresses and who answers for them on this machine.
    receivers: Vec<(String, String)>,
    next_id: u64,
    records: BTreeMap<u64, WebhookRecord>,
}

impl WebhookSender {
    pub(crate) fn new(retry: WebhookRetry, records_max: usize) -> Self {
        Self {
            client: HttpClient::new(retry.timeout),
            under_way: Semaphore::new(retry.concurrent_max.max(1)),
            retry,
            closed: watch::Sender::new(false),
            records_max,
            state: Mutex::new(State::default()),
        }
    }

    /// Posts to addresses that begin with `public` go to `local` instead.
    pub(crate) fn connect_to(&self, public: String, local: String) {
        self.state().receivers.push((public, local));
    }

    /// Posts `body()` after `delay` and repeats it until it is acknowledged.
    pub(crate) fn deliver(
        self: &Arc<Self>,
        delay: Duration,
        resolve: Resolve,
        body: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) {
        let sender = Arc::clone(self);
        let id = sender.enter();
        tokio::spawn(async move {
            let mut closed = sender.closed.subscribe();
            tokio::select! {
                // An error means that the fake is gone, which ends its webhooks too.
                _ = closed.wait_for(|closed| *closed) => {}
                () = async {
                    tokio::time::sleep(delay).await;
                    sender.post_until_acknowledged(id, &resolve, Bytes::from(body())).await;
                } => {}
            }
        });
    }

    /// Ends all deliveries.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(crate) fn records(&self) -> Vec<WebhookRecord> {
        self.state().records.values().cloned().collect()
    }

    pub(crate) fn unacknowledged(&self) -> usize {
        self.state()
            .records
            .values()
            .filter(|record| !record.acknowledged)
            .count()
    }

    /// One post.
    pub(crate) async fn post(&self, target: Target, body: Bytes) -> anyhow::Result<Answer> {
        let url = self.connected(&target.url);
        let mut request = Request::post(&url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "facebookexternalua");
        for (name, value) in &target.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(body))
            .with_context(|| format!("could not build a webhook to {url}"))?;
        self.client.send(request).await
    }

    /// The GET by which Meta finds out whether a callback URL is ours.
    pub(crate) async fn challenge(
        &self,
        url: &str,
        token: &str,
        challenge: &str,
    ) -> anyhow::Result<Answer> {
        let url = self.connected(url);
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!(
            "{url}{joint}hub.mode=subscribe&hub.challenge={}&hub.verify_token={}",
            percent_encoded(challenge),
            percent_encoded(token)
        );
        let request = Request::get(&url)
            .body(Full::default())
            .with_context(|| format!("could not build a subscription challenge to {url}"))?;
        self.client.send(request).await
    }

    fn connected(&self, url: &str) -> String {
        let state = self.state();
        state
            .receivers
            .iter()
            .find_map(|(public, local)| Some(format!("{local}{}", url.strip_prefix(public)?)))
            .unwrap_or_else(|| url.to_owned())
    }

    async fn post_until_acknowledged(&self, id: u64, resolve: &Resolve, body: Bytes) {
        let started = Instant::now();
        let mut pause = self.retry.first;
        loop {
            let answer = {
                // The semaphore is never closed; without a permit the post would only be early.
                let _permit = self.under_way.acquire().await;
                match resolve(&body) {
                    Ok(target) => self.post(target, body.clone()).await,
                    Err(error) => Err(error),
                }
            };
            let acknowledged = matches!(&answer, Ok(answer) if answer.status == StatusCode::OK);
            self.note(id, &body, answer);
            if acknowledged || started.elapsed() >= self.retry.give_up_after {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.retry.longest);
        }
    }

    /// Opens a record, so that a webhook counts as unacknowledged from the moment it is planned.
    fn enter(&self) -> u64 {
        let mut state = self.state();
        if state.records.len() >= self.records_max {
            let done = state.records.iter().find(|(_, record)| record.acknowledged);
            if let Some(id) = done.map(|(id, _)| *id) {
                state.records.remove(&id);
            }
        }
        let id = state.next_id;
        state.next_id += 1;
        let planned = WebhookRecord {
            body: Bytes::new(),
            posts: 0,
            acknowledged: false,
            last_answer: None,
        };
        state.records.insert(id, planned);
        id
    }

    fn note(&self, id: u64, body: &Bytes, answer: anyhow::Result<Answer>) {
        let mut state = self.state();
        let Some(record) = state.records.get_mut(&id) else {
            return;
        };
        record.body = body.clone();
        record.posts += 1;
        record.acknowledged = matches!(&answer, Ok(answer) if answer.status == StatusCode::OK);
        record.last_answer = Some(match answer {
            Ok(answer) => Ok(answer.status.as_u16()),
            Err(error) => Err(format!("{error:#}")),
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every byte that could mean something in a query, as `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
