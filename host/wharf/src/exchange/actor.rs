//! For whom an exchange is made: what it may use, and whose its captured secrets and remembered answers
//! become.
//!
//! What a tenant's exchange leaves behind is that tenant's, at every level: a tenant who can bend an
//! answer (a host in its settings, a number of its own) must not reach others who share its app.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::SecretString;
use wharf_core::TenantId;
use wharf_core::provider::{CallContext, Descriptor, Level, Memo};
use wharf_egress::{Captured, Grant, MediaStore, NoMedia, Secrets};
use wharf_store::media::MediaOrigin;
use wharf_store::memos::MemoKey;
use wharf_store::{AccountKey, Owner};

use crate::app::App;
use crate::clock::random;
use crate::directory::Channel;

/// Whose things are of which level.
#[derive(Clone, Debug)]
pub struct Owners {
    pub app: Owner,
    pub account: Owner,
    pub channel: Owner,
}

impl Owners {
    /// Those of a channel. A level that it does not have is the channel itself.
    pub fn of_channel(channel: &Channel) -> Self {
        let own = Owner::Channel(channel.tenant.clone(), channel.id.clone());
        let shared = |key| Owner::Account(channel.tenant.clone(), key);
        Self {
            app: match &channel.app {
                Some(app) => shared(AccountKey::of_app(app)),
                None => own.clone(),
            },
            account: match &channel.account {
                Some(account) => shared(AccountKey::new(&channel.plugin, account)),
                None => own.clone(),
            },
            channel: own,
        }
    }

    pub fn at(&self, level: Level) -> &Owner {
        match level {
            Level::App => &self.app,
            Level::Account => &self.account,
            Level::Channel => &self.channel,
        }
    }
}

/// Where captured secrets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captures {
    /// To the credentials of the owner of their level.
    Credentials,
    /// Nowhere but into this actor: who runs the flow takes them from there.
    Here,
}

/// A secret that an exchange brought, and until when it holds (Unix milliseconds).
#[derive(Clone)]
pub struct Learned {
    pub value: SecretString,
    pub expires_at: Option<i64>,
}

/// For whom exchanges are made.
pub struct Actor {
    /// Whose media they see; an app's exchanges see none.
    pub tenant: Option<TenantId>,
    pub descriptor: Arc<Descriptor>,
    pub settings: Vec<(String, String)>,
    pub owners: Owners,
    pub captures: Captures,
    pub webhook_urls: HashMap<String, String>,
    pub return_url: Option<String>,
    /// The largest object that its exchanges may bring into the store, beside the store's own limit.
    pub media_bytes_max: Option<u64>,
    too_large: AtomicBool,
    secrets: Arc<dyn Secrets>,
    /// Brought by this actor's own exchanges: live at once, whatever caches say.
    learned: RwLock<HashMap<String, Learned>>,
}

impl Actor {
    /// For one channel's exchanges.
    pub fn of_channel(channel: &Arc<Channel>, descriptor: &Arc<Descriptor>) -> Self {
        Self {
            tenant: Some(channel.tenant.clone()),
            descriptor: Arc::clone(descriptor),
            settings: channel.settings.clone(),
            owners: Owners::of_channel(channel),
            captures: Captures::Credentials,
            webhook_urls: channel.webhook_urls.clone(),
            return_url: None,
            media_bytes_max: None,
            too_large: AtomicBool::new(false),
            secrets: Arc::clone(channel) as Arc<dyn Secrets>,
            learned: RwLock::default(),
        }
    }

    /// For a flow of somebody who has no channel yet: `owners` keep what it remembers, and what it
    /// captures stays here.
    pub fn of_flow(
        tenant: Option<TenantId>,
        descriptor: Arc<Descriptor>,
        owners: Owners,
        secrets: Arc<dyn Secrets>,
    ) -> Self {
        Self {
            tenant,
            descriptor,
            settings: Vec::new(),
            owners,
            captures: Captures::Here,
            webhook_urls: HashMap::new(),
            return_url: None,
            media_bytes_max: None,
            too_large: AtomicBool::new(false),
            secrets,
            learned: RwLock::default(),
        }
    }

    /// What a plugin's call gets to know.
    pub fn context(&self, app: &App) -> CallContext {
        CallContext {
            settings: self.settings.clone(),
            now_ms: u64::try_from(app.now_ms()).unwrap_or(0),
            seed: random(),
            locale: None,
        }
    }

    /// Lends what its exchanges may use.
    pub fn with_grant<T>(&self, app: &App, use_it: impl FnOnce(&Grant<'_>) -> T) -> T {
        let webhook_url = |webhook: &str| self.webhook_urls.get(webhook).cloned();
        let media: Arc<dyn MediaStore> = match &self.tenant {
            Some(tenant) => {
                let bytes_max = self.media_bytes_max.unwrap_or(u64::MAX);
                app.media
                    .of_at_most(tenant, MediaOrigin::Provider, bytes_max)
            }
            None => Arc::new(NoMedia),
        };
        use_it(&Grant {
            descriptor: &self.descriptor,
            settings: &self.settings,
            secrets: self,
            webhook_url: &webhook_url,
            return_url: self.return_url.as_deref(),
            media,
        })
    }

    /// An answer was larger than what is read or stored: the plugin may not tell that from other failures.
    pub(crate) fn note_too_large(&self) {
        self.too_large.store(true, Ordering::Relaxed);
    }

    pub(crate) fn saw_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }

    pub(super) fn memo_key(&self, memo: &Memo) -> MemoKey {
        MemoKey {
            owner: self.owners.at(memo.scope).clone(),
            plugin: self.descriptor.id.clone(),
            key: memo.key.clone(),
        }
    }

    /// The owner of a secret by the level that the plugin declares for it.
    pub(super) fn owner_of(&self, secret: &str) -> &Owner {
        let name = base_name(secret);
        let input = self.descriptor.inputs.iter().find(|i| i.name == name);
        self.owners
            .at(input.map_or(Level::Channel, |input| input.level))
    }

    /// What was captured is live for the next exchange, here and for others of this process.
    pub(super) fn learn(&self, app: &App, captured: Vec<Captured>) {
        if captured.is_empty() {
            return;
        }
        let now = app.now_ms();
        for (name, value, lifetime_s) in captured {
            let expires_at = expiry(now, lifetime_s);
            self.hold(&name, Learned { value, expires_at });
        }
        if self.captures == Captures::Credentials {
            app.directory.forget_secrets();
        }
    }

    /// Gives this actor a secret that no configuration holds.
    pub fn hold(&self, name: &str, learned: Learned) {
        let mut held = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(name.to_owned(), learned);
    }

    /// What this actor's exchanges brought and what it was given, by name.
    pub fn held(&self) -> Vec<(String, Learned)> {
        let held = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = held.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

impl Secrets for Actor {
    fn get(&self, name: &str) -> Option<SecretString> {
        let held = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let own = held.get(name).map(|learned| learned.value.clone());
        drop(held);
        own.or_else(|| self.secrets.get(name))
    }

    fn live(&self, name: &str) -> Vec<SecretString> {
        let mut live = self.secrets.live(name);
        let held = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        let own = held.iter().filter(|(known, _)| base_name(known) == name);
        live.extend(own.map(|(_, learned)| learned.value.clone()));
        live
    }
}

/// A secret's declared name: what a flow keeps for one of several channels is `name/slot`.
fn base_name(secret: &str) -> &str {
    secret.split_once('/').map_or(secret, |(name, _)| name)
}

/// When a lifetime in seconds is over. Beyond ten years it is as good as for ever.
pub(super) fn expiry(now: i64, lifetime_s: Option<u64>) -> Option<i64> {
    let lifetime_s = lifetime_s.filter(|seconds| *seconds <= LIFETIME_S_MAX)?;
    Some(now.saturating_add(i64::try_from(lifetime_s).ok()? * 1_000))
}

const LIFETIME_S_MAX: u64 = 10 * 366 * 86_400;
