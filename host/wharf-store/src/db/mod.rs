//! The database: pools, the one writer, and the macro that lets one query text serve both kinds.

mod drive;
mod waiting;
mod writer;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};

pub use writer::{Tx, WriteFuture};

use crate::error::{Context, StoreError};
use writer::Writer;

/// Pages each SQLite connection may keep, in KiB as SQLite writes it: 16 MiB. The default of 2 MiB
/// does not hold the inner pages of the indexes once there are some ten thousand messages.
const SQLITE_CACHE_SIZE: &str = "-16384";

/// How SQLite treats a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// Nothing acknowledged is lost. The default.
    Full,
    /// The last transactions may be lost on a power cut, never on a killed process.
    Normal,
}

/// Where the database is and how much of it this process may use. Without `Debug`: the address may
/// hold a password.
#[derive(Clone)]
pub struct DbConfig {
    /// `sqlite:PATH` or `postgres://...`.
    pub url: String,
    pub readers_max: u32,
    pub synchronous: Synchronous,
    /// Writes joined into one commit at most.
    pub writer_batch_max: usize,
    /// A batch that goes on receiving writes is committed after this long.
    pub writer_linger_ms: u64,
    /// Writes that may wait; beyond it [`Db::try_write`] answers [`StoreError::Busy`].
    pub writer_queue_max: usize,
    pub acquire_timeout_ms: u64,
}

impl DbConfig {
    /// The defaults of `config/wharf.toml` for a database at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            readers_max: 4,
            synchronous: Synchronous::Full,
            writer_batch_max: 512,
            writer_linger_ms: 3,
            writer_queue_max: 8192,
            acquire_timeout_ms: 5_000,
        }
    }
}

#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// One connection, of either kind. Queries run on it through [`on_db`].
pub enum Conn {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Conn {
    /// For the few queries whose text must differ.
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// Runs one expression on a [`Conn`] of either kind: `on_db!(conn, |c| query(..).execute(c).await)`.
#[macro_export]
macro_rules! on_db {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::Conn::Sqlite(connection) => {
                let $c = &mut **connection;
                $body
            }
            $crate::Conn::Postgres(connection) => {
                let $c = &mut **connection;
                $body
            }
        }
    };
}

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    readers: Pool,
    writer: Arc<Writer>,
}

impl Db {
    /// Opens (and for SQLite creates) the database and starts its writer. Migrates nothing.
    pub async fn open(config: &DbConfig) -> Result<Self, StoreError> {
        let readers = open_pool(config, config.readers_max).await?;
        // SQLite has exactly one writing connection; PostgreSQL keeps one too, so that group commit
        // works the same way. A second connection lets the writer replace a broken one at once.
        let writing = open_pool(config, 2).await?;
        let writer = Writer::start(writing, config).map_err(|error| StoreError::Open {
            url: without_password(&config.url),
            source: sqlx::Error::Io(error),
        })?;
        Ok(Self {
            readers,
            writer: Arc::new(writer),
        })
    }

    /// Brings the tables to this version.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.readers {
            Pool::Sqlite(pool) => sqlx::migrate!("../../migrations/sqlite").run(pool).await,
            Pool::Postgres(pool) => sqlx::migrate!("../../migrations/postgres").run(pool).await,
        }
        .map_err(StoreError::Migrate)
    }

    /// Names of the migrations that have not run yet.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let mut conn = self.read().await?;
        let table = match &self.readers {
            Pool::Sqlite(_) => "select count(*) from sqlite_master where name = '_sqlx_migrations'",
            Pool::Postgres(_) => {
                "select count(*) from pg_tables where tablename = '_sqlx_migrations'"
            }
        };
        let exists: i64 = on_db!(&mut conn, |c| sqlx::query_scalar(table).fetch_one(c).await)
            .doing("look for the migrations' table")?;
        let done: Vec<i64> = if exists == 0 {
            Vec::new()
        } else {
            on_db!(&mut conn, |c| sqlx::query_scalar(
                "select version from _sqlx_migrations where success"
            )
            .fetch_all(c)
            .await)
            .doing("list the migrations that ran")?
        };
        let all = match &self.readers {
            Pool::Sqlite(_) => sqlx::migrate!("../../migrations/sqlite"),
            Pool::Postgres(_) => sqlx::migrate!("../../migrations/postgres"),
        };
        Ok(all
            .iter()
            .filter(|m| !done.contains(&m.version))
            .map(|m| format!("{:04} {}", m.version, m.description))
            .collect())
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        match &self.readers {
            Pool::Sqlite(pool) => pool.acquire().await.map(Conn::Sqlite),
            Pool::Postgres(pool) => pool.acquire().await.map(Conn::Postgres),
        }
        .doing("get a connection to read with")
    }

    /// Runs `work` in its own savepoint of the next group commit; its value is given back only after
    /// that commit. Waits while the writer's queue is full: for the gateway's own work.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> WriteFuture<'t, T> + Send + 'static,
    {
        self.writer.write(work, waiting::Whose::Gateway).await
    }

    /// As [`Db::write`], but refuses at once with [`StoreError::Busy`] when the queue is full: for
    /// callers from outside, who must be told to come back. Their writes go before the gateway's own.
    pub async fn try_write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> WriteFuture<'t, T> + Send + 'static,
    {
        self.writer.write(work, waiting::Whose::Caller).await
    }

    /// True for PostgreSQL, which several processes may share.
    pub fn is_postgres(&self) -> bool {
        matches!(self.readers, Pool::Postgres(_))
    }

    /// Commits what was accepted and closes every connection.
    pub async fn close(&self) {
        self.writer.close().await;
        match &self.readers {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_pool(config: &DbConfig, connections_max: u32) -> Result<Pool, StoreError> {
    let open = |source| StoreError::Open {
        url: without_password(&config.url),
        source,
    };
    let acquire = Duration::from_millis(config.acquire_timeout_ms);
    if config.url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(&config.url)
            .map_err(open)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match config.synchronous {
                Synchronous::Full => SqliteSynchronous::Full,
                Synchronous::Normal => SqliteSynchronous::Normal,
            })
            .foreign_keys(true)
            // What savepoints keep for a rollback goes to temporary files otherwise, once a group of
            // writes is larger than 64 KiB.
            .pragma("temp_store", "memory")
            .pragma("cache_size", SQLITE_CACHE_SIZE)
            .busy_timeout(acquire);
        let pool = SqlitePoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(acquire)
            .test_before_acquire(false)
            .connect_with(options)
            .await;
        pool.map(Pool::Sqlite).map_err(open)
    } else if config.url.starts_with("postgres:") || config.url.starts_with("postgresql:") {
        // A process that froze inside a transaction must not hold up the other nodes' writers.
        let options = PgConnectOptions::from_str(&config.url)
            .map_err(open)?
            .options([("idle_in_transaction_session_timeout", "1s")]);
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(acquire)
            .connect_with(options)
            .await;
        pool.map(Pool::Postgres).map_err(open)
    } else {
        Err(StoreError::Url(without_password(&config.url)))
    }
}

/// The address as it may be shown: what stands between the user's colon and the `@` is hidden.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:***@{host}")
        }
        None => url.to_owned(),
    }
}
