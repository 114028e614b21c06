//! A fake of Meta's Graph API: strict about what it is sent, obedient about how it fails.
//!
//! It checks each send as the published API would, remembers everything that arrived, plays the
//! status webhooks signed as Meta signs them, and repeats them until they are acknowledged. It owns
//! no opinion on what a gateway should do; tests ask it what really happened.

mod access;
mod account;
#[cfg(test)]
mod calls_tests;
mod config;
#[cfg(test)]
mod customer_tests;
mod media;
#[cfg(test)]
mod people_tests;
mod phone;
mod serve;
mod signup;
#[cfg(test)]
mod signup_tests;
mod subscription;
#[cfg(test)]
mod tests;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;

pub use config::FakeGraphConfig;
pub use phone::VERIFICATION_CODE;
pub use signup::SignUp;
pub use webhooks::ReceiverAnswer;

pub use crate::cloud::{
    Decision, Fault, FaultRule, GraphError, Inbound, Limits, Medium, Number, PhoneNumber,
    Recipient, RecordedRequest, Reported, Review, SendRequest, StatusPlan, Template, Verdict,
    WebhookRecord, WebhookRetry, fields, payload, unusual,
};

use crate::cloud::{Platform, Settings, World};
use crate::server::Server;

/// A running fake on 127.0.0.1; it ends when it is dropped.
pub struct FakeGraph {
    server: Server,
    shared: Arc<Shared>,
}

/// What the handlers and the owner of a fake both reach.
struct Shared {
    config: FakeGraphConfig,
    platform: Arc<Platform>,
    access: Mutex<access::Access>,
    uploads: Mutex<media::Uploads>,
    /// Accounts of those who signed up, by their business.
    businesses: Mutex<BTreeMap<String, Vec<String>>>,
    subscription: Mutex<subscription::Subscription>,
}

impl FakeGraph {
    pub async fn start(config: FakeGraphConfig) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !config.numbers.is_empty(),
            "a fake Graph API needs at least one number"
        );
        let platform = Platform::new(Settings {
            numbers: config.numbers.clone(),
            statuses: config.statuses.clone(),
            webhook_retry: config.webhook_retry.clone(),
            limits: config.limits.clone(),
            review: config.review,
            seed: config.seed,
            records_max: config.records_max,
        });
        let shared = Arc::new(Shared {
            access: Mutex::new(access::Access::new(&config, platform.clock.now_ms())),
            uploads: Mutex::default(),
            businesses: Mutex::default(),
            subscription: Mutex::new(subscription::Subscription::to(config.callback_url.clone())),
            platform,
            config,
        });
        subscription::route(&shared);
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
        self.shared.platform.journal().all()
    }

    pub fn requests_count(&self) -> usize {
        self.shared.platform.journal().len()
    }

    /// Requests that broke a rule of the API; a test of a correct sender expects none.
    pub fn refusals(&self) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| matches!(request.verdict, Verdict::Refused(_)));
        requests
    }

    /// Well-formed sends by their `biz_opaque_callback_data`, whatever was answered.
    pub fn sends_by_callback_data(&self) -> BTreeMap<String, Vec<RecordedRequest>> {
        self.shared.platform.journal().sends(|_| true)
    }

    /// Sends that had an effect, by their `biz_opaque_callback_data`: two of one are a duplicate.
    pub fn accepted_by_callback_data(&self) -> BTreeMap<String, Vec<RecordedRequest>> {
        self.shared
            .platform
            .journal()
            .sends(|request| request.wamid().is_some())
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.platform.journal().clear();
    }

    // --- faults -------------------------------------------------------------------------------

    pub fn add_fault(&self, rule: FaultRule) {
        self.shared.platform.faults().add(rule);
    }

    /// The next `count` well-formed sends fail in this way.
    pub fn fail_next(&self, count: u32, fault: Fault) {
        self.add_fault(FaultRule::new(fault).times(count));
    }

    pub fn clear_faults(&self) {
        self.shared.platform.faults().clear();
    }

    /// Messages to this recipient are accepted, then end in status `failed` with this code.
    pub fn fail_delivery_to(&self, recipient: impl Into<String>, code: u32) {
        self.shared
            .platform
            .fail_delivery_to(recipient.into(), code);
    }

    // --- the books ----------------------------------------------------------------------------

    /// From here on the fake's time passes by `advance` only.
    pub fn stop_clock(&self) {
        self.shared.platform.clock.stop();
    }

    /// Moves the fake's time forward: links, ids, tokens, codes and windows end by it.
    pub fn advance(&self, by: Duration) {
        self.shared.platform.clock.advance(by);
    }

    /// A customer goes through the embedded signup; the code that the browser gets. It works once,
    /// and for 30 seconds.
    pub fn sign_up(&self, customer: &SignUp) -> String {
        signup::sign_up(&self.shared, customer)
    }

    /// Calls with this token answer 190 with this subcode from now on: 458 the app was removed, 460 the
    /// password was changed, 463 it has expired.
    pub fn revoke_token(&self, token: &str, subcode: u32) {
        if let Some(known) = self.shared.access().tokens.get_mut(token) {
            known.revoked = Some((subcode, "the session has been invalidated".to_owned()));
        }
    }

    /// The token ends after this time of the fake's clock.
    pub fn expire_token_in(&self, token: &str, lifetime: Duration) {
        let now_ms = self.shared.platform.clock.now_ms();
        if let Some(known) = self.shared.access().tokens.get_mut(token) {
            known.expires_ms = now_ms + lifetime.as_secs() * 1000;
        }
    }

    /// Every token that works, oldest word first; a signup's is among them once it was exchanged.
    pub fn tokens(&self) -> Vec<String> {
        self.shared.access().tokens.keys().cloned().collect()
    }

    /// Changes a number in the books: its quality, its PIN, whether it is registered.
    pub fn change_number(&self, id: &str, change: impl FnOnce(&mut Number)) {
        if let Some(number) = self.shared.platform.world().number_mut(id) {
            change(number);
        }
    }

    /// A number as the books have it.
    pub fn number_state(&self, id: &str) -> Option<Number> {
        self.shared.platform.world().number(id).cloned()
    }

    /// Whether an account's webhooks come to our app.
    pub fn is_subscribed(&self, account_id: &str) -> bool {
        let world = self.shared.platform.world();
        world
            .account(account_id)
            .is_some_and(|account| account.is_subscribed)
    }

    /// Puts a template into an account; its id.
    pub fn add_template(&self, account_id: &str, template: Template) -> String {
        self.shared
            .platform
            .world()
            .add_template(account_id, template)
    }

    pub fn templates(&self) -> Vec<Template> {
        self.shared.platform.world().templates.clone()
    }

    /// Decides about a template, with the webhook that says so; `None` when there is none with this id.
    pub fn decide_template(&self, id: &str, decision: &Decision) -> Option<Template> {
        self.shared.platform.decide_template(id, decision)
    }

    pub fn media(&self) -> Vec<Medium> {
        self.shared.platform.world().media.all()
    }

    /// This person's identity, which sends with `recipient_identity_key_hash` must name.
    pub fn set_identity(&self, who: &str, hash: &str) {
        self.world().set_identity(who, hash);
    }

    /// The customer stops or resumes marketing messages; `user_preferences` says so.
    pub fn set_marketing(&self, who: &str, wanted: bool) {
        let number = self.number().clone();
        self.shared.platform.customer_prefers(&number, who, wanted);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.platform.world()
    }
}

impl Drop for FakeGraph {
    fn drop(&mut self) {
        self.shared.platform.webhooks.close();
    }
}

impl Shared {
    fn access(&self) -> MutexGuard<'_, access::Access> {
        lock(&self.access)
    }

    fn uploads(&self) -> MutexGuard<'_, media::Uploads> {
        lock(&self.uploads)
    }

    fn businesses(&self) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        lock(&self.businesses)
    }

    /// The share of its hour's calls that an account has used.
    fn usage_of(&self, account_id: &str) -> u32 {
        let now_ms = self.platform.clock.now_ms();
        let world = self.platform.world();
        world.usage(account_id, &self.platform.settings.limits, now_ms)
    }
}

/// A panic elsewhere leaves these plain collections usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
