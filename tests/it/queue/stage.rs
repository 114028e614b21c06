//! One database, queues on it, a clock set by hand, and workers that tell what they ran.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use ulid::Ulid;
use wharf_core::{Clock, IdSource, JobId, TenantId};
use wharf_queue::{Data, Job, Monitor, NewJob, Outcome, Priority, Queue, QueueConfig, Queues};
use wharf_store::{Db, DbConfig, StoreError, on_db};
use wharf_test_support::eventually;

use crate::databases::each_empty;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const START_MS: i64 = 1_700_000_000_000;

/// A clock that stands until it is set on.
pub(super) struct HandClock(AtomicI64);

impl HandClock {
    pub(super) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Ids in rising order.
struct Counted;

impl IdSource for Counted {
    fn ulid(&self) -> Ulid {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Ulid::from_parts(1, u128::from(NEXT.fetch_add(1, Ordering::SeqCst)))
    }
}

pub(super) struct Stage {
    pub(super) db: Db,
    pub(super) clock: Arc<HandClock>,
    pub(super) queues: Queues,
    config: DbConfig,
}

/// Runs a test on SQLite and on PostgreSQL.
pub(super) async fn on_each<F: Future<Output = ()>>(test: impl Fn(Stage) -> F) {
    each_empty(async |config| {
        let stage = Stage::open(config).await;
        let db = stage.db.clone();
        test(stage).await;
        db.close().await;
    })
    .await;
}

impl Stage {
    async fn open(config: DbConfig) -> Self {
        let db = Db::open(&config).await.expect("the database opens");
        db.migrate().await.expect("the migrations run");
        let clock = Arc::new(HandClock(AtomicI64::new(START_MS)));
        let queues = queues(&db, &clock, quick());
        Self {
            db,
            clock,
            queues,
            config,
        }
    }

    /// What another process on the same database would have, with a clock of its own. On SQLite it
    /// shares the writer, as two processes never do.
    pub(super) async fn other(&self) -> Other {
        let db = if self.db.is_postgres() {
            Db::open(&self.config)
                .await
                .expect("the database opens again")
        } else {
            self.db.clone()
        };
        let clock = Arc::new(HandClock(AtomicI64::new(self.clock.now_ms())));
        let queues = queues(&db, &clock, quick());
        Other { clock, queues }
    }

    pub(super) fn with_config(&self, config: QueueConfig) -> Queues {
        queues(&self.db, &self.clock, config)
    }

    pub(super) async fn push(&self, jobs: Vec<NewJob>) {
        self.try_push(jobs).await.expect("the push commits");
    }

    /// Each with the recipient that it counts against.
    pub(super) async fn push_paired(&self, jobs: Vec<(NewJob, &str)>) {
        let (queues, now_ms) = (self.queues.clone(), self.clock.now_ms());
        let jobs: Vec<_> = jobs
            .into_iter()
            .map(|(job, to)| (job, to.to_owned()))
            .collect();
        self.db
            .write(move |tx| Box::pin(async move { queues.push_paired(tx, &jobs, now_ms).await }))
            .await
            .expect("the push commits");
    }

    pub(super) async fn try_push(&self, jobs: Vec<NewJob>) -> Result<(), StoreError> {
        let (queues, now_ms) = (self.queues.clone(), self.clock.now_ms());
        self.db
            .write(move |tx| Box::pin(async move { queues.push(tx, &jobs, now_ms).await }))
            .await
    }

    /// A job of lane `lane`, due now, whose kind is its name.
    pub(super) fn job(&self, lane: &str, kind: &'static str) -> NewJob {
        NewJob {
            id: JobId::new(&Counted),
            queue: Queue::Send,
            tenant: tenant("acme"),
            lane: lane.to_owned(),
            order_key: None,
            kind,
            payload: json!({"text": "Grüße", "n": 1}),
            priority: Priority::Normal,
            due_at: self.clock.now_ms(),
            attempts_max: 5,
        }
    }

    /// Runs one more job in a lane of its own to its end: whatever else could run has been claimed.
    pub(super) async fn run_a_later_job(&self, worker: &Worker) {
        let job = self.job("later", "later");
        let id = job.id;
        self.push(vec![job]).await;
        worker
            .until("the later job ran", |runs| {
                runs.iter().any(|run| run.id == id)
            })
            .await;
        self.until_row(id, "the later job is gone", |row| row.is_none())
            .await;
    }

    pub(super) async fn count(&self, text: &'static str) -> i64 {
        let mut conn = self.db.read().await.expect("a connection");
        on_db!(&mut conn, |c| sqlx::query_scalar(text).fetch_one(c).await).expect("a count")
    }

    pub(super) async fn sql(&self, text: &'static str) {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    on_db!(&mut **tx, |c| sqlx::query(text).execute(c).await.map(drop))
                        .expect("the SQL runs");
                    Ok(())
                })
            })
            .await
            .expect("the SQL commits");
    }

    pub(super) async fn row(&self, id: JobId) -> Option<Row> {
        let mut conn = self.db.read().await.expect("a connection");
        on_db!(&mut conn, |c| sqlx::query_as(
            "select state, attempt, fence, due_at, reason from job where id = $1"
        )
        .bind(id.bare())
        .fetch_optional(c)
        .await)
        .expect("the row reads")
    }

    pub(super) async fn until_row(
        &self,
        id: JobId,
        what: &str,
        is_so: impl Fn(&Option<Row>) -> bool,
    ) -> Option<Row> {
        let found = eventually(PATIENCE, || async {
            let row = self.row(id).await;
            is_so(&row).then_some(row)
        })
        .await;
        match found {
            Ok(row) => row,
            Err(_) => panic!("never: {what}; the row is {:?}", self.row(id).await),
        }
    }
}

pub(super) struct Other {
    pub(super) clock: Arc<HandClock>,
    pub(super) queues: Queues,
}

/// A job as stored. state: 0 pending, 1 leased, 2 dead, 3 waiting.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) state: i64,
    pub(super) attempt: i64,
    pub(super) fence: i64,
    pub(super) due_at: i64,
    pub(super) reason: Option<String>,
}

/// Looks often, so that tests need not wait.
pub(super) fn quick() -> QueueConfig {
    QueueConfig {
        poll_ms: 5,
        ..QueueConfig::default()
    }
}

fn queues(db: &Db, clock: &Arc<HandClock>, config: QueueConfig) -> Queues {
    Queues::new(
        db.clone(),
        Arc::clone(clock) as Arc<dyn Clock>,
        Arc::new(Counted),
        config,
    )
}

pub(super) fn tenant(name: &str) -> TenantId {
    name.parse().expect("a tenant's name")
}

/// One run of a job.
#[derive(Clone)]
pub(super) struct Ran {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) lane: String,
    pub(super) payload: Value,
    pub(super) attempt: i64,
    pub(super) at_ms: i64,
}

type Runs = Arc<Mutex<Vec<Ran>>>;

/// A worker on [`Queue::Send`] that records each run before it handles it.
pub(super) struct Worker {
    pub(super) runs: Runs,
    queues: Queues,
    stop: oneshot::Sender<()>,
    monitor: JoinHandle<()>,
}

impl Worker {
    pub(super) fn start<H, F>(
        queues: &Queues,
        clock: &Arc<HandClock>,
        at_once: usize,
        handle: H,
    ) -> Self
    where
        H: Fn(Job) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let runs = Runs::default();
        let record = (Arc::clone(&runs), Arc::clone(clock));
        let handler = move |job: Job, record: Data<(Runs, Arc<HandClock>)>| {
            let (runs, clock) = &record.0;
            runs.lock().expect("the record").push(Ran {
                id: job.id,
                kind: job.kind.clone(),
                lane: job.lease.lane().to_owned(),
                payload: job.payload.clone(),
                attempt: job.attempt,
                at_ms: clock.now_ms(),
            });
            handle(job)
        };
        let monitor = queues
            .register(Monitor::new(), Queue::Send, at_once, record, handler)
            .should_restart(|_, _| true);
        let (stop, stopped) = oneshot::channel::<()>();
        let monitor = tokio::spawn(async move {
            let signal = async {
                let _ = stopped.await;
                Ok(())
            };
            monitor
                .run_with_signal(signal)
                .await
                .expect("the monitor ends well");
        });
        Self {
            runs,
            queues: queues.clone(),
            stop,
            monitor,
        }
    }

    pub(super) fn ran(&self) -> Vec<Ran> {
        self.runs.lock().expect("the record").clone()
    }

    pub(super) fn kinds(&self) -> Vec<String> {
        self.ran().into_iter().map(|run| run.kind).collect()
    }

    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&[Ran]) -> bool) {
        let found = eventually(PATIENCE, || async { is_so(&self.ran()).then_some(()) }).await;
        assert!(found.is_ok(), "never: {what}; ran {:?}", self.kinds());
    }

    /// Asks the worker to stop and waits for its running jobs.
    pub(super) async fn stop(self) -> Vec<Ran> {
        self.stop.send(()).expect("the monitor listens");
        self.monitor.await.expect("the monitor does not panic");
        self.queues.stopped().await;
        let runs = self.runs.lock().expect("the record");
        runs.clone()
    }

    /// Drops the worker where it stands.
    pub(super) async fn abort(self) {
        self.monitor.abort();
        let _ = self.monitor.await;
        self.queues.stopped().await;
    }

    /// Begins to stop; the handle is for the end.
    pub(super) fn begin_stop(self) -> JoinHandle<()> {
        self.stop.send(()).expect("the monitor listens");
        self.monitor
    }
}
