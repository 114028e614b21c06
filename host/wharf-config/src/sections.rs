//! The sections of `wharf.toml`: each key once, with its type and the range it is held to.
//!
//! Defaults and reasons are in `config/wharf.toml`, not here. What several keys mean together is
//! checked in `check`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::read::Table;
use crate::secret::{DatabaseUrl, RingKey};
use crate::values::{ConnectTo, Id, choice};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: u64 = 1 << 30;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A section's struct and its reading from one list of keys. A range in brackets is inclusive.
macro_rules! section {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$fdoc:meta])* $field:ident: $type:ty $([$range:expr])?,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $type,)*
        }

        impl $name {
            /// Every key is read before any of them can end the reading.
            pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
                $(let $field = table.get::<$type>(stringify!($field))
                    $(.and_then(|value| table.within(stringify!($field), value, &$range)))?;)*
                table.finish();
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}

section! {
    /// The public HTTP server.
    pub struct Http {
        listen: SocketAddr,
        /// What providers and browsers reach us by; our paths go below its path.
        public_url: Option<Url>,
        body_bytes_max: usize [KIB..=64 * MIB],
        webhook_body_bytes_max: usize [KIB..=64 * MIB],
        header_timeout_ms: u64 [100..=10 * MINUTE_MS],
        request_timeout_ms: u64 [100..=10 * MINUTE_MS],
        /// hyper refuses to work with less than 8 KiB.
        header_bytes_max: usize [8 * KIB..=MIB],
        connections_max: usize [1..=1_000_000],
        connections_per_address_max: usize [1..=1_000_000],
        requests_in_flight_max: usize [1..=1_000_000],
        /// 0: no limit.
        tenant_requests_per_minute: u32 [0..=1_000_000_000],
        trusted_proxies: Vec<IpNet>,
        tls_certificate_file: Option<PathBuf>,
        tls_key_file: Option<PathBuf>,
    }
}

section! {
    /// Where everything is stored.
    pub struct Database {
        url: DatabaseUrl,
        readers_max: u32 [1..=1024],
        sqlite_synchronous: SqliteSynchronous,
        writer_batch_max: usize [1..=4096],
        writer_linger_ms: u64 [0..=1000],
        writer_queue_max: usize [1..=1_000_000],
        acquire_timeout_ms: u64 [10..=10 * MINUTE_MS],
    }
}

choice! {
    /// When SQLite waits for the disk.
    pub enum SqliteSynchronous {
        /// At every commit: what was accepted survives a power cut.
        Full = "full",
        /// At checkpoints: a power cut may lose the last commits.
        Normal = "normal",
    }
}

section! {
    /// Leases and workers.
    pub struct Queue {
        lease_ms: u64 [500..=10 * MINUTE_MS],
        poll_ms: u64 [10..=MINUTE_MS],
        send_concurrency: usize [1..=10_000],
        webhook_concurrency: usize [1..=10_000],
        delivery_concurrency: usize [1..=10_000],
        media_concurrency: usize [1..=10_000],
        maintenance_concurrency: usize [1..=10_000],
        claim_batch_max: usize [1..=10_000],
        lanes_per_claim_max: usize [1..=10_000],
        lane_quantum: u32 [1..=10_000],
        shutdown_ms: u64 [0..=10 * MINUTE_MS],
    }
}

section! {
    /// Outbound messages.
    pub struct Send {
        attempts_max: u32 [1..=100],
        backoff_base_ms: u64 [1..=HOUR_MS],
        backoff_max_ms: u64 [1..=DAY_MS],
        exchanges_max: u32 [1..=200],
        unknown_wait_ms: u64 [0..=7 * DAY_MS],
        default_policy: SendPolicy,
        immediate_timeout_ms: u64 [100..=10 * MINUTE_MS],
        expires_after_ms: u64 [1000..=30 * DAY_MS],
        exchange_timeout_ms: u64 [10..=10 * MINUTE_MS],
    }
}

choice! {
    /// What to do with a send whose outcome stays unknown.
    pub enum SendPolicy {
        /// Leave it unknown: it is never sent a second time.
        AtMostOnce = "at_most_once",
        /// Send again after the wait: the recipient may get it twice.
        AtLeastOnce = "at_least_once",
    }
}

section! {
    /// `Idempotency-Key`.
    pub struct Idempotency {
        keep_hours: u32 [1..=24 * 365],
    }
}

section! {
    /// Events to the endpoints of tenants.
    pub struct Delivery {
        /// Wait before each attempt; its length is the number of attempts.
        schedule_s: Vec<u64>,
        timeout_ms: u64 [100..=5 * MINUTE_MS],
        response_bytes_kept: usize [0..=MIB],
        jitter_percent: u32 [0..=100],
    }
}

section! {
    /// What providers send us.
    pub struct Webhook {
        dedupe_days: u32 [1..=365],
        raw_days: u32 [1..=365],
    }
}

section! {
    /// Stored objects: what providers send and tenants attach.
    pub struct Media {
        /// None: beside the database of SQLite; with PostgreSQL nothing can be stored.
        dir: Option<PathBuf>,
        object_bytes_max: u64 [KIB as u64..=4 * 1024 * MIB as u64],
        tenant_bytes_max: u64 [KIB as u64..=1024 * 1024 * MIB as u64],
        keep_days: u32 [1..=365],
        /// Media of messages that come in are fetched by themselves.
        fetch: bool,
        fetch_bytes_max: u64 [KIB as u64..=4 * 1024 * MIB as u64],
        /// Types that are fetched, `image/png` or `image/*`; empty for all.
        fetch_types: Vec<String>,
        fetch_attempts_max: u32 [1..=100],
        fetch_backoff_base_ms: u64 [1..=HOUR_MS],
        fetch_backoff_max_ms: u64 [1..=DAY_MS],
        /// Of one tenant at the same time, in one process.
        tenant_fetches_max: usize [1..=10_000],
    }
}

section! {
    /// What is asked of providers without anybody's request, and how old its answers may be.
    pub struct Upkeep {
        /// How often templates are listed; 0 for only when somebody asks.
        templates_minutes: u32 [0..=7 * 24 * 60],
        /// How long a list is complete enough to refuse a template that is not in it.
        templates_fresh_ms: u64 [0..=DAY_MS],
        /// How often channels are looked at; 0 for only when somebody asks.
        health_minutes: u32 [0..=7 * 24 * 60],
        token_warn_days: u32 [0..=365],
        heartbeat_ms: u64 [100..=HOUR_MS],
        /// Silence that counts as an outage; what was missed in it is fetched.
        outage_ms_min: u64 [0..=DAY_MS],
        /// How far before the silence the fetching begins.
        outage_overlap_ms: u64 [0..=DAY_MS],
        catch_up_days_max: u32 [0..=365],
        /// Ask the provider's list what became of sends whose outcome is unknown.
        reconcile: bool,
        reconcile_attempts_max: u32 [1..=100],
        /// Such jobs of one tenant at the same time, in one process.
        tenant_jobs_max: usize [1..=10_000],
    }
}

section! {
    /// What differs for the media of one tenant or channel; what is absent is as in the main file.
    pub struct MediaFetch {
        fetch: Option<bool>,
        fetch_bytes_max: Option<u64>,
        fetch_types: Option<Vec<String>>,
    }
}

impl crate::read::FromConfig for MediaFetch {
    fn from_config(at: &crate::at::At<'_>) -> Option<Self> {
        let mut table = Table::at(at)?;
        Self::read(&mut table)
    }
}

section! {
    /// What several exchanges in a row may come to, and how long an answer is remembered.
    pub struct Exchanges {
        memo_days_max: u32 [1..=365],
        memo_wait_ms_max: u64 [0..=10 * MINUTE_MS],
        flow_steps_max: u32 [1..=200],
        flow_ms_max: u64 [1000..=HOUR_MS],
        sync_exchanges_max: u32 [1..=10_000],
        sync_ms_max: u64 [1000..=DAY_MS],
        delay_ms_max: u64 [0..=10 * MINUTE_MS],
    }
}

section! {
    /// Provider plugins and what they may use together.
    pub struct Plugins {
        dir: PathBuf,
        /// Only what the lock names is loaded.
        require_lock: bool,
        /// How often `dir` is looked at; 0 for only on SIGHUP.
        watch_ms: u64 [0..=HOUR_MS],
        /// Where the gateway says what is in service.
        state_file: Option<PathBuf>,
        /// Authorities trusted by `wharf plugin add` besides the system's.
        ca_file: Option<PathBuf>,
        cache_dir: Option<PathBuf>,
        cache_bytes_max: u64 [MIB as u64..=1024 * GIB],
        /// The class of each plugin that is not native, by its name.
        class: BTreeMap<String, PluginClass>,
        log_lines_max: usize [0..=10_000],
        log_line_bytes_max: usize [64..=64 * KIB],
        log_lines_per_s_max: u32 [0..=1_000_000],
        log_burst_lines_max: u32 [1..=1_000_000],
        parse_items_max: usize [1..=100_000],
        tick_ms: u64 [1..=1000],
        permits_max: usize [1..=10_000],
        plugin_permits_max: usize [1..=10_000],
        permit_wait_ms_max: u64 [0..=MINUTE_MS],
        long_calls_max: usize [1..=1024],
        long_call_rest_ticks: u32 [1..=1000],
        plugin_cpu_ms_per_s: u64 [1..=1_000_000],
        circuit_faults_max: u32 [1..=10_000],
        circuit_window_ms: u64 [1000..=HOUR_MS],
        circuit_open_ms: u64 [100..=HOUR_MS],
        circuit_fault_percent_min: u32 [0..=100],
        compile_in_child: bool,
        compiles_max: usize [1..=64],
        compile_timeout_ms: u64 [1000..=HOUR_MS],
        compile_cpu_s_max: u64 [1..=3600],
        /// Limits of compiled languages.
        native: PluginLimits,
        /// Limits of languages that bring an interpreter along.
        interpreter: PluginLimits,
    }
}

choice! {
    /// Which limits a plugin runs under.
    pub enum PluginClass {
        /// Compiled languages.
        Native = "native",
        /// Languages that bring an interpreter along: JavaScript, Python.
        Interpreter = "interpreter",
    }
}

section! {
    /// What one plugin of a class, and one call of it, may use.
    pub struct PluginLimits {
        component_bytes_max: usize [64 * KIB..=256 * MIB],
        memory_bytes_max: usize [MIB..=1024 * MIB],
        parse_memory_bytes_max: usize [MIB..=1024 * MIB],
        output_bytes_max: usize [64 * KIB..=256 * MIB],
        parse_output_bytes_max: usize [64 * KIB..=256 * MIB],
        describe_ms_max: u64 [1..=MINUTE_MS],
        outbound_ms_max: u64 [1..=MINUTE_MS],
        inbound_ms_max: u64 [1..=MINUTE_MS],
        flow_ms_max: u64 [1..=MINUTE_MS],
        table_elements_max: usize [1..=10_000_000],
        core_instances_max: usize [1..=1024],
        memories_max: usize [1..=64],
        tables_max: usize [1..=1024],
        compile_memory_bytes_max: u64 [256 * MIB as u64..=64 * GIB],
    }
}

impl crate::read::FromConfig for PluginLimits {
    fn from_config(at: &crate::at::At<'_>) -> Option<Self> {
        let mut table = Table::at(at)?;
        Self::read(&mut table)
    }
}

section! {
    /// Everything that leaves the host.
    pub struct Egress {
        connect_timeout_ms: u64 [10..=5 * MINUTE_MS],
        request_timeout_ms_max: u64 [100..=10 * MINUTE_MS],
        /// An exchange that uploads or stores media, as a whole.
        media_timeout_ms_max: u64 [100..=HOUR_MS],
        request_bytes_max: usize [KIB..=256 * MIB],
        response_bytes_max: usize [KIB..=256 * MIB],
        response_header_bytes_max: usize [8 * KIB..=MIB],
        media_bytes_max: u64 [KIB as u64..=4 * 1024 * MIB as u64],
        journal_body_bytes_max: usize [0..=4 * MIB],
        /// Private ranges that deliveries may reach all the same.
        delivery_allow: Vec<IpNet>,
        /// Ports that endpoints may have; empty means all.
        delivery_ports: Vec<u16>,
        delivery_https_only: bool,
        /// The proxy on the way to providers.
        proxy: Option<Url>,
        /// `user:password` for it.
        proxy_credentials: Option<SecretString>,
        /// The proxy on the way to tenants' endpoints.
        delivery_proxy: Option<Url>,
        delivery_proxy_credentials: Option<SecretString>,
        /// That proxy is given names instead of vetted addresses.
        delivery_proxy_resolves: bool,
        /// Hosts that are reached without a proxy.
        no_proxy: Vec<String>,
        /// More certificate authorities, in PEM.
        ca_pem: Option<SecretString>,
        connect_to: ConnectTo,
    }
}

/// The key ring that seals credentials in the database.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Seals new credentials; always a key of the ring.
    pub active: String,
    /// All of them open old ones.
    pub keys: BTreeMap<String, RingKey>,
}

impl Secrets {
    /// `Some(None)` when there is none and none is needed.
    pub(crate) fn read(table: &mut Table<'_>, needed: bool) -> Option<Option<Self>> {
        let active = table.get::<Option<Id>>("active");
        let keys = table.get::<BTreeMap<String, RingKey>>("keys");
        table.finish();
        let (active, keys) = (active?, keys?);
        match active {
            None if keys.is_empty() && (!needed || table.cx.incomplete) => Some(None),
            None if keys.is_empty() => table.refuse(
                "active",
                "there is no key to seal stored credentials with",
                "put the output of `openssl rand -base64 32` into secrets.keys.ID and set secrets.active = \"ID\"",
            ),
            Some(Id(active)) if keys.contains_key(&active) => Some(Some(Self { active, keys })),
            _ => table.refuse(
                "active",
                "does not name a key of the ring",
                format!("name one that secrets.keys has: {}", names(&keys)),
            ),
        }
    }
}

fn names<T>(map: &BTreeMap<String, T>) -> String {
    match map.is_empty() {
        true => "none yet".to_owned(),
        false => map.keys().cloned().collect::<Vec<_>>().join(", "),
    }
}

section! {
    /// Logging.
    pub struct Log {
        /// A level, or directives such as `info,wharf_queue=debug`.
        level: String,
        format: LogFormat,
    }
}

choice! {
    /// How log lines look.
    pub enum LogFormat {
        /// Pretty on a terminal, JSON otherwise.
        Auto = "auto",
        Pretty = "pretty",
        Json = "json",
    }
}
