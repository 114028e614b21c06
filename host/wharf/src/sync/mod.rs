//! What the files say of apps, tenants and channels, checked against the plugins and brought into the
//! store in one transaction, so that everything else reads one place.

mod adopt;
mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use wharf_config::{App as FileApp, Channel as FileChannel, Config, RotatingSecret, Tenant};
use wharf_core::provider::{Bucket, Descriptor, Level};
use wharf_core::scope::Scope;
use wharf_core::{AppId, ChannelId, EndpointId, TenantId};
use wharf_queue::Queue;
use wharf_runtime::Registry;
use wharf_store::apps::AppRow;
use wharf_store::channels::ChannelRow;
use wharf_store::endpoints::EndpointRow;
use wharf_store::keys::KeyRow;
use wharf_store::tenants::TenantRow;
use wharf_store::{AccountKey, Db, Origin, Owner, StoreError, Tx, Vault};
use wharf_store::{apps, channels, credentials, endpoints, keys, routes, tenants};

use crate::clock::random;
use crate::directory::ENDPOINT_SECRET;
use crate::workers::lane_of;

pub(crate) use adopt::{adopt, differs, problems_of, users_of};
pub(crate) use check::check;

/// Sends a second when neither the file nor the plugin says: Meta's default for a number
/// (meta-cloud-api.md, 4).
const PER_SECOND_DEFAULT: u32 = 80;

/// Brings the checked configuration into the store: what left the files is marked removed.
pub(crate) async fn store(
    db: &Db,
    vault: &Vault,
    config: &Arc<Config>,
    plugins: &Arc<Registry>,
    now: i64,
) -> Result<(), StoreError> {
    let (config, plugins, vault) = (Arc::clone(config), Arc::clone(plugins), vault.clone());
    db.write(move |tx| {
        Box::pin(async move {
            let sync = Sync {
                config: &config,
                plugins: &plugins,
                vault: &vault,
                now,
            };
            sync.apps(tx).await?;
            sync.tenants(tx).await
        })
    })
    .await
}

struct Sync<'a> {
    config: &'a Config,
    plugins: &'a Registry,
    vault: &'a Vault,
    now: i64,
}

impl Sync<'_> {
    async fn apps(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut kept = Vec::new();
        for (name, app) in &self.config.apps {
            let id: AppId = parsed(name)?;
            apps::upsert(tx, &app_row(&id, app, self.now)).await?;
            let owner = Owner::App(id.clone());
            self.credentials(tx, &owner, &[], &app.secrets).await?;
            self.routes(tx, &Owner::App(id.clone()), &app.plugin, Level::App)
                .await?;
            kept.push(id);
        }
        apps::mark_removed_except(tx, Origin::File, &kept, self.now)
            .await
            .map(drop)
    }

    async fn tenants(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut kept = Vec::new();
        for tenant in self.config.tenants.values() {
            let id: TenantId = parsed(&tenant.id)?;
            let row = TenantRow {
                id: id.clone(),
                name: tenant.name.clone(),
                origin: Origin::File,
                created_at: self.now,
            };
            tenants::upsert(tx, &row).await?;
            self.channels(tx, &id, tenant).await?;
            self.endpoints(tx, &id, tenant).await?;
            let rows: Vec<_> = tenant
                .keys
                .iter()
                .map(|(name, key)| key_row(&id, name, key, self.now))
                .collect();
            keys::sync(tx, &id, Origin::File, &rows, self.now).await?;
            kept.push(id);
        }
        tenants::mark_removed_except(tx, Origin::File, &kept, self.now)
            .await
            .map(drop)
    }

    async fn channels(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        file: &Tenant,
    ) -> Result<(), StoreError> {
        let mut kept = Vec::new();
        for (name, channel) in &file.channels {
            let id: ChannelId = parsed(name)?;
            self.channel(tx, tenant, &id, channel).await?;
            kept.push(id);
        }
        channels::mark_removed_except(tx, tenant, Origin::File, &kept, self.now)
            .await
            .map(drop)
    }

    /// One channel with everything that its plugin's description decides about.
    async fn channel(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        id: &ChannelId,
        channel: &FileChannel,
    ) -> Result<(), StoreError> {
        let descriptor = self
            .plugins
            .get(&channel.plugin)
            .map(|p| Arc::clone(p.descriptor()));
        let Some(descriptor) = descriptor else {
            return Err(StoreError::Refused(format!(
                "no plugin named {} is loaded",
                channel.plugin
            )));
        };
        let row = channel_row(tenant, id, channel, &descriptor, self.now)?;
        channels::upsert(tx, &row).await?;
        let lane = lane_of(tenant, id);
        wharf_queue::set_lane_rate(
            tx,
            Queue::Send,
            &lane,
            tenant,
            row.per_second,
            burst_of(row.per_second),
        )
        .await?;
        let owner = Owner::Channel(tenant.clone(), id.clone());
        let shared = shared_owners(&row);
        self.credentials(tx, &owner, &shared, &channel.secrets)
            .await?;
        self.routes(tx, &owner, &channel.plugin, Level::Account)
            .await?;
        self.routes(tx, &owner, &channel.plugin, Level::Channel)
            .await?;
        if channel.app.is_none() {
            self.routes(tx, &owner, &channel.plugin, Level::App).await?;
        }
        Ok(())
    }

    async fn endpoints(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        file: &Tenant,
    ) -> Result<(), StoreError> {
        let mut kept = Vec::new();
        for (name, endpoint) in &file.endpoints {
            let id: EndpointId = parsed(name)?;
            let row = EndpointRow {
                tenant: tenant.clone(),
                id: id.clone(),
                url: endpoint.url.to_string(),
                events: endpoint.events.clone(),
                timeout_ms: endpoint
                    .timeout_ms
                    .unwrap_or(self.config.delivery.timeout_ms),
                enabled: true,
                origin: Origin::File,
                created_at: self.now,
            };
            endpoints::upsert(tx, &row).await?;
            let secrets = BTreeMap::from([(ENDPOINT_SECRET.to_owned(), endpoint.secret.clone())]);
            let owner = Owner::Endpoint(tenant.clone(), id.clone());
            self.credentials(tx, &owner, &[], &secrets).await?;
            kept.push(id);
        }
        endpoints::mark_removed_except(tx, tenant, Origin::File, &kept, self.now)
            .await
            .map(drop)
    }

    /// Brings an owner's configured secrets in. A value that differs from the one before is a person's
    /// new word: what exchanges captured under that name, here or for `shared`, is forgotten.
    async fn credentials(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        shared: &[Owner],
        secrets: &BTreeMap<String, RotatingSecret>,
    ) -> Result<(), StoreError> {
        let before = credentials::all_of(tx, self.vault, owner, self.now).await?;
        let mut kept = Vec::new();
        for (name, secret) in secrets {
            for (slot, value) in secret.all().enumerate() {
                let slot = i64::try_from(slot).unwrap_or(i64::MAX);
                let known = before.iter().find(|b| b.0 == *name && b.1 == slot);
                let same = known.is_some_and(|b| b.2.expose_secret() == value.expose_secret());
                if slot == 0 && !same {
                    for owner in std::iter::once(owner).chain(shared) {
                        credentials::forget_captured(tx, owner, name).await?;
                    }
                }
                credentials::put(tx, self.vault, owner, name, slot, value, self.now).await?;
                kept.push((name.as_str(), slot));
            }
        }
        credentials::delete_except(tx, owner, &kept).await.map(drop)
    }

    /// Mints the unguessable path of each webhook that this owner's level declares.
    async fn routes(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        plugin: &str,
        level: Level,
    ) -> Result<(), StoreError> {
        let Some(loaded) = self.plugins.get(plugin) else {
            return Ok(());
        };
        for webhook in loaded
            .descriptor()
            .webhooks
            .iter()
            .filter(|w| w.level == level)
        {
            let token = SecretString::from(URL_SAFE_NO_PAD.encode(random::<32>()));
            routes::ensure(
                tx,
                self.vault,
                owner,
                &webhook.name,
                plugin,
                &token,
                self.now,
            )
            .await?;
        }
        Ok(())
    }
}

fn parsed<T: std::str::FromStr<Err = wharf_core::IdError>>(text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|error: wharf_core::IdError| StoreError::Refused(error.to_string()))
}

fn app_row(id: &AppId, app: &FileApp, now: i64) -> AppRow {
    AppRow {
        id: id.clone(),
        plugin: app.plugin.clone(),
        settings: app.settings.clone(),
        origin: Origin::File,
        created_at: now,
    }
}

fn key_row(tenant: &TenantId, name: &str, key: &wharf_config::ApiKey, now: i64) -> KeyRow {
    KeyRow {
        id: format!("file:{tenant}/{name}"),
        tenant: tenant.clone(),
        name: name.to_owned(),
        hash: hex::encode(key.hash.0),
        origin: Origin::File,
        scopes: vec![Scope::ALL],
        channels: None,
        requests_per_minute: None,
        replaces: None,
        last_used_at: None,
        created_at: now,
        expires_at: None,
        revoked_at: None,
    }
}

fn channel_row(
    tenant: &TenantId,
    id: &ChannelId,
    channel: &FileChannel,
    descriptor: &Descriptor,
    now: i64,
) -> Result<ChannelRow, StoreError> {
    let sender = channel.settings.get(&descriptor.sender_setting).cloned();
    let account = descriptor
        .account_setting
        .as_ref()
        .and_then(|name| channel.settings.get(name))
        .cloned();
    Ok(ChannelRow {
        tenant: tenant.clone(),
        id: id.clone(),
        plugin: channel.plugin.clone(),
        app_id: channel.app.as_deref().map(parsed).transpose()?,
        sender: sender.ok_or_else(|| {
            StoreError::Refused(format!(
                "channel {tenant}/{id} lacks settings.{}",
                descriptor.sender_setting
            ))
        })?,
        account,
        settings: channel.settings.clone(),
        per_second: channel.mps.unwrap_or_else(|| declared_rate(descriptor)),
        origin: Origin::File,
        created_at: now,
    })
}

/// What the channel's exchanges may have captured for others of its account or app.
fn shared_owners(row: &ChannelRow) -> Vec<Owner> {
    let account = row.account.iter();
    let account = account.map(|account| AccountKey::new(&row.plugin, account));
    let keys = account.chain(row.app_id.iter().map(AccountKey::of_app));
    keys.map(|key| Owner::Account(row.tenant.clone(), key))
        .collect()
}

/// A lane saves up no more than 100 ms of its rate while it is idle: enough to make up for the waits of
/// a busy process, and a second that begins after a pause holds at most a tenth more than allowed.
fn burst_of(per_second: u32) -> u32 {
    (per_second / 10).max(1)
}

fn declared_rate(descriptor: &Descriptor) -> u32 {
    let of_channel = descriptor
        .rates
        .iter()
        .find(|rate| rate.bucket == Bucket::Level(Level::Channel));
    of_channel
        .and_then(|rate| {
            u64::from(rate.tokens)
                .checked_mul(1000)?
                .checked_div(u64::from(rate.per_ms))
        })
        .and_then(|per_second| u32::try_from(per_second).ok())
        .filter(|per_second| *per_second > 0)
        .unwrap_or(PER_SECOND_DEFAULT)
}
