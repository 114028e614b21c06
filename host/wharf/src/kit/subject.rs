//! A component under test: loaded as the gateway loads it, called with JSON.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use wharf_cases::{Function, Subject};
use wharf_core::provider::{CallContext, Parsed, WebhookRequest};
use wharf_runtime::{BreakerConfig, CallError, LimitClass, Plugin, Runtime, RuntimeConfig};

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
    plugin: Arc<Plugin>,
    runtime: tokio::runtime::Runtime,
    policy: Policy,
    used: Used,
}

impl Component {
    /// Loads a component file under the limits of its class.
    pub fn load(file: &Path, class: LimitClass) -> anyhow::Result<Self> {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
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
        let plugin = runtime.block_on(host.load(&name, bytes))?;
        Ok(Self {
            policy: Policy::new(plugin.descriptor())?,
            plugin,
            runtime,
            used: Used::default(),
        })
    }

    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What was used since this was last asked.
    pub fn take_used(&mut self) -> Used {
        std::mem::take(&mut self.used)
    }

    /// Reads a webhook as the gateway does, with all checks of what comes back.
    pub fn parse(
        &mut self,
        context: &CallContext,
        webhook: &WebhookRequest,
        skip: u32,
    ) -> Result<Parsed, Box<CallError>> {
        let began = std::time::Instant::now();
        let parsed = self
            .runtime
            .block_on(self.plugin.parse(context, webhook, skip));
        self.spent(began);
        parsed.map_err(Box::new)
    }

    fn spent(&mut self, began: std::time::Instant) {
        self.used.calls += 1;
        let spent = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.used.cpu_us += spent;
    }
}

impl Subject for Component {
    fn call(&mut self, function: Function, arguments: Vec<Value>) -> Result<Value, String> {
        let called = self.runtime.block_on(self.plugin.call_json(
            function.interface,
            function.name,
            &arguments,
        ));
        let used = &mut self.used;
        used.calls += 1;
        let answer = called.map_err(|error| error.to_string())?;
        used.cpu_us += answer.cpu_us;
        used.output_bytes = used.output_bytes.max(answer.output_bytes);
        used.memory_bytes = used.memory_bytes.max(answer.memory_bytes);
        used.log_lines += answer.log_lines;
        Ok(answer.value)
    }

    fn look_at(&mut self, context: &Value, shown: &Value) -> Result<(), String> {
        let exchange = exchange::read(shown)?;
        self.plugin.check_exchange(&exchange)?;
        self.policy.check(context, &exchange)
    }
}
