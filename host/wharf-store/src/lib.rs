//! Everything that is kept: one database behind one writer, one file per aggregate.
//!
//! Queries are written once for SQLite and PostgreSQL (see [`on_db`]); the migrations of both are
//! compiled in. Every function of an aggregate takes the tenant first. The store decides nothing:
//! what a status means or when to retry is `wharf-core`'s.

pub mod db;
mod error;

pub use db::{Conn, Db, DbConfig, Synchronous, Tx, WriteFuture};
pub use error::{Context, StoreError};
