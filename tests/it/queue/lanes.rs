//! The order in which jobs run: priority with aging, fairness between lanes, pacing, order keys.

use std::sync::{Arc, Mutex};

use wharf_core::Clock;
use wharf_queue::{LaneRate, Outcome, Priority, Queue, pause_lane, set_lane_rate};

use super::stage::{START_MS, Stage, Worker, on_each, tenant};

fn done(stage: &Stage, at_once: usize) -> Worker {
    Worker::start(&stage.queues, &stage.clock, at_once, |_| async {
        Outcome::Done
    })
}

#[tokio::test]
async fn higher_priority_goes_first_until_the_lower_has_waited_long_enough() {
    on_each(|stage| async move {
        let with = |kind, priority| {
            let mut job = stage.job("a", kind);
            job.priority = priority;
            job
        };
        stage.push(vec![with("old low", Priority::Low)]).await;
        stage.clock.advance(31_000);
        stage.push(vec![with("old normal", Priority::Normal)]).await;
        stage.clock.advance(29_001);
        stage
            .push(vec![
                with("low", Priority::Low),
                with("normal", Priority::Normal),
                with("high", Priority::High),
            ])
            .await;
        let mut early = with("not yet", Priority::High);
        early.due_at = stage.clock.now_ms() + 1;
        stage.push(vec![early]).await;
        let worker = done(&stage, 1);
        worker
            .until("all that is due ran", |runs| runs.len() == 5)
            .await;
        stage.run_a_later_job(&worker).await;
        let order = ["old low", "high", "old normal", "normal", "low", "later"];
        assert_eq!(worker.kinds(), order);
        stage.clock.advance(1);
        worker
            .until("the last one ran", |runs| runs.len() == 7)
            .await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_lane_with_a_thousand_jobs_does_not_delay_one_with_a_single_job() {
    on_each(|stage| async move {
        let crowd: Vec<_> = (0..1_000).map(|_| stage.job("crowded", "crowd")).collect();
        stage.push(crowd).await;
        let single = stage.job("quiet", "single");
        stage.push(vec![single]).await;
        let worker = done(&stage, 4);
        worker
            .until("the single job ran", |runs| {
                runs.iter().any(|r| r.kind == "single")
            })
            .await;
        worker.until("all ran", |runs| runs.len() == 1_001).await;
        let place = worker
            .kinds()
            .iter()
            .position(|kind| kind == "single")
            .expect("it ran");
        // Eight may be leased ahead of it, as many again while it is claimed.
        assert!(place <= 16, "it ran as number {place}");
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn many_lanes_take_turns() {
    on_each(|stage| async move {
        let lanes = ["a", "b", "c", "d", "e"];
        let jobs: Vec<_> = lanes
            .iter()
            .flat_map(|lane| (0..100).map(|_| stage.job(lane, "job")).collect::<Vec<_>>())
            .collect();
        stage.push(jobs).await;
        let worker = done(&stage, 8);
        worker.until("all ran", |runs| runs.len() == 500).await;
        let runs = worker.stop().await;
        for lane in lanes {
            let in_first_half = runs[..250].iter().filter(|run| run.lane == lane).count();
            // An equal part is 50; turns are of 16, and what is leased ahead is another.
            assert!(
                (18..=82).contains(&in_first_half),
                "{lane}: {in_first_half} of 250"
            );
        }
    })
    .await;
}

async fn set_rate(stage: &Stage, lane: &'static str, per_second: u32, burst: u32) {
    stage
        .db
        .write(move |tx| {
            Box::pin(async move {
                let rate = LaneRate {
                    per_second,
                    burst,
                    is_ceiling: false,
                    pair: None,
                };
                set_lane_rate(tx, Queue::Send, lane, &tenant("acme"), rate).await
            })
        })
        .await
        .expect("the rate is set");
}

#[tokio::test]
async fn a_paced_lane_runs_its_burst_and_then_its_rate() {
    on_each(|stage| async move {
        set_rate(&stage, "slow", 10, 2).await;
        stage
            .push((0..20).map(|_| stage.job("slow", "paced")).collect())
            .await;
        let worker = done(&stage, 4);
        let paced = |runs: &[super::stage::Ran]| runs.iter().filter(|r| r.kind == "paced").count();
        for (advance, total) in [
            (0, 2),
            (99, 2),
            (1, 3),
            (100, 4),
            (50, 4),
            (5_000, 6),
            (250, 8),
        ] {
            stage.clock.advance(advance);
            worker
                .until("what the rate allows ran", |runs| paced(runs) >= total)
                .await;
            stage.run_a_later_job(&worker).await;
            assert_eq!(paced(&worker.ran()), total, "after {advance} ms more");
        }
        // A job pushed to a lane that is out of its rate does not get around it.
        stage.push(vec![stage.job("slow", "paced")]).await;
        stage.run_a_later_job(&worker).await;
        assert_eq!(paced(&worker.ran()), 8);
        set_rate(&stage, "slow", 0, 1).await;
        stage.clock.advance(100);
        worker
            .until("an unpaced lane runs all", |runs| paced(runs) == 21)
            .await;
        worker.stop().await;
    })
    .await;
}

async fn pause(stage: &Stage, until_ms: i64) {
    stage
        .db
        .write(move |tx| Box::pin(async move { pause_lane(tx, Queue::Send, "a", until_ms).await }))
        .await
        .expect("the lane is paused");
}

#[tokio::test]
async fn a_paused_lane_waits_without_spending_an_attempt() {
    on_each(|stage| async move {
        let job = stage.job("a", "parked");
        let id = job.id;
        stage.push(vec![job]).await;
        pause(&stage, START_MS + 10_000).await;
        stage.push(vec![stage.job("a", "parked too")]).await;
        let worker = done(&stage, 4);
        stage.clock.advance(9_999);
        stage.run_a_later_job(&worker).await;
        let row = stage.row(id).await.expect("kept");
        assert_eq!((row.state, row.attempt), (0, 0));
        stage.clock.advance(1);
        worker.until("both ran", |runs| runs.len() == 3).await;

        pause(&stage, START_MS + 3_600_000).await;
        stage.push(vec![stage.job("a", "resumed")]).await;
        stage.run_a_later_job(&worker).await;
        assert_eq!(worker.ran().len(), 4);
        pause(&stage, 0).await;
        worker
            .until("the resumed job ran", |runs| runs.len() == 5)
            .await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn jobs_of_one_order_key_run_one_after_another_whatever_happens() {
    on_each(|stage| async move {
        let running: Arc<Mutex<Vec<&str>>> = Arc::default();
        let seen = Arc::clone(&running);
        let worker = Worker::start(&stage.queues, &stage.clock, 8, move |job| {
            let seen = Arc::clone(&seen);
            async move {
                if job.kind == "later" {
                    return Outcome::Done;
                }
                seen.lock().expect("the list").push("one");
                assert_eq!(seen.lock().expect("the list").len(), 1, "one at a time");
                tokio::task::yield_now().await;
                seen.lock().expect("the list").clear();
                match (job.kind.as_str(), job.attempt) {
                    ("first", 1) => Outcome::Retry {
                        due_at: START_MS + 1_000,
                        reason: "busy".to_owned(),
                    },
                    ("second", _) => Outcome::Dead {
                        reason: "never".to_owned(),
                    },
                    _ => Outcome::Done,
                }
            }
        });
        let keyed = |kind| {
            let mut job = stage.job("a", kind);
            job.order_key = Some("to:49170".to_owned());
            job
        };
        let first = keyed("first");
        let id = first.id;
        stage.push(vec![first, keyed("second")]).await;
        for kind in ["third", "fourth", "fifth"] {
            stage.push(vec![keyed(kind)]).await;
        }
        stage
            .until_row(id, "the first is to be retried", |row| {
                row.as_ref().is_some_and(|r| r.state == 0 && r.attempt == 1)
            })
            .await;
        stage.run_a_later_job(&worker).await;
        assert_eq!(
            worker.kinds(),
            ["first", "later"],
            "the others wait behind the retry"
        );
        stage.clock.advance(1_000);
        worker.until("all ran", |runs| runs.len() == 7).await;
        assert_eq!(
            worker
                .stop()
                .await
                .iter()
                .map(|run| run.kind.as_str())
                .collect::<Vec<_>>(),
            [
                "first", "later", "first", "second", "third", "fourth", "fifth"
            ]
        );
        assert_eq!(
            stage.count("select count(*) from job").await,
            1,
            "the dead one"
        );
    })
    .await;
}

#[tokio::test]
async fn other_order_keys_of_the_lane_are_not_held_up() {
    on_each(|stage| async move {
        let worker = Worker::start(&stage.queues, &stage.clock, 8, |job| async move {
            match job.kind.as_str() {
                "stuck" => Outcome::Retry {
                    due_at: START_MS + 60_000,
                    reason: "busy".to_owned(),
                },
                _ => Outcome::Done,
            }
        });
        let keyed = |kind, key: &str| {
            let mut job = stage.job("a", kind);
            job.order_key = Some(key.to_owned());
            job
        };
        // More waiting behind one key than a claim looks at.
        let mut jobs = vec![keyed("stuck", "x")];
        jobs.extend((0..600).map(|_| keyed("behind", "x")));
        jobs.extend((0..5).map(|n| keyed("free", &format!("y{n}"))));
        stage.push(jobs).await;
        worker
            .until("the free ones ran", |runs| runs.len() == 6)
            .await;
        stage.run_a_later_job(&worker).await;
        assert_eq!(
            worker
                .kinds()
                .iter()
                .filter(|kind| *kind == "behind")
                .count(),
            0
        );
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_job_pushed_with_one_that_is_dead_already_does_not_wait_for_it() {
    on_each(|stage| async move {
        let keyed = |kind| {
            let mut job = stage.job("a", kind);
            job.order_key = Some("x".to_owned());
            job
        };
        let head = keyed("head");
        stage.push(vec![head.clone()]).await;
        stage
            .sql("update job set state = 2, dead_at = due_at")
            .await;
        stage.push(vec![head, keyed("next")]).await;
        let worker = done(&stage, 1);
        worker
            .until("the next one ran", |runs| runs.len() == 1)
            .await;
        assert_eq!(worker.kinds(), ["next"]);
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn throughput_of_one_lane() {
    on_each(|stage| async move {
        let jobs: Vec<_> = (0..2_000).map(|_| stage.job("a", "noop")).collect();
        let kind = if stage.db.is_postgres() {
            "PostgreSQL"
        } else {
            "SQLite"
        };
        let started = std::time::Instant::now();
        let worker = done(&stage, 256);
        for jobs in jobs.chunks(100) {
            stage.push(jobs.to_vec()).await;
        }
        worker.until("all ran", |runs| runs.len() == 2_000).await;
        worker.stop().await;
        let took = started.elapsed();
        println!(
            "{kind}: 2000 jobs pushed, run and removed in {} ms",
            took.as_millis()
        );
        assert_eq!(stage.count("select count(*) from job").await, 0);
        assert!(stage.clock.now_ms() == START_MS);
    })
    .await;
}
