//! Every case of every type crosses between host and guest, both ways, and what a guest may not say is
//! refused by name. The guest is `tests/guests/echo`.

mod answers;
mod arguments;
mod contents;
mod events;
mod exports;
mod flows;
mod refusals;
mod results;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use wharf_core::provider::{
    Body, CallContext, Exchange, FlowNext, FlowProgress, MediaRef, PageStep, Step,
};
use wharf_runtime::Plugin;

/// Room for the description in the guest's data.
const DESCRIPTION_BYTES: usize = 16_384;
const DESCRIPTION: &str = include_str!("../../guests/echo/src/description.json");

/// The guest as it was built. `cargo xtask test` says where it is; without it this is skipped loudly, and
/// with `CI=true` it fails.
#[expect(
    clippy::disallowed_methods,
    reason = "the build tells the tests, not the gateway, where it put the guests"
)]
fn component() -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("WHARF_GUESTS_DIST") else {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "WHARF_GUESTS_DIST is not set; run the tests by `cargo xtask test`"
        );
        eprintln!(
            "SKIPPED: WHARF_GUESTS_DIST is not set, the interface is not tested; run `cargo xtask test`"
        );
        return None;
    };
    let path = PathBuf::from(folder).join("echo.wasm");
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// One for all tests: compiling it takes longer than all of their calls. What one test has refused counts
/// against the digest, so its circuit must never open: each test would be refused for the others.
async fn echo() -> Option<Arc<Plugin>> {
    static ECHO: OnceCell<Option<Arc<Plugin>>> = OnceCell::const_new();
    let mut config = super::config();
    config.breaker.faults_max = u32::MAX;
    let load = || async {
        match component() {
            Some(bytes) => Some(super::load_with(config, bytes).await.unwrap()),
            None => None,
        }
    };
    ECHO.get_or_init(load).await.clone()
}

/// What the guest says of itself, as JSON with the names of its Rust types.
fn description() -> Value {
    serde_json::from_str(DESCRIPTION).unwrap()
}

/// The guest with another description, written over the one in its data.
fn describing(mut component: Vec<u8>, description: &Value) -> Vec<u8> {
    let head = &DESCRIPTION.as_bytes()[..30];
    let found: Vec<_> = component
        .windows(head.len())
        .enumerate()
        .filter_map(|(at, bytes)| (bytes == head).then_some(at))
        .collect();
    let [at] = found[..] else {
        panic!("the description stands at {found:?}");
    };
    let text = format!("{:<DESCRIPTION_BYTES$}", description.to_string());
    assert_eq!(text.len(), DESCRIPTION_BYTES, "it does not fit");
    component[at..at + DESCRIPTION_BYTES].copy_from_slice(text.as_bytes());
    component
}

/// A context that makes the guest return this.
fn answering(answer: &Value) -> CallContext {
    CallContext {
        settings: vec![("answer".to_owned(), json!({ "Ok": answer }).to_string())],
        ..super::context()
    }
}

/// The arguments the guest says it got.
fn arguments(exchange: &Exchange) -> Value {
    let Body::Bytes(_, bytes) = &exchange.request.body else {
        panic!("the guest did not echo: {exchange:?}");
    };
    serde_json::from_slice(bytes).unwrap()
}

fn of_step<T: std::fmt::Debug>(step: &Step<T>) -> Value {
    match step {
        Step::Exchange(exchange) => arguments(exchange),
        Step::Done(_) => panic!("expected an exchange, got {step:?}"),
    }
}

fn of_pages<T: std::fmt::Debug>(step: &PageStep<T>) -> Value {
    match step {
        PageStep::Exchange(exchange) => arguments(exchange),
        other => panic!("expected an exchange, got {other:?}"),
    }
}

fn of_flow(progress: &FlowProgress) -> Value {
    match &progress.next {
        FlowNext::Exchange(exchange) => arguments(exchange),
        other => panic!("expected an exchange, got {other:?}"),
    }
}

fn media_ref() -> MediaRef {
    MediaRef {
        handle: "med_1".to_owned(),
        content_type: "image/png".to_owned(),
        size: 1 << 40,
        sha256: vec![9; 32],
        filename: Some("a.png".to_owned()),
    }
}

fn media_ref_json() -> Value {
    json!({
        "handle": "med_1", "content_type": "image/png", "size": 1_u64 << 40,
        "sha256": vec![9; 32], "filename": "a.png",
    })
}

/// An exchange of the smallest kind, to be changed by a test.
fn exchange_json() -> Value {
    json!({
        "label": "send",
        "request": {
            "method": "Post", "url": "https://api.example.com/v1/messages", "query": { "Fields": [] },
            "headers": [], "body": "Empty", "timeout_ms": null,
        },
        "replay": "Unsafe", "sink": { "Buffer": 1024 }, "capture": [], "memo": null, "bucket": null,
        "delay_ms": 0, "state": [],
    })
}
