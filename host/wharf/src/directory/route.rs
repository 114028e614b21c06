//! Where the paths of webhooks lead, and what their calls are proven with.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wharf_core::TenantId;
use wharf_core::provider::{Check, Verification, WebhookSpec};
use wharf_core::webhook;
use wharf_store::{Db, Owner, StoreError, Vault};
use wharf_store::{apps, channels, routes};

use super::{Directory, SecretSet, unshare};

/// Whose call a webhook path takes.
pub struct Route {
    pub owner: Owner,
    pub webhook: String,
    pub plugin: String,
    pub tenant: Option<TenantId>,
    /// The app's secrets and settings, then the channel's own, which win: a channel's webhook may be
    /// proven by what belongs to its app.
    pub secrets: SecretSet,
    pub settings: BTreeMap<String, String>,
    /// Where the provider reaches it; none without `http.public_url`.
    pub url: Option<String>,
    /// The call came by the owner's unguessable path, not by the one that all apps share.
    pub by_own_path: bool,
}

impl webhook::Configured for Route {
    fn live(&self, secret: &str) -> Vec<SecretString> {
        self.secrets.live(secret)
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }
}

impl Directory {
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
            Ok(Some(Arc::new(self.route_of(row, url, true).await?)))
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

    /// The candidates for a call whose path names none: every webhook of every app, and those of the channels
    /// of a gateway that is set up for one account alone. Of many tenants, each call would be held against the
    /// secrets of all.
    pub async fn shared_routes(&self) -> Result<Arc<Vec<Arc<Route>>>, StoreError> {
        let load = async {
            let mut conn = self.db.read().await?;
            let mut rows = Vec::new();
            for row in routes::list(&mut conn).await? {
                if self.is_shared(&row.owner) && is_live(&mut conn, &row.owner).await? {
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
                let route = self.route_of(row, url.map(String::from), false).await?;
                found.push(Arc::new(route));
            }
            Ok(Arc::new(found))
        };
        self.shared_routes
            .try_get_with((), load)
            .await
            .map_err(unshare)
    }

    fn is_shared(&self, owner: &Owner) -> bool {
        match owner {
            Owner::App(_) => true,
            Owner::Channel(tenant, _) => self.simple_tenant.as_ref() == Some(tenant),
            Owner::Account(..) | Owner::Endpoint(..) => false,
        }
    }

    async fn route_of(
        &self,
        row: routes::RouteRow,
        url: Option<String>,
        by_own_path: bool,
    ) -> Result<Route, StoreError> {
        let mut conn = self.db.read().await?;
        let (settings, secrets) = match &row.owner {
            Owner::App(id) => {
                let app = apps::get(&mut conn, id).await?;
                let settings = app.map(|app| app.settings).unwrap_or_default();
                (settings, self.secrets(&mut conn, &row.owner).await?)
            }
            Owner::Channel(tenant, id) => match channels::get(&mut conn, tenant, id).await? {
                Some(channel) => self.configured_of_channel(&mut conn, &channel).await?,
                None => (BTreeMap::new(), SecretSet::default()),
            },
            Owner::Account(..) | Owner::Endpoint(..) => (BTreeMap::new(), SecretSet::default()),
        };
        Ok(Route {
            secrets,
            settings,
            owner: row.owner,
            webhook: row.webhook,
            plugin: row.plugin,
            tenant: row.tenant,
            url,
            by_own_path,
        })
    }

    /// The public address of a webhook path, when one is configured.
    pub fn url_of(&self, plugin: &str, token: &str) -> Option<String> {
        url_of(self.public_url.as_ref()?, plugin, token)
    }
}

fn url_of(base: &Url, plugin: &str, token: &str) -> Option<String> {
    base.join(&path_of(plugin, token)).ok().map(String::from)
}

fn path_of(plugin: &str, token: &str) -> String {
    format!("webhooks/{plugin}/{token}")
}

/// One webhook with its address, as the operator sees it.
pub(crate) struct Address {
    pub(crate) owner: Owner,
    pub(crate) webhook: String,
    pub(crate) plugin: String,
    /// Only its path while `http.public_url` is not set.
    pub(crate) url: String,
}

/// The operator's: every webhook of every app and channel that is configured, with its address.
pub(crate) async fn addresses(
    db: &Db,
    vault: &Vault,
    public_url: Option<&Url>,
) -> Result<Vec<Address>, StoreError> {
    let mut conn = db.read().await?;
    let mut found = Vec::new();
    for row in routes::list(&mut conn).await? {
        if !is_live(&mut conn, &row.owner).await? {
            continue;
        }
        let token = routes::token_of(&mut conn, vault, &row.owner, &row.webhook).await?;
        let Some(token) = token else {
            continue;
        };
        let token = token.expose_secret();
        let url = public_url.and_then(|base| url_of(base, &row.plugin, token));
        found.push(Address {
            url: url.unwrap_or_else(|| format!("/{}", path_of(&row.plugin, token))),
            owner: row.owner,
            webhook: row.webhook,
            plugin: row.plugin,
        });
    }
    Ok(found)
}

/// Tenants share an app: where the address of its webhook is itself a proof, one of them could speak to
/// the others as the provider. The operator reads it with `wharf webhook urls`.
pub(super) fn may_be_shown(owner: &Owner, spec: &WebhookSpec) -> bool {
    let is_proof = |check: &Check| check.verify == Verification::PathToken;
    !(matches!(owner, Owner::App(_)) && spec.checks.iter().any(is_proof))
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
