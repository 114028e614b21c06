//! Messages in bulk, and what became of those that failed for good.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::messages::{Message, OutboundMessage};

/// Up to 1,000 messages, each as `POST /v1/messages` takes it; one that is wrong is refused by itself.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct BatchIn {
    #[schema(min_items = 1, max_items = 1000)]
    messages: Vec<Value>,
}

/// One result for each message, in their order.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Batch {
    accepted: u64,
    refused: u64,
    data: Vec<BatchResult>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct BatchResult {
    /// The message's place in the batch, from 0.
    index: u64,
    /// What the message alone would have been answered.
    status: u16,
    /// It was taken before under this `Idempotency-Key`.
    #[schema(nullable = false)]
    replayed: Option<bool>,
    #[schema(nullable = false)]
    message: Option<OutboundMessage>,
    /// Why it was refused: a problem.
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
}

/// One page, newest first.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct DeadLetterPage {
    data: Vec<DeadLetter>,
    next_cursor: Option<String>,
}

/// A job that failed for good.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct DeadLetter {
    id: String,
    queue: String,
    kind: String,
    reason: Option<String>,
    attempts: u64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    dead_at: String,
    #[schema(nullable = false)]
    message_id: Option<String>,
    #[schema(nullable = false)]
    delivery_id: Option<String>,
    #[schema(nullable = false)]
    channel: Option<String>,
    reference: Option<String>,
    code: Option<String>,
    remedy: Option<String>,
}

/// The message with everything that was exchanged for it.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct DeadLetterMessage {
    #[schema(nullable = false)]
    message: Option<Message>,
}

/// Which dead letters: those that match all that is given, and at least one thing must be.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct DeadLetterChoice {
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<String>>,
    queue: Option<String>,
    channel: Option<String>,
    /// As errors have it, such as auth-failed.
    code: Option<String>,
    /// True, for all of the tenant's.
    all: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Retried {
    retried: u64,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Flushed {
    flushed: u64,
}
