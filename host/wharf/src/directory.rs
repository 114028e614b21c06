//! Who may do what with which credentials, read from the store and kept for a few seconds.
//!
//! Every look-up carries its tenant. Entries live for [`LIFETIME`], so a revoked key or a replaced
//! token made by another process stops working within it; changes made in this process are seen at
//! once through [`Directory::forget_all`].

mod secrets;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wharf_core::webhook::SigningSecret;
use wharf_core::{AppId, ChannelId, Clock, EndpointId, TenantId};
use wharf_runtime::Registry;
use wharf_store::keys::KeyRow;
use wharf_store::{AccountKey, Db, Owner, StoreError, Vault};
use wharf_store::{apps, channels, endpoints, keys, routes};

pub use secrets::SecretSet;
use secrets::Stored;

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
    /// The provider's id of the account, where the plugin names one.
    pub account: Option<String>,
    pub sender: String,
    /// The app's settings, then the channel's own, which win.
    pub settings: Vec<(String, String)>,
    pub secrets: SecretSet,
    /// Where the provider reaches each of this channel's webhooks, by name.
    pub webhook_urls: HashMap<String, String>,
}

impl wharf_egress::Secrets for Channel {
    fn get(&self, name: &str) -> Option<SecretString> {
        self.secrets.get(name)
    }
}

/// Whose call a webhook path takes.
pub struct Route {
    pub owner: Owner,
    pub webhook: String,
    pub plugin: String,
    pub tenant: Option<TenantId>,
    pub secrets: SecretSet,
    pub url: Option<String>,
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

/// The caches.
pub struct Directory {
    db: Db,
    vault: Vault,
    plugins: Arc<Registry>,
    public_url: Option<Url>,
    clock: Arc<dyn Clock>,
    keys: Cache<String, Option<Arc<KeyRow>>>,
    channels: Cache<(TenantId, ChannelId), Option<Arc<Channel>>>,
    channel_ids: Cache<TenantId, Arc<Vec<ChannelId>>>,
    routes: Cache<String, Option<Arc<Route>>>,
    app_routes: Cache<(), Arc<Vec<Arc<Route>>>>,
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
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            db,
            vault,
            plugins,
            public_url,
            clock,
            keys: cache(),
            channels: cache(),
            channel_ids: cache(),
            routes: cache(),
            app_routes: cache(),
            endpoints: cache(),
        }
    }

    /// Drops everything kept: after a change in this process.
    pub fn forget_all(&self) {
        self.keys.invalidate_all();
        self.channels.invalidate_all();
        self.channel_ids.invalidate_all();
        self.routes.invalidate_all();
        self.app_routes.invalidate_all();
        self.endpoints.invalidate_all();
    }

    /// Drops what holds secrets of channels and webhooks: an exchange captured one.
    pub fn forget_secrets(&self) {
        self.channels.invalidate_all();
        self.routes.invalidate_all();
        self.app_routes.invalidate_all();
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

    /// Where a webhook path leads; nowhere once its owner is removed.
    pub(crate) async fn route(&self, token: &str) -> Result<Option<Arc<Route>>, StoreError> {
        if !is_token(token) {
            return Ok(None);
        }
        let load = async {
            let mut conn = self.db.read().await?;
            let secret = SecretString::from(token.to_owned());
            let Some(row) = routes::by_token(&mut conn, &secret).await? else {
                return Ok(None);
            };
            if !is_live(&mut conn, &row.owner).await? {
                return Ok(None);
            }
            // Given back before another is asked for: several look-ups must not wait for each other.
            drop(conn);
            let url = self.url_of(&row.plugin, token);
            Ok(Some(Arc::new(self.route_of(row, url).await?)))
        };
        self.routes
            .try_get_with(token.to_owned(), load)
            .await
            .map_err(unshare)
    }

    /// Where this owner's webhook leads.
    pub async fn route_of_owner(
        &self,
        owner: &Owner,
        webhook: &str,
    ) -> Result<Option<Arc<Route>>, StoreError> {
        let mut conn = self.db.read().await?;
        let token = routes::token_of(&mut conn, &self.vault, owner, webhook).await?;
        drop(conn);
        match token {
            Some(token) => self.route(token.expose_secret()).await,
            None => Ok(None),
        }
    }

    /// Every webhook of every app: the candidates for a call whose path names none.
    pub async fn app_routes(&self) -> Result<Arc<Vec<Arc<Route>>>, StoreError> {
        let load = async {
            let mut conn = self.db.read().await?;
            let mut rows = Vec::new();
            for row in routes::list(&mut conn).await? {
                if matches!(row.owner, Owner::App(_)) && is_live(&mut conn, &row.owner).await? {
                    rows.push(row);
                }
            }
            drop(conn);
            let mut found = Vec::new();
            for row in rows {
                let url = self
                    .public_url
                    .as_ref()
                    .and_then(|u| u.join("api/whatsapp/webhook").ok());
                found.push(Arc::new(self.route_of(row, url.map(String::from)).await?));
            }
            Ok(Arc::new(found))
        };
        self.app_routes
            .try_get_with((), load)
            .await
            .map_err(unshare)
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
        let mut settings = std::collections::BTreeMap::new();
        let mut owners = vec![Owner::Channel(tenant.clone(), id.clone())];
        if let Some(account) = &row.account {
            let account = AccountKey::new(&row.plugin, account);
            owners.push(Owner::Account(tenant.clone(), account));
        }
        if let Some(app) = &row.app_id {
            if let Some(app) = apps::get(&mut conn, app).await? {
                settings.extend(app.settings);
            }
            owners.push(Owner::Account(tenant.clone(), AccountKey::of_app(app)));
            owners.push(Owner::App(app.clone()));
        }
        settings.extend(row.settings);
        let mut webhook_urls = HashMap::new();
        let mut secrets = Vec::with_capacity(owners.len());
        for owner in &owners {
            secrets.push(Stored::read(&mut conn, &self.vault, owner, self.clock.now_ms()).await?);
            for spec in self
                .plugins
                .get(&row.plugin)
                .iter()
                .flat_map(|p| p.descriptor().webhooks.clone())
            {
                let token = routes::token_of(&mut conn, &self.vault, owner, &spec.name).await?;
                if let Some(url) = token.and_then(|t| self.url_of(&row.plugin, t.expose_secret())) {
                    webhook_urls.insert(spec.name, url);
                }
            }
        }
        Ok(Some(Arc::new(Channel {
            tenant: tenant.clone(),
            id: id.clone(),
            plugin: row.plugin,
            app: row.app_id,
            account: row.account,
            sender: row.sender,
            settings: settings.into_iter().collect(),
            secrets: SecretSet::merge(secrets),
            webhook_urls,
        })))
    }

    async fn secrets(
        &self,
        conn: &mut wharf_store::Conn,
        owner: &Owner,
    ) -> Result<SecretSet, StoreError> {
        let stored = Stored::read(conn, &self.vault, owner, self.clock.now_ms()).await?;
        Ok(SecretSet::merge(vec![stored]))
    }

    async fn route_of(
        &self,
        row: routes::RouteRow,
        url: Option<String>,
    ) -> Result<Route, StoreError> {
        let mut conn = self.db.read().await?;
        Ok(Route {
            secrets: self.secrets(&mut conn, &row.owner).await?,
            owner: row.owner,
            webhook: row.webhook,
            plugin: row.plugin,
            tenant: row.tenant,
            url,
        })
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

    /// The public address of a webhook path, when one is configured.
    pub fn url_of(&self, plugin: &str, token: &str) -> Option<String> {
        let base = self.public_url.as_ref()?;
        base.join(&format!("webhooks/{plugin}/{token}"))
            .ok()
            .map(String::from)
    }
}

/// The shape of every token this gateway mints: 32 bytes in base64url. Anything else costs no query.
fn is_token(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether who owns a webhook's path is still configured.
async fn is_live(conn: &mut wharf_store::Conn, owner: &Owner) -> Result<bool, StoreError> {
    Ok(match owner {
        Owner::App(app) => apps::get(conn, app).await?.is_some(),
        Owner::Channel(tenant, channel) => channels::get(conn, tenant, channel).await?.is_some(),
        Owner::Account(..) | Owner::Endpoint(..) => false,
    })
}

/// The name of an endpoint's signing secret among its credentials.
pub const ENDPOINT_SECRET: &str = "signing";

/// A cache hands one error to all who waited for the same entry.
fn unshare(error: Arc<StoreError>) -> StoreError {
    Arc::try_unwrap(error).unwrap_or_else(|shared| StoreError::NotCommitted {
        reason: shared.to_string(),
    })
}
