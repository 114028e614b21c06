//! The plugin seen from the host: plain values in, plain values out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod describe;
mod errors;
mod fixture;
mod golden;
mod media;
mod messages;
mod onboarding;
mod outbound;
mod send;
mod statuses;
mod webhooks;
