//! Reads the configuration: compiled-in defaults, files, environment and options, in this order.
//!
//! Everything that is wrong is reported at once, with file and line or the variable's name. This
//! crate must not know of wasmtime, sqlx or axum; whether a plugin knows a setting is checked by
//! the host, which finds the place of every setting in [`Channel::origin_of`].

mod at;
mod check;
mod error;
mod layer;
mod load;
mod plain;
mod read;
mod secret;
mod sections;
mod sources;
mod suggest;
mod tenant;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use check::CheckReport;
pub use error::{ConfigErrors, Origin, Problem};
pub use secret::{DatabaseUrl, KEY_BYTES, RingKey, RotatingSecret};
pub use sections::{
    Database, Delivery, Egress, Exchanges, Http, Idempotency, Log, LogFormat, Media, MediaFetch,
    Onboarding, PluginClass, PluginLimits, Plugins, Queue, Secrets, Send, SendPolicy,
    SqliteSynchronous, Upkeep, Webhook,
};
pub use sources::{ConfigFile, ENV_PREFIX, INSTALLED_FILE, Sources};
pub use tenant::{ApiKey, App, Channel, Endpoint, KeyHash, Tenant};
pub use values::ConnectTo;

/// A whole, valid configuration. `Debug` hides every secret.
#[derive(Clone, Debug)]
pub struct Config {
    pub http: Http,
    pub database: Database,
    pub queue: Queue,
    pub send: Send,
    pub idempotency: Idempotency,
    pub delivery: Delivery,
    pub webhook: Webhook,
    pub media: Media,
    pub upkeep: Upkeep,
    pub exchanges: Exchanges,
    pub onboarding: Onboarding,
    pub plugins: Plugins,
    pub egress: Egress,
    /// `None` only with [`Sources::dev`].
    pub secrets: Option<Secrets>,
    pub log: Log,
    /// `None` when there is no such folder.
    pub tenants_dir: Option<PathBuf>,
    pub apps: BTreeMap<String, App>,
    /// The operator's API keys, by what they are for.
    pub operator_keys: BTreeMap<String, ApiKey>,
    pub tenants: BTreeMap<String, Tenant>,
    /// The files that were read, in order.
    pub files: Vec<PathBuf>,
    /// The one tenant that the environment's variables describe, when there is no file.
    pub simple_tenant: Option<String>,
    /// Of that simple set-up: what is still to be done, and what has no effect.
    pub notices: Vec<String>,
}

impl Config {
    /// Reads every layer and checks all of it.
    ///
    /// # Errors
    /// Every problem found, never only the first.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        load::load(sources)
    }

    /// What `wharf config check` prints: a summary, and warnings about combinations that bite.
    #[must_use]
    pub fn check_report(&self) -> CheckReport {
        check::report(self)
    }
}

/// The text of `config/wharf.toml`: every key with its default and its reason.
#[must_use]
pub fn defaults_toml() -> &'static str {
    include_str!("../../../config/wharf.toml")
}
