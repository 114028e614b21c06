//! A new version of a plugin in a running gateway: does it fit the configuration, and what of the store
//! depends on its description.

use std::sync::Arc;

use wharf_config::{App as FileApp, Channel as FileChannel, Config};
use wharf_core::provider::{Descriptor, Level, WebhookSpec};
use wharf_core::{AppId, ChannelId, TenantId};
use wharf_runtime::{Plugin, Registry};
use wharf_store::{Owner, StoreError};

use super::{Sync, check, made, parsed};
use crate::app::App;

/// Owners brought up to date in one transaction: the writer serves requests in between.
const OWNERS_PER_TRANSACTION: usize = 64;

/// Who is configured with this plugin: `app meta`, `channel acme/main`.
pub(crate) fn users_of(config: &Config, plugin: &str) -> Vec<String> {
    let users = users(config, plugin).into_iter();
    users
        .map(|user| match user {
            User::App(name, _) => format!("app {name}"),
            User::Channel(tenant, name, _) => format!("channel {tenant}/{name}"),
        })
        .collect()
}

/// Why this version cannot serve what is configured with its name; empty when it can.
pub(crate) fn problems_of(
    config: &Config,
    name: &str,
    candidate: &Registry,
    old: Option<&Plugin>,
) -> Vec<String> {
    if users(config, name).is_empty() {
        return Vec::new();
    }
    let problems = check::check_users(config, candidate, name);
    let mut problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    if let (Some(old), Some(new)) = (old, candidate.get(name)) {
        problems.extend(lost_webhooks(old.descriptor(), new.descriptor()));
    }
    problems
}

/// Providers were told the addresses of these, and would call into the void.
fn lost_webhooks(old: &Descriptor, new: &Descriptor) -> Vec<String> {
    let lost = |known: &&WebhookSpec| {
        let same = |it: &WebhookSpec| it.name == known.name && it.level == known.level;
        !new.webhooks.iter().any(same)
    };
    let lost = old.webhooks.iter().filter(lost);
    lost.map(|known| {
        format!(
            "it has no webhook {} any more, whose address providers were told; add the plugin under another name and move the channels, or use a version that keeps it",
            known.name
        )
    })
    .collect()
}

/// True when the store holds something that follows from the description and is different now.
pub(crate) fn differs(old: &Descriptor, new: &Descriptor) -> bool {
    let addresses = |of: &Descriptor| -> Vec<(String, Level)> {
        let webhooks = of.webhooks.iter();
        webhooks.map(|it| (it.name.clone(), it.level)).collect()
    };
    old.sender_setting != new.sender_setting
        || old.account_setting != new.account_setting
        || old.rates != new.rates
        || addresses(old) != addresses(new)
}

/// Brings what follows from the description into the store: addresses of webhooks, the ids that routes
/// carry, rates. Repeating it changes nothing.
pub(crate) async fn adopt(
    app: &App,
    candidate: &Arc<Registry>,
    name: &str,
) -> Result<(), StoreError> {
    let count = users(&app.config, name).len();
    for begin in (0..count).step_by(OWNERS_PER_TRANSACTION) {
        let (config, plugins) = (Arc::clone(&app.config), Arc::clone(candidate));
        let (vault, name, now) = (app.vault.clone(), name.to_owned(), app.now_ms());
        let work = app.db.write(move |tx| {
            Box::pin(async move {
                let sync = Sync {
                    config: &config,
                    plugins: &plugins,
                    vault: &vault,
                    now,
                };
                let users = users(&config, &name).into_iter();
                for user in users.skip(begin).take(OWNERS_PER_TRANSACTION) {
                    sync.user(tx, user).await?;
                }
                Ok(())
            })
        });
        work.await?;
    }
    let Some(plugin) = candidate.get(name) else {
        return Ok(());
    };
    made::adopt(app, &plugin).await
}

impl Sync<'_> {
    async fn user(&self, tx: &mut wharf_store::Tx, user: User<'_>) -> Result<(), StoreError> {
        match user {
            User::App(name, app) => {
                let owner = Owner::App(parsed::<AppId>(name)?);
                self.routes(tx, &owner, &app.plugin, Level::App).await
            }
            User::Channel(tenant, name, channel) => {
                let (tenant, id) = (parsed::<TenantId>(tenant)?, parsed::<ChannelId>(name)?);
                self.channel(tx, &tenant, &id, channel).await
            }
        }
    }
}

enum User<'a> {
    App(&'a str, &'a FileApp),
    Channel(&'a str, &'a str, &'a FileChannel),
}

/// In an order that is the same each time.
fn users<'a>(config: &'a Config, plugin: &str) -> Vec<User<'a>> {
    let apps = config.apps.iter().filter(|(_, app)| app.plugin == plugin);
    let mut users: Vec<_> = apps
        .map(|(name, app)| User::App(name.as_str(), app))
        .collect();
    for tenant in config.tenants.values() {
        let channels = tenant.channels.iter();
        for (name, channel) in channels.filter(|(_, channel)| channel.plugin == plugin) {
            users.push(User::Channel(&tenant.id, name, channel));
        }
    }
    users
}
