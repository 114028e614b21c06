//! The limits of the plugin host, each with where its number comes from.

use std::path::PathBuf;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What the plugin host may use. The numbers of [`Default`] are those of the shipped configuration.
///
/// It has no `Debug`: `cache_key` is a secret.
#[derive(Clone)]
pub struct RuntimeConfig {
    /// Linear memory and tables of one call.
    pub memory_bytes_max: usize,
    /// The same for `inbound.parse`, which holds a whole webhook, and for `reconcile.catch-up`.
    pub parse_memory_bytes_max: usize,
    /// Size of the value that any other function returns.
    pub output_bytes_max: usize,
    /// Size of the value that `inbound.parse` or `reconcile.catch-up` returns.
    pub parse_output_bytes_max: usize,
    /// Log lines of one call; the rest is counted and dropped.
    pub log_lines_max: usize,
    /// Size of one log line with its fields; the rest is cut off.
    pub log_line_bytes_max: usize,
    /// Size of the `state` of an exchange.
    pub state_bytes_max: usize,
    /// Size of a component as it is handed in.
    pub component_bytes_max: usize,
    /// CPU time of `manifest.describe`.
    pub describe_ms_max: u64,
    /// CPU time of a call of `outbound`, of `media`, or of `reconcile` for one message.
    pub outbound_ms_max: u64,
    /// CPU time of `inbound.parse` and of a page of `reconcile.catch-up`.
    pub inbound_ms_max: u64,
    /// CPU time of a call of `onboarding`, `templates`, `health` or `profile`.
    pub flow_ms_max: u64,
    /// How often a running guest is interrupted so that other tasks get their turn.
    pub tick_ms: u64,
    /// Calls in progress, all plugins together.
    pub permits_max: usize,
    /// Calls in progress of one plugin.
    pub plugin_permits_max: usize,
    /// How long a call waits for both permits.
    pub permit_wait_ms_max: u64,
    /// Items `inbound.parse` or `reconcile.catch-up` may return at a time.
    pub parse_items_max: usize,
    /// Where compiled plugins are kept; `None` compiles at every start.
    pub cache_dir: Option<PathBuf>,
    /// Key of the MAC over every file in `cache_dir`. A compiled plugin is native code: whoever can
    /// forge this MAC runs code in the host.
    pub cache_key: [u8; 32],
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            // The design's limit. A Rust guest uses under 2 MiB, QuickJS about 4 MiB.
            memory_bytes_max: 32 * MIB,
            // A webhook of 4 MiB, its JSON tree at five to ten times that, and the items.
            parse_memory_bytes_max: 64 * MIB,
            // A text is a few KiB; a template with its cards stays under 100 KiB.
            output_bytes_max: 2 * MIB,
            // Meta posts up to 3 MB at once, and every atom may come back with its raw JSON.
            parse_output_bytes_max: 16 * MIB,
            // The design's limits: 64 KiB of log a call at most.
            log_lines_max: 64,
            log_line_bytes_max: KIB,
            // The interface promises this number to plugins (`exchange.state`).
            state_bytes_max: 16 * KIB,
            // A Rust plugin has 20 to 400 KiB, a JavaScript one 1.7 MB.
            component_bytes_max: 8 * MIB,
            // The design's CPU budgets. Measured need: under 0.1 ms in Rust, under 2 ms interpreted.
            describe_ms_max: 50,
            outbound_ms_max: 100,
            inbound_ms_max: 250,
            // As long as a webhook: a page of templates is as large, and nobody waits for it.
            flow_ms_max: 250,
            // A guest holds its thread no longer than this; 200 wake-ups a second cost nothing.
            tick_ms: 5,
            // One pool slot each. A call takes 20 µs, so two cores never have this many in progress
            // unless plugins misbehave.
            permits_max: 1024,
            // A sixteenth of the slots: sixteen plugins must hang before the host is full.
            plugin_permits_max: 64,
            // Longer than any honest queue, and the caller's retry is better than a longer wait.
            permit_wait_ms_max: 250,
            // The interface promises this number (`parsed.next` asks for the rest).
            parse_items_max: 2000,
            cache_dir: None,
            cache_key: [0; 32],
        }
    }
}
