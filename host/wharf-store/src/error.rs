//! What can go wrong with the database, told apart by what the caller can do about it.

/// A failed read or write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The writer's bounded queue is full: answer 503 with Retry-After.
    #[error("the writer's queue is full ({length_max} writes wait); try again shortly")]
    Busy { length_max: usize },
    /// Nothing was committed and nobody knows better: the caller may try again.
    #[error("the database did not commit: {reason}")]
    NotCommitted { reason: String },
    #[error("could not {doing}")]
    Query {
        doing: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("could not open the database {url}")]
    Open {
        url: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("could not bring the database to this version's tables")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error("what the database holds cannot be read: {what}")]
    Corrupt { what: String },
    #[error("{0}")]
    Sealing(String),
    #[error("{0} is not a database address: use sqlite:PATH or postgres://...")]
    Url(String),
    /// A rule of the caller's own made the write void; its savepoint is rolled back.
    #[error("{0}")]
    Refused(String),
}

/// Names the operation a database error happened in.
pub trait Context<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Context<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Query { doing, source })
    }
}

/// SQLite's primary result codes that say the file cannot be written or read now: busy, locked,
/// read-only, I/O error, full, cannot open (sqlite.org/rescode.html).
const SQLITE_UNAVAILABLE: [u32; 6] = [5, 6, 8, 10, 13, 14];
/// PostgreSQL's classes: connection, insufficient resources, operator intervention, system error.
const POSTGRES_UNAVAILABLE: [&str; 4] = ["08", "53", "57", "58"];

impl StoreError {
    /// True when the database itself is short of something: the same request may succeed later.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::NotCommitted { .. } => true,
            Self::Query { source, .. } | Self::Open { source, .. } => match source {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    let sqlite = code.parse::<u32>().ok().map(|code| code & 0xff);
                    (code.len() < 5 && sqlite.is_some_and(|c| SQLITE_UNAVAILABLE.contains(&c)))
                        || (code.len() == 5
                            && POSTGRES_UNAVAILABLE
                                .iter()
                                .any(|class| code.starts_with(class)))
                }),
                _ => false,
            },
            _ => false,
        }
    }

    /// True when a unique key was already there: the caller lost a race and should look again.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Query { source: sqlx::Error::Database(e), .. } if e.is_unique_violation())
    }
}
