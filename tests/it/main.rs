//! The one integration-test binary: one module for each part, whole flows in the later ones.

mod cli;
mod crash;
mod databases;
mod egress;
mod harness;
mod plugin_kit;
mod queue;
mod runtime;
mod scenario;
mod store;
