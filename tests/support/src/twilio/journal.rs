//! What arrived at the fake, in the order of arrival.

use std::collections::VecDeque;

use bytes::Bytes;

use super::error::TwilioError;
use super::message::Message;
use crate::cloud::Fault;

/// One request whose bytes arrived, whatever became of it. Credentials are left out.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    pub at_ms: u64,
    pub host: String,
    pub method: String,
    pub path: String,
    /// Decoded, in the order of the request.
    pub query: Vec<(String, String)>,
    /// The name of the call, for example `messages.create`; empty when the path is none.
    pub call: &'static str,
    pub body: Bytes,
    /// What was asked, when it was a message that Twilio would take.
    pub message: Option<Message>,
    pub verdict: Verdict,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It did what it was asked for; `spoiled` is the fault that kept the answer from the caller.
    Done { spoiled: Option<Fault> },
    /// The request broke a rule of the API.
    Refused(TwilioError),
    /// The request was in order, but a limit was against it.
    Limited(TwilioError),
    /// The request was in order, but a fault stopped it before it had an effect.
    Faulted(Fault),
}

pub(super) struct Journal {
    requests: VecDeque<RecordedRequest>,
    max: usize,
}

impl Journal {
    pub(super) fn new(max: usize) -> Self {
        Self {
            requests: VecDeque::new(),
            max,
        }
    }

    pub(super) fn add(&mut self, request: RecordedRequest) {
        while self.requests.len() >= self.max.max(1) {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.requests.clear();
    }
}
