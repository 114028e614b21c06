//! One attempt: plugin, exchange, plugin, until the provider accepted or something failed.
//!
//! Nothing leaves before the journal says that it will, and nothing is read before it says what came back.
//! So one that a crash interrupted goes on from its last line: a request without answer is interrupted.

mod state;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use wharf_core::provider::{
    Accepted, CallContext, Exchange, OutboundMessage, Outcome, Progress, Replay, TransportFailure,
};
use wharf_core::{Reason, TenantId};
use wharf_queue::Lease;
use wharf_runtime::{CallError, Plugin};
use wharf_store::journal::{self, AttemptKey, BeginAttempt, NewExchange, OpenAttempt};
use wharf_store::messages::Message;
use wharf_store::{StoreError, Tx};

use super::failed::{Failed, Last, SendError, may_have_acted};
use crate::app::App;
use crate::directory::Channel;
use crate::exchange::{self, Actor, Journal, JournalEntry, NotPerformed, Performed};

/// How an attempt ended.
pub(super) enum End {
    Accepted(Accepted),
    Failed(Box<Failed>),
    /// The plugin was not asked and nothing was journalled: no attempt was made.
    NotAsked(Box<Failed>),
}

fn refused(error: SendError, last: Option<&Last>) -> End {
    End::Failed(Box::new(Failed::of_refusal(error, last)))
}

/// A limit is used up. An attempt that has begun is not over: its journal says where it goes on.
fn closed(wait_ms: i64, is_begun: bool) -> End {
    let failed = Box::new(Failed::closed(wait_ms.max(0), is_begun));
    if is_begun {
        End::Failed(failed)
    } else {
        End::NotAsked(failed)
    }
}

pub(super) struct Attempt<'a> {
    app: &'a Arc<App>,
    message: &'a Message,
    channel: &'a Arc<Channel>,
    plugin: &'a Plugin,
    actor: Actor,
    lease: &'a Lease,
    /// 1 for the first attempt of a try.
    pub(super) number: u32,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        app: &'a Arc<App>,
        message: &'a Message,
        channel: &'a Arc<Channel>,
        plugin: &'a Plugin,
        lease: &'a Lease,
        number: u32,
    ) -> Self {
        Self {
            app,
            message,
            channel,
            plugin,
            actor: Actor::of_channel(channel, plugin.descriptor()),
            lease,
            number,
        }
    }

    /// Runs to an end, from the start or from where a crash left it.
    pub(super) async fn run(&self, open: Option<OpenAttempt>) -> Result<End, StoreError> {
        let wire = wire_message(self.message, self.channel);
        let mut begun = open.is_some();
        let (mut step, mut seq, mut last) = self.first(open, &wire).await?;
        loop {
            let exchange = match step {
                Ok(Progress::Done(accepted)) => {
                    if !begun {
                        self.begin(None).await?;
                    }
                    return Ok(End::Accepted(accepted));
                }
                Ok(Progress::Exchange(exchange)) => exchange,
                // This host was short of something: the message had no attempt.
                Err(error) if error.is_not_called() && !begun => {
                    return Ok(End::NotAsked(Box::new(Failed::of_call(error, None))));
                }
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
                let error = SendError::new(Reason::PluginExchangesLimit, detail);
                return Ok(refused(error, last.as_ref()));
            }
            match self.exchange(&exchange, seq, begun).await? {
                Ok(Performed {
                    outcome,
                    from_memory,
                }) => {
                    begun = true;
                    step = self
                        .plugin
                        .resume(&self.context(), &wire, &exchange.state, &outcome)
                        .await;
                    last = Some(Last {
                        replay: replay_of(exchange.replay, from_memory),
                        outcome,
                        acted_before: last.as_ref().is_some_and(Last::may_have_acted),
                    });
                }
                Err(Stop::Refused(error)) => return Ok(refused(error, last.as_ref())),
                Err(Stop::Closed { until_ms }) => {
                    return Ok(closed(until_ms - self.app.now_ms(), begun));
                }
            }
        }
    }

    /// The step to go on with, after how many exchanges, and the last of them.
    async fn first(
        &self,
        open: Option<OpenAttempt>,
        wire: &OutboundMessage,
    ) -> Result<(Step, u32, Option<Last>), StoreError> {
        let Some(open) = open else {
            return Ok((self.plugin.start(&self.context(), wire).await, 0, None));
        };
        let seq = u32::try_from(open.exchanges.len()).unwrap_or(u32::MAX);
        Ok(match self.recover(open, wire).await? {
            Recovered::Resumed(from, step) => (*step, seq, Some(from)),
            Recovered::Again => (self.plugin.start(&self.context(), wire).await, seq, None),
        })
    }

    fn context(&self) -> CallContext {
        self.actor.context(self.app)
    }

    /// Journals the request, performs it, journals what came back. The inner error is a refusal of
    /// ours: nothing left.
    async fn exchange(
        &self,
        exchange: &Exchange,
        seq: u32,
        begun: bool,
    ) -> Result<Result<Performed, Stop>, StoreError> {
        let journal = Entry {
            attempt: self,
            seq,
            begun,
        };
        let delay = Duration::from_millis(exchange.delay_ms.min(DELAY_MS_MAX).into());
        match exchange::perform(self.app, &self.actor, exchange, delay, &journal).await? {
            Ok(performed) => Ok(Ok(performed)),
            Err(NotPerformed::Closed { until_ms }) => Ok(Err(Stop::Closed { until_ms })),
            Err(NotPerformed::Denied(denied)) => {
                if !begun {
                    self.begin(None).await?;
                }
                tracing::warn!(message.id = %self.message.id, plugin.name = self.plugin.name(), reason = %denied, "an exchange was denied");
                let error = SendError::new(denied.reason(), denied.to_string());
                Ok(Err(Stop::Refused(error)))
            }
        }
    }

    /// Opens the attempt, with its first exchange when there is one, in one transaction.
    async fn begin(&self, exchange: Option<Begun>) -> Result<(), StoreError> {
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
                        Some(begun) => begun.write(tx, &tenant, key).await,
                        None => Ok(()),
                    }
                })
            })
            .await
    }

    fn entry(&self, number: u32, seq: u32) -> JournalEntry {
        let (tenant, attempt) = self.key(number);
        JournalEntry {
            tenant,
            attempt,
            seq,
        }
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
        let acted_before = exchanges.iter().any(|earlier| {
            let replay = replay_of(earlier.replay, earlier.from_memo);
            may_have_acted(replay, earlier.outcome.as_ref())
        });
        let outcome = match exchange.outcome {
            Some(outcome) => outcome,
            // Whether it went out is unknown, and that it may go out again was declared.
            None if exchange.replay != Replay::Unsafe && !acted_before => {
                return Ok(Recovered::Again);
            }
            None => {
                let outcome = Outcome::Failed(TransportFailure::Interrupted);
                let entry = self.entry(number, exchange.seq);
                exchange::end_without_answer(self.app, entry, &outcome).await?;
                outcome
            }
        };
        let state = match &exchange.state {
            Some(sealed) => state::open(
                &self.app.vault,
                &self.channel.tenant,
                self.message.id,
                exchange.seq,
                sealed,
            )?,
            None => Vec::new(),
        };
        let step = self
            .plugin
            .resume(&self.context(), wire, &state, &outcome)
            .await;
        Ok(Recovered::Resumed(
            Last {
                replay: replay_of(exchange.replay, exchange.from_memo),
                outcome,
                acted_before,
            },
            Box::new(step),
        ))
    }
}

/// The message as its plugin gets it.
pub(super) fn wire_message(message: &Message, channel: &Channel) -> OutboundMessage {
    OutboundMessage {
        id: message.id.bare(),
        to: message.to.clone(),
        sender: channel.sender.clone(),
        content: message.content.clone(),
        reply_to: message.reply_to.clone(),
        options: crate::view::options(message.options.as_ref()),
    }
}

/// Why an exchange was not performed: nothing left.
enum Stop {
    Refused(SendError),
    Closed { until_ms: i64 },
}

/// What a plugin's call came to.
type Step = Result<Progress, CallError>;

enum Recovered {
    Resumed(Last, Box<Step>),
    /// Nothing that matters went out: begin the flow again.
    Again,
}

/// One exchange's line in the attempt's journal.
struct Entry<'a> {
    attempt: &'a Attempt<'a>,
    seq: u32,
    /// True when the attempt is open already.
    begun: bool,
}

impl Journal for Entry<'_> {
    async fn begin(
        &self,
        exchange: &Exchange,
        request: Value,
        remembered: Option<&Outcome>,
    ) -> Result<(), StoreError> {
        let attempt = self.attempt;
        let state = if exchange.state.is_empty() {
            None
        } else {
            let (tenant, id) = (&attempt.channel.tenant, attempt.message.id);
            Some(state::seal(
                &attempt.app.vault,
                tenant,
                id,
                self.seq,
                &exchange.state,
            )?)
        };
        let begun = Begun {
            new: NewExchange {
                seq: self.seq,
                label: exchange.label.clone(),
                replay: exchange.replay,
                state,
                request,
                from_memo: remembered.is_some(),
                started_at: attempt.app.now_ms(),
            },
            remembered: remembered.cloned(),
        };
        if !self.begun {
            return attempt.begin(Some(begun)).await;
        }
        let (tenant, key) = attempt.key(attempt.number);
        attempt
            .app
            .db
            .write(move |tx| Box::pin(async move { begun.write(tx, &tenant, key).await }))
            .await
    }

    fn entry(&self) -> Option<JournalEntry> {
        Some(self.attempt.entry(self.attempt.number, self.seq))
    }

    fn is_lost(&self) -> bool {
        self.attempt.lease.is_lost()
    }
}

/// An exchange that begins, or that is over at once because its answer was remembered.
struct Begun {
    new: NewExchange,
    remembered: Option<Outcome>,
}

impl Begun {
    async fn write(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        key: AttemptKey,
    ) -> Result<(), StoreError> {
        journal::begin_exchange(tx, tenant, key, &self.new).await?;
        match &self.remembered {
            Some(outcome) => {
                let (seq, at) = (self.new.seq, self.new.started_at);
                journal::end_exchange(tx, tenant, key, seq, outcome, at).await
            }
            None => Ok(()),
        }
    }
}

/// What did not go out made nobody act, whatever its answer says.
pub(super) fn replay_of(declared: Replay, from_memory: bool) -> Replay {
    match from_memory {
        true => Replay::Safe,
        false => declared,
    }
}

/// Longest pause before an exchange.
const DELAY_MS_MAX: u32 = 5_000;
