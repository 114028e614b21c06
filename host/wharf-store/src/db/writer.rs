//! Group commit: one actor owns the writing connection and joins closures into one transaction.
//!
//! Each closure runs in a savepoint, so one that fails takes nothing with it. Nobody is told of
//! success before the commit, and doorbells ring only after it.

use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::Connection;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::drive::drive;
use super::waiting::{Group, Queues, Waiting, Whose, queues};
use super::{Conn, DbConfig, Pool};
use crate::error::{Context, StoreError};

/// One write, or the commit of a group. A healthy database takes milliseconds; one that does not
/// answer at all must not hold every writer for as long as the kernel keeps its connection.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);

/// What a write closure returns: `Box::pin(async move { .. })`.
pub type WriteFuture<'t, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 't>>;

/// The transaction a closure writes in. It is a [`Conn`] that can also ring bells after the commit.
pub struct Tx {
    conn: Conn,
    after_commit: Vec<Box<dyn FnOnce() + Send>>,
}

impl Tx {
    /// Runs `ring` once the surrounding commit has succeeded; dropped when it does not.
    pub fn after_commit(&mut self, ring: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(ring));
    }
}

impl Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// Tells the waiting caller how the commit ended.
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type RunFuture<'t> = Pin<Box<dyn Future<Output = Option<Finish>> + Send + 't>>;
/// One closure, made alike: `None` means it failed and its caller knows already.
type Job = Box<dyn for<'t> FnOnce(&'t mut Tx) -> RunFuture<'t> + Send>;

pub(super) struct Writer {
    queues: Mutex<Option<Queues<Job>>>,
    queue_max: usize,
    /// Resolves when the actor has ended, however it did.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Writer {
    pub(super) fn start(pool: Pool, config: &DbConfig) -> std::io::Result<Self> {
        let (queues, waiting) = queues(config.writer_queue_max);
        let actor = Actor {
            pool,
            waiting,
            batch_max: config.writer_batch_max,
            linger: Duration::from_millis(config.writer_linger_ms),
        };
        Ok(Self {
            queues: Mutex::new(Some(queues)),
            queue_max: config.writer_queue_max,
            ended: Mutex::new(Some(actor.start()?)),
        })
    }

    /// A caller's write is refused when the queue is full; our own waits.
    pub(super) async fn write<T, F>(&self, work: F, whose: Whose) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> WriteFuture<'t, T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = into_job(work, answer);
        let queues = self
            .queues
            .lock()
            .expect("no panic holds this lock")
            .clone();
        let queues = queues.ok_or_else(closed)?;
        let queue = queues.of(whose);
        match whose {
            Whose::Caller => queue.try_send(job).map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy {
                    length_max: self.queue_max,
                },
                mpsc::error::TrySendError::Closed(_) => closed(),
            })?,
            Whose::Gateway => queue.send(job).await.map_err(|_| closed())?,
        }
        // Held while waiting, it would keep a closing writer open for as long as nobody polls this.
        drop(queues);
        answered.await.unwrap_or_else(|_| {
            Err(StoreError::NotCommitted {
                reason: "the database could not be reached".to_owned(),
            })
        })
    }

    pub(super) async fn close(&self) {
        self.queues.lock().expect("no panic holds this lock").take();
        let ended = self.ended.lock().expect("no panic holds this lock").take();
        if let Some(ended) = ended {
            // The actor ends once every sender is gone and its last batch is committed.
            let _ = ended.await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::NotCommitted {
        reason: "the writer has stopped".to_owned(),
    }
}

fn into_job<T, F>(work: F, answer: oneshot::Sender<Result<T, StoreError>>) -> Job
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> WriteFuture<'t, T> + Send + 'static,
{
    Box::new(move |tx| {
        Box::pin(async move {
            // A defect in one closure must not end the writer, which everybody's writes go through:
            // its savepoint is rolled back like any other failure's.
            let done = AssertUnwindSafe(async move { work(tx).await });
            let error = match done.catch_unwind().await {
                Ok(Ok(value)) => {
                    return Some(Box::new(move |committed: Result<(), StoreError>| {
                        let _ = answer.send(committed.map(|()| value));
                    }) as Finish);
                }
                Ok(Err(error)) => error,
                Err(panic) => panicked(&*panic),
            };
            let _ = answer.send(Err(error));
            None
        })
    })
}

fn panicked(panic: &(dyn Any + Send)) -> StoreError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    tracing::error!(panic = text, "a write panicked and was rolled back");
    StoreError::NotCommitted {
        reason: "the write met a defect of this program".to_owned(),
    }
}

struct Actor {
    pool: Pool,
    waiting: Waiting<Job>,
    batch_max: usize,
    linger: Duration,
}

impl Actor {
    /// SQLite's statements run on a thread of sqlx's, and each answer from there would queue behind
    /// the requests and plugin calls of a busy runtime; one after the other, that is what bounds the
    /// writer. So it waits for them on a thread of its own. PostgreSQL's answers come through the
    /// runtime's sockets, and are nearest there.
    fn start(self) -> std::io::Result<oneshot::Receiver<()>> {
        let (ending, ended) = oneshot::channel();
        let runtime = Handle::current();
        let is_postgres = matches!(self.pool, Pool::Postgres(_));
        let run = async move {
            self.run().await;
            drop(ending);
        };
        if is_postgres {
            runtime.spawn(run);
        } else {
            std::thread::Builder::new()
                .name("wharf-writer".to_owned())
                .spawn(move || {
                    let _timers = runtime.enter();
                    drive(run);
                })?;
        }
        Ok(ended)
    }

    async fn run(mut self) {
        let mut held: Option<Conn> = None;
        while let Some((first, whose)) = self.waiting.first().await {
            let conn = match held.take() {
                Some(conn) => Ok(conn),
                None => self.connect().await,
            };
            match conn {
                Ok(conn) => held = self.batch(conn, first, whose).await,
                Err(error) => {
                    tracing::error!(error = %error, "the writer has no connection");
                    // Dropping a closure drops its answer: the caller reads "not committed". Those
                    // that wait behind it would otherwise each wait for a connection of their own.
                    drop(first);
                    self.waiting.clear();
                }
            }
        }
        // Closing a pool waits until every connection is back.
        drop(held);
        match self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    async fn connect(&self) -> Result<Conn, StoreError> {
        match &self.pool {
            Pool::Sqlite(pool) => pool.acquire().await.map(Conn::Sqlite),
            Pool::Postgres(pool) => pool.acquire().await.map(Conn::Postgres),
        }
        .doing("get the connection to write with")
    }

    /// One transaction. Gives the connection back when it is still good.
    async fn batch(&mut self, conn: Conn, first: Job, whose: Whose) -> Option<Conn> {
        let mut tx = Tx {
            conn,
            after_commit: Vec::new(),
        };
        if let Err(error) = begin(&mut tx).await {
            tracing::error!(error = %error, "the writer could not begin");
            drop(first);
            return discard(tx.conn).await;
        }
        let mut finishes = Vec::new();
        let mut group = Group::new(whose, self.batch_max, self.linger);
        let mut next = Some(first);
        let mut used = false;
        while let Some(job) = next.take() {
            let done = tokio::time::timeout(WRITE_TIME_MAX, in_savepoint(&mut tx, used, job)).await;
            match done.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok(finish) => {
                    used = finish.is_some();
                    finishes.extend(finish);
                }
                Err(error) => return self.abort(tx, finishes, &error).await,
            }
            next = self.waiting.next(&mut group);
        }
        // Released first: PostgreSQL "commits" a failed transaction by undoing it, without an error.
        let commit = statement(&mut tx, "release savepoint w; commit");
        let committed = tokio::time::timeout(WRITE_TIME_MAX, commit).await;
        match committed.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(()) => {
                for ring in tx.after_commit.drain(..) {
                    ring();
                }
                for finish in finishes {
                    finish(Ok(()));
                }
                Some(tx.conn)
            }
            Err(error) => self.abort(tx, finishes, &error).await,
        }
    }

    async fn abort(&self, tx: Tx, finishes: Vec<Finish>, error: &sqlx::Error) -> Option<Conn> {
        tracing::error!(error = %error, writes = finishes.len(), "a group of writes was not committed");
        for finish in finishes {
            finish(Err(StoreError::NotCommitted {
                reason: error.to_string(),
            }));
        }
        discard(tx.conn).await
    }
}

/// Runs one closure in the savepoint that [`begin`] opened, or that the closure before it left; `used`
/// when that one's writes are in it. Each statement is a turn to another thread or over a socket,
/// which costs as much as a small insert: so a savepoint is closed where the next one opens, and the
/// last one with the commit.
async fn in_savepoint(tx: &mut Tx, used: bool, job: Job) -> Result<Option<Finish>, sqlx::Error> {
    let bells = tx.after_commit.len();
    if used {
        statement(tx, "release savepoint w; savepoint w").await?;
    }
    let finish = job(tx).await;
    if finish.is_none() {
        tx.after_commit.truncate(bells);
        // The savepoint stays, empty.
        statement(tx, "rollback to savepoint w").await?;
    }
    Ok(finish)
}

async fn begin(tx: &mut Tx) -> Result<(), sqlx::Error> {
    // SQLite takes the write lock at once, so that no statement later meets a busy database. On
    // PostgreSQL the writers of all nodes take turns in the same way (the number is ours alone):
    // groups that touch the same lanes in different order would deadlock otherwise, and what a
    // claim has read stays true until it is written. While one waits its next group grows.
    let text = if tx.is_postgres() {
        "begin; select pg_advisory_xact_lock(945501); savepoint w"
    } else {
        "begin immediate; savepoint w"
    };
    statement(tx, text).await
}

async fn statement(tx: &mut Tx, text: &'static str) -> Result<(), sqlx::Error> {
    match &mut tx.conn {
        // Prepared once and kept; SQLite takes several statements this way, PostgreSQL does not.
        Conn::Sqlite(c) => sqlx::query(text).execute(&mut **c).await.map(drop),
        Conn::Postgres(c) => sqlx::raw_sql(text).execute(&mut **c).await.map(drop),
    }
}

/// A connection whose transaction's end is unknown must not be used again.
async fn discard(conn: Conn) -> Option<Conn> {
    let close = async {
        match conn {
            Conn::Sqlite(c) => c.detach().close().await,
            Conn::Postgres(c) => c.detach().close().await,
        }
    };
    match tokio::time::timeout(CLOSE_TIME_MAX, close).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = %error, "closing a broken connection"),
        Err(_) => tracing::warn!("a broken connection did not close; it is abandoned"),
    }
    None
}
