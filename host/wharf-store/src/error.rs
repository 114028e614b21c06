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

impl StoreError {
    /// True when a unique key was already there: the caller lost a race and should look again.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Query { source: sqlx::Error::Database(e), .. } if e.is_unique_violation())
    }
}
