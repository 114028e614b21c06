//! A fake of Twilio: messages by form, interactive ones by the Content API, senders, media, webhooks.
//!
//! It refuses what the published API refuses and what it would drop without a word, remembers everything
//! that arrived, and signs its webhooks as Twilio does. It owns no opinion on what a gateway should do;
//! tests ask it what really happened.

mod account;
mod address;
mod approval;
mod books;
mod config;
mod content;
mod content_types;
mod date;
mod delivery;
mod error;
mod fetch;
mod inbound;
mod journal;
mod media;
mod message;
mod owner;
mod paging;
mod parameters;
mod receive;
mod send;
mod sender;
mod sender_fields;
mod serve;
mod shapes;
mod signature;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_content;
#[cfg(test)]
mod tests_resources;
#[cfg(test)]
mod tests_setup;
#[cfg(test)]
mod tests_webhooks;
mod variables;
mod webhooks;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::Context;

pub use account::{Account, AccountStatus};
pub use address::Address;
pub use approval::Approval;
pub use config::{
    ConfiguredSender, FakeTwilioConfig, Limits, MessagingService, SenderSetup, SharedWaba,
    WebhookPolicy,
};
pub use content::Content;
pub use error::TwilioError;
pub use fetch::FetchedFile;
pub use inbound::Inbound;
pub use journal::{RecordedRequest, Verdict};
pub use media::Medium;
pub use message::Message;
pub use sender::{Sender, VERIFICATION_CODE};
pub use webhooks::WebhookRecord;

pub use crate::cloud::{Fault, FaultRule, Review, StatusPlan};

use crate::cloud::Platform;
use crate::cloud::clock::FakeClock;
use crate::cloud::fault::FaultPlan;
use crate::server::Server;

/// A running fake on 127.0.0.1; it ends when it is dropped.
pub struct FakeTwilio {
    server: Server,
    shared: Arc<Shared>,
}

/// What the handlers and the owner of a fake both reach.
struct Shared {
    config: FakeTwilioConfig,
    clock: FakeClock,
    webhooks: Arc<webhooks::WebhookSender>,
    books: Mutex<books::Books>,
    journal: Mutex<journal::Journal>,
    faults: Mutex<FaultPlan>,
    statuses: Mutex<StatusPlan>,
    delivery_failures: Mutex<HashMap<String, u32>>,
}

impl FakeTwilio {
    pub async fn start(config: FakeTwilioConfig) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !config.accounts.is_empty(),
            "a fake of Twilio needs at least one account"
        );
        let shared = Arc::new_cyclic(|weak: &Weak<Shared>| {
            let weak = Weak::clone(weak);
            let token_of = move |sid: &str| {
                let shared = weak.upgrade().context("the fake of Twilio has ended")?;
                let books = shared.books();
                let account = books.account(sid).context("the account is gone")?;
                Ok(account.auth_token.clone())
            };
            let sender = webhooks::WebhookSender::new(
                config.webhooks.clone(),
                config.records_max,
                Box::new(token_of),
            );
            Shared {
                clock: FakeClock::default(),
                webhooks: Arc::new(sender),
                books: Mutex::new(books::Books::new(&config)),
                journal: Mutex::new(journal::Journal::new(config.records_max)),
                faults: Mutex::new(FaultPlan::new(config.seed)),
                statuses: Mutex::new(config.statuses.clone()),
                delivery_failures: Mutex::default(),
                config,
            }
        });
        let server = Server::start(shared.config.port, serve::router(Arc::clone(&shared)))
            .await
            .context("could not start the fake of Twilio")?;
        Ok(Self { server, shared })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT`: where connections to the four hosts are to be redirected.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn config(&self) -> &FakeTwilioConfig {
        &self.shared.config
    }

    /// The main account, as the books have it now.
    pub fn account(&self) -> Account {
        let sid = &self.shared.config.accounts[0].sid;
        let books = self.shared.books();
        let known = books.account(sid).cloned();
        known.unwrap_or_else(|| self.shared.config.accounts[0].clone())
    }

    /// The first sender of the books.
    ///
    /// # Panics
    /// When there is none.
    pub fn sender(&self) -> Sender {
        let books = self.shared.books();
        let first = books.senders.first().cloned();
        first.expect("this fake of Twilio has no sender")
    }

    // --- what arrived -------------------------------------------------------------------------

    /// Every request that arrived, oldest first, faults included.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.journal().all()
    }

    /// Requests that broke a rule of the API; a test of a correct sender expects none.
    pub fn refusals(&self) -> Vec<RecordedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| matches!(request.verdict, Verdict::Refused(_)));
        requests
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.journal().clear();
    }

    /// Every message of the books, oldest first: two of one intent are a duplicate.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.books().messages.values().cloned().collect()
    }

    /// Those that went out.
    pub fn sent(&self) -> Vec<Message> {
        let mut messages = self.messages();
        messages.retain(|message| message.direction != "inbound");
        messages
    }

    /// Those that went out, by the `StatusCallback` that tells them apart: two of one are a duplicate.
    pub fn sent_by_callback(&self) -> BTreeMap<String, Vec<Message>> {
        let mut by_callback: BTreeMap<String, Vec<Message>> = BTreeMap::new();
        for message in self.sent() {
            let callback = message.status_callback.clone().unwrap_or_default();
            by_callback.entry(callback).or_default().push(message);
        }
        by_callback
    }

    /// Files that were fetched for messages, if the config says that they are.
    pub fn fetched(&self) -> Vec<FetchedFile> {
        self.shared.books().fetched.clone()
    }

    pub fn webhooks(&self) -> Vec<WebhookRecord> {
        self.shared.webhooks.records()
    }

    // --- faults -------------------------------------------------------------------------------

    /// A rule's call is the name that `RecordedRequest::call` shows; `Fault::GraphError` carries one of
    /// Twilio's codes here.
    pub fn add_fault(&self, rule: FaultRule) {
        self.shared.faults().add(rule);
    }

    /// The next `count` well-formed sends fail in this way.
    pub fn fail_next(&self, count: u32, fault: Fault) {
        self.add_fault(FaultRule::new(fault).times(count));
    }

    /// The next `count` well-formed sends are refused with this code.
    pub fn refuse_next(&self, count: u32, code: u32) {
        self.fail_next(count, Fault::GraphError(code));
    }

    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Messages to this recipient (`+15551234567`) are accepted, then fail with this code.
    pub fn fail_delivery_to(&self, recipient: impl Into<String>, code: u32) {
        lock(&self.shared.delivery_failures).insert(recipient.into(), code);
    }

    /// Which callbacks follow from now on.
    pub fn set_statuses(&self, plan: StatusPlan) {
        *lock(&self.shared.statuses) = plan;
    }

    // --- the books ----------------------------------------------------------------------------

    /// From here on the fake's time passes by `advance` only.
    pub fn stop_clock(&self) {
        self.shared.clock.stop();
    }

    /// Moves the fake's time forward: links and windows end by it.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Posts to addresses that begin with `public` go to `local` instead.
    pub fn connect_to(&self, public: impl Into<String>, local: impl Into<String>) {
        self.shared.webhooks.connect_to(public.into(), local.into());
    }

    /// Gives an account a secondary token, which is good for calls at once; the token.
    pub fn create_secondary_token(&self, account_sid: &str) -> String {
        let token = Platform::secret("");
        self.change_account(account_sid, |account| {
            account.secondary_auth_token = Some(token.clone());
        });
        token
    }

    /// The secondary token becomes the primary one, which is gone: webhooks are signed with the new one.
    pub fn promote_secondary_token(&self, account_sid: &str) {
        self.change_account(account_sid, |account| {
            if let Some(token) = account.secondary_auth_token.take() {
                account.auth_token = token;
            }
        });
    }

    pub fn change_account(&self, sid: &str, change: impl FnOnce(&mut Account)) {
        let mut books = self.shared.books();
        if let Some(account) = books.accounts.iter_mut().find(|it| it.sid == sid) {
            change(account);
        }
    }

    pub fn accounts(&self) -> Vec<Account> {
        self.shared.books().accounts.clone()
    }

    pub fn senders(&self) -> Vec<Sender> {
        self.shared.books().senders.clone()
    }

    /// Changes a sender in the books: its state, its quality, its webhooks.
    pub fn change_sender(&self, sid: &str, change: impl FnOnce(&mut Sender)) {
        let mut books = self.shared.books();
        if let Some(sender) = books.senders.iter_mut().find(|it| it.sid == sid) {
            change(sender);
        }
    }

    /// A customer's business account is shared with our app by the embedded signup.
    pub fn share_waba(&self, id: &str) {
        self.shared.books().wabas.push(SharedWaba {
            id: id.to_owned(),
            account_sid: None,
        });
    }

    pub fn contents(&self) -> Vec<Content> {
        self.shared.books().contents.clone()
    }

    /// Decides about a submission: `approved`, `rejected`, `paused`, any status; whether there was one.
    pub fn decide_content(&self, sid: &str, status: &str, reason: &str) -> bool {
        let mut books = self.shared.books();
        let Some(content) = books.contents.iter_mut().find(|it| it.sid == sid) else {
            return false;
        };
        let account_sid = content.account_sid.clone();
        let Some(approval) = &mut content.approval else {
            return false;
        };
        status.clone_into(&mut approval.status);
        reason.clone_into(&mut approval.rejection_reason);
        if status == "rejected" {
            let name = approval.name.clone();
            books.burned_names.insert((account_sid, name));
        }
        true
    }

    /// Sends what was scheduled, as if its time had come.
    pub fn release_scheduled(&self) {
        let due: Vec<String> = {
            let mut books = self.shared.books();
            let waiting = books.messages.values_mut();
            waiting
                .filter(|message| message.status == "scheduled")
                .map(|message| {
                    message.status = "accepted".to_owned();
                    message.sid.clone()
                })
                .collect()
        };
        for sid in due {
            delivery::start(&self.shared, &sid);
        }
    }
}

impl Drop for FakeTwilio {
    fn drop(&mut self) {
        self.shared.webhooks.close();
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, books::Books> {
        lock(&self.books)
    }

    fn journal(&self) -> MutexGuard<'_, journal::Journal> {
        lock(&self.journal)
    }

    fn faults(&self) -> MutexGuard<'_, FaultPlan> {
        lock(&self.faults)
    }

    fn statuses(&self) -> StatusPlan {
        lock(&self.statuses).clone()
    }

    fn delivery_failure(&self, recipient: &str) -> Option<u32> {
        lock(&self.delivery_failures).get(recipient).copied()
    }
}

/// Two letters and 32 hexadecimal digits that nobody had before.
fn new_sid(prefix: &str) -> String {
    Platform::secret(prefix)
}

/// A panic elsewhere leaves these plain collections usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
