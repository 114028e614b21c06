//! The gateway itself: HTTP surfaces, jobs, wiring. The only crate that sees all others.

mod accept;
mod announce;
pub mod app;
pub mod callers;
pub mod cli;
pub mod clock;
pub mod directory;
pub mod exchange;
pub mod flows;
pub mod gateway;
pub mod http;
mod ingest;
pub mod kit;
pub mod media;
mod plugin_config;
pub mod plugins;
mod sandbox;
mod sync;
pub mod telemetry;
mod upkeep;
mod view;
pub mod workers;

pub use gateway::Gateway;
