//! What one call of a function with exchanges comes to: another exchange, or a result.

use serde::{Deserialize, Serialize};

use super::exchange::{Exchange, Pace};
use super::inbound::{InboundItem, Party};
use super::json::Json;
use super::templates::TemplateEntry;

/// One step of a flow that ends in a `T`.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// Perform it and call again with its outcome.
    Exchange(Box<Exchange>),
    Done(T),
}

/// One step of a flow that ends in a list, told page by page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageStep<T> {
    Exchange(Box<Exchange>),
    /// Keep these, then perform the exchange and call again with its outcome.
    Page(Vec<T>, Box<Exchange>),
    /// The last of them.
    Done(Vec<T>),
}

/// What the provider said when it took a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// None for read receipts and for a 2xx without an id.
    pub provider_message_id: Option<String>,
    pub pace: Vec<Pace>,
    /// Recipient as the provider normalised it.
    pub recipient: Option<Party>,
    /// True when the provider only queued it and a status will follow.
    pub pending: bool,
}

/// What became of a message whose answer was lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reconciled {
    Found(Accepted),
    /// The provider never took it: sending it again is safe.
    Absent,
    /// The provider does not say, or not yet.
    Undecided,
}

/// The public profile of a sending number, in the Cloud API's shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileRequest {
    Get,
    Set(Json),
}

/// One step of an outbound message.
pub type Progress = Step<Accepted>;
/// One step of bringing in what was missed.
pub type CatchUp = PageStep<InboundItem>;
/// One step of a request about templates.
pub type TemplatesStep = PageStep<TemplateEntry>;
