//! One attempt: plugin, exchange, plugin, until the provider accepted or something failed.
//!
//! Nothing leaves before the journal says that it will, and nothing is read before the journal says
//! what came back. So an attempt that a crash interrupted is continued from its last written line:
//! an answer that is there is read again, a request without an answer counts as interrupted.

use std::sync::Arc;

use wharf_core::TenantId;
use wharf_core::provider::{
    Accepted, CallContext, Exchange, OutboundMessage, Outcome, Progress, Replay, TransportFailure,
};
use wharf_queue::Lease;
use wharf_runtime::{CallError, Plugin};
use wharf_store::journal::{self, AttemptKey, BeginAttempt, NewExchange, OpenAttempt};
use wharf_store::messages::Message;
use wharf_store::{Aad, StoreError};

use super::failed::{Failed, Last, SendError, may_have_acted};
use crate::app::App;
use crate::clock::random;
use crate::directory::Channel;

/// How an attempt ended.
pub(super) enum End {
    Accepted(Accepted),
    Failed(Box<Failed>),
}

pub(super) struct Attempt<'a> {
    app: &'a Arc<App>,
    message: &'a Message,
    channel: &'a Channel,
    plugin: &'a Plugin,
    lease: &'a Lease,
    /// 1 for the first attempt of a try.
    pub(super) number: u32,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        app: &'a Arc<App>,
        message: &'a Message,
        channel: &'a Channel,
        plugin: &'a Plugin,
        lease: &'a Lease,
        number: u32,
    ) -> Self {
        Self {
            app,
            message,
            channel,
            plugin,
            lease,
            number,
        }
    }

    /// Runs to an end, from the start or from where a crash left it.
    pub(super) async fn run(&self, open: Option<OpenAttempt>) -> Result<End, StoreError> {
        let wire = self.wire_message();
        let mut seq: u32 = 0;
        let mut begun = open.is_some();
        let mut last = None;
        let mut step = match open {
            None => self.plugin.start(&self.context(), &wire).await,
            Some(open) => {
                seq = u32::try_from(open.exchanges.len()).unwrap_or(u32::MAX);
                match self.recover(open, &wire).await? {
                    Recovered::Resumed(from, step) => {
                        last = Some(from);
                        *step
                    }
                    Recovered::Again => self.plugin.start(&self.context(), &wire).await,
                }
            }
        };
        loop {
            let exchange = match step {
                Ok(Progress::Done(accepted)) => {
                    if !begun {
                        self.begin(None).await?;
                    }
                    return Ok(End::Accepted(accepted));
                }
                Ok(Progress::Exchange(exchange)) => exchange,
                Err(error) => {
                    if !begun {
                        self.begin(None).await?;
                    }
                    return Ok(End::Failed(Box::new(Failed::of_call(error, last.as_ref()))));
                }
            };
            seq += 1;
            if seq > self.app.config.send.exchanges_max {
                let max = self.app.config.send.exchanges_max;
                let detail =
                    format!("the plugin asked for more than {max} exchanges for one message");
                let error = SendError::new("plugin-exchanges-limit", detail);
                let failed = Failed::of_refusal(error, last.as_ref());
                return Ok(End::Failed(Box::new(failed)));
            }
            match self.exchange(&exchange, seq, begun).await? {
                Ok(outcome) => {
                    begun = true;
                    step = self
                        .plugin
                        .resume(&self.context(), &wire, &exchange.state, &outcome)
                        .await;
                    last = Some(Last {
                        replay: exchange.replay,
                        outcome,
                        acted_before: last.as_ref().is_some_and(Last::may_have_acted),
                    });
                }
                Err(error) => {
                    let failed = Failed::of_refusal(error, last.as_ref());
                    return Ok(End::Failed(Box::new(failed)));
                }
            }
        }
    }

    fn wire_message(&self) -> OutboundMessage {
        OutboundMessage {
            id: self.message.id.bare(),
            to: self.message.to.clone(),
            sender: self.channel.sender.clone(),
            content: self.message.content.clone(),
            reply_to: self.message.reply_to.clone(),
            options: "{}".to_owned(),
        }
    }

    fn context(&self) -> CallContext {
        CallContext {
            settings: self.channel.settings.clone(),
            now_ms: u64::try_from(self.app.now_ms()).unwrap_or(0),
            seed: random(),
            locale: None,
        }
    }

    /// Journals the request, performs it, journals what came back. The inner error is a refusal of
    /// ours: nothing left.
    async fn exchange(
        &self,
        exchange: &Exchange,
        seq: u32,
        begun: bool,
    ) -> Result<Result<Outcome, SendError>, StoreError> {
        let app = self.app;
        let source = super::grant(self.channel, self.plugin.descriptor());
        let prepared = match source.with(|grant| app.egress.prepare(exchange, grant)) {
            Ok(prepared) => prepared,
            Err(denied) => {
                if !begun {
                    self.begin(None).await?;
                }
                tracing::warn!(message.id = %self.message.id, plugin.name = self.plugin.name(), reason = %denied, "an exchange was denied");
                return Ok(Err(SendError::new(denied.slug(), denied.to_string())));
            }
        };
        if exchange.delay_ms > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(
                exchange.delay_ms.min(DELAY_MS_MAX).into(),
            ))
            .await;
        }
        let state = if exchange.state.is_empty() {
            None
        } else {
            Some(self.seal_state(seq, &exchange.state)?)
        };
        let new = NewExchange {
            seq,
            label: exchange.label.clone(),
            replay: exchange.replay,
            state,
            request: prepared.journal(),
            started_at: app.now_ms(),
        };
        if begun {
            let (tenant, key) = self.key(self.number);
            app.db
                .write(move |tx| {
                    Box::pin(async move { journal::begin_exchange(tx, &tenant, key, &new).await })
                })
                .await?;
        } else {
            self.begin(Some(new)).await?;
        }
        // A process that slept through its lease must not send what others have given up by now.
        if self.lease.is_lost() {
            return Err(StoreError::Refused(
                "the job's lease was lost before the request went out".to_owned(),
            ));
        }
        let answered = app.egress.send(prepared).await;
        let outcome = answered.outcome;
        self.keep(seq, &outcome).await?;
        Ok(Ok(outcome))
    }

    /// Opens the attempt, with its first exchange when there is one, in one transaction.
    async fn begin(&self, exchange: Option<NewExchange>) -> Result<(), StoreError> {
        let (tenant, key) = self.key(self.number);
        let attempt = BeginAttempt {
            message: key.message,
            try_number: key.try_number,
            number: key.number,
            channel: self.channel.id.clone(),
            plugin_digest: Some(hex::encode(self.plugin.digest())),
            started_at: self.app.now_ms(),
        };
        self.app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    journal::begin_attempt(tx, &tenant, &attempt).await?;
                    match exchange {
                        Some(new) => journal::begin_exchange(tx, &tenant, key, &new).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }

    /// Journals an answer, and tries again while the database fails: an answer that is lost makes
    /// a message that was sent look unknown.
    async fn keep(&self, seq: u32, outcome: &Outcome) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.end_exchange(self.number, seq, outcome).await {
                Err(StoreError::Refused(reason)) => return Err(StoreError::Refused(reason)),
                Err(error) if tries < KEEP_TRIES_MAX && !self.lease.is_lost() => {
                    tracing::warn!(message.id = %self.message.id, error = %error, "an answer could not be kept yet");
                    tokio::time::sleep(KEEP_PAUSE * tries).await;
                }
                ended => return ended,
            }
        }
    }

    async fn end_exchange(
        &self,
        number: u32,
        seq: u32,
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let (tenant, key) = self.key(number);
        let (outcome, ended_at) = (outcome.clone(), self.app.now_ms());
        self.app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    journal::end_exchange(tx, &tenant, key, seq, &outcome, ended_at).await
                })
            })
            .await
    }

    fn key(&self, number: u32) -> (TenantId, AttemptKey) {
        let key = AttemptKey {
            message: self.message.id,
            try_number: self.message.try_number,
            number,
        };
        (self.channel.tenant.clone(), key)
    }

    /// Continues an attempt that this or another process left open.
    async fn recover(
        &self,
        open: OpenAttempt,
        wire: &OutboundMessage,
    ) -> Result<Recovered, StoreError> {
        let number = open.number;
        let mut exchanges = open.exchanges;
        let Some(exchange) = exchanges.pop() else {
            return Ok(Recovered::Again);
        };
        let acted_before = exchanges
            .iter()
            .any(|earlier| may_have_acted(earlier.replay, earlier.outcome.as_ref()));
        let outcome = match exchange.outcome {
            Some(outcome) => outcome,
            // Whether it went out is unknown, and that it may go out again was declared.
            None if exchange.replay != Replay::Unsafe && !acted_before => {
                return Ok(Recovered::Again);
            }
            None => {
                let outcome = Outcome::Failed(TransportFailure::Interrupted);
                self.end_exchange(number, exchange.seq, &outcome).await?;
                outcome
            }
        };
        let state = match &exchange.state {
            Some(sealed) => self.open_state(exchange.seq, sealed)?,
            None => Vec::new(),
        };
        let step = self
            .plugin
            .resume(&self.context(), wire, &state, &outcome)
            .await;
        Ok(Recovered::Resumed(
            Last {
                replay: exchange.replay,
                outcome,
                acted_before,
            },
            Box::new(step),
        ))
    }

    fn seal_state(&self, seq: u32, state: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (tenant, id) = (self.channel.tenant.as_str(), self.message.id.bare());
        Ok(self
            .app
            .vault
            .seal(&state_aad(tenant, &id, seq), state)?
            .bytes)
    }

    fn open_state(&self, seq: u32, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (tenant, id) = (self.channel.tenant.as_str(), self.message.id.bare());
        Ok(self
            .app
            .vault
            .open(&state_aad(tenant, &id, seq), sealed)?
            .to_vec())
    }
}

enum Recovered {
    Resumed(Last, Box<Result<Progress, CallError>>),
    /// Nothing that matters went out: begin the flow again.
    Again,
}

/// How often an answer is offered to a failing database, with pauses that grow: 21 s in all.
const KEEP_TRIES_MAX: u32 = 20;
const KEEP_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Longest pause between two exchanges that a worker waits out.
const DELAY_MS_MAX: u32 = 5_000;

fn state_aad<'a>(tenant: &'a str, message: &'a str, seq: u32) -> Aad<'a> {
    Aad {
        purpose: "exchange-state",
        tenant: Some(tenant),
        owner: message,
        name: "state",
        slot: i64::from(seq),
    }
}
