//! `wharf serve` and `wharf migrate`.

use wharf_config::{Config, LogFormat};
use wharf_store::{Db, DbConfig};

use super::signals::Signals;
use super::{block_on, print};
use crate::gateway::Gateway;
use crate::telemetry;

pub(super) fn run(config: Config) -> anyhow::Result<()> {
    start_logging(&config)?;
    // The same that `wharf config check` says, for those who never ask.
    for warning in config.check_report().warnings {
        tracing::warn!("{warning}");
    }
    block_on(async {
        let mut signals = Signals::listen()?;
        let starting = signals.unless_told_to_stop(Gateway::start(config));
        if let Some(gateway) = Box::pin(starting).await? {
            signals.until_told_to_stop(gateway.app()).await;
            gateway.stop().await;
        }
        Ok(())
    })
}

pub(super) fn start_logging(config: &Config) -> anyhow::Result<()> {
    let format = match config.log.format {
        LogFormat::Auto => telemetry::LogFormat::Auto,
        LogFormat::Pretty => telemetry::LogFormat::Pretty,
        LogFormat::Json => telemetry::LogFormat::Json,
    };
    telemetry::start(&config.log.level, format)
}

pub(super) fn migrate(config: Config, status_only: bool) -> anyhow::Result<()> {
    block_on(async {
        if status_only
            && config
                .database
                .url
                .sqlite_path()
                .is_some_and(|p| !p.exists())
        {
            print("there is no database yet; everything is pending");
            return Ok(());
        }
        let db = Db::open(&DbConfig::new(config.database.url.expose())).await?;
        let pending = db.pending_migrations().await?;
        if pending.is_empty() {
            print("nothing is pending");
        }
        for name in &pending {
            print(&format!("pending {name}"));
        }
        if !status_only && !pending.is_empty() {
            db.migrate().await?;
            print("done");
        }
        db.close().await;
        Ok(())
    })
}
