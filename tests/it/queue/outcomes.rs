//! Pushing, and the ways a run can end.

use serde::Deserialize;
use wharf_core::Clock;
use wharf_queue::{Outcome, QueueConfig, complete};
use wharf_store::StoreError;

use super::stage::{START_MS, Worker, on_each, quick};

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[tokio::test]
async fn a_push_that_is_rolled_back_leaves_nothing() {
    on_each(|stage| async move {
        let (queues, jobs) = (stage.queues.clone(), vec![stage.job("a", "gone")]);
        let refused: Result<(), StoreError> = stage
            .db
            .write(move |tx| {
                Box::pin(async move {
                    queues.push(tx, &jobs, START_MS).await?;
                    Err(StoreError::Refused("the caller thought again".to_owned()))
                })
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Refused(_))));
        assert_eq!(stage.count("select count(*) from job").await, 0);
        assert_eq!(stage.count("select count(*) from lane").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_pushed_job_runs_once_with_what_was_pushed_and_is_gone() {
    on_each(|stage| async move {
        let worker = Worker::start(&stage.queues, &stage.clock, 4, |job| async move {
            match job.decode::<Text>() {
                Ok(payload) if payload.text == "Grüße" => Outcome::Done,
                Ok(_) => panic!("another text"),
                Err(outcome) => outcome,
            }
        });
        let job = stage.job("acme/main", "text");
        let id = job.id;
        stage.push(vec![job.clone()]).await;
        stage
            .until_row(id, "the job is gone", Option::is_none)
            .await;
        let runs = worker.stop().await;
        assert_eq!(runs.len(), 1);
        assert_eq!(
            (runs[0].id, runs[0].lane.as_str(), runs[0].attempt),
            (id, "acme/main", 1)
        );
        assert_eq!(runs[0].payload, job.payload);
    })
    .await;
}

#[tokio::test]
async fn the_doorbell_wakes_a_dispatcher_that_hardly_looks() {
    on_each(|stage| async move {
        let hour = 3_600_000;
        let queues = stage.with_config(QueueConfig {
            poll_ms: hour,
            lease_ms: 8 * hour,
            ..quick()
        });
        let worker = Worker::start(&queues, &stage.clock, 1, |_| async { Outcome::Done });
        for n in 1..=3 {
            let (queues, jobs) = (queues.clone(), vec![stage.job("a", "rung")]);
            stage
                .db
                .write(move |tx| Box::pin(async move { queues.push(tx, &jobs, START_MS).await }))
                .await
                .expect("the push commits");
            worker
                .until("the pushed job ran", |runs| runs.len() == n)
                .await;
        }
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn every_outcome_ends_as_it_says() {
    on_each(|stage| async move {
        let db = stage.db.clone();
        let worker = Worker::start(&stage.queues, &stage.clock, 4, move |job| {
            let db = db.clone();
            async move {
                match job.kind.as_str() {
                    "done in tx" => {
                        let lease = job.lease.clone();
                        let ended = db
                            .write(move |tx| Box::pin(async move { complete(tx, &lease).await }))
                            .await;
                        assert!(ended.expect("the end commits"), "the lease holds");
                        Outcome::DoneInTx
                    }
                    "retry" if job.attempt == 1 => Outcome::Retry {
                        due_at: START_MS,
                        reason: "busy\0now".to_owned(),
                    },
                    "dead" => Outcome::Dead {
                        reason: "not allowed".to_owned(),
                    },
                    "typed" => match job.decode::<u32>() {
                        Ok(_) => Outcome::Done,
                        Err(outcome) => outcome,
                    },
                    _ => Outcome::Done,
                }
            }
        });
        let kinds = ["done", "done in tx", "retry", "dead", "typed", "not json"];
        let jobs: Vec<_> = kinds.iter().map(|kind| stage.job("a", kind)).collect();
        let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
        stage.push(jobs).await;
        for gone in [0, 1, 2, 5] {
            stage
                .until_row(ids[gone], "a job that ends well is gone", Option::is_none)
                .await;
        }
        for (dead, reason) in [
            (3, "not allowed"),
            (4, "the payload of kind \"typed\" cannot be read"),
        ] {
            let row = stage
                .until_row(ids[dead], "the job is dead", |row| {
                    row.as_ref().is_some_and(|r| r.state == 2)
                })
                .await
                .expect("kept");
            let kept = row.reason.expect("a reason");
            assert!(kept.starts_with(reason), "{kept}");
        }
        let retried: Vec<_> = worker
            .stop()
            .await
            .into_iter()
            .filter(|run| run.kind == "retry")
            .collect();
        assert_eq!(
            retried.iter().map(|run| run.attempt).collect::<Vec<_>>(),
            [1, 2]
        );
    })
    .await;
}

#[tokio::test]
async fn a_payload_that_is_no_json_is_dead_and_the_worker_lives_on() {
    on_each(|stage| async move {
        let job = stage.job("a", "spoiled");
        let id = job.id;
        stage.push(vec![job]).await;
        stage.sql("update job set payload = '{\"text\":'").await;
        let worker = Worker::start(&stage.queues, &stage.clock, 1, |_| async { Outcome::Done });
        let row = stage
            .until_row(id, "the job is dead", |row| {
                row.as_ref().is_some_and(|r| r.state == 2)
            })
            .await
            .expect("kept");
        let reason = row.reason.expect("a reason");
        assert!(
            reason.starts_with("the payload of kind \"spoiled\" cannot be read: EOF"),
            "{reason}"
        );
        stage.run_a_later_job(&worker).await;
        assert_eq!(
            worker.stop().await.len(),
            1,
            "the spoiled job never reached the handler"
        );
    })
    .await;
}

#[tokio::test]
async fn panics_are_retried_with_persisted_backoff_until_the_job_is_dead() {
    on_each(|stage| async move {
        let worker = Worker::start(&stage.queues, &stage.clock, 2, |job| async move {
            assert!(job.kind == "later", "no such template");
            Outcome::Done
        });
        let mut job = stage.job("a", "panics");
        job.attempts_max = 4;
        let id = job.id;
        stage.push(vec![job]).await;
        for (attempt, gap) in (1..).zip([250, 500, 1_000]) {
            let due_at = stage.clock.now_ms() + gap;
            let row = stage
                .until_row(id, "the run is booked", |row| {
                    row.as_ref()
                        .is_some_and(|r| r.state == 0 && r.attempt == attempt)
                })
                .await
                .expect("kept");
            assert_eq!(row.due_at, due_at);
            assert!(row.reason.expect("a reason").ends_with("no such template"));
            stage.clock.advance(gap - 1);
            stage.run_a_later_job(&worker).await;
            assert_eq!(runs_of(&worker, id), attempt, "not before it is due");
            stage.clock.advance(1);
        }
        let row = stage
            .until_row(id, "the job is dead", |row| {
                row.as_ref().is_some_and(|r| r.state == 2)
            })
            .await
            .expect("kept");
        let reason = row.reason.expect("a reason");
        assert_eq!(row.attempt, 4);
        assert!(
            reason.starts_with("gave up after 4 attempts: the handler panicked"),
            "{reason}"
        );
        worker.stop().await;
    })
    .await;
}

fn runs_of(worker: &Worker, id: wharf_core::JobId) -> i64 {
    let runs = worker.ran().into_iter().filter(|run| run.id == id).count();
    i64::try_from(runs).expect("few")
}

#[tokio::test]
async fn a_retry_runs_when_it_said_and_is_dead_when_out_of_attempts() {
    on_each(|stage| async move {
        let worker = Worker::start(&stage.queues, &stage.clock, 2, |job| async move {
            if job.kind == "later" {
                return Outcome::Done;
            }
            let due_at = START_MS + job.attempt * 60_000;
            Outcome::Retry {
                due_at,
                reason: format!("busy {}", job.attempt),
            }
        });
        let mut job = stage.job("a", "busy");
        job.attempts_max = 3;
        let id = job.id;
        stage.push(vec![job]).await;
        for attempt in 1..=2 {
            stage
                .until_row(id, "the retry is booked", |row| {
                    row.as_ref()
                        .is_some_and(|r| r.state == 0 && r.attempt == attempt)
                })
                .await;
            stage.clock.advance(59_999);
            stage.run_a_later_job(&worker).await;
            assert_eq!(runs_of(&worker, id), attempt);
            stage.clock.advance(1);
        }
        let row = stage
            .until_row(id, "the job is dead", |row| {
                row.as_ref().is_some_and(|r| r.state == 2)
            })
            .await
            .expect("kept");
        assert_eq!(
            row.reason.as_deref(),
            Some("gave up after 3 attempts: busy 3")
        );
        let ran = worker.stop().await;
        let at: Vec<_> = ran
            .iter()
            .filter(|r| r.id == id)
            .map(|r| r.at_ms - START_MS)
            .collect();
        assert_eq!(at, [0, 60_000, 120_000]);
    })
    .await;
}

#[tokio::test]
async fn pushing_an_id_twice_runs_it_once() {
    on_each(|stage| async move {
        let job = stage.job("a", "tick");
        stage.push(vec![job.clone(), job.clone()]).await;
        stage.push(vec![job.clone()]).await;
        assert_eq!(stage.count("select count(*) from job").await, 1);
        let worker = Worker::start(&stage.queues, &stage.clock, 4, |_| async { Outcome::Done });
        stage
            .until_row(job.id, "the job is gone", Option::is_none)
            .await;
        stage.run_a_later_job(&worker).await;
        assert_eq!(
            worker
                .stop()
                .await
                .iter()
                .filter(|run| run.kind == "tick")
                .count(),
            1
        );
    })
    .await;
}
