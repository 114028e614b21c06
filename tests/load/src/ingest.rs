//! `ingest_per_s`: provider calls that were verified, stored and acknowledged.
//!
//! The lane of the app's calls is paused, so they are not parsed meanwhile: only taking them is
//! measured.

use wharf_core::AppId;
use wharf_queue::Queue;
use wharf_store::Owner;
use wharf_test_support::graph::{PhoneNumber, payload};

use crate::accept::{NOWHERE, RATIO, ROUND, counterpart};
use crate::client::{Target, post};
use crate::gateway::{self, APP, APP_SECRET, Files};
use crate::report::{Goal, Row};
use crate::{Bench, rounds};

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let files = Files::write(bench, "127.0.0.1:0", NOWHERE)?;
    let gateway = bench.host.block_on(files.start())?;
    let app: AppId = APP.parse()?;
    let lane = Owner::App(app).to_string();
    let operator = wharf::workers::jobs::tenant_or_operator(None);
    gateway::pause(bench, &gateway, Queue::Webhook, lane, operator)?;
    let subject = Target {
        address: gateway.address(),
        requests: vec![webhook()].into(),
        status: 200,
    };
    let counterpart = counterpart(bench, &files, &subject)?;
    let (value, other) = rounds::alternate(
        || bench.client.rate(&subject, ROUND),
        || bench.client.rate(&counterpart, ROUND),
    )?;
    gateway::stop(bench, gateway);
    Ok(Row {
        name: "ingest_per_s",
        value,
        unit: "1/s",
        goal: Goal::RatioAtLeast(RATIO),
        counterpart: Some(other),
    })
}

/// One inbound text, as Meta posts and signs it.
fn webhook() -> bytes::Bytes {
    let number = PhoneNumber::default();
    let text = payload::inbound_text(
        &number,
        "4915112345678",
        "wamid.HBgNNDkxNTExMjM0NTY3OBUCABIYIDQ1RkY2QTQwRjA",
        "Where is my parcel? It was to arrive this morning.",
    );
    let body = payload::to_bytes(&text);
    let signature = payload::signature(APP_SECRET, &body);
    post(
        "/api/whatsapp/webhook",
        &[("x-hub-signature-256", &signature)],
        &body,
    )
}
