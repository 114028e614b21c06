//! A whole gateway in this process: real configuration files, a real database, the built plugins,
//! and counterparts on loopback that complain about every mistake.
//!
//! A test says what is special about its gateway, sends, and looks at what a user could see. What
//! holds after every test (nothing left in the queues, nothing wrong with what was sent, no secret
//! anywhere) is checked here, in `audit`.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod audit;
mod client;
mod counterparts;
mod logs;
mod plugins;
mod setup;

use std::cell::Cell;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::query_scalar;
use tempfile::TempDir;
use wharf::Gateway;
use wharf::gateway;
use wharf_core::MessageId;
use wharf_runtime::{Plugin, Registry};
use wharf_store::{Db, DbConfig, on_db};
use wharf_test_support::{FakeDialog360, FakeGraph, FakeTwilio, Sink, eventually, graph};

use crate::databases::each_empty;

pub(crate) use client::{Answer, Call};
pub(crate) use logs::all as logged;
pub(crate) use plugins::with_own_digest;
pub(crate) use setup::{ACME, Credentials, GLOBEX, PLAYGROUND, SENDER, Setup, TO};

/// The address of all gateways of tests, where providers and media links find them.
pub(crate) const PUBLIC_URL: &str = "https://wharf.example.com";

/// How long a fact may take to come true. Generous: the machine may be busy with other tests.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// A running gateway, its three tenants and its counterparts.
pub(crate) struct TestGateway {
    gateway: Gateway,
    /// Meta's Graph API: what `acme` and `globex` send through.
    pub(crate) graph: FakeGraph,
    /// 360dialog and Twilio, where the test wants them.
    counterparts: counterparts::Counterparts,
    /// The endpoint of `acme` and of `playground`.
    pub(crate) sink: Sink,
    pub(crate) credentials: Credentials,
    http: reqwest::Client,
    dead_expected: Cell<i64>,
    _folder: TempDir,
}

/// Runs a test against a fresh gateway on each database.
pub(crate) async fn each(test: impl AsyncFn(&TestGateway)) {
    each_with(|_| {}, test).await;
}

/// As [`each`], with something changed before the start.
pub(crate) async fn each_with(adjust: impl Fn(&mut Setup), test: impl AsyncFn(&TestGateway)) {
    let Some(plugins) = plugins::shipped().await else {
        return;
    };
    logs::start();
    each_empty(async |database| {
        let mut setup = Setup::new();
        adjust(&mut setup);
        let gateway = TestGateway::start(setup, &database, plugins).await;
        test(&gateway).await;
        gateway.stop().await;
    })
    .await;
}

/// The plugins that ship, by their names. `None`, loudly, when they are not there.
pub(crate) async fn shipped() -> Option<&'static [Arc<Plugin>]> {
    Some(&plugins::shipped().await?.all)
}

impl TestGateway {
    async fn start(mut setup: Setup, database: &DbConfig, plugins: &plugins::Shipped) -> Self {
        let graph = FakeGraph::start(setup.graph.clone()).await.unwrap();
        let counterparts = counterparts::Counterparts::start(&setup).await;
        counterparts.redirect(&mut setup, &graph);
        let sink = Sink::start(&*setup.credentials.endpoint_secret)
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = setup.load(folder.path(), &database.url, &graph.url(), &sink.url());
        let mut all = plugins.all.clone();
        for (name, component) in setup.plugins {
            all.push(plugins.runtime.load(name, component).await.unwrap());
        }
        let opened = gateway::open(config).await.unwrap();
        let gateway = Gateway::start_with(opened, Arc::new(Registry::new(all)))
            .await
            .unwrap();
        let started = Self {
            // Only now: the gateway has chosen the process's cryptography by then.
            http: reqwest::Client::builder().build().unwrap(),
            gateway,
            graph,
            counterparts,
            sink,
            credentials: setup.credentials,
            dead_expected: Cell::new(0),
            _folder: folder,
        };
        started
            .graph
            .set_callback_url(started.url("/api/whatsapp/webhook"));
        started.counterparts.learn_webhooks(&started).await;
        started
    }

    /// Checks what must hold after every test, then stops the gateway.
    async fn stop(self) {
        self.audit().await;
        let stopped = tokio::time::timeout(WAIT, self.gateway.stop()).await;
        assert!(
            stopped.is_ok(),
            "the gateway did not stop: {}",
            logs::last(50)
        );
    }

    /// The fake of 360dialog, which the test asked for.
    pub(crate) fn dialog360(&self) -> &FakeDialog360 {
        self.counterparts.dialog360.as_ref().unwrap()
    }

    /// The fake of Twilio, which the test asked for.
    pub(crate) fn twilio(&self) -> &FakeTwilio {
        self.counterparts.twilio.as_ref().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address())
    }

    pub(crate) fn db(&self) -> &Db {
        &self.gateway.app().db
    }

    /// For what an operator does beside the API.
    pub(crate) fn app(&self) -> &Arc<wharf::app::App> {
        self.gateway.app()
    }

    /// This many dead letters are right at the end; none, unless a test says so.
    pub(crate) fn expect_dead_letters(&self, count: i64) {
        self.dead_expected.set(count);
    }

    // --- sending and looking ------------------------------------------------------------------

    /// A request by `acme`, with JSON when there is a body.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call::new(self, method, path).key(&self.credentials.key_of(ACME))
    }

    /// `POST /v1/messages` by `acme`.
    pub(crate) async fn send(&self, body: Value) -> Answer {
        self.call("POST", "/v1/messages").json(&body).await
    }

    /// A text that must be accepted; returns its id.
    pub(crate) async fn send_text(&self, text: &str) -> String {
        let answer = self
            .send(json!({ "to": TO, "text": { "body": text } }))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.id()
    }

    /// The message with its timeline, as `acme` reads it.
    pub(crate) async fn message(&self, id: &str) -> Value {
        let answer = self
            .call("GET", &format!("/v1/messages/{id}"))
            .empty()
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// Waits until the message shows this status; returns it with its timeline.
    pub(crate) async fn wait_status(&self, id: &str, status: &str) -> Value {
        self.wait_message(id, |message| message["status"] == status)
            .await
    }

    /// Waits until the message was read and the gateway noted how each attempt ended, which a status may overtake.
    pub(crate) async fn wait_read(&self, id: &str) -> Value {
        let wanted = |message: &Value| {
            let begun = timeline(message, "attempt_started").count();
            message["status"] == "read" && timeline(message, "attempt_ended").count() == begun
        };
        self.wait_message(id, wanted).await
    }

    /// Waits until the message is as wanted; says what it was like when it never becomes so.
    pub(crate) async fn wait_message(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = eventually(WAIT, || async {
            Some(self.message(id).await).filter(|message| wanted(message))
        })
        .await;
        match found {
            Ok(message) => message,
            Err(error) => panic!("{error}: {:#}", self.message(id).await),
        }
    }

    /// Waits for this many deliveries that the sink took.
    pub(crate) async fn wait_delivered(&self, count: usize) -> Vec<Value> {
        let found = eventually(WAIT, || async {
            Some(self.delivered()).filter(|events| events.len() >= count)
        })
        .await;
        found.unwrap_or_else(|error| panic!("{error}: {:?}", self.sink.deliveries()))
    }

    /// Bodies of the deliveries that the sink took, in their order.
    pub(crate) fn delivered(&self) -> Vec<Value> {
        self.sink
            .deliveries()
            .iter()
            .filter(|delivery| delivery.acknowledged())
            .map(|delivery| serde_json::from_slice(&delivery.body).unwrap())
            .collect()
    }

    /// Meta reports a status of a message that it took; the webhook is repeated until acknowledged.
    pub(crate) fn report(&self, id: &str, status: &str) {
        self.graph.deliver(self.status_webhook(id, status));
    }

    /// The webhook of such a report.
    pub(crate) fn status_webhook(&self, id: &str, status: &str) -> Value {
        let sends = self.graph.accepted_by_callback_data();
        let taken = sends.get(&bare(id)).and_then(|sends| sends.first());
        let taken = taken.unwrap_or_else(|| panic!("{id} was not sent"));
        let (send, wamid) = (taken.send.as_ref().unwrap(), taken.wamid().unwrap());
        graph::payload::status(self.graph.number(), send, wamid, status, None)
    }

    /// How many sends of this message had an effect at the provider.
    pub(crate) fn effects(&self, id: &str) -> usize {
        let sends = self.graph.accepted_by_callback_data();
        sends.get(&bare(id)).map_or(0, Vec::len)
    }

    /// How many well-formed sends of this message arrived at the provider, whatever was answered.
    pub(crate) fn arrivals(&self, id: &str) -> usize {
        let sends = self.graph.sends_by_callback_data();
        sends.get(&bare(id)).map_or(0, Vec::len)
    }

    /// Rows of a table, or whatever else stands behind `from`.
    pub(crate) async fn rows(&self, table: &str) -> i64 {
        self.number(&format!("select count(*) from {table}")).await
    }

    /// One number out of the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        let mut conn = self.db().read().await.unwrap();
        on_db!(&mut conn, |c| query_scalar(sql).fetch_one(c).await).unwrap()
    }

    /// Waits until the queues have nothing to do but tomorrow's housekeeping.
    pub(crate) async fn wait_idle(&self) {
        let busy = "job where state in (0, 1, 3) and queue <> 'maintenance'";
        let idle = eventually(WAIT, || async {
            (self.rows(busy).await == 0).then_some(())
        });
        if let Err(error) = idle.await {
            let mut conn = self.db().read().await.unwrap();
            let status = wharf_queue::status(&mut conn, self.app().now_ms()).await;
            panic!("{error}: jobs are left: {:#?}", status.unwrap());
        }
    }
}

/// What `cargo xtask test` tells tests about their surroundings. Without it the test is skipped
/// loudly, which `CI=true` does not forgive.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own switches, not the gateway's configuration"
)]
pub(crate) fn environment(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let skipped = format!("SKIPPED: {name} is not set; run `cargo xtask test`");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{skipped}");
        // Past the test harness, which hides what a passing test prints.
        let line = format!("\n{skipped}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    value
}

/// The id as it goes over the wire to the provider.
pub(crate) fn bare(id: &str) -> String {
    id.parse::<MessageId>().unwrap().bare()
}

/// The statuses that a message's timeline has events for, in order.
pub(crate) fn told(message: &Value) -> Vec<String> {
    timeline(message, "event")
        .filter_map(|entry| entry["status"].as_str().map(str::to_owned))
        .collect()
}

/// The entries of one kind in a message's timeline.
pub(crate) fn timeline<'a>(message: &'a Value, what: &'a str) -> impl Iterator<Item = &'a Value> {
    let entries = message["timeline"].as_array().unwrap();
    entries.iter().filter(move |entry| entry["what"] == what)
}
