//! The queues, on both databases: what is pushed runs, once at a time, in a fair order, and ends.
//!
//! Time is a clock that tests set by hand. That something did *not* run is shown by a later job that
//! did, never by waiting.

mod lanes;
mod leases;
mod operator;
mod outcomes;
mod pairs;
mod stage;
mod stuck;
mod withdrawn;
