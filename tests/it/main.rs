//! The one integration-test binary: one module for each part, whole flows in the later ones.

mod crash;
mod databases;
mod egress;
mod queue;
mod runtime;
mod store;
