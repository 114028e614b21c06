//! From the keys of `[plugins]` to the limits of the plugin host.

use std::path::PathBuf;

use wharf_config::{Config, PluginClass, PluginLimits};
use wharf_runtime::{BreakerConfig, ClassLimits, CompilerCommand, LimitClass, RuntimeConfig};

/// The hidden command that turns this program into the process that compiles one plugin.
pub(crate) const COMPILE_COMMAND: &str = "compile-plugin";

/// `cache_key` is the key of the compile cache's MACs.
pub(crate) fn runtime_config(config: &Config, cache_key: [u8; 32]) -> RuntimeConfig {
    let plugins = &config.plugins;
    RuntimeConfig {
        native: class_limits(&plugins.native),
        interpreter: class_limits(&plugins.interpreter),
        classes: plugins
            .class
            .iter()
            .map(|(name, class)| (name.clone(), limit_class(*class)))
            .collect(),
        log_lines_max: plugins.log_lines_max,
        log_line_bytes_max: plugins.log_line_bytes_max,
        log_lines_per_s_max: plugins.log_lines_per_s_max,
        log_burst_lines_max: plugins.log_burst_lines_max,
        tick_ms: plugins.tick_ms,
        permits_max: plugins.permits_max,
        plugin_permits_max: plugins.plugin_permits_max,
        permit_wait_ms_max: plugins.permit_wait_ms_max,
        long_calls_max: plugins.long_calls_max,
        parse_items_max: plugins.parse_items_max,
        breaker: BreakerConfig {
            faults_max: plugins.circuit_faults_max,
            window_ms: plugins.circuit_window_ms,
            open_ms: plugins.circuit_open_ms,
            fault_percent_min: plugins.circuit_fault_percent_min,
        },
        compiler: plugins.compile_in_child.then(this_program),
        compiles_max: plugins.compiles_max,
        compile_timeout_ms: plugins.compile_timeout_ms,
        compile_cpu_s_max: plugins.compile_cpu_s_max,
        cache_dir: plugins.cache_dir.clone(),
        cache_bytes_max: plugins.cache_bytes_max,
        cache_key,
        ..RuntimeConfig::default()
    }
}

fn class_limits(limits: &PluginLimits) -> ClassLimits {
    ClassLimits {
        component_bytes_max: limits.component_bytes_max,
        memory_bytes_max: limits.memory_bytes_max,
        parse_memory_bytes_max: limits.parse_memory_bytes_max,
        output_bytes_max: limits.output_bytes_max,
        parse_output_bytes_max: limits.parse_output_bytes_max,
        describe_ms_max: limits.describe_ms_max,
        outbound_ms_max: limits.outbound_ms_max,
        inbound_ms_max: limits.inbound_ms_max,
        table_elements_max: limits.table_elements_max,
        core_instances_max: limits.core_instances_max,
        memories_max: limits.memories_max,
        tables_max: limits.tables_max,
        compile_memory_bytes_max: limits.compile_memory_bytes_max,
    }
}

fn limit_class(class: PluginClass) -> LimitClass {
    match class {
        PluginClass::Native => LimitClass::Native,
        PluginClass::Interpreter => LimitClass::Interpreter,
    }
}

/// By the kernel's name of the running program and not by its path: after an upgrade the path holds
/// another version, whose code this one could not use.
fn this_program() -> CompilerCommand {
    CompilerCommand {
        program: PathBuf::from("/proc/self/exe"),
        args: vec![COMPILE_COMMAND.into()],
    }
}
