//! Jobs that do not end hold some of the workers, and never all.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wharf_queue::{NewJob, Outcome};

use super::stage::{Ran, Stage, Worker, on_each, tenant};

const AT_ONCE: usize = 30;
/// Of which one lane, and one tenant, may have so many.
const OF_LANE: usize = 6;
const OF_TENANT: usize = 10;

/// Jobs of kind `stuck` wait for a permit of the gate, all others end at once.
fn gated(stage: &Stage, gate: &Arc<Semaphore>) -> Worker {
    let gate = Arc::clone(gate);
    Worker::start(&stage.queues, &stage.clock, AT_ONCE, move |job| {
        let gate = Arc::clone(&gate);
        async move {
            if job.kind == "stuck" {
                let permit = gate.acquire().await.expect("the gate stays");
                permit.forget();
            }
            Outcome::Done
        }
    })
}

fn stuck(stage: &Stage, lane: &str) -> Vec<NewJob> {
    (0..100).map(|_| stage.job(lane, "stuck")).collect()
}

fn count(runs: &[Ran], kind: &str, lane: &str) -> usize {
    let of = |run: &&Ran| run.kind == kind && run.lane == lane;
    runs.iter().filter(of).count()
}

#[tokio::test]
async fn a_stuck_lane_holds_a_fifth_of_the_workers_and_its_tenants_other_lanes_go_on() {
    on_each(|stage| async move {
        let gate = Arc::new(Semaphore::new(0));
        stage.push(stuck(&stage, "hangs")).await;
        let worker = gated(&stage, &gate);
        worker
            .until("a fifth of the workers are held", |runs| {
                runs.len() == OF_LANE
            })
            .await;
        let others: Vec<_> = (0..50).map(|_| stage.job("goes on", "quick")).collect();
        stage.push(others).await;
        worker
            .until("the other lane's jobs ran", |runs| {
                count(runs, "quick", "goes on") == 50
            })
            .await;
        assert_eq!(count(&worker.ran(), "stuck", "hangs"), OF_LANE);
        gate.add_permits(100);
        worker
            .until("all of the stuck ones ran in the end", |runs| {
                count(runs, "stuck", "hangs") == 100
            })
            .await;
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_whose_lanes_are_all_stuck_leaves_workers_to_the_others() {
    on_each(|stage| async move {
        let gate = Arc::new(Semaphore::new(0));
        for lane in ["one", "two", "three", "four"] {
            stage.push(stuck(&stage, lane)).await;
        }
        let worker = gated(&stage, &gate);
        worker
            .until("a third of the workers are held", |runs| {
                runs.len() == OF_TENANT
            })
            .await;
        let others = (0..50).map(|_| {
            let mut job = stage.job("globex's", "quick");
            job.tenant = tenant("globex");
            job
        });
        stage.push(others.collect()).await;
        worker
            .until("the other tenant's jobs ran", |runs| {
                count(runs, "quick", "globex's") == 50
            })
            .await;
        assert_eq!(worker.ran().len(), OF_TENANT + 50);
        gate.add_permits(400);
        worker
            .until("all ran in the end", |runs| runs.len() == 450)
            .await;
        worker.stop().await;
    })
    .await;
}
