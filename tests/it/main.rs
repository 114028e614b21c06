//! The one integration-test binary: one module for each part, whole flows in the later ones.

mod authority;
mod cli;
mod crash;
mod databases;
mod egress;
mod exchange;
mod harness;
mod hostile;
mod plugin_kit;
mod plugins_life;
mod queue;
mod runtime;
mod scenario;
mod store;
