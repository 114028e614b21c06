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
use super::payload;
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

pub(super) struct WebhookSender {
    client: HttpClient,
    app_secret: String,
    retry: WebhookRetry,
    under_way: Semaphore,
    closed: watch::Sender<bool>,
    records_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    callback_url: Option<String>,
    next_id: u64,
    records: BTreeMap<u64, WebhookRecord>,
}

impl WebhookSender {
    pub(super) fn new(
        app_secret: String,
        callback_url: Option<String>,
        retry: WebhookRetry,
        records_max: usize,
    ) -> Self {
        Self {
            client: HttpClient::new(retry.timeout),
            app_secret,
            under_way: Semaphore::new(retry.concurrent_max.max(1)),
            retry,
            closed: watch::Sender::new(false),
            records_max,
            state: Mutex::new(State {
                callback_url,
                ..State::default()
            }),
        }
    }

    pub(super) fn set_callback_url(&self, url: Option<String>) {
        self.state().callback_url = url;
    }

    pub(super) fn callback_url(&self) -> anyhow::Result<String> {
        self.state()
            .callback_url
            .clone()
            .context("this fake Graph API has no callback URL")
    }

    pub(super) fn has_callback(&self) -> bool {
        self.state().callback_url.is_some()
    }

    /// Posts `body()` after `delay` and repeats it until it is acknowledged.
    pub(super) fn deliver(
        self: &Arc<Self>,
        delay: Duration,
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
                    sender.post_until_acknowledged(id, Bytes::from(body())).await;
                } => {}
            }
        });
    }

    /// Ends all deliveries.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(super) fn records(&self) -> Vec<WebhookRecord> {
        self.state().records.values().cloned().collect()
    }

    pub(super) fn unacknowledged(&self) -> usize {
        self.state()
            .records
            .values()
            .filter(|record| !record.acknowledged)
            .count()
    }

    /// One post with whatever signature the caller wants, or none.
    pub(super) async fn post(
        &self,
        body: Bytes,
        signature: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let url = self.callback_url()?;
        let mut request = Request::post(&url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "facebookexternalua");
        if let Some(signature) = signature {
            request = request.header("X-Hub-Signature-256", signature);
        }
        let request = request
            .body(Full::new(body))
            .with_context(|| format!("could not build a webhook to {url}"))?;
        self.client.send(request).await
    }

    pub(super) async fn post_signed(&self, body: Bytes) -> anyhow::Result<Answer> {
        let signature = payload::signature(&self.app_secret, &body);
        self.post(body, Some(&signature)).await
    }

    /// The GET by which Meta finds out whether a callback URL is ours.
    pub(super) async fn challenge(&self, token: &str, challenge: &str) -> anyhow::Result<Answer> {
        let url = self.callback_url()?;
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

    async fn post_until_acknowledged(&self, id: u64, body: Bytes) {
        let started = Instant::now();
        let mut pause = self.retry.first;
        loop {
            let answer = {
                // The semaphore is never closed; without a permit the post would only be early.
                let _permit = self.under_way.acquire().await;
                self.post_signed(body.clone()).await
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
