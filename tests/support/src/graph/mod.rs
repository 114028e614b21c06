//! A fake of Meta's Graph API: strict about what it is sent, obedient about how it fails.
//!
//! It checks each send as the published API would, remembers everything that arrived, plays the
//! status webhooks signed as Meta signs them, and repeats them until they are acknowledged. It owns
//! no opinion on what a gateway should do; tests ask it what really happened.

mod check;
mod config;
mod error;
mod fault;
mod journal;
pub mod payload;
mod serve;
#[cfg(test)]
mod tests;
mod webhooks;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use serde_json::Value;

pub use check::{Recipient, SendRequest};
pub use config::{FakeGraphConfig, PhoneNumber, StatusPlan, WebhookRetry};
pub use error::GraphError;
pub use fault::{Fault, FaultRule};
pub use journal::{RecordedRequest, Verdict};
pub use webhooks::WebhookRecord;

use crate::server::Server;

/// A running fake on 127.0.0.1; it ends when it is dropped.
pub struct FakeGraph {
    server: Server,
    shared: Arc<Shared>,
}

/// What the handlers and the owner of a fake both reach.
struct Shared {
    config: FakeGraphConfig,
    webhooks: Arc<webhooks::WebhookSender>,
    journal: Mutex<journal::Journal>,
    faults: Mutex<fault::FaultPlan>,
    statuses: Mutex<StatusPlan>,
    delivery_failures: Mutex<HashMap<String, u32>>,
    /// Makes the ids of two fakes, or of two runs, different.
    run: u32,
    sends_count: AtomicU64,
    trace_count: AtomicU64,
}

/// What a receiver answered to one post or challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverAnswer {
    pub status: u16,
    pub body: Bytes,
}

impl FakeGraph {
    pub async fn start(config: FakeGraphConfig) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !config.numbers.is_empty(),
            "a fake Graph API needs at least one number"
        );
        let webhooks = webhooks::WebhookSender::new(
            config.app_secret.clone(),
            config.callback_url.clone(),
            config.webhook_retry.clone(),
            config.records_max,
        );
        let shared = Arc::new(Shared {
            webhooks: Arc::new(webhooks),
            journal: Mutex::new(journal::Journal::new(config.records_max)),
            faults: Mutex::new(fault::FaultPlan::new(config.seed)),
            statuses: Mutex::new(config.statuses.clone()),
            delivery_failures: Mutex::new(HashMap::new()),
            run: rand::random(),
            sends_count: AtomicU64::new(0),
            trace_count: AtomicU64::new(0),
            config,
        });
        let server = Server::start(shared.config.port, serve::router(Arc::clone(&shared)))
            .await
            .context("could not start the fake Graph API")?;
        Ok(Self { server, shared })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT`: where connections to graph.facebook.com are to be redirected.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn config(&self) -> &FakeGraphConfig {
        &self.shared.config
    }

    /// The first number of the config.
    pub fn number(&self) -> &PhoneNumber {
        &self.shared.config.numbers[0]
    }

    // --- what arrived -------------------------------------------------------------------------

    /// Every request that arrived, oldest first, faults included.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.journal().all()
    }

    pub fn requests_count(&self) -> usize {
        self.shared.journal().len()
    }

    /// Requests that broke a rule of the API; a test of a correct sender expects none.
    pub fn refusals(&self) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| matches!(request.verdict, Verdict::Refused(_)));
        requests
    }

    /// Well-formed sends by their `biz_opaque_callback_data`, whatever was answered.
    pub fn sends_by_callback_data(&self) -> BTreeMap<String, Vec<RecordedRequest>> {
        self.shared.journal().sends(|_| true)
    }

    /// Sends that had an effect, by their `biz_opaque_callback_data`: two of one are a duplicate.
    pub fn accepted_by_callback_data(&self) -> BTreeMap<String, Vec<RecordedRequest>> {
        self.shared
            .journal()
            .sends(|request| request.wamid().is_some())
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.journal().clear();
    }

    // --- faults -------------------------------------------------------------------------------

    pub fn add_fault(&self, rule: FaultRule) {
        self.shared.faults().add(rule);
    }

    /// The next `count` well-formed sends fail in this way.
    pub fn fail_next(&self, count: u32, fault: Fault) {
        self.add_fault(FaultRule::new(fault).times(count));
    }

    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Messages to this recipient are accepted, then end in status `failed` with this code.
    pub fn fail_delivery_to(&self, recipient: impl Into<String>, code: u32) {
        self.shared
            .lock(&self.shared.delivery_failures)
            .insert(recipient.into(), code);
    }

    // --- webhooks -----------------------------------------------------------------------------

    /// Posts after this go to `url`, repeated ones too.
    pub fn set_callback_url(&self, url: impl Into<String>) {
        self.shared.webhooks.set_callback_url(Some(url.into()));
    }

    /// Applies to messages that are accepted from now on.
    pub fn set_statuses(&self, plan: StatusPlan) {
        *self.shared.lock(&self.shared.statuses) = plan;
    }

    /// All webhooks so far, oldest first.
    pub fn webhooks(&self) -> Vec<WebhookRecord> {
        self.shared.webhooks.records()
    }

    /// Webhooks that are planned, under way or refused, and so will be posted again.
    pub fn unacknowledged_webhooks(&self) -> usize {
        self.shared.webhooks.unacknowledged()
    }

    /// A customer writes: posts the message until it is acknowledged, and returns its id.
    pub fn deliver_text(&self, from: &str, text: &str) -> String {
        let wamid = self.shared.next_wamid(from);
        self.deliver(payload::inbound_text(self.number(), from, &wamid, text));
        wamid
    }

    /// Posts any webhook, signed, until it is acknowledged.
    pub fn deliver(&self, webhook: Value) {
        self.shared
            .webhooks
            .deliver(serve::AT_ONCE, move || payload::to_bytes(&webhook));
    }

    /// A message id that no other message has.
    pub fn new_wamid(&self, number: &str) -> String {
        self.shared.next_wamid(number)
    }

    /// Posts these bytes once, rightly signed.
    pub async fn post_signed(&self, body: impl Into<Bytes>) -> anyhow::Result<ReceiverAnswer> {
        self.shared
            .webhooks
            .post_signed(body.into())
            .await
            .map(ReceiverAnswer::from)
    }

    /// Posts these bytes once with any value of `X-Hub-Signature-256`, or without one.
    pub async fn post_forged(
        &self,
        body: impl Into<Bytes>,
        signature: Option<&str>,
    ) -> anyhow::Result<ReceiverAnswer> {
        self.shared
            .webhooks
            .post(body.into(), signature)
            .await
            .map(ReceiverAnswer::from)
    }

    /// The right signature of these bytes.
    pub fn signature(&self, body: &[u8]) -> String {
        payload::signature(&self.shared.config.app_secret, body)
    }

    /// Asks the receiver to prove that it knows the configured verify token, as saving a callback
    /// URL at Meta does. Fails unless the challenge comes back verbatim.
    pub async fn verify_subscription(&self) -> anyhow::Result<()> {
        let challenge = "1158201444";
        let answer = self
            .challenge(&self.shared.config.verify_token, challenge)
            .await?;
        anyhow::ensure!(
            answer.status == 200 && answer.body == challenge.as_bytes(),
            "the subscription challenge was answered with {} {:?} instead of 200 {challenge:?}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(())
    }

    /// The subscription challenge with any token.
    pub async fn challenge(&self, token: &str, challenge: &str) -> anyhow::Result<ReceiverAnswer> {
        self.shared
            .webhooks
            .challenge(token, challenge)
            .await
            .map(ReceiverAnswer::from)
    }
}

impl Drop for FakeGraph {
    fn drop(&mut self) {
        self.shared.webhooks.close();
    }
}

impl Shared {
    fn journal(&self) -> MutexGuard<'_, journal::Journal> {
        self.lock(&self.journal)
    }

    fn faults(&self) -> MutexGuard<'_, fault::FaultPlan> {
        self.lock(&self.faults)
    }

    fn statuses(&self) -> StatusPlan {
        self.lock(&self.statuses).clone()
    }

    fn delivery_failure(&self, recipient: &str) -> Option<u32> {
        self.lock(&self.delivery_failures).get(recipient).copied()
    }

    /// A panic elsewhere leaves these plain collections usable.
    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<crate::http_client::Answer> for ReceiverAnswer {
    fn from(answer: crate::http_client::Answer) -> Self {
        Self {
            status: answer.status.as_u16(),
            body: answer.body,
        }
    }
}
