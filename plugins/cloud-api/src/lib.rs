//! Meta's WhatsApp Cloud API as pure functions: documents, answers, error codes and webhooks. Meta itself
//! and the providers that pass its API through share them; hosts, paths and credentials are theirs.

mod codes;
mod echo;
pub mod failure;
pub mod health;
pub mod json;
mod message;
pub mod profile;
mod status;
pub mod templates;
pub mod webhook;

pub use codes::{ROWS, Row, Slow};
