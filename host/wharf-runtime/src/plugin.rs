//! A plugin in service, and the calls the rest of the host makes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wharf_core::provider::{
    CallContext, Descriptor, OutboundMessage, Outcome, Parsed, Progress, WebhookRequest,
};

mod dynamic;
mod optional;

pub use dynamic::{Answer, DynamicError, Misfit};

use crate::call::{Call, Code, Identity};
use crate::engine::Runtime;
use crate::error::CallError;
use crate::interface::Interface;
use crate::limits::Export;
use crate::output::{self, Rules};
use crate::v1;

/// A component in service with what it said of itself. Shared by all names it is loaded under.
pub(crate) struct Loaded {
    code: Code,
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

/// One plugin under the name the configuration gives it. Every call is on a fresh instance.
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
        let identity = Identity::new(name, &loaded.descriptor.version, &loaded.code.digest);
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

    pub fn counts(&self) -> Counts {
        let counters = &self.loaded.code.counters;
        Counts {
            calls: counters.calls.load(Ordering::Relaxed),
            faults: counters.faults.load(Ordering::Relaxed),
            log_lines_dropped: counters.log_lines_dropped.load(Ordering::Relaxed),
        }
    }

    /// Turns a message into the first exchange.
    pub async fn start(
        &self,
        context: &CallContext,
        message: &OutboundMessage,
    ) -> Result<Progress, CallError> {
        let call = self.call(Export::Start);
        let progress = v1::outbound::start(&call, context, message).await?;
        call.checked(output::progress(&progress, &self.rules()))?;
        Ok(progress)
    }

    /// Goes on with the outcome of an exchange. `state` is the exchange's, byte for byte.
    pub async fn resume(
        &self,
        context: &CallContext,
        message: &OutboundMessage,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<Progress, CallError> {
        let call = self.call(Export::Resume);
        let progress = v1::outbound::resume(&call, context, message, state, outcome).await?;
        call.checked(output::progress(&progress, &self.rules()))?;
        Ok(progress)
    }

    /// Reads an authenticated webhook. `skip` is 0, then the `next` of the answer before.
    pub async fn parse(
        &self,
        context: &CallContext,
        webhook: &WebhookRequest,
        skip: u32,
    ) -> Result<Parsed, CallError> {
        let call = self.call(Export::Parse);
        let parsed = v1::inbound::parse(&call, context, webhook, skip).await?;
        call.checked(output::check_parsed(&parsed, skip, &self.rules()))?;
        Ok(parsed)
    }

    fn rules(&self) -> Rules<'_> {
        Rules::new(&self.loaded.descriptor, &self.runtime.config)
    }

    fn call(&self, export: Export) -> Call<'_> {
        Call::new(&self.runtime, &self.loaded.code, &self.identity, export)
    }
}
