//! A fake of 360dialog: the Cloud API behind a key, with its own paths, errors and partner API.
//!
//! What it shares with Meta's own door stands in `cloud`. Owns no opinion on what a gateway should do;
//! tests ask it what really happened.

mod channel;
mod config;
mod error;
mod onboarding;
mod partner;
mod serve;
mod setup;
#[cfg(test)]
mod tests;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;

pub use channel::{Channel, WebhookConfig};
pub use config::{FakeDialog360Config, OwnErrors, Partner};
pub use onboarding::Onboarding;

pub use crate::cloud::{
    Decision, Fault, FaultRule, Inbound, Limits, Medium, Number, PhoneNumber, RecordedRequest,
    Review, StatusPlan, Template, Verdict, WebhookRecord, WebhookRetry, fields, payload, unusual,
};

use crate::cloud::{Platform, Settings};
use crate::server::Server;

/// A running fake on 127.0.0.1; it ends when it is dropped.
pub struct FakeDialog360 {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    config: FakeDialog360Config,
    platform: Arc<Platform>,
    books: Mutex<channel::Books>,
    own_errors: Mutex<OwnErrors>,
}

impl FakeDialog360 {
    pub async fn start(config: FakeDialog360Config) -> anyhow::Result<Self> {
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
            books: Mutex::new(channel::Books::new(&config)),
            own_errors: Mutex::new(config.own_errors),
            platform,
            config,
        });
        let weak = Arc::downgrade(&shared);
        shared.platform.route_by(Arc::new(move |destination, body| {
            let shared = weak.upgrade().context("the fake of 360dialog has ended")?;
            shared.receiver_of(destination, body)
        }));
        let server = Server::start(shared.config.port, serve::router(Arc::clone(&shared)))
            .await
            .context("could not start the fake of 360dialog")?;
        Ok(Self { server, shared })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT`: where connections to both hosts are to be redirected.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn config(&self) -> &FakeDialog360Config {
        &self.shared.config
    }

    // --- what arrived -------------------------------------------------------------------------

    /// Every request that arrived, oldest first, faults included.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.platform.journal().all()
    }

    /// Requests that broke a rule, of Meta's or of 360dialog's; a correct sender makes none.
    pub fn refusals(&self) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| {
            matches!(
                request.verdict,
                Verdict::Refused(_) | Verdict::Declined { .. }
            )
        });
        requests
    }

    /// Sends that had an effect, by their `biz_opaque_callback_data`: two of one are a duplicate.
    pub fn accepted_by_callback_data(&self) -> BTreeMap<String, Vec<RecordedRequest>> {
        let journal = self.shared.platform.journal();
        journal.sends(|request| request.wamid().is_some())
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

    /// The form of 360dialog's own refusals from now on.
    pub fn set_own_errors(&self, form: OwnErrors) {
        *lock(&self.shared.own_errors) = form;
    }

    // --- the books ----------------------------------------------------------------------------

    /// From here on the fake's time passes by `advance` only.
    pub fn stop_clock(&self) {
        self.shared.platform.clock.stop();
    }

    /// Moves the fake's time forward: links, ids and bans end by it.
    pub fn advance(&self, by: Duration) {
        self.shared.platform.clock.advance(by);
    }

    pub fn channels(&self) -> Vec<Channel> {
        self.shared.books().channels.clone()
    }

    /// Changes a channel in the books: its key, its permission, whether it is disabled or unpaid.
    pub fn change_channel(&self, id: &str, change: impl FnOnce(&mut Channel)) {
        if let Some(channel) = self.shared.books().by_id(id) {
            change(channel);
        }
    }

    /// Changes a number in the books: its quality, what it may send, its groups.
    pub fn change_number(&self, id: &str, change: impl FnOnce(&mut Number)) {
        if let Some(number) = self.shared.platform.world().number_mut(id) {
            change(number);
        }
    }

    /// A client connects numbers; the query that the browser comes back with.
    pub fn onboard(&self, onboarding: &Onboarding) -> String {
        let query = onboarding::onboard(&self.shared, onboarding);
        for number in &onboarding.numbers {
            let channel = format!("CH{}", number.id);
            self.announce_partner("channel_created", &channel);
            if onboarding.is_running {
                self.announce_partner("channel_running", &channel);
            }
        }
        query
    }

    /// Whether 360dialog would take this link into its onboarding.
    pub fn check_link(&self, link: &str) -> Result<(), String> {
        onboarding::check_link(&self.shared, link)
    }

    /// Ends the setup of a channel, with the event that says so.
    pub fn run_channel(&self, id: &str) {
        self.change_channel(id, |channel| "running".clone_into(&mut channel.status));
        self.announce_partner("channel_running", id);
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
}

impl Drop for FakeDialog360 {
    fn drop(&mut self) {
        self.shared.platform.webhooks.close();
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, channel::Books> {
        lock(&self.books)
    }
}

/// A panic elsewhere leaves these plain collections usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
