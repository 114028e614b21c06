//! Channels that the API made: what of them follows from their plugin's description.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use wharf_core::provider::{Descriptor, Level};
use wharf_queue::Queue;
use wharf_runtime::Plugin;
use wharf_store::channels::{self, ChannelRow};
use wharf_store::{Owner, StoreError, Tx, Vault, routes};

use super::{Sync, declared_rate};
use crate::app::App;
use crate::clock::random;
use crate::workers::{lane_of, pace};

/// Brings the channel into the store with its lane and its webhooks' addresses, those that it has kept.
pub(crate) async fn provision(
    tx: &mut Tx,
    vault: &Vault,
    descriptor: &Descriptor,
    row: &ChannelRow,
    now: i64,
) -> Result<(), StoreError> {
    channels::upsert(tx, row).await?;
    let lane = lane_of(&row.tenant, &row.id);
    let rate = pace::lane_rate(descriptor, row.per_second, false);
    wharf_queue::set_lane_rate(tx, Queue::Send, &lane, &row.tenant, rate).await?;
    let owner = Owner::Channel(row.tenant.clone(), row.id.clone());
    for webhook in &descriptor.webhooks {
        if webhook.level == Level::App && row.app_id.is_some() {
            continue;
        }
        let token = SecretString::from(URL_SAFE_NO_PAD.encode(random::<32>()));
        routes::ensure(tx, vault, &owner, &webhook.name, &row.plugin, &token, now).await?;
    }
    Ok(())
}

/// The channels of a plugin whose description is another one now.
pub(super) async fn adopt(app: &App, plugin: &Plugin) -> Result<(), StoreError> {
    let (vault, now) = (app.vault.clone(), app.now_ms());
    let (name, descriptor) = (plugin.name().to_owned(), plugin.descriptor().clone());
    app.db
        .write(move |tx| Box::pin(async move { bring(tx, &vault, &name, &descriptor, now).await }))
        .await
}

async fn bring(
    tx: &mut Tx,
    vault: &Vault,
    plugin: &str,
    descriptor: &Descriptor,
    now: i64,
) -> Result<(), StoreError> {
    for mut row in channels::made_by_api(tx, plugin).await? {
        let setting = |name: &str| row.settings.get(name).cloned();
        if let Some(sender) = setting(&descriptor.sender_setting) {
            row.sender = sender;
        }
        row.account = descriptor
            .account_setting
            .as_ref()
            .and_then(|name| row.settings.get(name))
            .cloned();
        row.per_second = declared_rate(descriptor);
        provision(tx, vault, descriptor, &row, now).await?;
    }
    Ok(())
}

impl Sync<'_> {
    /// At the start: another version of a plugin may have come while nothing ran.
    pub(super) async fn made_by_api(&self, tx: &mut Tx) -> Result<(), StoreError> {
        for plugin in self.plugins.all().iter() {
            let (name, descriptor) = (plugin.name(), plugin.descriptor());
            bring(tx, self.vault, name, descriptor, self.now).await?;
        }
        Ok(())
    }
}
