//! The limits of the plugin host, each with where its number comes from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Which limits a plugin runs under: the operator's decision, by the plugin's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LimitClass {
    /// Compiled languages: Rust, C, Go without its runtime.
    #[default]
    Native,
    /// Languages that bring an interpreter along: JavaScript (QuickJS), Python (CPython).
    Interpreter,
}

impl LimitClass {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Interpreter => "interpreter",
        }
    }
}

/// What one plugin of a class, and one call of it, may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassLimits {
    /// Size of a component as it is handed in.
    pub component_bytes_max: usize,
    /// Linear memory and tables of one call, except of `inbound.parse`.
    pub memory_bytes_max: usize,
    /// The same for `inbound.parse`, which holds a whole webhook, and for `reconcile.catch-up`.
    pub parse_memory_bytes_max: usize,
    /// Size of the value that any other function returns.
    pub output_bytes_max: usize,
    /// Size of the value that `inbound.parse` or `reconcile.catch-up` returns.
    pub parse_output_bytes_max: usize,
    /// CPU time of `manifest.describe`.
    pub describe_ms_max: u64,
    /// CPU time of a call of `outbound`, of `media`, or of `reconcile` for one message.
    pub outbound_ms_max: u64,
    /// CPU time of `inbound.parse` and of a page of `reconcile.catch-up`.
    pub inbound_ms_max: u64,
    /// CPU time of a call of `onboarding`, `templates`, `health` or `profile`.
    pub flow_ms_max: u64,
    /// Elements of one table.
    pub table_elements_max: usize,
    /// Core instances of one call.
    pub core_instances_max: usize,
    /// Linear memories of one call.
    pub memories_max: usize,
    /// Tables of one call.
    pub tables_max: usize,
    /// Address space of the process that compiles the component.
    pub compile_memory_bytes_max: u64,
}

impl ClassLimits {
    pub fn native() -> Self {
        Self {
            // A Rust plugin has 20 to 400 KiB, a JavaScript one 1.7 MB.
            component_bytes_max: 8 * MIB,
            // The design's limit. A Rust guest uses under 2 MiB, QuickJS about 4 MiB.
            memory_bytes_max: 32 * MIB,
            // A webhook of 4 MiB, its JSON tree at five to ten times that, and the items.
            parse_memory_bytes_max: 64 * MIB,
            // A text is a few KiB; a template with its cards stays under 100 KiB.
            output_bytes_max: 2 * MIB,
            // Meta posts up to 3 MB at once, and every atom may come back with its raw JSON.
            parse_output_bytes_max: 16 * MIB,
            // The design's CPU budgets. Measured need: under 0.1 ms in Rust, under 2 ms interpreted.
            describe_ms_max: 50,
            outbound_ms_max: 100,
            inbound_ms_max: 250,
            // As long as a webhook: a page of templates is as large, and nobody waits for it.
            flow_ms_max: 250,
            // wasmtime's own default; an optimised Rust guest has some hundreds.
            table_elements_max: 20_000,
            // A component of `wit-component` has three, a composed one a few more.
            core_instances_max: 16,
            memories_max: 4,
            tables_max: 16,
            // Measured peaks: 27 MiB resident for Rust, 96 MiB for QuickJS.
            compile_memory_bytes_max: 1024 * MIB as u64,
        }
    }

    pub fn interpreter() -> Self {
        Self {
            // Python's component has 18.5 MB with its library.
            component_bytes_max: 32 * MIB,
            // Python starts with its library in memory and a call adds about 6 MiB.
            memory_bytes_max: 128 * MIB,
            // A tree of 4 MiB of JSON takes an interpreter 20 to 40 times that.
            parse_memory_bytes_max: 256 * MIB,
            // 1.2 ms measured for a text. A webhook of 3 MB takes QuickJS about a second, and the
            // budget counts what passes on the clock while the guest has the thread.
            describe_ms_max: 100,
            outbound_ms_max: 250,
            inbound_ms_max: 5000,
            flow_ms_max: 1000,
            // Debug builds and SpiderMonkey go over 20,000; reserved addresses are all it costs.
            table_elements_max: 100_000,
            // componentize-py links the interpreter out of a few dozen libraries.
            core_instances_max: 64,
            memories_max: 8,
            tables_max: 64,
            // Measured peaks: 408 MiB resident for SpiderMonkey, 369 MiB for Python.
            compile_memory_bytes_max: 2048 * MIB as u64,
            ..Self::native()
        }
    }
}

/// When the circuit of a digest opens and closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Crashes, limits and forbidden values within the window that open it.
    pub faults_max: u32,
    /// How long a fault counts.
    pub window_ms: u64,
    /// How long calls are refused before one is let through to try.
    pub open_ms: u64,
    /// The faults must also be this share of the calls in the window: a rare bad message among many
    /// good ones is no reason to stop the good ones.
    pub fault_percent_min: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            // The design's numbers.
            faults_max: 5,
            window_ms: 60_000,
            open_ms: 30_000,
            fault_percent_min: 50,
        }
    }
}

/// The program that compiles one component in a process of its own: it must call
/// [`crate::compile_worker`]. The two numbers of [`crate::WorkerLimits`] are appended as arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerCommand {
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

/// What the plugin host may use. The numbers of [`Default`] are those of the shipped configuration.
///
/// It has no `Debug`: `cache_key` is a secret.
#[derive(Clone)]
pub struct RuntimeConfig {
    pub native: ClassLimits,
    pub interpreter: ClassLimits,
    /// The class of each plugin that is not native, by the plugin's name.
    pub classes: BTreeMap<String, LimitClass>,
    /// Log lines of one call; the rest is counted and dropped.
    pub log_lines_max: usize,
    /// Size of one log line with its fields; the rest is cut off.
    pub log_line_bytes_max: usize,
    /// Log lines a second that a plugin may keep up, all its calls together.
    pub log_lines_per_s_max: u32,
    /// Log lines that a quiet plugin may write at once.
    pub log_burst_lines_max: u32,
    /// Size of the `state` of an exchange.
    pub state_bytes_max: usize,
    /// How often a running guest is interrupted so that other tasks get their turn.
    pub tick_ms: u64,
    /// Calls in progress, all plugins together.
    pub permits_max: usize,
    /// Calls in progress of one plugin.
    pub plugin_permits_max: usize,
    /// How long a call waits for both permits.
    pub permit_wait_ms_max: u64,
    /// Calls that have run longer than two ticks and may go on at the same time; the others of their
    /// kind stand in line, so that a plugin that burns its time takes it from nobody but such plugins.
    pub long_calls_max: usize,
    /// Ticks that a long call rests after each one, while the gateway has other work.
    pub long_call_rest_ticks: u32,
    /// Processor time a second that a plugin may use before its calls go on one at a time.
    pub plugin_cpu_ms_per_s: u64,
    /// Items `inbound.parse` or `reconcile.catch-up` may return at a time.
    pub parse_items_max: usize,
    pub breaker: BreakerConfig,
    /// Compiles in a process of its own; `None` compiles in this one, without limits.
    pub compiler: Option<CompilerCommand>,
    /// Components compiled at the same time.
    pub compiles_max: usize,
    /// How long one compilation may take, on the clock.
    pub compile_timeout_ms: u64,
    /// CPU time of one compilation.
    pub compile_cpu_s_max: u64,
    /// Where compiled plugins are kept; `None` compiles at every start.
    pub cache_dir: Option<PathBuf>,
    /// Size of `cache_dir` beyond which compiled plugins that nothing uses are removed.
    pub cache_bytes_max: u64,
    /// Key of the MAC over every file in `cache_dir`. A compiled plugin is native code: whoever can
    /// forge this MAC runs code in the host.
    pub cache_key: [u8; 32],
}

impl RuntimeConfig {
    /// The class the operator put this plugin into.
    pub fn class_of(&self, plugin: &str) -> LimitClass {
        self.classes.get(plugin).copied().unwrap_or_default()
    }

    pub fn limits_of(&self, class: LimitClass) -> &ClassLimits {
        match class {
            LimitClass::Native => &self.native,
            LimitClass::Interpreter => &self.interpreter,
        }
    }
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            native: ClassLimits::native(),
            interpreter: ClassLimits::interpreter(),
            classes: BTreeMap::new(),
            // The design's limits: 64 KiB of log a call at most.
            log_lines_max: 64,
            log_line_bytes_max: KIB,
            // 100 KiB a second; a plugin that has something to say at each of 35,000 calls a second
            // would fill a disk in an hour.
            log_lines_per_s_max: 100,
            // Ten calls that use their whole quota.
            log_burst_lines_max: 640,
            // The interface promises this number to plugins (`exchange.state`).
            state_bytes_max: 16 * KIB,
            // A guest holds its thread no longer than this; 200 wake-ups a second cost nothing.
            tick_ms: 5,
            // One pool slot each. A call takes 20 µs, so two cores never have this many in progress
            // unless plugins misbehave.
            permits_max: 1024,
            // A quarter of the default's 64 send workers: calls of one plugin that hang leave three
            // quarters to everybody else. An honest call takes 20 µs to some ms, so that two cores never
            // have this many of one plugin in progress.
            plugin_permits_max: 16,
            // Longer than any honest queue, and the caller's retry is better than a longer wait.
            permit_wait_ms_max: 250,
            // Half of one core at most goes to calls that take more than 10 ms, on an idle machine.
            long_calls_max: 1,
            // An eleventh of one core goes to long calls while others need it.
            long_call_rest_ticks: 10,
            // A twentieth of one core: 2,500 texts a second in Rust, 40 in Python. It must stay below what
            // a long call gets while it rests (an eleventh, 91 ms), or one that burns never runs out.
            plugin_cpu_ms_per_s: 50,
            // The interface promises this number (`parsed.next` asks for the rest).
            parse_items_max: 2000,
            breaker: BreakerConfig::default(),
            compiler: None,
            // Plugins are compiled once; calls have the machine.
            compiles_max: 1,
            // Python's component takes 36 s of CPU time, and a busy machine gives it a fraction of a core.
            compile_timeout_ms: 300_000,
            compile_cpu_s_max: 60,
            cache_dir: None,
            // Twenty versions of a Python plugin, or a thousand of a Rust one.
            cache_bytes_max: 1024 * MIB as u64,
            cache_key: [0; 32],
        }
    }
}
