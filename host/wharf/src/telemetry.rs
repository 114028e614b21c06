//! Logs: readable on a terminal, JSON lines otherwise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    Pretty,
    Json,
}

/// Starts logging to standard error; a second call in one process changes nothing.
pub fn start(level: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level)?;
    let pretty = match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let started = if pretty {
        registry
            .with(fmt::layer().with_writer(std::io::stderr).compact())
            .try_init()
    } else {
        registry
            .with(fmt::layer().with_writer(std::io::stderr).json())
            .try_init()
    };
    // In tests several gateways share a process and the first one's logging.
    let _ = started;
    Ok(())
}
