//! The gateway's parts, put together once and handed to whoever serves a request or runs a job.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, watch};
use wharf_config::Config;
use wharf_core::{Clock, IdSource, MessageId};
use wharf_egress::Egress;
use wharf_queue::Queues;
use wharf_runtime::Registry;
use wharf_store::{Db, Vault};

use crate::callers::Callers;
use crate::directory::Directory;
use crate::exchange::Flights;
use crate::media::MediaFiles;
use crate::plugins::Lifecycle;
use crate::workers::Gate;

/// 256 MiB: sixty of the largest bodies a provider sends, at the same time.
pub const WEBHOOK_BODIES_KIB_MAX: usize = 256 * 1024;

/// Everything one gateway process owns.
pub struct App {
    pub config: Arc<Config>,
    pub db: Db,
    pub vault: Vault,
    pub queues: Queues,
    pub egress: Arc<Egress>,
    pub plugins: Arc<Registry>,
    /// How the plugins come and go, and earlier versions of them.
    pub lifecycle: Arc<Lifecycle>,
    pub directory: Directory,
    pub media: Arc<MediaFiles>,
    /// Exchanges under way that others may be answered from.
    pub flights: Flights,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub settled: Settled,
    /// Shares of the tenants in workers that wait for providers.
    pub gates: Gates,
    /// KiB of webhook bodies that may be in memory at once, read before anything proves their origin.
    pub webhook_bodies: Semaphore,
    /// What callers used of their rates, and when keys were used.
    pub callers: Callers,
    /// Why the process is not ready, `None` when it is.
    pub unready: watch::Sender<Option<&'static str>>,
}

/// Jobs of one tenant at the same time in this process, by what they wait for.
pub struct Gates {
    pub media: Arc<Gate>,
    pub upkeep: Arc<Gate>,
}

impl Gates {
    pub fn new(config: &Config) -> Self {
        Self {
            media: Gate::new(config.media.tenant_fetches_max),
            upkeep: Gate::new(config.upkeep.tenant_jobs_max),
        }
    }
}

impl App {
    /// Unix milliseconds, by the clock this gateway was given.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

/// Wakes requests that wait for the end of a message's attempt in this process.
#[derive(Default)]
pub struct Settled {
    waiting: Mutex<HashMap<MessageId, watch::Sender<()>>>,
}

impl Settled {
    /// Starts to listen; must be called before the job can run, or its end may be missed.
    pub fn listen(&self, message: MessageId) -> watch::Receiver<()> {
        let mut waiting = self.waiting.lock().expect("no panic holds this lock");
        waiting
            .entry(message)
            .or_insert_with(|| watch::channel(()).0)
            .subscribe()
    }

    /// Says that an attempt of this message has ended and its outcome is committed.
    pub fn announce(&self, message: MessageId) {
        let heard = self
            .waiting
            .lock()
            .expect("no panic holds this lock")
            .remove(&message);
        if let Some(listeners) = heard {
            listeners.send_replace(());
        }
    }

    /// Ends a wait that timed out; others may still wait for the same message.
    pub fn forget(&self, message: MessageId) {
        let mut waiting = self.waiting.lock().expect("no panic holds this lock");
        if waiting
            .get(&message)
            .is_some_and(|w| w.receiver_count() == 0)
        {
            waiting.remove(&message);
        }
    }
}
