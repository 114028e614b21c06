//! Who may do what with which credentials, read from the store and kept for a few seconds.
//!
//! Every look-up carries its tenant. Entries live for [`LIFETIME`], so a revoked key or a replaced
//! token made by another process stops working within it; changes made in this process are seen at
//! once through [`Directory::forget_all`].

mod route;
mod secrets;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

pub use self::route::Route;
pub(crate) use self::route::addresses;
use self::route::may_be_shown;
pub use self::secrets::SecretSet;
use self::secrets::Stored;
use moka::future::Cache;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wharf_core::provider::Level;
use wharf_core::webhook::SigningSecret;
use wharf_core::{AppId, ChannelId, Clock, EndpointId, TenantId};
use wharf_runtime::Registry;
use wharf_store::keys::KeyRow;
use wharf_store::{AccountKey, Db, Owner, StoreError, Vault};
use wharf_store::{apps, channels, endpoints, keys, routes};

/// How long an entry is believed without asking the store again.
pub const LIFETIME: Duration = Duration::from_secs(5);
/// Entries of each kind kept at most; beyond it the least used are read again.
const ENTRIES_MAX: u64 = 100_000;

/// A channel with all that a send through it needs.
pub struct Channel {
    pub tenant: TenantId,
    pub id: ChannelId,
    pub plugin: String,
    pub app: Option<AppId>,
    pub account: Option<String>,
    pub sender: String,
    /// The app's settings, then the channel's own, which win.
    pub settings: Vec<(String, String)>,
    pub secrets: SecretSet,
    /// Where the provider reaches each of this channel's webhooks, by name.
    pub webhook_urls: HashMap<String, String>,
    /// Those of them that the tenant may know.
    pub shown_urls: BTreeMap<String, String>,
}

impl wharf_egress::Secrets for Channel {
    fn get(&self, name: &str) -> Option<SecretString> {
        self.secrets.get(name)
    }

    fn live(&self, name: &str) -> Vec<SecretString> {
        wharf_egress::Secrets::live(&self.secrets, name)
    }
}

/// A tenant's URL that receives events.
pub struct Endpoint {
    pub id: EndpointId,
    pub url: Url,
    /// Empty for all types.
    pub events: Vec<String>,
    pub timeout_ms: u64,
    pub enabled: bool,
    pub secrets: Vec<SigningSecret>,
}

impl Endpoint {
    pub fn wants(&self, event: &str) -> bool {
        self.enabled && (self.events.is_empty() || self.events.iter().any(|e| e == event))
    }
}

/// Settings, public addresses of webhooks by name, secrets.
pub type OfApp = (Vec<(String, String)>, HashMap<String, String>, SecretSet);

/// The caches.
pub struct Directory {
    db: Db,
    vault: Vault,
    plugins: Arc<Registry>,
    public_url: Option<Url>,
    /// Its channels answer for the webhook address that names nobody, as apps do.
    simple_tenant: Option<TenantId>,
    clock: Arc<dyn Clock>,
    keys: Cache<String, Option<Arc<KeyRow>>>,
    channels: Cache<(TenantId, ChannelId), Option<Arc<Channel>>>,
    channel_ids: Cache<TenantId, Arc<Vec<ChannelId>>>,
    routes: Cache<String, Option<Arc<Route>>>,
    shared_routes: Cache<(), Arc<Vec<Arc<Route>>>>,
    endpoints: Cache<TenantId, Arc<Vec<Arc<Endpoint>>>>,
}

fn cache<K, V>() -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(ENTRIES_MAX)
        .time_to_live(LIFETIME)
        .build()
}

impl Directory {
    pub fn new(
        db: Db,
        vault: Vault,
        plugins: Arc<Registry>,
        public_url: Option<Url>,
        simple_tenant: Option<TenantId>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            db,
            vault,
            plugins,
            public_url,
            simple_tenant,
            clock,
            keys: cache(),
            channels: cache(),
            channel_ids: cache(),
            routes: cache(),
            shared_routes: cache(),
            endpoints: cache(),
        }
    }

    /// Drops everything kept: after a change in this process.
    pub fn forget_all(&self) {
        self.keys.invalidate_all();
        self.channels.invalidate_all();
        self.channel_ids.invalidate_all();
        self.routes.invalidate_all();
        self.shared_routes.invalidate_all();
        self.endpoints.invalidate_all();
    }

    /// Drops the API keys: one was made, changed or ended.
    pub fn forget_keys(&self) {
        self.keys.invalidate_all();
    }

    /// Drops what holds secrets of channels and webhooks: an exchange captured one.
    pub fn forget_secrets(&self) {
        self.channels.invalidate_all();
        self.routes.invalidate_all();
        self.shared_routes.invalidate_all();
    }

    /// The API key with this hash, live or not.
    pub async fn key(&self, hash: &str) -> Result<Option<Arc<KeyRow>>, StoreError> {
        let load = async {
            let mut conn = self.db.read().await?;
            Ok(keys::by_hash(&mut conn, hash).await?.map(Arc::new))
        };
        self.keys
            .try_get_with(hash.to_owned(), load)
            .await
            .map_err(unshare)
    }

    /// The tenant's channels by name, in order.
    pub async fn channel_ids(&self, tenant: &TenantId) -> Result<Arc<Vec<ChannelId>>, StoreError> {
        let load = async {
            let mut conn = self.db.read().await?;
            let rows = channels::list(&mut conn, tenant).await?;
            Ok(Arc::new(rows.into_iter().map(|row| row.id).collect()))
        };
        self.channel_ids
            .try_get_with(tenant.clone(), load)
            .await
            .map_err(unshare)
    }

    /// One channel with its secrets; `None` when the tenant has no such channel.
    pub async fn channel(
        &self,
        tenant: &TenantId,
        id: &ChannelId,
    ) -> Result<Option<Arc<Channel>>, StoreError> {
        let key = (tenant.clone(), id.clone());
        let load = self.load_channel(tenant, id);
        self.channels.try_get_with(key, load).await.map_err(unshare)
    }

    /// The settings, webhooks' addresses and secrets of an operator's app, for flows under it.
    pub async fn of_app(&self, id: &AppId) -> Result<Option<OfApp>, StoreError> {
        let mut conn = self.db.read().await?;
        let Some(app) = apps::get(&mut conn, id).await? else {
            return Ok(None);
        };
        let owner = Owner::App(id.clone());
        let mut urls = HashMap::new();
        for (webhook, plugin, token) in routes::tokens_of(&mut conn, &self.vault, &owner).await? {
            if let Some(url) = self.url_of(&plugin, token.expose_secret()) {
                urls.insert(webhook, url);
            }
        }
        let secrets = self.secrets(&mut conn, &owner).await?;
        Ok(Some((app.settings.into_iter().collect(), urls, secrets)))
    }

    /// The tenant's endpoints.
    pub async fn endpoints(
        &self,
        tenant: &TenantId,
    ) -> Result<Arc<Vec<Arc<Endpoint>>>, StoreError> {
        let load = async {
            let mut conn = self.db.read().await?;
            let rows = endpoints::list(&mut conn, tenant).await?;
            drop(conn);
            let mut found = Vec::with_capacity(rows.len());
            for row in rows {
                found.push(Arc::new(self.endpoint_of(tenant, row).await?));
            }
            Ok(Arc::new(found))
        };
        self.endpoints
            .try_get_with(tenant.clone(), load)
            .await
            .map_err(unshare)
    }

    async fn load_channel(
        &self,
        tenant: &TenantId,
        id: &ChannelId,
    ) -> Result<Option<Arc<Channel>>, StoreError> {
        let mut conn = self.db.read().await?;
        let Some(row) = channels::get(&mut conn, tenant, id).await? else {
            return Ok(None);
        };
        let owner = Owner::Channel(tenant.clone(), id.clone());
        let (settings, secrets) = self.configured_of_channel(&mut conn, &row).await?;
        let (webhook_urls, shown_urls) = self.urls_of(&mut conn, &row, &owner).await?;
        Ok(Some(Arc::new(Channel {
            tenant: tenant.clone(),
            id: id.clone(),
            plugin: row.plugin,
            app: row.app_id,
            account: row.account,
            sender: row.sender,
            settings: settings.into_iter().collect(),
            secrets,
            webhook_urls,
            shown_urls,
        })))
    }

    /// Every address that the channel's plugin has for it, and those that its tenant may see.
    ///
    /// The first are all that the store knows, whatever the version in service declares: one that comes
    /// into service while a message is on its way may ask for a webhook that this one did not have.
    async fn urls_of(
        &self,
        conn: &mut wharf_store::Conn,
        row: &channels::ChannelRow,
        owner: &Owner,
    ) -> Result<(HashMap<String, String>, BTreeMap<String, String>), StoreError> {
        let plugin = self.plugins.get(&row.plugin);
        let specs = plugin
            .as_deref()
            .map(|p| p.descriptor().webhooks.as_slice());
        let specs = specs.unwrap_or_default();
        // An app's webhook is the app's where there is an app; anything else is the channel's own.
        let app = row.app_id.clone().map(Owner::App);
        let (mut urls, mut shown) = (HashMap::new(), BTreeMap::new());
        for holder in app.iter().chain([owner]) {
            let is_app = matches!(holder, Owner::App(_));
            for (webhook, of, token) in routes::tokens_of(conn, &self.vault, holder).await? {
                let spec = specs.iter().find(|spec| spec.name == webhook);
                let is_its = match spec {
                    Some(spec) => is_app == (app.is_some() && spec.level == Level::App),
                    None => of == row.plugin,
                };
                let url = self.url_of(&row.plugin, token.expose_secret());
                let Some(url) = url.filter(|_| is_its) else {
                    continue;
                };
                if spec.is_some_and(|spec| may_be_shown(holder, spec)) {
                    shown.insert(webhook.clone(), url.clone());
                }
                urls.insert(webhook, url);
            }
        }
        Ok((urls, shown))
    }

    /// The app's settings, then the channel's own, which win; the secrets of all that it belongs to,
    /// the narrowest owner's first.
    async fn configured_of_channel(
        &self,
        conn: &mut wharf_store::Conn,
        row: &channels::ChannelRow,
    ) -> Result<(BTreeMap<String, String>, SecretSet), StoreError> {
        let mut settings = BTreeMap::new();
        let mut owners = vec![Owner::Channel(row.tenant.clone(), row.id.clone())];
        if let Some(account) = &row.account {
            let account = AccountKey::new(&row.plugin, account);
            owners.push(Owner::Account(row.tenant.clone(), account));
        }
        if let Some(id) = &row.app_id {
            if let Some(app) = apps::get(conn, id).await? {
                settings.extend(app.settings);
            }
            owners.push(Owner::Account(row.tenant.clone(), AccountKey::of_app(id)));
            owners.push(Owner::App(id.clone()));
        }
        settings.extend(row.settings.clone());
        let now = self.clock.now_ms();
        let mut secrets = Vec::with_capacity(owners.len());
        for owner in &owners {
            secrets.push(Stored::read(conn, &self.vault, owner, now).await?);
        }
        Ok((settings, SecretSet::merge(secrets)))
    }

    async fn secrets(
        &self,
        conn: &mut wharf_store::Conn,
        owner: &Owner,
    ) -> Result<SecretSet, StoreError> {
        let stored = Stored::read(conn, &self.vault, owner, self.clock.now_ms()).await?;
        Ok(SecretSet::merge(vec![stored]))
    }

    async fn endpoint_of(
        &self,
        tenant: &TenantId,
        row: endpoints::EndpointRow,
    ) -> Result<Endpoint, StoreError> {
        let mut conn = self.db.read().await?;
        let owner = Owner::Endpoint(tenant.clone(), row.id.clone());
        let secrets = self.secrets(&mut conn, &owner).await?;
        let secrets = secrets
            .live(ENDPOINT_SECRET)
            .iter()
            .map(SigningSecret::parse)
            .collect::<Result<_, _>>();
        let corrupt = |what: String| StoreError::Corrupt {
            what: format!("endpoint {tenant}/{}: {what}", row.id),
        };
        Ok(Endpoint {
            url: Url::parse(&row.url).map_err(|e| corrupt(e.to_string()))?,
            secrets: secrets.map_err(corrupt)?,
            events: row.events,
            timeout_ms: row.timeout_ms,
            enabled: row.enabled,
            id: row.id,
        })
    }
}

/// The name of an endpoint's signing secret among its credentials.
pub const ENDPOINT_SECRET: &str = "signing";

/// A cache hands one error to all who waited for the same entry.
fn unshare(error: Arc<StoreError>) -> StoreError {
    Arc::try_unwrap(error).unwrap_or_else(|shared| StoreError::NotCommitted {
        reason: shared.to_string(),
    })
}
