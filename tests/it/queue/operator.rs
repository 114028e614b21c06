//! What an operator sees and does.

use wharf_core::JobId;
use wharf_queue::{DeadFilter, NewJob, Outcome, Queue, QueueStatus, failed, flush, retry, status};

use super::stage::{START_MS, Stage, Worker, on_each, tenant};

async fn status_of(stage: &Stage, now_ms: i64) -> Vec<QueueStatus> {
    let mut conn = stage.db.read().await.expect("a connection");
    status(&mut conn, now_ms).await.expect("the status reads")
}

async fn retry_dead(stage: &Stage, queue: Option<Queue>, ids: Option<Vec<JobId>>) -> u64 {
    stage
        .db
        .write(move |tx| {
            Box::pin(async move {
                let acme = tenant("acme");
                let filter = DeadFilter {
                    tenant: Some(&acme),
                    queue,
                    ids: ids.as_deref(),
                    ..DeadFilter::default()
                };
                retry(tx, filter, START_MS).await
            })
        })
        .await
        .expect("the retry commits")
}

async fn flush_dead(stage: &Stage, of: &'static str) -> u64 {
    stage
        .db
        .write(move |tx| {
            Box::pin(async move {
                let tenant = tenant(of);
                flush(
                    tx,
                    DeadFilter {
                        tenant: Some(&tenant),
                        ..DeadFilter::default()
                    },
                )
                .await
            })
        })
        .await
        .expect("the flush commits")
}

/// Three dead letters of acme, one of them in another queue, and one of another tenant.
async fn four_dead(stage: &Stage) -> Vec<NewJob> {
    let mut jobs: Vec<_> = (0..4).map(|_| stage.job("a", "dead")).collect();
    jobs[2].queue = Queue::Delivery;
    jobs[3].tenant = tenant("other");
    jobs[3].lane = "other".to_owned();
    stage.push(jobs.clone()).await;
    stage
        .sql("update job set state = 2, attempt = 5, reason = 'no', dead_at = due_at + 1")
        .await;
    jobs
}

#[tokio::test]
async fn status_counts_each_queue() {
    on_each(|stage| async move {
        let mut jobs: Vec<_> = (0..5).map(|_| stage.job("a", "any")).collect();
        jobs[0].due_at = START_MS + 60_000;
        jobs[1].queue = Queue::Media;
        jobs[2].order_key = Some("x".to_owned());
        jobs[3].order_key = Some("x".to_owned());
        stage.push(jobs).await;
        let all = status_of(&stage, START_MS + 700).await;
        assert_eq!(all.iter().map(|s| s.queue).collect::<Vec<_>>(), Queue::ALL);
        let send = &all[0];
        assert_eq!((send.pending, send.due, send.leased, send.dead), (4, 2, 0, 0));
        assert_eq!(send.oldest_due_age_ms, Some(700));
        assert_eq!((all[3].pending, all[3].due), (1, 1));
        assert_eq!((all[4].pending, all[4].oldest_due_age_ms), (0, None));
        stage.sql("update job set state = 2, dead_at = due_at where queue = 'media'").await;
        stage.sql("update job set state = 1, lease_until = due_at where order_key is null and state = 0").await;
        let all = status_of(&stage, START_MS).await;
        assert_eq!((all[0].pending, all[0].leased, all[3].dead), (2, 2, 1));
    })
    .await;
}

#[tokio::test]
async fn failed_lists_newest_first_page_by_page_within_the_tenant() {
    on_each(|stage| async move {
        let jobs = four_dead(&stage).await;
        let acme = tenant("acme");
        let mut conn = stage.db.read().await.expect("a connection");
        let page = failed(&mut conn, Some(&acme), None, None, 2)
            .await
            .expect("a page");
        let ids: Vec<_> = page.iter().map(|job| job.id.clone()).collect();
        assert_eq!(ids, [jobs[2].id.bare(), jobs[1].id.bare()]);
        assert_eq!((page[0].queue.as_str(), page[0].attempt), ("delivery", 5));
        assert_eq!(
            (page[0].reason.as_deref(), page[0].dead_at),
            (Some("no"), START_MS + 1)
        );
        let rest = failed(&mut conn, Some(&acme), None, Some(&ids[1]), 2)
            .await
            .expect("a page");
        assert_eq!(
            rest.iter().map(|job| &job.id).collect::<Vec<_>>(),
            [&jobs[0].id.bare()]
        );
        let sends = failed(&mut conn, None, Some(Queue::Send), None, 10)
            .await
            .expect("a page");
        assert_eq!(sends.len(), 3, "of every tenant");
    })
    .await;
}

#[tokio::test]
async fn retry_runs_dead_letters_again_and_flush_removes_them_within_the_tenant() {
    on_each(|stage| async move {
        let jobs = four_dead(&stage).await;
        assert_eq!(
            retry_dead(&stage, None, Some(vec![jobs[3].id])).await,
            0,
            "not acme's"
        );
        assert_eq!(retry_dead(&stage, Some(Queue::Media), None).await, 0);
        assert_eq!(retry_dead(&stage, None, Some(vec![jobs[0].id])).await, 1);
        let row = stage.row(jobs[0].id).await.expect("pending");
        assert_eq!((row.state, row.attempt, row.reason), (0, 0, None));
        assert_eq!(
            retry_dead(&stage, Some(Queue::Send), None).await,
            1,
            "the other one of acme"
        );
        let worker = Worker::start(&stage.queues, &stage.clock, 1, |_| async { Outcome::Done });
        worker.until("both ran again", |runs| runs.len() == 2).await;
        assert!(worker.stop().await.iter().all(|run| run.attempt == 1));

        assert_eq!(flush_dead(&stage, "acme").await, 1, "the delivery");
        assert_eq!(flush_dead(&stage, "acme").await, 0);
        assert_eq!(
            stage
                .count("select count(*) from job where state = 2")
                .await,
            1,
            "other's"
        );
    })
    .await;
}

#[tokio::test]
async fn a_retried_dead_letter_waits_for_the_running_one_of_its_order_key() {
    on_each(|stage| async move {
        let keyed = || {
            let mut job = stage.job("a", "keyed");
            job.order_key = Some("x".to_owned());
            job
        };
        let (dead, next) = (keyed(), keyed());
        stage.push(vec![dead.clone()]).await;
        stage
            .sql("update job set state = 2, dead_at = due_at")
            .await;
        stage.push(vec![next.clone()]).await;
        assert_eq!(retry_dead(&stage, None, Some(vec![dead.id])).await, 1);
        assert_eq!(
            stage.row(dead.id).await.expect("kept").state,
            3,
            "behind the next"
        );
        let worker = Worker::start(&stage.queues, &stage.clock, 4, |_| async { Outcome::Done });
        worker.until("both ran", |runs| runs.len() == 2).await;
        let order: Vec<_> = worker.stop().await.iter().map(|run| run.id).collect();
        assert_eq!(order, [next.id, dead.id]);
    })
    .await;
}
