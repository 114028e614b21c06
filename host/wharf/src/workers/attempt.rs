//! One attempt: plugin, exchange, plugin, until the provider accepted or something failed.
//!
//! Nothing leaves before the journal says that it will, and nothing is read before the journal says
//! what came back. So an attempt that a crash interrupted is continued from its last written line:
//! an answer that is there is read again, a request without an answer counts as interrupted.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::TenantId;
use wharf_core::provider::{
    Accepted, CallContext, Exchange, OutboundMessage, Outcome, PlatformError, Progress, Replay,
    TransportFailure,
};
use wharf_core::retry::Failure;
use wharf_runtime::{CallError, Plugin};
use wharf_store::journal::{self, AttemptKey, BeginAttempt, NewExchange, OpenAttempt};
use wharf_store::messages::Message;
use wharf_store::{Aad, StoreError};

use crate::app::App;
use crate::clock::random;
use crate::directory::Channel;

/// How an attempt ended.
pub(super) enum End {
    Accepted(Accepted),
    Failed(Failed),
}

/// Why an attempt failed, as people read it and as the retry rule needs it.
pub(super) struct Failed {
    pub(super) error: SendError,
    kind: Kind,
    /// The provider's own words on speed.
    pub(super) advice: Option<PlatformError>,
}

enum Kind {
    Provider(PlatformError),
    PluginFault,
    Deterministic,
    Overloaded,
    Ambiguous,
}

impl Failed {
    pub(super) fn failure(&self) -> Failure<'_> {
        match &self.kind {
            Kind::Provider(error) => Failure::Provider(error),
            Kind::PluginFault => Failure::PluginFault,
            Kind::Deterministic => Failure::Deterministic,
            Kind::Overloaded => Failure::Overloaded,
            Kind::Ambiguous => Failure::Ambiguous,
        }
    }
}

/// A failure as messages, timelines and events show it.
pub(super) struct SendError {
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) remedy: Option<String>,
    pub(super) provider_code: Option<String>,
    pub(super) trace_id: Option<String>,
}

impl SendError {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            detail: detail.into(),
            remedy: None,
            provider_code: None,
            trace_id: None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "detail": self.detail,
            "remedy": self.remedy,
            "provider_code": self.provider_code,
            "trace_id": self.trace_id,
        })
    }
}

impl From<&PlatformError> for SendError {
    fn from(error: &PlatformError) -> Self {
        Self {
            code: error.class.as_str().to_owned(),
            detail: error.detail.clone(),
            remedy: error.remedy.clone(),
            provider_code: error.provider_code.clone(),
            trace_id: error.trace_id.clone(),
        }
    }
}

pub(super) struct Attempt<'a> {
    app: &'a Arc<App>,
    message: &'a Message,
    channel: &'a Channel,
    plugin: &'a Plugin,
    /// 1 for the first attempt of a try.
    pub(super) number: u32,
}

/// The last exchange that went out in this attempt.
struct Last {
    replay: Replay,
    outcome: Outcome,
}

impl Last {
    /// True when repeating the send could send twice.
    fn may_have_acted(&self) -> bool {
        self.replay == Replay::Unsafe
            && match &self.outcome {
                Outcome::Response(_) | Outcome::Stored(_) => true,
                Outcome::Failed(failure) => failure.is_ambiguous(),
            }
    }

    fn is_unanswered(&self) -> bool {
        self.may_have_acted() && matches!(self.outcome, Outcome::Failed(_))
    }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        app: &'a Arc<App>,
        message: &'a Message,
        channel: &'a Channel,
        plugin: &'a Plugin,
        number: u32,
    ) -> Self {
        Self {
            app,
            message,
            channel,
            plugin,
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
                        step
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
                    return Ok(End::Failed(self.failed(error, last.as_ref())));
                }
            };
            seq += 1;
            if seq > self.app.config.send.exchanges_max {
                let max = self.app.config.send.exchanges_max;
                let detail =
                    format!("the plugin asked for more than {max} exchanges for one message");
                return Ok(End::Failed(deterministic(
                    SendError::new("plugin-exchanges-limit", detail),
                    last.as_ref(),
                )));
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
                    });
                }
                Err(error) => return Ok(End::Failed(deterministic(error, last.as_ref()))),
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
        let answered = app.egress.send(prepared).await;
        let outcome = answered.outcome;
        self.end_exchange(self.number, seq, &outcome).await?;
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
        let Some(exchange) = open.exchanges.into_iter().next_back() else {
            return Ok(Recovered::Again);
        };
        let outcome = match exchange.outcome {
            Some(outcome) => outcome,
            // Whether it went out is unknown, and that it may go out again was declared.
            None if exchange.replay != Replay::Unsafe => return Ok(Recovered::Again),
            None => {
                let outcome = Outcome::Failed(TransportFailure::Interrupted);
                self.end_exchange(open.number, exchange.seq, &outcome)
                    .await?;
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
            },
            step,
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

    /// What a failed plugin call means, given what had gone out before it.
    fn failed(&self, error: CallError, last: Option<&Last>) -> Failed {
        let unanswered = last.is_some_and(Last::is_unanswered);
        match error {
            CallError::Guest(error) => Failed {
                error: SendError::from(&error),
                // Whatever the plugin advises: no answer to an unsafe exchange is never "try again".
                kind: if unanswered {
                    Kind::Ambiguous
                } else {
                    Kind::Provider(error.clone())
                },
                advice: Some(error),
            },
            other => {
                let acted = last.is_some_and(Last::may_have_acted);
                let kind = match &other {
                    // The outcome is journalled, so the same answer is read again later.
                    CallError::Overloaded { .. } | CallError::Unavailable { .. } => {
                        Kind::Overloaded
                    }
                    _ if acted => Kind::Ambiguous,
                    CallError::Fault { .. } => Kind::PluginFault,
                    _ => Kind::Deterministic,
                };
                Failed {
                    error: SendError::new(other.slug(), other.to_string()),
                    kind,
                    advice: None,
                }
            }
        }
    }
}

enum Recovered {
    Resumed(Last, Result<Progress, CallError>),
    /// Nothing that matters went out: begin the flow again.
    Again,
}

/// Longest pause between two exchanges that a worker waits out.
const DELAY_MS_MAX: u32 = 5_000;

fn deterministic(error: SendError, last: Option<&Last>) -> Failed {
    let acted = last.is_some_and(Last::may_have_acted);
    Failed {
        error,
        kind: if acted {
            Kind::Ambiguous
        } else {
            Kind::Deterministic
        },
        advice: None,
    }
}

fn state_aad<'a>(tenant: &'a str, message: &'a str, seq: u32) -> Aad<'a> {
    Aad {
        purpose: "exchange-state",
        tenant: Some(tenant),
        owner: message,
        name: "state",
        slot: i64::from(seq),
    }
}
