//! Webhooks in both directions: who really called us, and proving to others that we call.

mod sign;
mod verify;

pub use sign::{SigningSecret, sign};
pub use verify::{
    Configured, Incoming, Refusal, challenge, check_public_keys, uses_header, verify,
};
