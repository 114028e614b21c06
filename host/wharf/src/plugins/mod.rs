//! Which plugins there are, what they are allowed, and how one version takes the place of another
//! while the gateway runs.
//!
//! `plugins.dir` holds components by digest and the lock that names them. Commands write there
//! ([`install`], [`source`]); the running gateway reads it and follows ([`lifecycle`]). Between the two
//! lies nothing but files: the lock in one direction, the report of what is in service in the other.

pub mod digest;
pub mod folder;
pub mod install;
pub mod lifecycle;
pub mod lock;
pub mod permissions;
pub mod report;
pub mod source;
mod wanted;

pub use digest::Digest;
pub use folder::Folder;
pub use lifecycle::Lifecycle;
pub use permissions::Permissions;
