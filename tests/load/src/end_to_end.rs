//! `end_to_end_per_s`: from the POST to the stored outcome `accepted`, through the plugin and a fake of
//! Meta's Graph API that sends no status webhooks.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use wharf::Gateway;
use wharf_store::on_db;
use wharf_test_support::graph::StatusPlan;
use wharf_test_support::{FakeGraph, FakeGraphConfig};

use crate::client::Target;
use crate::gateway::{self, Files};
use crate::report::{Goal, Row};
use crate::{Bench, rounds};

/// Messages of one round.
const MESSAGES: u64 = 5_000;
/// How long the last of them may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the table is asked once all are posted.
const LOOK: Duration = Duration::from_millis(10);
/// Requests the fake remembers: it is not asked about them.
const RECORDS_MAX: usize = 100;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let fake = bench.peer.block_on(FakeGraph::start(FakeGraphConfig {
        statuses: StatusPlan::off(),
        records_max: RECORDS_MAX,
        ..FakeGraphConfig::default()
    }))?;
    let files = Files::write(bench, "127.0.0.1:0", &fake.url())?;
    let gateway = bench.host.block_on(files.start())?;
    let messages = files.messages(&gateway);
    let value = rounds::alone(|| round(bench, &gateway, &messages))?;
    gateway::stop(bench, gateway);
    Ok(Row {
        name: "end_to_end_per_s",
        value,
        unit: "1/s",
        goal: Goal::AtLeast(1000.0),
        counterpart: None,
    })
}

fn round(bench: &Bench, gateway: &Gateway, messages: &Target) -> anyhow::Result<f64> {
    let before = bench.host.block_on(accepted(gateway))?;
    let started = Instant::now();
    bench.client.exactly(messages, MESSAGES)?;
    let posted = started.elapsed();
    while bench.host.block_on(anything_left(gateway))? {
        ensure!(
            started.elapsed() < PATIENCE,
            "not all of {MESSAGES} messages were sent within {PATIENCE:?}"
        );
        std::thread::sleep(LOOK);
    }
    let all = started.elapsed();
    let done = bench.host.block_on(accepted(gateway))? - before;
    ensure!(
        done == i64::try_from(MESSAGES)?,
        "{done} of {MESSAGES} messages were accepted"
    );
    eprintln!(
        "  posted within {:.2} s, sent within {:.2} s",
        posted.as_secs_f64(),
        all.as_secs_f64()
    );
    Ok(MESSAGES as f64 / all.as_secs_f64())
}

/// Whether a send is pending or under way: one row at most is read, unlike by counting.
async fn anything_left(gateway: &Gateway) -> anyhow::Result<bool> {
    let mut conn = gateway.app().db.read().await?;
    let left: i64 = on_db!(&mut conn, |c| sqlx::query_scalar(
        "select exists (select 1 from job where queue = 'send')"
    )
    .fetch_one(c)
    .await)
    .context("could not look for jobs")?;
    Ok(left != 0)
}

async fn accepted(gateway: &Gateway) -> anyhow::Result<i64> {
    let mut conn = gateway.app().db.read().await?;
    on_db!(&mut conn, |c| sqlx::query_scalar(
        "select count(*) from attempt where outcome = 'accepted'"
    )
    .fetch_one(c)
    .await)
    .context("could not count what was accepted")
}
