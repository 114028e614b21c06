//! Everything that is kept: one database behind one writer, one file per aggregate.
//!
//! Queries are written once for SQLite and PostgreSQL (see [`on_db`]); the migrations of both are
//! compiled in. Every function of an aggregate takes the tenant first; the few that serve the
//! operator or run before a tenant is known say so. The store decides nothing: what a status means
//! or when to retry is `wharf-core`'s.

mod columns;
pub mod db;
mod error;

pub mod apps;
pub mod atoms;
pub mod channel_health;
pub mod channels;
pub mod credentials;
pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod idempotency;
pub mod inbound_media;
pub mod journal;
pub mod keys;
pub mod media;
pub mod memos;
pub mod messages;
pub mod onboarding;
pub mod owner;
pub mod routes;
pub mod sealing;
pub mod stats;
pub mod statuses;
pub mod templates;
pub mod tenants;
pub mod timeline;
pub mod upkeep;
pub mod webhooks;

pub use db::{Conn, Db, DbConfig, Synchronous, Tx, WriteFuture};
pub use error::{Context, StoreError};
pub use owner::{AccountKey, Origin, Owner};
pub use sealing::{Aad, KeyRing, Sealed, Vault};
