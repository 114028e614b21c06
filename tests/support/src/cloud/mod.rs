//! The Cloud API itself, as Meta and its resellers offer it: messages, media, templates, numbers.
//!
//! Owns what is the same behind every door: the reading of messages, the books of accounts, and the
//! webhooks that follow. Knows nothing of paths, keys and tokens; those are the doors' own.

pub(crate) mod clock;
pub(crate) mod config;
mod customer;
pub(crate) mod error;
pub(crate) mod fault;
pub mod fields;
mod inbound;
mod interactive;
mod interactive_shapes;
pub(crate) mod journal;
mod kinds;
pub(crate) mod media;
pub(crate) mod message;
pub(crate) mod multipart;
pub(crate) mod number;
pub mod payload;
mod request;
mod review;
mod send;
pub(crate) mod serve;
pub(crate) mod shape;
pub(crate) mod strict_json;
mod template_match;
mod template_send;
pub(crate) mod templates;
#[cfg(test)]
mod tests;
mod traffic;
pub mod unusual;
pub(crate) mod webhooks;
mod world;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use config::{Limits, PhoneNumber, Reported, Review, StatusPlan, WebhookRetry};
pub use error::GraphError;
pub use fault::{Fault, FaultRule};
pub use inbound::Inbound;
pub use journal::{RecordedRequest, Verdict};
pub use media::Medium;
pub use message::{Recipient, SendRequest};
pub use number::Number;
pub use review::Decision;
pub use templates::Template;
pub use webhooks::WebhookRecord;
pub(crate) use world::World;

/// What a platform is told at its start.
pub(crate) struct Settings {
    pub(crate) numbers: Vec<PhoneNumber>,
    pub(crate) statuses: StatusPlan,
    pub(crate) webhook_retry: WebhookRetry,
    pub(crate) limits: Limits,
    pub(crate) review: Review,
    pub(crate) seed: u64,
    pub(crate) records_max: usize,
}

/// Finds out where a webhook of this account and number goes; the bytes are what is signed.
pub(crate) type Router =
    Arc<dyn Fn(&Destination, &[u8]) -> anyhow::Result<webhooks::Target> + Send + Sync>;

/// Whose a webhook is.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) account_id: String,
    /// Empty for what concerns the whole account.
    pub(crate) phone_number_id: String,
    pub(crate) field: String,
}

/// What the doors and the owner of a fake both reach.
pub(crate) struct Platform {
    pub(crate) settings: Settings,
    pub(crate) clock: clock::FakeClock,
    pub(crate) webhooks: Arc<webhooks::WebhookSender>,
    router: Mutex<Option<Router>>,
    journal: Mutex<journal::Journal>,
    faults: Mutex<fault::FaultPlan>,
    statuses: Mutex<StatusPlan>,
    delivery_failures: Mutex<HashMap<String, u32>>,
    world: Mutex<World>,
    /// Makes the ids of two fakes, or of two runs, different.
    run: u32,
    sends_count: AtomicU64,
    trace_count: AtomicU64,
}

impl Platform {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        let webhooks =
            webhooks::WebhookSender::new(settings.webhook_retry.clone(), settings.records_max);
        Arc::new(Self {
            clock: clock::FakeClock::default(),
            webhooks: Arc::new(webhooks),
            router: Mutex::new(None),
            journal: Mutex::new(journal::Journal::new(settings.records_max)),
            faults: Mutex::new(fault::FaultPlan::new(settings.seed)),
            statuses: Mutex::new(settings.statuses.clone()),
            delivery_failures: Mutex::new(HashMap::new()),
            world: Mutex::new(World::new(&settings.numbers)),
            run: rand::random(),
            sends_count: AtomicU64::new(0),
            trace_count: AtomicU64::new(0),
            settings,
        })
    }

    /// Says where webhooks go; the door knows.
    pub(crate) fn route_by(&self, router: Router) {
        *self.lock(&self.router) = Some(router);
    }

    pub(crate) fn router(&self) -> Option<Router> {
        self.lock(&self.router).clone()
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.lock(&self.world)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, journal::Journal> {
        self.lock(&self.journal)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, fault::FaultPlan> {
        self.lock(&self.faults)
    }

    pub(crate) fn statuses(&self) -> StatusPlan {
        self.lock(&self.statuses).clone()
    }

    pub(crate) fn set_statuses(&self, plan: StatusPlan) {
        *self.lock(&self.statuses) = plan;
    }

    pub(crate) fn delivery_failure(&self, recipient: &str) -> Option<u32> {
        self.lock(&self.delivery_failures).get(recipient).copied()
    }

    pub(crate) fn fail_delivery_to(&self, recipient: String, code: u32) {
        self.lock(&self.delivery_failures).insert(recipient, code);
    }

    /// Looks like Meta's: bytes around the number and 18 hex digits, in base64 with padding.
    pub(crate) fn next_wamid(&self, recipient: &str) -> String {
        let count = self.sends_count.fetch_add(1, Ordering::Relaxed);
        let mut raw = vec![0x1c, 0x18];
        raw.push(u8::try_from(recipient.len()).unwrap_or(u8::MAX));
        raw.extend_from_slice(recipient.as_bytes());
        raw.extend_from_slice(&[0x15, 0x02, 0x00, 0x11, 0x18, 0x12]);
        raw.extend_from_slice(format!("{:08X}{count:010X}", self.run).as_bytes());
        raw.push(0);
        format!("wamid.{}", STANDARD.encode(raw))
    }

    pub(crate) fn next_trace_id(&self) -> String {
        let count = self.trace_count.fetch_add(1, Ordering::Relaxed);
        format!("A{:08x}{count:x}", self.run)
    }

    /// A word that nobody can guess, for tokens and keys.
    pub(crate) fn secret(prefix: &str) -> String {
        format!("{prefix}{}", hex::encode(rand::random::<[u8; 16]>()))
    }

    /// A panic elsewhere leaves these plain collections usable.
    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
