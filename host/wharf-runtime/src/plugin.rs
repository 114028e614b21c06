//! A plugin in service, and the calls the rest of the host makes.

use std::sync::{Arc, PoisonError};

use wharf_core::provider::{
    CallContext, Descriptor, OutboundMessage, Outcome, Parsed, Progress, WebhookRequest,
};

#[macro_use]
mod share;
mod dynamic;
mod optional;

pub use dynamic::{Answer, DynamicError, Misfit};

use crate::breaker::{Health, Party};
use crate::call::{Call, Code};
use crate::config::LimitClass;
use crate::engine::Runtime;
use crate::error::CallError;
use crate::identity::Identity;
use crate::interface::Interface;
use crate::limits::Export;
use crate::metrics::Metrics;
use crate::output::{self, Rules};
use crate::usage::Usage;
use crate::v1;

/// A component in service with what it said of itself. Shared by all names it is loaded under.
pub(crate) struct Loaded {
    pub(crate) code: Code,
    descriptor: Arc<Descriptor>,
    interfaces: Vec<Interface>,
}

impl Loaded {
    pub(crate) fn new(code: Code, descriptor: Descriptor) -> Self {
        Self {
            interfaces: code.exports.interfaces(),
            code,
            descriptor: Arc::new(descriptor),
        }
    }
}

/// One plugin under the name the configuration gives it. Every call is on a fresh instance. A clone is
/// the same plugin.
#[derive(Clone)]
pub struct Plugin {
    runtime: Arc<Runtime>,
    identity: Arc<Identity>,
    loaded: Arc<Loaded>,
}

/// What the calls of a plugin's digest came to since it was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub calls: u64,
    /// Crashes, limits and forbidden values.
    pub faults: u64,
    pub log_lines_dropped: u64,
}

impl Plugin {
    pub(crate) fn new(runtime: Arc<Runtime>, name: &str, loaded: Arc<Loaded>) -> Self {
        let class = runtime.config.class_of(name);
        let version = &loaded.descriptor.version;
        let identity = Identity::new(name, version, &loaded.code.digest, class);
        Self {
            runtime,
            identity: Arc::new(identity),
            loaded,
        }
    }

    /// The name the configuration gave it.
    pub fn name(&self) -> &str {
        &self.identity.plugin
    }

    /// SHA-256 of the component.
    pub fn digest(&self) -> &[u8; 32] {
        &self.loaded.code.digest
    }

    pub fn descriptor(&self) -> &Arc<Descriptor> {
        &self.loaded.descriptor
    }

    /// The optional interfaces it has, in the order of [`Interface::ALL`].
    pub fn interfaces(&self) -> &[Interface] {
        &self.loaded.interfaces
    }

    pub fn has(&self, interface: Interface) -> bool {
        self.loaded.interfaces.contains(&interface)
    }

    /// The limits it runs under.
    pub fn class(&self) -> LimitClass {
        self.identity.class
    }

    pub fn counts(&self) -> Counts {
        let metrics = self.metrics();
        Counts {
            calls: metrics.exports.values().map(|export| export.calls).sum(),
            faults: metrics.faults.values().sum::<u64>()
                + metrics.limits.values().sum::<u64>()
                + metrics.invalid_values,
            log_lines_dropped: metrics.log_lines_dropped,
        }
    }

    /// Everything that is counted for its digest, under all names it is loaded by.
    pub fn metrics(&self) -> Metrics {
        self.loaded.code.meter.snapshot()
    }

    /// Where the circuit of its digest is.
    pub fn health(&self) -> Health {
        let breaker = &self.loaded.code.breaker;
        let breaker = breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.health(self.runtime.clock.now_ms())
    }

    /// The same plugin, called for one party: whoever's input the calls work on, usually a tenant. The
    /// circuit breaker tells parties apart, so that one whose messages make the plugin fail is
    /// refused without the others.
    #[must_use]
    pub fn on_behalf_of(&self, party: &str) -> Self {
        self.for_party(party, false)
    }

    /// The same for a party whose input comes from several of the others, as an app's webhooks do. Its
    /// faults stop its own calls only: a tenant must not count once as itself and once through an app.
    #[must_use]
    pub fn on_behalf_of_many(&self, party: &str) -> Self {
        self.for_party(party, true)
    }

    fn for_party(&self, party: &str, is_shared: bool) -> Self {
        let name = party.into();
        self.with_identity(|identity| identity.party = Some(Party { name, is_shared }))
    }

    /// The same plugin; `observer` is told what each of its calls used.
    #[must_use]
    pub fn observed(&self, observer: impl Fn(&Usage) + Send + Sync + 'static) -> Self {
        self.with_identity(|identity| identity.observer = Some(Arc::new(observer)))
    }

    /// The same plugin under another output limit, to measure what its answers come to.
    pub(crate) fn with_output_limit(&self, bytes_max: usize) -> Self {
        self.with_identity(|identity| identity.output_bytes_max = Some(bytes_max))
    }

    fn with_identity(&self, change: impl FnOnce(&mut Identity)) -> Self {
        let mut identity = Identity::clone(&self.identity);
        change(&mut identity);
        Self {
            identity: Arc::new(identity),
            ..self.clone()
        }
    }

    /// Calls in progress, of all clones.
    pub fn in_flight(&self) -> usize {
        self.identity.in_flight.count()
    }

    /// Waits until no call is in progress. A flow between two calls is none: who needs the version for
    /// work that goes on later keeps it in the [`crate::Registry`].
    pub async fn drained(&self) {
        self.identity.in_flight.drained().await;
    }

    /// Turns a message into the first exchange.
    pub async fn start(
        &self,
        context: &CallContext,
        message: &OutboundMessage,
    ) -> Result<Progress, CallError> {
        by_share!(self => plugin, [context, message] {
            let call = plugin.call(Export::Start);
            let progress = v1::outbound::start(&call, context, message).await?;
            output::progress(&progress, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(progress)
        })
    }

    /// Goes on with the outcome of an exchange. `state` is the exchange's, byte for byte.
    pub async fn resume(
        &self,
        context: &CallContext,
        message: &OutboundMessage,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<Progress, CallError> {
        by_share!(self => plugin, [context, message, state, outcome] {
            let call = plugin.call(Export::Resume);
            let progress = v1::outbound::resume(&call, context, message, state, outcome).await?;
            output::progress(&progress, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(progress)
        })
    }

    /// Reads an authenticated webhook. `skip` is 0, then the `next` of the answer before.
    pub async fn parse(
        &self,
        context: &CallContext,
        webhook: &WebhookRequest,
        skip: u32,
    ) -> Result<Parsed, CallError> {
        by_share!(self => plugin, [context, webhook] {
            let call = plugin.call(Export::Parse);
            let parsed = v1::inbound::parse(&call, context, webhook, skip).await?;
            output::check_parsed(&parsed, skip, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(parsed)
        })
    }

    fn rules(&self) -> Rules<'_> {
        Rules::new(&self.loaded.descriptor, &self.runtime.config)
    }

    fn call(&self, export: Export) -> Call<'_> {
        Call::new(&self.runtime, &self.loaded.code, &self.identity, export)
    }
}
