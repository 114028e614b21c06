//! Webhooks in both directions: who really called us, and proving to others that we call.

mod sign;
mod verify;

pub use sign::{SigningSecret, sign};
pub use verify::{Incoming, Refusal, SecretLookup, challenge, uses_header, verify};
