//! Limits beside a lane's own rate: what each recipient gets, what providers say, what they limit by
//! names of their own, and what goes another way.

use wharf_core::Clock;
use wharf_queue::{
    BucketRate, LaneRate, Outcome, Queue, draw, draw_from_lane, pause_bucket, pause_lanes,
    pause_pair, say_lane_rate, set_lane_rate,
};

use super::stage::{Ran, START_MS, Stage, Worker, on_each, tenant};

/// One in six seconds, three at once.
const PAIRS: LaneRate = LaneRate {
    per_second: 0,
    burst: 1,
    is_ceiling: false,
    pair: Some((6_000, 3)),
};

/// Runs one of the crate's functions in a transaction.
macro_rules! in_tx {
    ($stage:expr, |$tx:ident| $work:expr) => {
        $stage
            .db
            .write(move |$tx| Box::pin(async move { $work.await }))
            .await
            .expect("the transaction commits")
    };
}

fn done(stage: &Stage, at_once: usize) -> Worker {
    Worker::start(&stage.queues, &stage.clock, at_once, |_| async {
        Outcome::Done
    })
}

fn count(runs: &[Ran], kind: &str) -> usize {
    runs.iter().filter(|run| run.kind == kind).count()
}

#[tokio::test]
async fn a_recipient_that_has_had_enough_waits_and_holds_up_nobody() {
    on_each(|stage| async move {
        let rate = PAIRS;
        in_tx!(stage, |tx| set_lane_rate(
            tx,
            Queue::Send,
            "a",
            &tenant("acme"),
            rate
        ));
        // More for one recipient than a claim looks at, then a few for others.
        let mut jobs: Vec<_> = (0..300)
            .map(|_| (stage.job("a", "crowd"), "to:1"))
            .collect();
        jobs.extend((0..4).map(|_| (stage.job("a", "others"), "to:2")));
        let first = jobs[5].0.id;
        stage.push_paired(jobs).await;
        let worker = done(&stage, 4);
        worker
            .until("both had their bursts", |runs| {
                count(runs, "crowd") >= 3 && count(runs, "others") >= 3
            })
            .await;
        stage.run_a_later_job(&worker).await;
        let ran = worker.ran();
        assert_eq!((count(&ran, "crowd"), count(&ran, "others")), (3, 3));
        let row = stage.row(first).await.expect("it waits");
        assert_eq!((row.state, row.attempt), (0, 0), "it cost no attempt");
        assert!(row.due_at > START_MS);

        for (advance, crowd, others) in [(5_999, 3, 3), (1, 4, 4), (6_000, 5, 4)] {
            stage.clock.advance(advance);
            worker
                .until("what is allowed ran", |runs| {
                    count(runs, "crowd") >= crowd && count(runs, "others") >= others
                })
                .await;
            stage.run_a_later_job(&worker).await;
            let ran = worker.ran();
            assert_eq!(
                (count(&ran, "crowd"), count(&ran, "others")),
                (crowd, others)
            );
        }
        worker.stop().await;
        stage.clock.advance(60_000);
        let worker = done(&stage, 1);
        stage.run_a_later_job(&worker).await;
        worker.stop().await;
        let left = "select count(*) from bucket where key = 'to:2'";
        assert_eq!(stage.count(left).await, 0, "what says nothing is removed");
    })
    .await;
}

#[tokio::test]
async fn a_provider_closes_one_recipient_with_or_without_a_rate() {
    on_each(|stage| async move {
        stage
            .push_paired(vec![(stage.job("a", "makes the lane"), "to:0")])
            .await;
        in_tx!(stage, |tx| pause_pair(
            tx,
            Queue::Send,
            "a",
            "to:1",
            START_MS + 6_000
        ));
        stage
            .push_paired(vec![
                (stage.job("a", "closed"), "to:1"),
                (stage.job("a", "open"), "to:2"),
            ])
            .await;
        let worker = done(&stage, 2);
        worker
            .until("the open one ran", |runs| count(runs, "open") == 1)
            .await;
        stage.clock.advance(5_999);
        stage.run_a_later_job(&worker).await;
        assert_eq!(count(&worker.ran(), "closed"), 0);
        stage.clock.advance(1);
        worker
            .until("the other ran", |runs| count(runs, "closed") == 1)
            .await;
        worker.stop().await;
    })
    .await;
}

async fn rate_of(stage: &Stage) -> i64 {
    stage
        .count("select interval_us from lane where lane = 'a'")
        .await
}

#[tokio::test]
async fn the_providers_word_beats_a_declared_rate_and_a_configured_one_is_a_ceiling() {
    on_each(|stage| async move {
        let set = async |per_second, is_ceiling| {
            let rate = LaneRate {
                per_second,
                burst: 8,
                is_ceiling,
                pair: None,
            };
            in_tx!(stage, |tx| set_lane_rate(
                tx,
                Queue::Send,
                "a",
                &tenant("acme"),
                rate
            ));
        };
        let say = async |per_second| {
            in_tx!(stage, |tx| say_lane_rate(
                tx,
                Queue::Send,
                "a",
                per_second,
                2
            ));
        };
        say(1_000).await;
        assert_eq!(
            stage.count("select count(*) from lane").await,
            0,
            "a lane that nobody made"
        );
        set(80, false).await;
        assert_eq!(rate_of(&stage).await, 12_500);
        say(1_000).await;
        assert_eq!(rate_of(&stage).await, 1_000);
        // A restart declares the same again.
        set(80, false).await;
        assert_eq!(rate_of(&stage).await, 1_000);
        set(50, true).await;
        assert_eq!(rate_of(&stage).await, 20_000);
        say(20).await;
        assert_eq!(rate_of(&stage).await, 50_000);
    })
    .await;
}

#[tokio::test]
async fn what_goes_another_way_counts_against_the_lane_but_never_closes_it_for_long() {
    on_each(|stage| async move {
        let rate = LaneRate {
            per_second: 10,
            burst: 2,
            is_ceiling: true,
            pair: None,
        };
        in_tx!(stage, |tx| set_lane_rate(
            tx,
            Queue::Send,
            "a",
            &tenant("acme"),
            rate
        ));
        in_tx!(stage, |tx| draw_from_lane(
            tx,
            Queue::Send,
            "a",
            1,
            START_MS
        ));
        stage
            .push((0..3).map(|_| stage.job("a", "job")).collect())
            .await;
        let worker = done(&stage, 4);
        worker
            .until("one ran", |runs| count(runs, "job") >= 1)
            .await;
        stage.run_a_later_job(&worker).await;
        assert_eq!(
            count(&worker.ran(), "job"),
            1,
            "the other place of two is taken"
        );
        // A backlog of ten thousand that is caught up on at once.
        in_tx!(stage, |tx| draw_from_lane(
            tx,
            Queue::Send,
            "a",
            10_000,
            START_MS
        ));
        stage.clock.advance(1_000);
        stage.run_a_later_job(&worker).await;
        assert_eq!(count(&worker.ran(), "job"), 1);
        stage.clock.advance(200);
        worker
            .until("it goes on", |runs| count(runs, "job") >= 2)
            .await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_named_limit_gives_its_tokens_and_then_says_when() {
    on_each(|stage| async move {
        let rate = Some(BucketRate {
            tokens: 2,
            per_ms: 1_000,
        });
        let draw_at = async |rate, now_ms| {
            in_tx!(stage, |tx| draw(
                tx,
                Queue::Send,
                "account:x",
                "uploads",
                rate,
                now_ms
            ))
        };
        assert_eq!(draw_at(rate, START_MS).await, None);
        assert_eq!(draw_at(rate, START_MS).await, None);
        assert_eq!(draw_at(rate, START_MS).await, Some(START_MS + 500));
        assert_eq!(draw_at(rate, START_MS + 500).await, None);
        in_tx!(stage, |tx| pause_bucket(
            tx,
            Queue::Send,
            "account:x",
            "uploads",
            rate,
            START_MS + 9_000
        ));
        assert_eq!(draw_at(rate, START_MS + 600).await, Some(START_MS + 9_000));
        assert_eq!(draw_at(rate, START_MS + 9_000).await, None);
        assert_eq!(
            draw_at(rate, START_MS + 9_000).await,
            Some(START_MS + 9_500),
            "what was closed opens for one at a time"
        );
        let other = in_tx!(stage, |tx| draw(
            tx,
            Queue::Send,
            "account:y",
            "uploads",
            None,
            START_MS
        ));
        assert_eq!(other, None, "another account's is another");
    })
    .await;
}

#[tokio::test]
async fn lanes_that_share_a_limit_pause_together() {
    on_each(|stage| async move {
        let lanes = ["a", "b", "c"];
        stage
            .push(lanes.map(|lane| stage.job(lane, "job")).to_vec())
            .await;
        let shared = vec!["a".to_owned(), "b".to_owned()];
        in_tx!(stage, |tx| pause_lanes(
            tx,
            Queue::Send,
            &shared,
            START_MS,
            START_MS + 10_000
        ));
        let worker = done(&stage, 4);
        worker.until("the third ran", |runs| runs.len() == 1).await;
        stage.clock.advance(9_999);
        stage.run_a_later_job(&worker).await;
        let lanes: Vec<_> = worker.ran().into_iter().map(|run| run.lane).collect();
        assert_eq!(lanes, ["c", "later"]);
        stage.clock.advance(1);
        worker.until("all ran", |runs| runs.len() == 4).await;
        assert_eq!(stage.clock.now_ms(), START_MS + 10_000);
        worker.stop().await;
    })
    .await;
}
