//! Jobs that are taken back, and jobs that go on in another lane.

use std::sync::Arc;

use tokio::sync::Notify;
use wharf_core::JobId;
use wharf_queue::{Outcome, Queue, move_in, withdraw};
use wharf_store::StoreError;

use super::stage::{Stage, Worker, on_each, tenant};

async fn take_back(stage: &Stage, of: &'static str, id: JobId) -> bool {
    stage
        .db
        .write(move |tx| Box::pin(async move { withdraw(tx, &tenant(of), id).await }))
        .await
        .expect("the transaction commits")
}

#[tokio::test]
async fn what_nobody_has_begun_is_taken_back_and_what_somebody_has_is_not() {
    on_each(|stage| async move {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (told, hold) = (Arc::clone(&begun), Arc::clone(&go_on));
        let worker = Worker::start(&stage.queues, &stage.clock, 1, move |job| {
            let (told, hold) = (Arc::clone(&told), Arc::clone(&hold));
            async move {
                if job.kind == "held" {
                    told.notify_one();
                    hold.notified().await;
                }
                Outcome::Done
            }
        });
        let held = stage.job("a", "held");
        let mut later = stage.job("a", "scheduled");
        later.due_at += 60_000;
        let (running, pending) = (held.id, later.id);
        stage.push(vec![held, later]).await;
        begun.notified().await;
        assert!(!take_back(&stage, "acme", running).await, "a worker has it");
        assert!(
            !take_back(&stage, "other", pending).await,
            "another tenant's"
        );
        assert!(take_back(&stage, "acme", pending).await);
        assert!(!take_back(&stage, "acme", pending).await, "it is gone");
        go_on.notify_one();
        stage
            .until_row(running, "the running one ends", |row| row.is_none())
            .await;
        stage.clock.advance(60_000);
        stage.run_a_later_job(&worker).await;
        assert_eq!(worker.kinds(), ["held", "later"]);
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn who_waited_behind_what_is_taken_back_goes_on() {
    on_each(|stage| async move {
        let keyed = |kind| {
            let mut job = stage.job("a", kind);
            job.order_key = Some("x".to_owned());
            job
        };
        let (first, second, third) = (keyed("first"), keyed("second"), keyed("third"));
        let (head, waiting) = (first.id, second.id);
        stage.push(vec![first, second, third]).await;
        assert!(take_back(&stage, "acme", waiting).await, "one that waits");
        assert!(take_back(&stage, "acme", head).await);
        let worker = Worker::start(&stage.queues, &stage.clock, 1, |_| async { Outcome::Done });
        worker.until("the third ran", |runs| runs.len() == 1).await;
        assert_eq!(worker.kinds(), ["third"]);
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_job_goes_on_in_another_lane_with_all_its_attempts() {
    on_each(|stage| async move {
        let db = stage.db.clone();
        let worker = Worker::start(&stage.queues, &stage.clock, 1, move |job| {
            let db = db.clone();
            async move {
                if job.lease.lane() != "a" {
                    return Outcome::Done;
                }
                let lease = Arc::clone(&job.lease);
                let moved = db
                    .write(move |tx| {
                        Box::pin(async move {
                            match move_in(tx, &lease, "b", Some("to:1"), 0, "a is down").await? {
                                true => Ok(()),
                                false => Err(StoreError::Refused("lost".to_owned())),
                            }
                        })
                    })
                    .await;
                moved.expect("the lease is held");
                Outcome::DoneInTx
            }
        });
        let job = stage.job("a", "job");
        assert_eq!(job.queue, Queue::Send);
        stage.push(vec![job]).await;
        worker.until("it ran twice", |runs| runs.len() == 2).await;
        let ran: Vec<_> = worker
            .ran()
            .into_iter()
            .map(|run| (run.lane, run.attempt))
            .collect();
        assert_eq!(ran, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
        worker.stop().await;
        assert_eq!(stage.count("select count(*) from job").await, 0);
    })
    .await;
}
