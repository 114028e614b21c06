//! The plugin author's kit: a new project, a look at a component, golden cases, the conformance suite and the
//! fuzzer, all in the sandbox of service and under its limits.
//!
//! It owns what an author is told. It must not know tenants, databases or queues: nothing here is sent
//! anywhere, an exchange is only held against the plugin's own permissions.

pub mod capabilities;
pub mod cases;
pub mod conformance;
mod exchange;
pub mod facts;
pub mod fuzz;
mod policy;
pub mod report;
pub mod scaffold;
pub mod subject;
