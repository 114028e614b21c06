//! Runs provider plugins: WebAssembly components that turn values into values.
//!
//! This crate owns everything wasmtime: which components are admitted, how they are compiled and
//! cached, what one call may use, and how an end other than an answer is named. A plugin imports
//! nothing but a log, every call runs on a fresh instance, and nothing a guest does outlives its call.
//!
//! It must not know HTTP, databases, tenants or secrets: a caller hands in the model types of
//! `wharf-core` and gets model types back. The bindings of one major version of the interface live in
//! `v1`; a second major version stands beside it and changes nothing else.

mod admission;
mod cache;
mod call;
mod compile;
mod config;
mod descriptor;
mod engine;
mod error;
mod interface;
mod limits;
mod log;
mod output;
mod plugin;
mod registry;
mod ticker;
mod v1;

pub use config::RuntimeConfig;
pub use engine::Runtime;
pub use error::{CallError, FaultKind, LimitKind, LoadError, LoadReason, Origin, RuntimeError};
pub use interface::Interface;
pub use plugin::{Answer, Counts, DynamicError, Misfit, Plugin};
pub use registry::Registry;
