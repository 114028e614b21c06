//! Gathers what each side saw: the API, the provider, the endpoint and the command line.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use ulid::Ulid;
use wharf_core::Status;
use wharf_test_support::FakeGraph;
use wharf_test_support::graph::{Fault, RecordedRequest, Verdict as Became};
use wharf_test_support::sink::{DeliveredEvent, Sink};

use super::gateway::Gateway;
use super::traffic::Callers;
use super::verdict::{Dead, Event, Fact, Send, Stored};

/// What is left after the last kill is seconds of work; the rest is for a busy machine.
const DRAIN_WITHIN: Duration = Duration::from_secs(180);
/// Each look starts a process, which the gateway must not feel.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Messages read at the same time.
const READERS: usize = 8;
/// Jobs of schedules that wait for their hour; two around its turn.
const SCHEDULED_MAX: u64 = 2;

/// Waits until every webhook is acknowledged and no job is left but those that a schedule made.
pub(super) async fn drained(gateway: &Gateway, graph: &FakeGraph) -> anyhow::Result<()> {
    let deadline = Instant::now() + DRAIN_WITHIN;
    loop {
        let left = match graph.unacknowledged_webhooks() {
            0 => unfinished_jobs(gateway).await?,
            count => vec![format!("{count} webhooks without an acknowledgement")],
        };
        // Nothing new can come of nothing; a webhook posted meanwhile would be a job or counted.
        if left.is_empty() && graph.unacknowledged_webhooks() == 0 {
            return Ok(());
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "after {DRAIN_WITHIN:?} without kills there is still: {}",
            left.join(", ")
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn unfinished_jobs(gateway: &Gateway) -> anyhow::Result<Vec<String>> {
    let mut answer = gateway.ask(&["queue", "status", "--json"]).await?;
    let status = answer.pop().context("`queue status --json` said nothing")?;
    let queues = status
        .as_object()
        .context("`queue status --json` is no object")?;
    anyhow::ensure!(queues.contains_key("send"), "no queue `send` in {status}");
    let mut left = Vec::new();
    for (name, queue) in queues {
        let count = |what: &str| {
            let count = queue[what].as_u64();
            count.with_context(|| format!("queue {name} has no count of {what}: {queue}"))
        };
        let (pending, due, leased) = (count("pending")?, count("due")?, count("leased")?);
        let scheduled = name == "maintenance" && due == 0 && pending <= SCHEDULED_MAX;
        if leased > 0 || (pending > 0 && !scheduled) {
            left.push(format!("queue {name}: {pending} pending, {leased} leased"));
        }
    }
    Ok(left)
}

/// Every outbound message of the tenant, and those in `told`, each as `GET` shows it.
pub(super) async fn stored(
    callers: &Callers,
    told: BTreeSet<String>,
) -> anyhow::Result<Vec<Stored>> {
    let mut ids = told;
    let mut cursor = String::new();
    loop {
        let page = get(callers, &format!("/v1/messages?limit=200{cursor}")).await?;
        let page = page.context("there is no list of messages")?;
        for message in page["data"].as_array().context("a page has no data")? {
            if message["direction"] == "outbound" {
                ids.insert(text(&message["id"])?);
            }
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let found: Vec<Option<Stored>> = stream::iter(ids)
        .map(|id| async move {
            let shown = get(callers, &format!("/v1/messages/{id}")).await?;
            shown.map(|message| as_stored(&message)).transpose()
        })
        .buffer_unordered(READERS)
        .try_collect()
        .await?;
    // One that is not found is left out: the verdict misses it.
    Ok(found.into_iter().flatten().collect())
}

async fn get(callers: &Callers, path: &str) -> anyhow::Result<Option<Value>> {
    let answer = callers
        .client
        .get(format!("{}{path}", callers.url))
        .bearer_auth(&callers.key)
        .send()
        .await?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let answer = answer.error_for_status()?;
    Ok(Some(answer.json().await?))
}

fn as_stored(message: &Value) -> anyhow::Result<Stored> {
    Ok(Stored {
        id: text(&message["id"])?,
        reference: text(&message["reference"])?,
        status: status(&message["status"])?,
        has_error: message["error"]["code"].is_string(),
    })
}

/// Every well-formed send that arrived at the provider.
pub(super) fn sends(graph: &FakeGraph) -> Vec<Send> {
    graph
        .requests()
        .iter()
        .filter_map(|request| {
            let send = request.send.as_ref()?;
            Some(Send {
                message: format!("msg_{}", send.callback_data.as_deref().unwrap_or_default()),
                to: send.recipient.key().to_owned(),
                accepted: request.wamid().is_some(),
                ambiguous: is_ambiguous(request),
            })
        })
        .collect()
}

/// It had no effect, but its sender cannot tell.
fn is_ambiguous(request: &RecordedRequest) -> bool {
    matches!(
        request.verdict,
        Became::Faulted(Fault::Reset | Fault::Drop | Fault::InternalServerError)
    )
}

/// Every event that reached the endpoint rightly signed.
pub(super) fn events(sink: &Sink) -> anyhow::Result<Vec<Event>> {
    let arrived = sink.by_webhook_id();
    arrived
        .iter()
        .map(|(id, event)| as_event(id, event))
        .collect()
}

fn as_event(id: &str, event: &DeliveredEvent) -> anyhow::Result<Event> {
    let body: Value = serde_json::from_slice(&event.body)?;
    let data = &body["data"];
    let fact = match body["type"].as_str() {
        Some("message.received") => Fact::Received {
            provider_message_id: text(&data["provider_message_id"])?,
        },
        Some("message.status") => Fact::Status {
            message: text(&data["message_id"])?,
            status: status(&data["status"])?,
        },
        other => Fact::Other(format!("{other:?}")),
    };
    let ulid = id.strip_prefix("evt_").map(Ulid::from_string);
    let ulid = ulid.with_context(|| format!("webhook-id {id} is no event's"))??;
    Ok(Event {
        id: id.to_owned(),
        created_ms: ulid.timestamp_ms(),
        acknowledged: event.acknowledged > 0,
        fact,
    })
}

/// What an operator is shown of the dead letters.
pub(super) async fn dead(gateway: &Gateway) -> anyhow::Result<Vec<Dead>> {
    const ALL: &str = "1000";
    let lines = gateway
        .ask(&["queue", "failed", "--json", "--limit", ALL])
        .await?;
    lines
        .iter()
        .map(|line| {
            let payload: Value = serde_json::from_str(&text(&line["payload"])?)?;
            Ok(Dead {
                queue: text(&line["queue"])?,
                message: payload["message"].as_str().map(str::to_owned),
                reason: text(&line["reason"])?,
            })
        })
        .collect()
}

/// What the counterparts themselves complain about.
pub(super) fn complaints(graph: &FakeGraph, sink: &Sink) -> Vec<String> {
    let refusals = graph.refusals();
    let refused = refusals.iter().map(|request| {
        let body = String::from_utf8_lossy(&request.body);
        format!("the provider refused {body}: {:?}", request.verdict)
    });
    refused.chain(sink.violations()).collect()
}

fn text(value: &Value) -> anyhow::Result<String> {
    let text = value.as_str().map(str::to_owned);
    text.with_context(|| format!("expected a text instead of {value}"))
}

fn status(value: &Value) -> anyhow::Result<Status> {
    text(value)?.parse().map_err(anyhow::Error::msg)
}
