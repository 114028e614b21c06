//! What Wharf's tests, benches and `cargo xtask dev` stand on: counterparts that listen on loopback.
//!
//! Owns strict fakes of Meta's Graph API and of 360dialog, which share the Cloud API's core, and of Twilio, a sink for
//! signed deliveries, a throwaway PostgreSQL and two small helpers. Knows nothing of Wharf itself: everything here is written from the public
//! protocols, so that a mistake in Wharf cannot hide behind the same mistake here.

#[cfg(test)]
mod ask;
mod clock;
mod cloud;
pub mod dialog360;
mod eventually;
pub mod graph;
mod http_client;
mod port;
pub mod postgres;
mod server;
pub mod sink;
pub mod twilio;

pub use cloud::StatusPlan;
pub use dialog360::{FakeDialog360, FakeDialog360Config};
pub use eventually::{NotInTime, eventually};
pub use graph::{FakeGraph, FakeGraphConfig};
pub use port::free_port;
pub use postgres::Postgres;
pub use sink::Sink;
pub use twilio::{FakeTwilio, FakeTwilioConfig};
