//! What arrived at the fake, in the order of arrival.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::error::GraphError;
use super::fault::Fault;
use super::message::SendRequest;

/// One request whose bytes arrived, whatever became of it.
///
/// Headers and parameters with keys and tokens are left out, and so is the body of a login or of a
/// code's exchange: a record may be printed.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    pub at_ms: u64,
    pub method: String,
    pub path: String,
    /// Decoded, in the order of the request.
    pub query: Vec<(String, String)>,
    /// The name of the call, for example `messages.send`; empty when the path is none.
    pub call: &'static str,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// What was asked, when it was a send that Graph would take.
    pub send: Option<SendRequest>,
    pub verdict: Verdict,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The message is on its way; `spoiled` is the fault that kept the answer from the caller.
    Accepted {
        wamid: String,
        spoiled: Option<Fault>,
    },
    /// A read receipt.
    MarkedRead { message_id: String },
    /// Any other call that did what it was asked for.
    Answered { spoiled: Option<Fault> },
    /// The request broke a rule of the API.
    Refused(GraphError),
    /// The request was in order, but a limit or the state of number or customer is against it.
    Limited(GraphError),
    /// The reseller's own refusal, in its own words.
    Declined { status: u16, reason: String },
    /// The request was in order, but a fault stopped it before it had an effect.
    Faulted(Fault),
}

impl RecordedRequest {
    /// The id of the message that this request brought about.
    #[must_use]
    pub fn wamid(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Accepted { wamid, .. } => Some(wamid),
            _ => None,
        }
    }
}

pub(crate) struct Journal {
    requests: VecDeque<RecordedRequest>,
    max: usize,
}

impl Journal {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            requests: VecDeque::new(),
            max,
        }
    }

    pub(crate) fn add(&mut self, request: RecordedRequest) {
        while self.requests.len() >= self.max.max(1) {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }

    /// Well-formed sends that `wanted` picks, by their callback data.
    pub(crate) fn sends(
        &self,
        wanted: impl Fn(&RecordedRequest) -> bool,
    ) -> BTreeMap<String, Vec<RecordedRequest>> {
        let mut by_data: BTreeMap<String, Vec<RecordedRequest>> = BTreeMap::new();
        for request in self.requests.iter().filter(|request| wanted(request)) {
            let data = request
                .send
                .as_ref()
                .and_then(|send| send.callback_data.clone());
            if let Some(data) = data {
                by_data.entry(data).or_default().push(request.clone());
            }
        }
        by_data
    }
}
