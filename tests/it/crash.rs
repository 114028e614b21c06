//! The crash test: the real binary is killed with SIGKILL at random moments, again and again, while
//! callers send and a provider posts. At the end nothing that was accepted may be lost, and nothing
//! final may have happened twice.
//!
//! A run is repeated with `WHARF_CRASH_SEED`, which gives the same moments, faults and traffic but
//! not the same scheduling; `WHARF_CRASH_ROUNDS` says how often each gateway is killed.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod gateway;
mod traffic;
mod verdict;
mod witness;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use secrecy::ExposeSecret;
use serde_json::Value;
use wharf_test_support::graph::{FakeGraphConfig, StatusPlan, WebhookRetry};
use wharf_test_support::postgres::{create_database, drop_database, unique_name};
use wharf_test_support::{FakeGraph, Sink};

use gateway::{Gateway, Surroundings, UNDER_WAY_MAX, fixed_port};
use traffic::{Callers, Memory};
use verdict::{Evidence, Verdict, judge};

const SQLITE_ROUNDS: usize = 80;
const POSTGRES_ROUNDS: usize = 50;
/// When a kill comes, counted from the moment the gateway is ready.
const KILL_AFTER_MS: std::ops::RangeInclusive<u64> = 20..=500;
/// Every so many kills one is counted from the start of the process, to hit its beginning too.
const EARLY_KILL_EVERY: usize = 5;
/// A round is half a second and a start; the rest is for a busy machine.
const ROUND_WITHIN: Duration = Duration::from_secs(120);
/// When the callers must have their last answers.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(60);
const SINK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const VIOLATIONS_SHOWN_MAX: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_and_nothing_happens_twice_on_sqlite() {
    let Some(built) = Built::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("wharf.db").display());
    Run::new("SQLite", SQLITE_ROUNDS)
        .play(&built, folder, &url)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_and_nothing_happens_twice_on_postgresql() {
    let Some(built) = Built::find() else { return };
    let Some(server) = needed("WHARF_TEST_POSTGRES_URL") else {
        return;
    };
    let name = unique_name("wharf_crash");
    let url = create_database(&server, &name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    Run::new("PostgreSQL", POSTGRES_ROUNDS)
        .play(&built, folder, &url)
        .await;
    // Only after a success: a failed test leaves its rows to look at.
    drop_database(&server, &name).unwrap();
}

/// What the test finds built.
struct Built {
    gateway: PathBuf,
    plugins: PathBuf,
}

impl Built {
    fn find() -> Option<Self> {
        Some(Self {
            gateway: needed("WHARF_BIN")?.into(),
            plugins: needed("WHARF_PLUGINS_DIST")?.into(),
        })
    }
}

struct Run {
    database: &'static str,
    rounds: usize,
    seed: u64,
    dice: StdRng,
    kills: usize,
}

/// Who is around while the gateway lives and dies.
struct Stage {
    gateway: Gateway,
    graph: Arc<FakeGraph>,
    sink: Sink,
    callers: Arc<Callers>,
}

impl Run {
    fn new(database: &'static str, rounds: usize) -> Self {
        let seed = number("WHARF_CRASH_SEED").unwrap_or_else(rand::random);
        let rounds = number("WHARF_CRASH_ROUNDS").map_or(rounds, |n| usize::try_from(n).unwrap());
        say(&format!(
            "crash test on {database}: {rounds} rounds, WHARF_CRASH_SEED={seed}"
        ));
        Self {
            database,
            rounds,
            seed,
            dice: StdRng::seed_from_u64(seed),
            kills: 0,
        }
    }

    async fn play(mut self, built: &Built, folder: tempfile::TempDir, url: &str) {
        let mut stage = self.stage(built, folder, url).await.unwrap();
        stage.gateway.keep_files(true);
        let kept = format!(
            "seed {}, files in {}",
            self.seed,
            stage.gateway.folder().display()
        );
        let (memories, inbound) = self.kill_again_and_again(&mut stage).await.expect(&kept);
        let evidence = self.gather(&stage, memories, inbound).await.expect(&kept);
        let verdict = judge(&evidence);
        say(&self.summary(&evidence, &verdict));
        let shown = &verdict.violations[..verdict.violations.len().min(VIOLATIONS_SHOWN_MAX)];
        assert!(
            verdict.violations.is_empty(),
            "{} violations, {kept}\n{}",
            verdict.violations.len(),
            shown.join("\n")
        );
        self.must_have_been_busy(&evidence, &verdict);
        stage.gateway.keep_files(false);
    }

    /// A run in which little happened proves little; on a busy machine a round is short.
    fn must_have_been_busy(&self, evidence: &Evidence, verdict: &Verdict) {
        let accepted = evidence.sends.iter().filter(|send| send.accepted).count();
        for (what, count) in [
            ("kills", evidence.kills),
            ("messages", evidence.asked.len()),
            ("accepted sends", accepted),
            ("texts in", evidence.inbound.len()),
            ("events", evidence.events.len()),
        ] {
            assert!(
                count * 2 >= self.rounds,
                "only {count} {what} in {} rounds",
                self.rounds
            );
        }
        let unknown = verdict.unknown_by_fault + verdict.unknown_by_kill;
        assert!(
            unknown < accepted,
            "{unknown} of {accepted} sends are unknown"
        );
    }

    /// The counterparts, and a gateway that has been ready once, so that its webhook is known.
    async fn stage(
        &mut self,
        built: &Built,
        folder: tempfile::TempDir,
        database_url: &str,
    ) -> anyhow::Result<Stage> {
        // The library leaves the choice of cryptography to its user, also where none is spoken.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let graph = FakeGraph::start(self.provider()).await?;
        let sink = Sink::start(SINK_SECRET).await?;
        let mut random = [0; 64];
        self.dice.fill(&mut random[..]);
        let key = wharf_core::api_key::create(&random);
        let around = Surroundings {
            database_url,
            plugins_dir: &built.plugins,
            graph: &graph,
            sink_url: &sink.url(),
            sink_secret: SINK_SECRET,
            key_hash: &key.hash,
        };
        let port = fixed_port(&mut self.dice)?;
        let mut gateway = Gateway::new(built.gateway.clone(), folder, port, &around)?;
        let callers = Arc::new(Callers {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: gateway.url(),
            key: key.key.expose_secret().to_owned(),
            seed: self.seed,
            stop: Arc::new(AtomicBool::new(false)),
        });
        gateway.start()?;
        gateway.ready(&callers.client).await?;
        graph.set_callback_url(webhook_url(&callers).await?);
        graph.verify_subscription().await?;
        Ok(Stage {
            gateway,
            graph: Arc::new(graph),
            sink,
            callers,
        })
    }

    /// A provider that reports each status twice and the last one first, and repeats soon.
    fn provider(&self) -> FakeGraphConfig {
        FakeGraphConfig {
            statuses: StatusPlan::paced(Duration::from_millis(10)).duplicated_and_reversed(),
            webhook_retry: WebhookRetry {
                first: Duration::from_millis(20),
                longest: Duration::from_millis(500),
                timeout: Duration::from_secs(10),
                concurrent_max: 32,
                ..WebhookRetry::default()
            },
            seed: self.seed,
            ..FakeGraphConfig::default()
        }
    }

    /// Returns with a gateway that runs and has answered every caller.
    async fn kill_again_and_again(
        &mut self,
        stage: &mut Stage,
    ) -> anyhow::Result<(Vec<Memory>, BTreeSet<String>)> {
        let callers = traffic::start_callers(&stage.callers);
        let customers = tokio::spawn(traffic::customers_write(
            Arc::clone(&stage.graph),
            self.seed,
            Arc::clone(&stage.callers.stop),
        ));
        traffic::provider_fails(&stage.graph);
        for round in 1..=self.rounds {
            traffic::endpoint_fails(&stage.sink, &mut self.dice);
            tokio::time::timeout(ROUND_WITHIN, self.round(stage, round))
                .await
                .with_context(|| format!("round {round} did not end within {ROUND_WITHIN:?}"))??;
        }
        stage.gateway.ready(&stage.callers.client).await?;
        stage.graph.clear_faults();
        stage.sink.recover();
        stage.callers.stop.store(true, Ordering::Relaxed);
        let memories = futures_util::future::try_join_all(callers);
        let memories = tokio::time::timeout(LAST_ANSWERS_WITHIN, memories)
            .await
            .context("callers are still without an answer")??;
        Ok((memories, customers.await?))
    }

    /// One life of the gateway: it becomes ready, unless it is to die before, and is killed and started.
    async fn round(&mut self, stage: &mut Stage, round: usize) -> anyhow::Result<()> {
        if !round.is_multiple_of(EARLY_KILL_EVERY) {
            stage.gateway.ready(&stage.callers.client).await?;
        }
        let moment = Duration::from_millis(self.dice.random_range(KILL_AFTER_MS));
        tokio::time::sleep(moment).await;
        stage.gateway.kill()?;
        self.kills += 1;
        stage.gateway.start()
    }

    async fn gather(
        &self,
        stage: &Stage,
        memories: Vec<Memory>,
        inbound: BTreeSet<String>,
    ) -> anyhow::Result<Evidence> {
        witness::drained(&stage.gateway, &stage.graph).await?;
        let mut complaints = witness::complaints(&stage.graph, &stage.sink);
        complaints.extend(stage.gateway.panics()?);
        let (mut asked, mut told, mut requests) = (Vec::new(), BTreeSet::new(), 0);
        for memory in memories {
            told.extend(memory.asked.iter().flat_map(|asked| asked.told.clone()));
            asked.extend(memory.asked);
            requests += memory.requests;
            complaints.extend(memory.complaints);
        }
        Ok(Evidence {
            stored: witness::stored(&stage.callers, told).await?,
            asked,
            requests,
            sends: witness::sends(&stage.graph),
            inbound,
            events: witness::events(&stage.sink)?,
            dead: witness::dead(&stage.gateway).await?,
            complaints,
            kills: self.kills,
            concurrency: UNDER_WAY_MAX,
        })
    }

    fn summary(&self, evidence: &Evidence, verdict: &Verdict) -> String {
        let accepted = evidence.sends.iter().filter(|send| send.accepted).count();
        let ambiguous = evidence.sends.iter().filter(|send| send.ambiguous).count();
        format!(
            "crash test on {}: {} rounds, {} kills, {} messages in {} requests, {} sends ({accepted} accepted, {ambiguous} ambiguous), \
             {} texts in, {} events, unknown {} by fault and {} by kill (at most {}), {} failed, seed {}: {} violations",
            self.database,
            self.rounds,
            evidence.kills,
            evidence.asked.len(),
            evidence.requests,
            evidence.sends.len(),
            evidence.inbound.len(),
            evidence.events.len(),
            verdict.unknown_by_fault,
            verdict.unknown_by_kill,
            evidence.kills * evidence.concurrency,
            verdict.failed,
            self.seed,
            verdict.violations.len(),
        )
    }
}

/// Where the API says that the channel's provider must call.
async fn webhook_url(callers: &Callers) -> anyhow::Result<String> {
    let answer = callers
        .client
        .get(format!("{}/v1/channels", callers.url))
        .bearer_auth(&callers.key)
        .send()
        .await?
        .error_for_status()?;
    let channels: Value = answer.json().await?;
    let url = channels["data"][0]["webhook_urls"]["main"].as_str();
    url.map(str::to_owned)
        .with_context(|| format!("no webhook URL in {channels}"))
}

/// Past the test harness, which hides what a passing test prints.
fn say(line: &str) {
    let mut past_the_harness = std::io::stderr();
    writeln!(past_the_harness, "\n{line}").unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own switches, which the task `test` sets"
)]
fn switch(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    switch(name).map(|text| text.parse().unwrap())
}

/// What the test cannot do without: skipped loudly, and never in CI.
fn needed(name: &str) -> Option<String> {
    let value = switch(name);
    if value.is_none() {
        let skipped = format!("SKIPPED the crash test: {name} is not set");
        assert!(switch("CI").as_deref() != Some("true"), "{skipped}");
        say(&skipped);
    }
    value
}
