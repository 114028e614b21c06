//! Who may run a job, what becomes of it when they vanish, and what they may still write then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use wharf_core::Clock;
use wharf_queue::{Lease, Outcome, bury_in, complete, retry_in};
use wharf_store::Db;

use super::stage::{Worker, on_each};

type Kept = Arc<Mutex<Vec<Arc<Lease>>>>;

/// A handler that shows its lease and then waits to be let go.
fn waiting(
    kept: &Kept,
    gate: &Arc<Semaphore>,
) -> impl Fn(wharf_queue::Job) -> Waits + Clone + use<> {
    let (kept, gate) = (Arc::clone(kept), Arc::clone(gate));
    move |job| {
        let gate = Arc::clone(&gate);
        kept.lock()
            .expect("the leases")
            .push(Arc::clone(&job.lease));
        Box::pin(async move {
            gate.acquire().await.expect("the gate stands").forget();
            Outcome::Done
        })
    }
}

type Waits = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;

#[tokio::test]
async fn what_a_zombie_writes_changes_nothing() {
    on_each(|stage| async move {
        let job = stage.job("a", "slow");
        let id = job.id;
        stage.push(vec![job]).await;
        let (old_leases, old_gate) = (Kept::default(), Arc::new(Semaphore::new(0)));
        let old = Worker::start(
            &stage.queues,
            &stage.clock,
            1,
            waiting(&old_leases, &old_gate),
        );
        old.until("the old worker has the job", |runs| runs.len() == 1)
            .await;

        // The other process takes the silence of the first, whose clock stands, for its end.
        let other = stage.other().await;
        other.clock.advance(60_000);
        let (new_leases, new_gate) = (Kept::default(), Arc::new(Semaphore::new(0)));
        let new = Worker::start(
            &other.queues,
            &other.clock,
            1,
            waiting(&new_leases, &new_gate),
        );
        new.until("the new worker has the job", |runs| runs.len() == 1)
            .await;
        let held = stage.row(id).await.expect("leased");
        assert_eq!((held.state, held.fence, held.attempt), (1, 2, 2));

        let zombie = Arc::clone(&old_leases.lock().expect("the leases")[0]);
        assert_eq!(zombie.fence(), 1);
        assert!(
            !write_as(&stage.db, &zombie).await,
            "no write of its own counts"
        );
        stage.clock.advance(1_100);
        let lost = wharf_test_support::eventually(std::time::Duration::from_secs(30), || async {
            zombie.is_lost().then_some(())
        });
        lost.await.expect("the renewal notices");
        old_gate.add_permits(1);
        old.stop().await;
        assert_eq!(
            stage.row(id).await.as_ref(),
            Some(&held),
            "nor does its report"
        );

        new_gate.add_permits(1);
        stage
            .until_row(id, "the new holder ends the job", Option::is_none)
            .await;
        new.stop().await;
    })
    .await;
}

/// True if any way to end a job in a transaction of one's own took effect.
async fn write_as(db: &Db, lease: &Arc<Lease>) -> bool {
    let lease = Arc::clone(lease);
    db.write(move |tx| {
        Box::pin(async move {
            let retried = retry_in(tx, &lease, 0, "zombie").await?;
            let buried = bury_in(tx, &lease, "zombie").await?;
            Ok(retried || buried || complete(tx, &lease).await?)
        })
    })
    .await
    .expect("the write commits")
}

#[tokio::test]
async fn a_lease_is_renewed_as_long_as_its_handler_runs() {
    on_each(|stage| async move {
        let job = stage.job("a", "long");
        let id = job.id;
        stage.push(vec![job]).await;
        let (leases, gate) = (Kept::default(), Arc::new(Semaphore::new(0)));
        let worker = Worker::start(&stage.queues, &stage.clock, 1, waiting(&leases, &gate));
        worker.until("the job runs", |runs| runs.len() == 1).await;
        for _ in 0..5 {
            stage.clock.advance(1_000);
            let renewed = stage.clock.now_ms() + 4_000;
            let found =
                wharf_test_support::eventually(std::time::Duration::from_secs(30), || async {
                    let until = stage
                        .count("select lease_until from job where state = 1")
                        .await;
                    (until == renewed).then_some(())
                });
            found
                .await
                .expect("the lease is renewed to four seconds from now");
        }
        gate.add_permits(1);
        stage
            .until_row(id, "the job is gone", Option::is_none)
            .await;
        assert_eq!(worker.stop().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ran_out_is_run_again_and_a_crash_loop_ends_dead() {
    on_each(|stage| async move {
        let (again, poison) = (stage.job("a", "again"), stage.job("b", "poison"));
        let ids = (again.id, poison.id);
        stage.push(vec![again, poison]).await;
        // As a process leaves them that was killed: once, and for the last time allowed.
        stage
            .sql(
                "update job set state = 1, lease_owner = 'killed', fence = fence + 1,
                    lease_until = due_at - 1, attempt = case kind when 'again' then 1 else 5 end",
            )
            .await;
        stage.sql("update lane set ready_at = null").await;
        let worker = Worker::start(&stage.queues, &stage.clock, 2, |_| async { Outcome::Done });
        stage
            .until_row(ids.0, "the interrupted job is done", Option::is_none)
            .await;
        let row = stage
            .until_row(ids.1, "the poison is dead", |row| {
                row.as_ref().is_some_and(|r| r.state == 2)
            })
            .await
            .expect("kept");
        assert!(
            row.reason
                .expect("a reason")
                .starts_with("crashed repeatedly")
        );
        let runs = worker.stop().await;
        assert_eq!(runs.len(), 1);
        assert_eq!((runs[0].id, runs[0].attempt), (ids.0, 2));
    })
    .await;
}

#[tokio::test]
async fn a_graceful_stop_ends_what_runs_and_gives_back_what_waits() {
    on_each(|stage| async move {
        let jobs: Vec<_> = (0..10).map(|_| stage.job("a", "slow")).collect();
        stage.push(jobs).await;
        let (leases, gate) = (Kept::default(), Arc::new(Semaphore::new(0)));
        // Of which one lane has a fifth.
        let worker = Worker::start(&stage.queues, &stage.clock, 10, waiting(&leases, &gate));
        worker.until("two jobs run", |runs| runs.len() == 2).await;
        let runs = Arc::clone(&worker.runs);
        let monitor = worker.begin_stop();
        gate.add_permits(10);
        monitor.await.expect("the monitor ends");
        stage.queues.stopped().await;
        leases.lock().expect("the leases").clear();

        let ran = runs.lock().expect("the record").len();
        // The gate may have opened before the worker heard of the stop.
        assert!((2..10).contains(&ran), "{ran} ran");
        let left = i64::try_from(10 - ran).expect("few");
        assert_eq!(stage.count("select count(*) from job").await, left);
        let untouched = "select count(*) from job where state = 0 and attempt = 0";
        assert_eq!(stage.count(untouched).await, left);

        let next = Worker::start(&stage.queues, &stage.clock, 2, |_| async { Outcome::Done });
        next.until("the rest runs", |runs| runs.len() == 10 - ran)
            .await;
        next.stop().await;
        assert_eq!(stage.count("select count(*) from job").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_is_dropped_aborts_its_runs_and_they_are_run_again() {
    on_each(|stage| async move {
        let mut job = stage.job("a", "slow");
        // Even the last attempt: the job is not to blame.
        job.attempts_max = 1;
        let id = job.id;
        stage.push(vec![job]).await;
        let (leases, gate) = (Kept::default(), Arc::new(Semaphore::new(0)));
        let worker = Worker::start(&stage.queues, &stage.clock, 1, waiting(&leases, &gate));
        worker.until("the job runs", |runs| runs.len() == 1).await;
        worker.abort().await;
        let row = stage.row(id).await.expect("kept");
        assert_eq!(
            (row.state, row.attempt),
            (0, 1),
            "pending, its attempt spent"
        );
        let next = Worker::start(&stage.queues, &stage.clock, 1, |_| async { Outcome::Done });
        stage
            .until_row(id, "the job is done", Option::is_none)
            .await;
        assert_eq!(next.stop().await[0].attempt, 2);
        assert_eq!(gate.available_permits(), 0, "the first run never went on");
    })
    .await;
}

#[tokio::test]
async fn two_processes_on_one_database_run_each_job_once() {
    on_each(|stage| async move {
        if !stage.db.is_postgres() {
            // SQLite belongs to one process.
            return;
        }
        let lanes = ["a", "b", "c", "d", "e"];
        let jobs: Vec<_> = (0..500)
            .map(|n| stage.job(lanes[n % lanes.len()], "once"))
            .collect();
        let other = stage.other().await;
        let done = |_| async { Outcome::Done };
        let first = Worker::start(&stage.queues, &stage.clock, 8, done);
        let second = Worker::start(&other.queues, &other.clock, 8, done);
        for jobs in jobs.chunks(50) {
            stage.push(jobs.to_vec()).await;
        }
        let runs = [Arc::clone(&first.runs), Arc::clone(&second.runs)];
        let all = || -> Vec<_> {
            runs.iter()
                .flat_map(|runs| runs.lock().expect("the record").clone())
                .collect()
        };
        first
            .until("every job ran", |_| all().len() >= jobs.len())
            .await;
        first.stop().await;
        second.stop().await;
        let mut times: HashMap<_, usize> = HashMap::new();
        for run in all() {
            *times.entry(run.id).or_default() += 1;
        }
        assert_eq!(times.len(), jobs.len());
        assert!(times.values().all(|&n| n == 1), "each exactly once");
        assert_eq!(stage.count("select count(*) from job").await, 0);
    })
    .await;
}
