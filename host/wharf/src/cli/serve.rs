//! `wharf serve` and `wharf migrate`.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use wharf_config::{Config, LogFormat};
use wharf_store::{Db, DbConfig};

use super::{block_on, print};
use crate::app::App;
use crate::gateway::Gateway;
use crate::telemetry;

pub(super) fn run(config: Config) -> anyhow::Result<()> {
    start_logging(&config)?;
    block_on(async {
        let gateway = Gateway::start(config).await?;
        reload_on_hangup(gateway.app())?;
        until_told_to_stop().await?;
        gateway.stop().await;
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

/// SIGHUP: plugins are looked at now, and refused ones get another chance. The rest of the configuration
/// is read at the start only.
pub(super) fn reload_on_hangup(app: &Arc<App>) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let lifecycle = Arc::clone(&app.lifecycle);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("plugins are looked at anew");
            lifecycle.reload();
        }
    });
    Ok(())
}

/// SIGTERM or Ctrl-C begins the end; a second one ends at once.
pub(super) async fn until_told_to_stop() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; a second signal ends at once");
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
    Ok(())
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
