//! `accept_per_s`: messages that were checked, stored and answered 202.
//!
//! The channel's lane is paused, so the workers do not compete: only taking messages is measured. The
//! dispatcher is still rung by each commit, looks, and finds nothing that is ready.

use std::time::Duration;

use wharf::workers::lane_of;
use wharf_queue::Queue;

use crate::client::{Target, post};
use crate::gateway::{self, Files};
use crate::report::{Goal, Row};
use crate::{Bench, bare, rounds};

pub(crate) const ROUND: Duration = Duration::from_secs(3);
pub(crate) const RATIO: f64 = 0.5;
/// Nobody listens there: nothing is to be sent.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let files = Files::write(bench, "127.0.0.1:0", NOWHERE)?;
    let gateway = bench.host.block_on(files.start())?;
    let lane = lane_of(&gateway::tenant(), &gateway::channel());
    gateway::pause(bench, &gateway, Queue::Send, lane, gateway::tenant())?;
    let subject = files.messages(&gateway);
    let counterpart = counterpart(bench, &files, &subject)?;
    let (value, other) = rounds::alternate(
        || bench.client.rate(&subject, ROUND),
        || bench.client.rate(&counterpart, ROUND),
    )?;
    gateway::stop(bench, gateway);
    Ok(Row {
        name: "accept_per_s",
        value,
        unit: "1/s",
        goal: Goal::RatioAtLeast(RATIO),
        counterpart: Some(other),
    })
}

/// The bare handler, asked with bodies of the same size over as many connections.
pub(crate) fn counterpart(bench: &Bench, files: &Files, like: &Target) -> anyhow::Result<Target> {
    let address = bench.host.block_on(bare::start(files.folder.path()))?;
    let requests = like.requests.iter().map(|request| {
        let body = memchr::memmem::find(request, b"\r\n\r\n").map_or(0, |end| end + 4);
        post("/", &[], &request[body..])
    });
    Ok(Target {
        address,
        requests: requests.collect::<Vec<_>>().into(),
        status: 202,
    })
}
