//! `hostile_p99_ratio`: what a tenant notices of another one whose plugin means harm.
//!
//! Both send all the time. One sends texts through the graph plugin at a third of what fits, and each
//! request is timed. The other sends at the pace of a WhatsApp number; in the runs with the hostile
//! guest its channel goes through that, in the runs without through the same plugin without the harm.
//! So the ratio of the two 99th percentiles is what the harm adds, and nothing else.
//!
//! The two runs of a pair take turns slice by slice, for the machine stalls now and then, and a stall of
//! some seconds that met only one of them would decide the pair.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use wharf::Gateway;
use wharf_hostile::{HOST, Hostile, REDIRECTING, SENDER};
use wharf_store::on_db;
use wharf_test_support::graph::StatusPlan;
use wharf_test_support::{FakeGraph, FakeGraphConfig};

use crate::client::{Target, post};
use crate::gateway::{self, Files, texts};
use crate::report::{Goal, Row};
use crate::{Bench, rounds};

/// Requests of one run.
pub(crate) const REQUESTS: u32 = 5_000;
/// Pairs of runs; the median of their ratios counts.
const PAIRS: usize = 5;
/// Slices of a run, each about a second long.
const SLICES: u32 = 10;
/// Of the full load, while latency is measured.
const LOAD: f64 = 1.0 / 3.0;
/// The tenant with the hostile plugin sends at the pace that a WhatsApp number has by default.
const MESSAGES_PER_S: u32 = 80;
/// And its provider calls back as often as it delivers such messages in batches.
const WEBHOOKS_PER_S: u32 = 10;
const TENANT: &str = "mallory";
/// The two channels of that tenant, each named like its plugin.
const HOSTILE: &str = "hostile";
const HARMLESS: &str = "harmless";
/// How long what a run left in the queues may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);
/// The state of a job that a worker has, as it is stored.
const LEASED: i64 = 1;
/// Requests the fake remembers: it is not asked about them.
const RECORDS_MAX: usize = 100;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let entries = chosen(&bench.options.entries)?;
    let peers = Peers::start(bench)?;
    let full = full_load(bench, &peers)?;
    let per_s = full * LOAD;
    eprintln!("  full load {full:.0} messages/s, measured at {per_s:.0}/s");
    let mut worst = (0.0, "");
    for (number, hostile) in entries.iter().enumerate() {
        let ratio = pairs(bench, &peers, hostile, per_s)?;
        eprintln!(
            "  [{}/{}] {}: {ratio:.3}",
            number + 1,
            entries.len(),
            hostile.name
        );
        if ratio > worst.0 {
            worst = (ratio, hostile.name);
        }
    }
    eprintln!("  worst: {}", worst.1);
    Ok(Row {
        name: "hostile_p99_ratio",
        value: worst.0,
        unit: "ratio",
        goal: Goal::AtMost(1.10),
        counterpart: None,
    })
}

/// Those that press on what tenants share, unless others are named.
fn chosen(names: &[String]) -> anyhow::Result<Vec<Hostile>> {
    let mut entries = wharf_hostile::all();
    entries.retain(|hostile| hostile.contained.is_in_service());
    for name in names {
        let known = name == "all" || entries.iter().any(|hostile| hostile.name == *name);
        ensure!(known, "no hostile plugin in service is called {name}");
    }
    let all = names.iter().any(|name| name == "all");
    entries.retain(|hostile| match names.is_empty() {
        true => hostile.strains,
        false => all || names.iter().any(|name| name == hostile.name),
    });
    Ok(entries)
}

/// The counterparts of both tenants.
struct Peers {
    graph: FakeGraph,
    hostile: SocketAddr,
}

impl Peers {
    fn start(bench: &Bench) -> anyhow::Result<Self> {
        bench.peer.block_on(async {
            let graph = FakeGraph::start(FakeGraphConfig {
                statuses: StatusPlan::off(),
                records_max: RECORDS_MAX,
                ..FakeGraphConfig::default()
            })
            .await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let hostile = listener.local_addr()?;
            let redirect = || async {
                let to = "http://169.254.169.254/latest/meta-data/";
                (StatusCode::FOUND, [(LOCATION, to)]).into_response()
            };
            let router = Router::new()
                .route(REDIRECTING, axum::routing::get(redirect))
                .fallback(|| async { "{}" });
            tokio::spawn(async { axum::serve(listener, router).await });
            Ok(Self { graph, hostile })
        })
    }
}

/// A gateway with both tenants, and what each of them asks.
struct Stage<'a> {
    bench: &'a Bench,
    gateway: Gateway,
    honest: Target,
    hostile: Disturber,
    harmless: Disturber,
    _files: Files,
}

/// How the other tenant acts through one of its plugins.
struct Disturber {
    target: Target,
    per_s: u32,
}

impl<'a> Stage<'a> {
    fn new(bench: &'a Bench, peers: &Peers, entry: Option<&Hostile>) -> anyhow::Result<Self> {
        let files = Files::write(bench, "127.0.0.1:0", &peers.graph.url())?;
        files.connect(HOST, &format!("http://{}", peers.hostile))?;
        let harmless = wharf_hostile::harmless();
        files.add_plugin(HARMLESS, &harmless)?;
        files.add_plugin(HOSTILE, &entry.map_or(harmless, Hostile::component))?;
        let channels: String = [HOSTILE, HARMLESS].map(channel_file).concat();
        let key = files.add_tenant(TENANT, &channels)?;
        let gateway = bench.host.block_on(files.start())?;
        let by_webhook = entry.is_some_and(|entry| entry.contained.is_by_webhook());
        let disturber = |channel: &str| -> anyhow::Result<Disturber> {
            Ok(match by_webhook {
                false => Disturber {
                    target: texts(gateway.address(), &key, channel),
                    per_s: MESSAGES_PER_S,
                },
                true => Disturber {
                    target: webhook(bench, &gateway, channel)?,
                    per_s: WEBHOOKS_PER_S,
                },
            })
        };
        Ok(Self {
            honest: files.messages(&gateway),
            hostile: disturber(HOSTILE)?,
            harmless: disturber(HARMLESS)?,
            bench,
            gateway,
            _files: files,
        })
    }

    /// How long each request of one slice took.
    fn slice(&self, beside: &Disturber, per_s: f64) -> anyhow::Result<Vec<Duration>> {
        let client = &self.bench.client;
        let disturbance = client.beside(&beside.target, beside.per_s);
        let requests = self.bench.options.requests.div_ceil(SLICES);
        let took = client.paced(&self.honest, per_s, requests)?;
        ensure!(
            disturbance.answered() > 0,
            "the other tenant got no answer at all"
        );
        drop(disturbance);
        self.settle()?;
        Ok(took)
    }

    /// Lets the honest tenant's messages go out and what runs of the other's end, and throws away what
    /// else the other left, so that the next slice begins like this one.
    fn settle(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let honest = format!("queue = 'send' and tenant_id = '{}'", gateway::TENANT);
        let others = format!("tenant_id = '{TENANT}'");
        loop {
            self.drop_waiting()?;
            if !self.exists(&honest)? && !self.exists(&others)? {
                return Ok(());
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "jobs were left after {PATIENCE:?}"
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Throws away what waits of the tenant with the hostile plugin.
    fn drop_waiting(&self) -> anyhow::Result<()> {
        let app = self.gateway.app().clone();
        self.bench.host.block_on(async move {
            app.db
                .write(|tx| {
                    Box::pin(async move {
                        on_db!(&mut **tx, |c| {
                            sqlx::query("delete from job where tenant_id = $1 and state <> $2")
                                .bind(TENANT)
                                .bind(LEASED)
                                .execute(c)
                                .await
                                .map(drop)
                        })
                        .map_err(|error| wharf_store::StoreError::Refused(error.to_string()))
                    })
                })
                .await
        })?;
        Ok(())
    }

    fn exists(&self, which: &str) -> anyhow::Result<bool> {
        let sql = format!("select exists (select 1 from job where {which})");
        self.bench.host.block_on(async {
            let mut conn = self.gateway.app().db.read().await?;
            let sql = sqlx::AssertSqlSafe(sql);
            let found: i64 = on_db!(&mut conn, |c| sqlx::query_scalar(sql).fetch_one(c).await)
                .context("could not look for jobs")?;
            Ok(found != 0)
        })
    }
}

/// Messages a second from the first POST until all have gone out, with nothing else going on.
fn full_load(bench: &Bench, peers: &Peers) -> anyhow::Result<f64> {
    let stage = Stage::new(bench, peers, None)?;
    let messages = u64::from(bench.options.requests);
    let round = || {
        let started = Instant::now();
        bench.client.exactly(&stage.honest, messages)?;
        stage.settle()?;
        Ok(messages as f64 / started.elapsed().as_secs_f64())
    };
    let full = rounds::alone(round)?;
    gateway::stop(bench, stage.gateway);
    Ok(full)
}

/// The median of the ratios of runs with and without.
fn pairs(bench: &Bench, peers: &Peers, entry: &Hostile, per_s: f64) -> anyhow::Result<f64> {
    let stage = Stage::new(bench, peers, Some(entry))?;
    // What a first run meets once (connections, pages of the database) is no matter of either.
    for _ in 0..SLICES {
        stage.slice(&stage.harmless, per_s)?;
    }
    let mut ratios = Vec::new();
    for _ in 0..PAIRS {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for slice in 0..SLICES {
            // Neither is always the first.
            let order = match slice % 2 {
                0 => [true, false],
                _ => [false, true],
            };
            for harmed in order {
                let (beside, took) = match harmed {
                    true => (&stage.hostile, &mut with),
                    false => (&stage.harmless, &mut without),
                };
                took.extend(stage.slice(beside, per_s)?);
            }
        }
        let (with, without) = (Percentiles::of(with), Percentiles::of(without));
        eprintln!("    {}: {with} with, {without} without", entry.name);
        ratios.push(with.p99 / without.p99);
    }
    gateway::stop(bench, stage.gateway);
    Ok(rounds::median(ratios))
}

/// In milliseconds.
struct Percentiles {
    p50: f64,
    p99: f64,
}

impl Percentiles {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at = |percent: usize| took[took.len() * percent / 100].as_secs_f64() * 1e3;
        Self {
            p50: at(50),
            p99: at(99),
        }
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:.2} ms, p99 {:.2} ms", self.p50, self.p99)
    }
}

fn channel_file(name: &str) -> String {
    format!(
        "[channels.{name}]\nplugin = \"{name}\"\nsettings = {{ sender = \"{SENDER}\" }}\n\
         secrets = {{ token = \"a-token\" }}\n\n"
    )
}

/// A call of the provider, at the address that only the channel's owner knows.
fn webhook(bench: &Bench, gateway: &Gateway, channel: &str) -> anyhow::Result<Target> {
    let tenant = TENANT.parse()?;
    let directory = &gateway.app().directory;
    let found = bench
        .host
        .block_on(directory.channel(&tenant, &channel.parse()?))?;
    let found = found.context("the channel is not there")?;
    let url = found
        .webhook_urls
        .get("main")
        .context("it has no webhook")?;
    let path = url
        .find("//")
        .and_then(|at| url[at + 2..].find('/').map(|slash| at + 2 + slash))
        .context("the webhook's address has no path")?;
    Ok(Target {
        address: gateway.address(),
        requests: vec![post(&url[path..], &[], b"01J9ZQ5Y3W8V7T6S5R4Q3P2N1M")].into(),
        status: 200,
    })
}
