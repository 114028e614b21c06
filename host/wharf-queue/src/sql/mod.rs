//! The statements on `job` and `lane`, each in one text per batch whatever its size.
//!
//! Batches go in as one JSON parameter, which both databases take apart. All of it runs in the
//! database's writer, of which one works at a time (see `wharf_store::Db`), so a row that one
//! statement read is still so for the next.

pub(crate) mod buckets;
pub(crate) mod claim;
pub(crate) mod cycle;
pub(crate) mod expire;
pub(crate) mod front;
pub(crate) mod lanes;
pub(crate) mod push;
pub(crate) mod settle;
pub(crate) mod withdraw;

use serde::Serialize;
use wharf_store::Conn;

/// Job states as stored.
pub(crate) const PENDING: i64 = 0;
pub(crate) const DEAD: i64 = 2;
pub(crate) const WAITING: i64 = 3;

/// The text for the database at hand.
pub(crate) fn text(conn: &Conn, sqlite: &'static str, postgres: &'static str) -> &'static str {
    if conn.is_postgres() { postgres } else { sqlite }
}

/// A batch as the one parameter of its statement.
pub(crate) fn batch<T: Serialize + ?Sized>(rows: &T) -> String {
    serde_json::to_string(rows).expect("rows of texts and numbers always encode")
}

/// What is stored of a reason: PostgreSQL takes no NUL, and a reason is a line, not a dump.
pub(crate) fn stored_reason(reason: &str) -> String {
    const CHARS_MAX: usize = 1_000;
    let kept = reason.chars().filter(|&c| c != '\0');
    kept.take(CHARS_MAX).collect()
}
