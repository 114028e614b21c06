//! The one integration-test binary: one module for each part, whole flows in the later ones.

mod api;
mod authority;
mod canonical;
mod cli;
mod crash;
mod databases;
mod egress;
mod exchange;
mod harness;
mod hostile;
mod intake;
mod parity;
mod plugin_kit;
mod plugins_life;
mod providers;
mod queue;
mod runtime;
mod scenario;
mod store;
