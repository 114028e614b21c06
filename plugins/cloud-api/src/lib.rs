//! Meta's WhatsApp Cloud API as pure functions: documents, answers, error codes and webhooks. Meta itself
//! and the providers that pass its API through share them; hosts, paths and credentials are theirs.

mod api;
mod codes;
pub mod failure;
pub mod health;
pub mod json;
pub mod media;
pub mod outbound;
pub mod profile;
pub mod templates;
pub mod webhook;

pub use api::{CloudApi, Link};
pub use codes::{ROWS, Row, Slow};
