//! The plugin host: what it admits, what a call may use, and how every bad end is named.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod breaker;
mod classes;
mod compile;
pub(crate) mod guest;
mod limits;
mod load;
mod logs;
mod measures;
mod plugins;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wharf_core::Clock;
use wharf_core::provider::{
    Address, CallContext, Content, HttpMethod, OutboundMessage, Text, WebhookRequest,
};
use wharf_runtime::{LoadError, Plugin, Runtime, RuntimeConfig};

/// Smaller than in service: tests run side by side, and a pool takes address space.
fn config() -> RuntimeConfig {
    RuntimeConfig {
        permits_max: 16,
        plugin_permits_max: 8,
        ..RuntimeConfig::default()
    }
}

async fn load(bytes: Vec<u8>) -> Result<Arc<Plugin>, LoadError> {
    load_with(config(), bytes).await
}

async fn load_with(config: RuntimeConfig, bytes: Vec<u8>) -> Result<Arc<Plugin>, LoadError> {
    Runtime::new(config).unwrap().load("test", bytes).await
}

/// A clock that only moves by hand.
#[derive(Default)]
struct HandClock(AtomicI64);

impl HandClock {
    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn context() -> CallContext {
    CallContext {
        settings: vec![("phone_number_id".to_owned(), "106540352242922".to_owned())],
        now_ms: 1_700_000_000_000,
        seed: [7; 32],
        locale: None,
    }
}

fn message() -> OutboundMessage {
    OutboundMessage {
        id: "01JABCDEFGHJKMNPQRSTVWXYZ0".to_owned(),
        to: Address::Phone("4915112345678".to_owned()),
        sender: "106540352242922".to_owned(),
        content: Content::Text {
            text: Text {
                body: "Hello".to_owned(),
                preview_url: false,
            },
        },
        reply_to: None,
        options: "{}".to_owned(),
    }
}

fn webhook(body: &[u8]) -> WebhookRequest {
    WebhookRequest {
        name: "main".to_owned(),
        method: HttpMethod::Post,
        query: Vec::new(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_vec(),
        received_at_ms: 1_700_000_000_000,
    }
}
