//! The durable queues: an apalis backend over the tables `job` and `lane`.
//!
//! A job is pushed inside the caller's transaction and leased to one worker at a time with a fence
//! that grows with each claim, so whatever a worker that lost its lease still writes touches no row.
//! Claims go lane by lane: fair by deficit round robin, paced by GCRA, by priority with aging inside
//! a lane, and one at a time within an order key. No lane or tenant holds more workers than a share of
//! those that are free. Handlers are at-least-once; one whose effect is in
//! the same database ends its job in its own transaction ([`complete`]) and is exactly-once.
//!
//! This crate does not know what a job means, when a failure is worth a retry, or any table but its own.

mod backend;
mod config;
mod dispatch;
mod job;
mod lease;
mod operator;
mod outcome;
mod pacing;
mod places;
mod queues;
mod share;
mod sql;

pub use apalis_core::monitor::Monitor;
pub use apalis_core::task::data::Data;

pub use backend::Backend;
pub use config::QueueConfig;
pub use job::{Job, NewJob, Priority, Queue, UnknownQueue};
pub use lease::{Lease, bury_in, complete, retry_in};
pub use operator::{
    DEAD_PER_CALL_MAX, DeadFilter, DeadJob, QueueStatus, dead, failed, flush, retry, status,
};
pub use outcome::{Failure, Outcome, OutcomeLayer, OutcomeService};
pub use queues::Queues;
pub use sql::buckets::{BucketRate, draw, pause_bucket, pause_pair};
pub use sql::lanes::{
    LaneRate, draw_from_lane, pause_lane, pause_lanes, say_lane_rate, set_lane_rate,
};
pub use sql::withdraw::{move_in, withdraw};
