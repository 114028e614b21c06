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
mod aside;
mod breaker;
mod cache;
mod call;
mod clock;
mod compatibility;
mod compile;
mod config;
mod credit;
mod descriptor;
mod ends;
mod engine;
mod error;
mod identity;
mod interface;
mod limits;
mod load;
mod log;
mod metrics;
mod output;
mod permits;
mod plugin;
mod registry;
mod ticker;
mod turns;
mod usage;
mod v1;

pub use admission::exports;
pub use breaker::{CircuitState, Health};
pub use cache::Purged;
pub use compile::{WorkerError, WorkerLimits, compile_worker};
pub use config::{BreakerConfig, ClassLimits, CompilerCommand, LimitClass, RuntimeConfig};
pub use descriptor::problems as descriptor_problems;
pub use engine::Runtime;
pub use error::{
    CallError, FaultKind, LimitKind, LoadError, LoadReason, Origin, Remedy, RuntimeError,
};
pub use interface::Interface;
pub use load::Probe;
pub use log::LOG_TARGET;
pub use metrics::{ExportMetrics, Histogram, Metrics, PoolOccupancy};
pub use plugin::{Answer, Counts, DynamicError, Misfit, Plugin};
pub use registry::Registry;
pub use usage::{Usage, output_bytes};
