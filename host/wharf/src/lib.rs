//! The gateway itself: HTTP surfaces, jobs, wiring. The only crate that sees all others.

mod accept;
mod announce;
pub mod app;
pub mod cli;
pub mod clock;
pub mod directory;
pub mod gateway;
pub mod http;
mod ingest;
pub mod kit;
mod sandbox;
mod sync;
pub mod telemetry;
mod view;
pub mod workers;

pub use gateway::Gateway;
