//! Who a call is made as: the plugin's names for errors and log lines, and on whose behalf.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::breaker::Party;
use crate::config::LimitClass;
use crate::usage::Observer;

/// Made once for each plugin, so that a call copies a pointer.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) plugin: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) digest: Arc<str>,
    pub(crate) class: LimitClass,
    /// Whose input the calls work on; the circuit breaker tells parties apart.
    pub(crate) party: Option<Party>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) observer: Option<Observer>,
    /// In place of the class's limits, to measure. Such calls do not move the circuit.
    pub(crate) output_bytes_max: Option<usize>,
}

impl Identity {
    pub(crate) fn new(plugin: &str, version: &str, digest: &[u8; 32], class: LimitClass) -> Self {
        Self {
            plugin: plugin.into(),
            version: version.into(),
            digest: hex::encode(&digest[..6]).into(),
            class,
            party: None,
            in_flight: Arc::default(),
            observer: None,
            output_bytes_max: None,
        }
    }
}

/// The calls in progress of one plugin, and a way to wait for the last one.
#[derive(Default)]
pub(crate) struct InFlight {
    calls: AtomicUsize,
    none_left: Notify,
}

/// One call in progress.
pub(crate) struct Flight(Arc<InFlight>);

impl InFlight {
    pub(crate) fn enter(self: &Arc<Self>) -> Flight {
        self.calls.fetch_add(1, Ordering::AcqRel);
        Flight(Arc::clone(self))
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    pub(crate) async fn drained(&self) {
        loop {
            let none_left = self.none_left.notified();
            tokio::pin!(none_left);
            // Before the look at the number, so that an end in between is not missed.
            none_left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.0.calls.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}
