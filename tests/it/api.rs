//! The surface of the API as such: its description, its keys, its limits. What operations do is the scenarios'.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod abuse;
mod description;
mod errors;
mod keys;
mod listing;
mod rates;
mod schemathesis;
mod scopes;
mod tls;
