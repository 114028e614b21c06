//! A component under test: loaded as the gateway loads it, called with JSON.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::Value;
use wharf_cases::{Function, Subject};
use wharf_core::provider::{CallContext, Parsed, WebhookRequest};
use wharf_runtime::{BreakerConfig, CallError, LimitClass, Plugin, Runtime, RuntimeConfig, Usage};

use super::exchange;
use super::policy::Policy;

/// One call at a time, and one that a conformance check leaves unfinished.
const PERMITS_MAX: usize = 8;
/// The whole time of more cores than there are: no share is counted.
const CPU_MS_PER_S: u64 = 1_000_000;

/// What the calls since the last look used: sums, and of memory and output the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub calls: u64,
    pub cpu_us: u64,
    pub memory_bytes: usize,
    pub output_bytes: usize,
    pub log_lines: u64,
}

/// A plugin in the sandbox.
pub struct Component {
    plugin: Plugin,
    runtime: tokio::runtime::Runtime,
    policy: Policy,
    used: Arc<Mutex<Used>>,
    /// What it was loaded of.
    name: String,
    bytes: Vec<u8>,
    class: LimitClass,
}

impl Component {
    /// Loads a component file under the limits of its class.
    pub fn load(file: &Path, class: LimitClass) -> anyhow::Result<Self> {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        Self::of(&name, bytes, class)
    }

    /// The same once more, in a sandbox that shares nothing with this one: for another thread, whose calls
    /// must not wait for this one's.
    pub fn twin(&self) -> anyhow::Result<Self> {
        Self::of(&self.name, self.bytes.clone(), self.class)
    }

    fn of(name: &str, bytes: Vec<u8>, class: LimitClass) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // A call is held to the limits of service. What is counted over many calls is not: the suite
        // makes in seconds, and fails on purpose, what service spreads over hours. Nor does a long call
        // stand in line: there is nobody else to be protected.
        let host = Runtime::new(RuntimeConfig {
            classes: BTreeMap::from([(name.to_string(), class)]),
            permits_max: PERMITS_MAX,
            plugin_permits_max: PERMITS_MAX,
            plugin_cpu_ms_per_s: CPU_MS_PER_S,
            long_calls_max: PERMITS_MAX,
            long_call_rest_ticks: 1,
            breaker: BreakerConfig {
                faults_max: u32::MAX,
                ..BreakerConfig::default()
            },
            ..RuntimeConfig::default()
        })?;
        let plugin = runtime.block_on(host.load(name, bytes.clone()))?;
        let used = Arc::new(Mutex::new(Used::default()));
        // By the host's own measure, which also sees calls that a limit ended.
        let tally = Arc::clone(&used);
        let plugin = plugin.observed(move |usage| lock(&tally).add(usage));
        Ok(Self {
            policy: Policy::new(plugin.descriptor())?,
            plugin,
            runtime,
            used,
            name: name.to_owned(),
            bytes,
            class,
        })
    }

    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What was used since this was last asked.
    pub fn take_used(&mut self) -> Used {
        std::mem::take(&mut lock(&self.used))
    }

    /// Reads a webhook as the gateway does, with all checks of what comes back.
    pub fn parse(
        &mut self,
        context: &CallContext,
        webhook: &WebhookRequest,
        skip: u32,
    ) -> Result<Parsed, Box<CallError>> {
        self.runtime
            .block_on(self.plugin.parse(context, webhook, skip))
            .map_err(Box::new)
    }
}

impl Used {
    fn add(&mut self, usage: &Usage) {
        self.calls += 1;
        self.cpu_us += usage.call_us;
        self.memory_bytes = self.memory_bytes.max(usage.memory_bytes);
        self.log_lines += usage.log_lines;
    }
}

fn lock(used: &Mutex<Used>) -> MutexGuard<'_, Used> {
    used.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Subject for Component {
    fn call(&mut self, function: Function, arguments: Vec<Value>) -> Result<Value, String> {
        let called = self.runtime.block_on(self.plugin.call_json(
            function.interface,
            function.name,
            &arguments,
        ));
        let answer = called.map_err(|error| error.to_string())?;
        let mut used = lock(&self.used);
        used.output_bytes = used.output_bytes.max(answer.output_bytes);
        Ok(answer.value)
    }

    fn look_at(&mut self, context: &Value, shown: &Value) -> Result<(), String> {
        let exchange = exchange::read(shown)?;
        self.plugin.check_exchange(&exchange)?;
        self.policy.check(context, &exchange)
    }
}
