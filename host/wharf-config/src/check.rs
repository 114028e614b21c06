//! What keys mean together: combinations that cannot work are refused, risky ones get a warning.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use url::{Host, Url};
use wharf_core::EventType;

use crate::Config;
use crate::at::dotted;
use crate::error::Problem;
use crate::read::{Context, Table};
use crate::sections::{
    Database, Delivery, Egress, Http, Log, Media, PluginLimits, Plugins, Send, SendPolicy,
    SqliteSynchronous,
};
use crate::suggest::nearest;
use crate::tenant::{KeyHash, Tenant};
use crate::values::quoted;

/// A day more than the longest wait any retry schedule needs.
const SCHEDULE_S_MAX: u64 = 7 * 24 * 3600;
const SCHEDULE_ATTEMPTS_MAX: usize = 100;

/// Meta posts up to 3 MB at once.
const META_BODY_BYTES: usize = 3 * 1024 * 1024;

/// Meta repeats a webhook for up to seven days.
const META_REPEATS_DAYS: u32 = 7;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub(crate) fn http(http: &Http, table: &Table<'_>) -> Option<()> {
    if http.tls_certificate_file.is_some() != http.tls_key_file.is_some() {
        return table.refuse(
            "tls_certificate_file",
            "TLS needs a certificate and its key, and one of them is not named",
            "name both tls_certificate_file and tls_key_file, or neither",
        );
    }
    let Some(url) = &http.public_url else {
        return Some(());
    };
    if url.scheme() != "https" && !is_loopback(url) {
        return table.refuse(
            "public_url",
            "not https, and providers call webhooks over https only",
            "write https://; plain http works for localhost only",
        );
    }
    if url.query().is_some() {
        return table.refuse("public_url", "has a query", "remove ? and what follows");
    }
    Some(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(crate) fn database(database: &Database, table: &Table<'_>) -> Option<()> {
    if database.writer_batch_max <= database.writer_queue_max {
        return Some(());
    }
    table.refuse(
        "writer_batch_max",
        "larger than writer_queue_max, so no batch could ever fill",
        "lower it, or raise writer_queue_max",
    )
}

pub(crate) fn send(send: &Send, table: &Table<'_>) -> Option<()> {
    if send.backoff_base_ms <= send.backoff_max_ms {
        return Some(());
    }
    table.refuse(
        "backoff_base_ms",
        "larger than backoff_max_ms",
        "lower it, or raise backoff_max_ms",
    )
}

pub(crate) fn delivery(delivery: &Delivery, table: &Table<'_>) -> Option<()> {
    let schedule = &delivery.schedule_s;
    if schedule.is_empty() || schedule.len() > SCHEDULE_ATTEMPTS_MAX {
        return table.refuse(
            "schedule_s",
            format!("has {} attempts", schedule.len()),
            format!("write 1 to {SCHEDULE_ATTEMPTS_MAX} waits in seconds, the first usually 0"),
        );
    }
    match schedule.iter().find(|wait| **wait > SCHEDULE_S_MAX) {
        Some(wait) => table.refuse(
            "schedule_s",
            format!("a wait of {wait} s is too long"),
            format!("wait at most {SCHEDULE_S_MAX} s (7 days) before an attempt"),
        ),
        None => Some(()),
    }
}

pub(crate) fn media(media: &Media, table: &Table<'_>) -> Option<()> {
    media_types(&media.fetch_types, "fetch_types", table)?;
    if media.fetch_backoff_base_ms > media.fetch_backoff_max_ms {
        return table.refuse(
            "fetch_backoff_base_ms",
            "larger than fetch_backoff_max_ms",
            "lower it, or raise fetch_backoff_max_ms",
        );
    }
    if media.object_bytes_max <= media.tenant_bytes_max {
        return Some(());
    }
    table.refuse(
        "object_bytes_max",
        "larger than tenant_bytes_max, what all objects of a tenant may take",
        "lower it, or raise tenant_bytes_max",
    )
}

/// `type/subtype` or `type/*`, in lower case as they are compared.
pub(crate) fn media_types(types: &[String], key: &str, table: &Table<'_>) -> Option<()> {
    let is_type = |text: &str| {
        let part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&^_.+-".contains(&b)
                })
        };
        text.split_once('/')
            .is_some_and(|(kind, rest)| part(kind) && (rest == "*" || part(rest)))
    };
    match types.iter().find(|text| !is_type(text)) {
        Some(wrong) => table.refuse(
            key,
            format!("{} is not a type of media", quoted(wrong)),
            "write types in lower case, such as image/png, or image/* for all of a kind",
        ),
        None => Some(()),
    }
}

pub(crate) fn plugins(plugins: &Plugins, table: &Table<'_>) -> Option<()> {
    let mut sound = Some(());
    if plugins.plugin_permits_max > plugins.permits_max {
        sound = table.refuse(
            "plugin_permits_max",
            "larger than permits_max, the permits of all plugins together",
            "lower it, or raise permits_max",
        );
    }
    let native = plugin_limits("native", &plugins.native, table);
    let interpreter = plugin_limits("interpreter", &plugins.interpreter, table);
    sound.and(native).and(interpreter)
}

fn plugin_limits(class: &str, limits: &PluginLimits, table: &Table<'_>) -> Option<()> {
    let pairs = [
        (
            "parse_memory_bytes_max",
            limits.parse_memory_bytes_max < limits.memory_bytes_max,
            "smaller than memory_bytes_max, though webhooks are the largest input",
            "raise it to memory_bytes_max or more",
        ),
        (
            "parse_output_bytes_max",
            limits.parse_output_bytes_max < limits.output_bytes_max,
            "smaller than output_bytes_max, though webhooks give the largest output",
            "raise it to output_bytes_max or more",
        ),
    ];
    let mut sound = Some(());
    for (key, wrong, what, remedy) in pairs {
        if wrong {
            sound = None;
            let mut path = table.path.clone();
            path.extend([class.to_owned(), key.to_owned()]);
            let origin = table.cx.origin(&path);
            let problem = Problem::new(origin, dotted(&path), what, remedy);
            table.cx.report(problem);
        }
    }
    sound
}

pub(crate) fn egress(egress: &Egress, table: &Table<'_>, allow_connect_to: bool) -> Option<()> {
    let mut sound = Some(());
    let proxies = [
        ("proxy", &egress.proxy, &egress.proxy_credentials),
        (
            "delivery_proxy",
            &egress.delivery_proxy,
            &egress.delivery_proxy_credentials,
        ),
    ];
    for (key, url, credentials) in proxies {
        sound = match url {
            Some(url) => proxy(key, url, table).and(sound),
            None if credentials.is_some() => table.refuse(
                key,
                format!("is missing, but {key}_credentials is there"),
                "name the proxy, or remove its credentials",
            ),
            None => sound,
        };
    }
    if egress.media_timeout_ms_max < egress.request_timeout_ms_max {
        sound = table.refuse(
            "media_timeout_ms_max",
            "shorter than request_timeout_ms_max",
            "media take at least as long as other requests: raise it, or lower the other",
        );
    }
    if egress.connect_to.0.is_empty() || allow_connect_to {
        return sound;
    }
    table.refuse(
        "connect_to",
        "sends what is meant for a provider to another place",
        "remove it, or start with --insecure-connect-to if this is a test",
    )
}

/// Scheme and user-info are checked where URLs are read.
fn proxy(key: &str, url: &Url, table: &Table<'_>) -> Option<()> {
    if url.path() == "/" && url.query().is_none() && url.fragment().is_none() {
        return Some(());
    }
    table.refuse(
        key,
        "not the address of a proxy",
        "write http://host:port or https://host:port",
    )
}

pub(crate) fn log(log: &Log, table: &Table<'_>) -> Option<()> {
    let directive = |text: &str| {
        let level = text.rsplit_once('=').map_or(text, |(_, level)| level);
        LEVELS.contains(&level.trim().to_ascii_lowercase().as_str())
    };
    match log.level.split(',').find(|part| !directive(part)) {
        Some(wrong) => table.refuse(
            "level",
            format!("{} is not a level", quoted(wrong)),
            format!(
                "write one of {}, or target=level with commas between",
                LEVELS.join(", ")
            ),
        ),
        None => Some(()),
    }
}

pub(crate) fn nothing<T>(_: &T, _: &Table<'_>) -> Option<()> {
    Some(())
}

/// Relative to the file that says it. A folder that was named must exist.
pub(crate) fn tenants_dir(root: &mut Table<'_>) -> Option<Option<PathBuf>> {
    let Some(written) = root.get::<Option<PathBuf>>("tenants_dir")? else {
        return Some(None);
    };
    let base = root.cx.winner(&["tenants_dir".to_owned()]);
    let path = match base {
        Some((rank, _)) => root.cx.layers[rank].base.join(written),
        None => written,
    };
    if path.is_dir() {
        return Some(Some(path));
    }
    root.refuse(
        "tenants_dir",
        format!("{} is not a folder", path.display()),
        "create it, or remove the key",
    )
}

/// Keys of different sections against each other, as far as the sections could be read.
pub(crate) fn across(
    cx: &Context<'_>,
    http_and_send: Option<(&Http, &Send)>,
    egress: Option<&Egress>,
    (send, delivery): (Option<&Send>, Option<&Delivery>),
) {
    if let Some((http, send)) = http_and_send
        && send.immediate_timeout_ms >= http.request_timeout_ms
    {
        cx.refuse(
            ["send", "immediate_timeout_ms"],
            "not shorter than http.request_timeout_ms, so callers would never see the outcome",
            "lower it, or raise http.request_timeout_ms",
        );
    }
    let Some(egress) = egress else { return };
    let timeouts = [
        (
            ["send", "exchange_timeout_ms"],
            send.map(|send| send.exchange_timeout_ms),
        ),
        (
            ["delivery", "timeout_ms"],
            delivery.map(|delivery| delivery.timeout_ms),
        ),
    ];
    for (key, timeout) in timeouts {
        if timeout.is_some_and(|timeout| timeout > egress.request_timeout_ms_max) {
            cx.refuse(
                key,
                "longer than egress.request_timeout_ms_max",
                "lower it, or raise egress.request_timeout_ms_max",
            );
        }
    }
}

/// One API key must lead to one tenant.
pub(crate) fn tenants(tenants: &BTreeMap<String, Tenant>, problems: &mut Vec<Problem>) {
    let mut owners: BTreeMap<KeyHash, String> = BTreeMap::new();
    for tenant in tenants.values() {
        for (name, key) in &tenant.keys {
            let place = format!("{}/{name}", tenant.id);
            if let Some(other) = owners.insert(key.hash, place) {
                problems.push(Problem::new(
                    key.origin.clone(),
                    format!("keys.{name}"),
                    format!("the same key as {other}"),
                    "create a key of its own with `wharf key create`",
                ));
            }
        }
    }
}

/// The outcome of a check that found no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// One line, without `ok`.
    pub summary: String,
    pub warnings: Vec<String>,
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ok: {}", self.summary)?;
        for warning in &self.warnings {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}

pub(crate) fn report(config: &Config) -> CheckReport {
    let tenants = config.tenants.values();
    let sum = |count: fn(&Tenant) -> usize| tenants.clone().map(count).sum::<usize>();
    let summary = format!(
        "{}, {}, {}, {}, {}; database {}; {} read",
        counted(config.tenants.len(), "tenant"),
        counted(sum(|tenant| tenant.channels.len()), "channel"),
        counted(sum(|tenant| tenant.endpoints.len()), "endpoint"),
        counted(sum(|tenant| tenant.keys.len()), "API key"),
        counted(config.apps.len(), "app"),
        config.database.url,
        counted(config.files.len(), "file"),
    );
    let mut warnings = risky_keys(config);
    warnings.extend(loose_ends(config));
    warnings.extend(config.notices.iter().cloned());
    CheckReport { summary, warnings }
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

fn risky_keys(config: &Config) -> Vec<String> {
    let channels = config
        .tenants
        .values()
        .any(|tenant| !tenant.channels.is_empty());
    let sqlite = config.database.url.sqlite_path().is_some();
    let normal = config.database.sqlite_synchronous == SqliteSynchronous::Normal;
    let risks = [
        (
            channels && config.http.public_url.is_none(),
            "http.public_url is not set: providers cannot reach the webhooks of the channels",
        ),
        (
            sqlite && normal,
            "database.sqlite_synchronous = \"normal\": a power cut may lose accepted messages",
        ),
        (
            !sqlite && config.media.dir.is_none(),
            "media.dir is not set: with PostgreSQL nothing can be stored without it",
        ),
        (
            config.send.default_policy == SendPolicy::AtLeastOnce,
            "send.default_policy = \"at_least_once\": people may get a message twice",
        ),
        (
            config.http.webhook_body_bytes_max < META_BODY_BYTES,
            "http.webhook_body_bytes_max is below 3 MiB: Meta's largest webhooks will be refused",
        ),
        (
            config.webhook.dedupe_days < META_REPEATS_DAYS,
            "webhook.dedupe_days is below 7: Meta repeats webhooks for up to 7 days",
        ),
        (
            !config.egress.connect_to.0.is_empty(),
            "egress.connect_to is set: calls to providers go elsewhere, credentials included",
        ),
        (
            !config.egress.delivery_https_only,
            "egress.delivery_https_only = false: events may travel unencrypted",
        ),
        (
            config.secrets.is_none(),
            "there is no key ring in [secrets]: good for development only",
        ),
        (
            config.tenants.is_empty(),
            "there is no tenant: nobody can call the API",
        ),
    ];
    let bites = risks.into_iter().filter(|(bites, _)| *bites);
    bites.map(|(_, text)| text.to_owned()).collect()
}

fn loose_ends(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, app) in &config.apps {
        let mut channels = config
            .tenants
            .values()
            .flat_map(|tenant| tenant.channels.values());
        let is_used = channels.any(|channel| channel.app.as_ref() == Some(name));
        // Without a file its number comes from onboarding, and a notice says so.
        if !is_used && config.simple_tenant.is_none() {
            warnings.push(format!("{}: no channel uses app {name}", app.origin));
        }
    }
    for tenant in config.tenants.values() {
        if tenant.keys.is_empty() {
            let (origin, id) = (&tenant.origin, &tenant.id);
            warnings.push(format!(
                "{origin}: tenant {id} has no API key and cannot call the API"
            ));
        }
        for (name, endpoint) in &tenant.endpoints {
            let unknown = |event: &&String| event.parse::<EventType>().is_err();
            for event in endpoint.events.iter().filter(unknown) {
                let near = nearest(event, EventType::ALL.iter().map(|known| known.as_str()))
                    .map(|near| format!("; did you mean {near}?"));
                warnings.push(format!(
                    "{}: endpoint {name} asks for {event}, which this version never sends{}",
                    endpoint.origin,
                    near.unwrap_or_default()
                ));
            }
        }
    }
    warnings
}
