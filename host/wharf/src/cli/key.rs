//! `wharf key`: API keys are shown once and kept as hashes.

use clap::Subcommand;
use secrecy::ExposeSecret;
use wharf_config::Config;
use wharf_core::scope::Scope;
use wharf_core::webhook::SigningSecret;
use wharf_core::{ChannelId, TenantId, api_key};
use wharf_store::keys::{self, KeyRow};
use wharf_store::{Origin, channels, tenants};

use super::{block_on, print};
use crate::clock::{random, rfc3339};
use crate::gateway;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an API key; it is printed once and cannot be read again
    Create {
        /// The tenant that will use it; without it the key is only printed, with the hash for a
        /// tenant's file
        #[arg(long)]
        tenant: Option<String>,
        /// What it is for
        #[arg(long, default_value = "key")]
        name: String,
        /// What it may do, for example messages:write; given several times for several. Everything
        /// unless said
        #[arg(long = "scope", requires = "tenant")]
        scopes: Vec<Scope>,
        /// A channel it is bound to; given several times for several
        #[arg(long = "channel", requires = "tenant")]
        channels: Vec<ChannelId>,
        /// Days until it ends; never unless said
        #[arg(long, requires = "tenant", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
    },
    /// The keys of a tenant; never the keys themselves
    List {
        #[arg(long)]
        tenant: TenantId,
    },
    /// End a key made by `create --tenant`; one of a tenant's file is ended there
    Revoke {
        #[arg(long)]
        tenant: TenantId,
        /// As `list` shows it
        id: String,
    },
    /// Make a secret for an endpoint, which signs what it is sent
    EndpointSecret,
}

pub(super) fn run(
    command: &Command,
    load: impl FnOnce() -> anyhow::Result<Config>,
) -> anyhow::Result<()> {
    match command {
        Command::Create { tenant: None, .. } => {
            let new = api_key::create(&random());
            print(&format!("key  {}", new.key.expose_secret()));
            print(&format!("hash sha256:{}", new.hash));
            Ok(())
        }
        Command::Create {
            tenant: Some(tenant),
            name,
            scopes,
            channels,
            days,
        } => {
            let wanted = Wanted {
                name: name.clone(),
                scopes: scopes.clone(),
                channels: channels.clone(),
                days: *days,
            };
            create(load()?, tenant, wanted)
        }
        Command::List { tenant } => list(load()?, tenant),
        Command::Revoke { tenant, id } => revoke(load()?, tenant.clone(), id.clone()),
        Command::EndpointSecret => {
            print(SigningSecret::encode(&random()).expose_secret());
            Ok(())
        }
    }
}

/// A key to make for a tenant.
struct Wanted {
    name: String,
    scopes: Vec<Scope>,
    channels: Vec<ChannelId>,
    days: Option<u32>,
}

const DAY_MS: i64 = 24 * 3600 * 1000;

fn create(config: Config, tenant: &str, wanted: Wanted) -> anyhow::Result<()> {
    let tenant: TenantId = tenant.parse()?;
    block_on(async {
        let opened = gateway::open(config).await?;
        let mut conn = opened.db.read().await?;
        let known = tenants::list(&mut conn).await?;
        drop(conn);
        let in_files = opened.config.tenants.contains_key(tenant.as_str());
        if !known.iter().any(|t| t.id == tenant) {
            let names: Vec<_> = known.iter().map(|t| t.id.as_str()).collect();
            let hint = match in_files {
                true => "it is in the files, but `wharf serve` has not read it yet".to_owned(),
                false => format!("there are: {}", names.join(", ")),
            };
            anyhow::bail!("there is no tenant {tenant} in the database; {hint}");
        }
        let Wanted {
            name,
            mut scopes,
            channels,
            days,
        } = wanted;
        if scopes.is_empty() {
            scopes.push(Scope::ALL);
        }
        let mut conn = opened.db.read().await?;
        let has = channels::list(&mut conn, &tenant).await?;
        drop(conn);
        if let Some(missing) = channels
            .iter()
            .find(|id| !has.iter().any(|row| row.id == **id))
        {
            anyhow::bail!("tenant {tenant} has no channel {missing}");
        }
        let now = opened.clock.now_ms();
        let new = api_key::create(&random());
        let row = KeyRow {
            id: new.id.clone(),
            tenant,
            name,
            hash: new.hash.clone(),
            origin: Origin::Api,
            scopes,
            channels: (!channels.is_empty()).then_some(channels),
            requests_per_minute: None,
            replaces: None,
            last_used_at: None,
            created_at: now,
            expires_at: days.map(|days| now + i64::from(days) * DAY_MS),
            revoked_at: None,
        };
        opened
            .db
            .write(move |tx| Box::pin(async move { keys::insert(tx, &row).await }))
            .await?;
        opened.db.close().await;
        print(new.key.expose_secret());
        Ok(())
    })
}

fn list(config: Config, tenant: &TenantId) -> anyhow::Result<()> {
    block_on(async {
        let opened = gateway::open_existing(config).await?;
        let mut conn = opened.db.read().await?;
        let found = keys::list(&mut conn, tenant).await?;
        drop(conn);
        let now = opened.clock.now_ms();
        print(&format!(
            "{:<32} {:<16} {:<6} {:<26} {:<26} {:<26} SCOPES",
            "ID", "NAME", "FROM", "CREATED", "LAST USED", "ENDED"
        ));
        for key in found {
            let time = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), rfc3339);
            let ended = time(key.revoked_at.or(key.expires_at.filter(|at| *at <= now)));
            let (from, created) = (key.origin.as_str(), rfc3339(key.created_at));
            let used = time(key.last_used_at);
            let scopes: Vec<_> = key.scopes.iter().map(ToString::to_string).collect();
            print(&format!(
                "{:<32} {:<16} {from:<6} {created:<26} {used:<26} {ended:<26} {}",
                key.id,
                key.name,
                scopes.join(",")
            ));
        }
        opened.db.close().await;
        Ok(())
    })
}

fn revoke(config: Config, tenant: TenantId, id: String) -> anyhow::Result<()> {
    block_on(async {
        let opened = gateway::open_existing(config).await?;
        let mut conn = opened.db.read().await?;
        let known = keys::list(&mut conn, &tenant).await?;
        drop(conn);
        if known.iter().any(|k| k.id == id && k.origin == Origin::File) {
            anyhow::bail!(
                "key {id} stands in the tenant's file: remove it from [keys] there and start again"
            );
        }
        let now = opened.clock.now_ms();
        let (of, key) = (tenant.clone(), id.clone());
        let revoked = opened
            .db
            .write(move |tx| Box::pin(async move { keys::revoke(tx, &of, &key, now).await }))
            .await?;
        opened.db.close().await;
        anyhow::ensure!(
            revoked,
            "tenant {tenant} has no live key {id}; `wharf key list` shows them"
        );
        print("the key is ended; a running gateway refuses it within 5 s");
        Ok(())
    })
}
