//! The plugin seen from the host: plain values in, plain values out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod answers;
mod describe;
mod golden;
mod openapi;
