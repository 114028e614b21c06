//! `plugin_call_us`: one text through the graph component, on a fresh instance under all limits, and
//! the same plugin code called natively. `plugin_call_floor_us`: the same call of a component that does
//! nothing, which is what the host itself takes.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use wharf_core::provider::{Address, CallContext, Content, OutboundMessage, Text};
use wharf_plugin::Provider;
use wharf_plugin_graph::Graph;
use wharf_runtime::{Plugin, Runtime, RuntimeConfig};
use wharf_test_support::graph::PhoneNumber;

use crate::report::{Goal, Row};
use crate::{Bench, rounds};

const CALLS: u32 = 20_000;
/// A native call is so much shorter that more of them make a round.
const NATIVE_CALLS: u32 = 200_000;

const BODY: &str = "Your parcel is on its way and arrives tomorrow between 9 and 12.";
const TO: &str = "4915112345678";
const MESSAGE_ID: &str = "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M";
const NOW_MS: u64 = 1_790_000_000_000;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let file = bench.options.plugins.join("graph.wasm");
    let bytes =
        std::fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
    let subject = Subject::load(bench, "graph", bytes)?;
    let (guest_context, guest_message) = plugins_words();
    let (value, other) = rounds::alternate(
        || subject.round(),
        || {
            let started = Instant::now();
            for _ in 0..NATIVE_CALLS {
                let built = Graph::start(black_box(&guest_context), black_box(&guest_message));
                black_box(built).map_err(|error| anyhow::anyhow!("{error:?}"))?;
            }
            Ok(micros(started, NATIVE_CALLS))
        },
    )?;
    Ok(Row {
        name: "plugin_call_us",
        value,
        unit: "µs",
        goal: Goal::AtMost(20.0),
        counterpart: Some(other),
    })
}

pub(crate) fn measure_floor(bench: &Bench) -> anyhow::Result<Row> {
    let subject = Subject::load(bench, "empty", wharf_hostile::Guest::new().build())?;
    Ok(Row {
        name: "plugin_call_floor_us",
        value: rounds::alone(|| subject.round())?,
        unit: "µs",
        goal: Goal::None,
        counterpart: None,
    })
}

/// A plugin in service, and one caller on one thread: what a call costs, not how many fit into the
/// machine.
struct Subject {
    plugin: Arc<Plugin>,
    caller: tokio::runtime::Runtime,
    context: CallContext,
    message: OutboundMessage,
}

impl Subject {
    fn load(bench: &Bench, name: &str, component: Vec<u8>) -> anyhow::Result<Self> {
        let runtime = Runtime::new(RuntimeConfig::default())?;
        let plugin = bench.host.block_on(runtime.load(name, component))?;
        let (context, message) = hosts_words();
        Ok(Self {
            plugin,
            caller: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            context,
            message,
        })
    }

    /// Microseconds a call.
    fn round(&self) -> anyhow::Result<f64> {
        let started = Instant::now();
        self.caller.block_on(async {
            for _ in 0..CALLS {
                black_box(self.plugin.start(&self.context, &self.message).await)
                    .context("the plugin refused a text")?;
            }
            anyhow::Ok(())
        })?;
        Ok(micros(started, CALLS))
    }
}

fn micros(started: Instant, calls: u32) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

fn settings() -> Vec<(String, String)> {
    let number = PhoneNumber::default();
    vec![
        ("phone_number_id".to_owned(), number.id),
        ("waba_id".to_owned(), number.account_id),
    ]
}

fn hosts_words() -> (CallContext, OutboundMessage) {
    let context = CallContext {
        settings: settings(),
        now_ms: NOW_MS,
        seed: [7; 32],
        locale: None,
    };
    let message = OutboundMessage {
        id: MESSAGE_ID.to_owned(),
        to: Address::Phone(TO.to_owned()),
        sender: PhoneNumber::default().id,
        content: Content::Text {
            text: Text {
                body: BODY.to_owned(),
                preview_url: false,
            },
        },
        reply_to: None,
        options: "{}".to_owned(),
    };
    (context, message)
}

/// The same, in the interface's types.
fn plugins_words() -> (
    wharf_plugin::types::Context,
    wharf_plugin::messages::Message,
) {
    use wharf_plugin::messages;
    let context = wharf_plugin::types::Context {
        settings: settings(),
        now: NOW_MS,
        seed: vec![7; 32],
        locale: None,
    };
    let message = messages::Message {
        id: MESSAGE_ID.to_owned(),
        to: messages::Address::Phone(TO.to_owned()),
        sender: PhoneNumber::default().id,
        content: messages::Content::Text(messages::Text {
            body: BODY.to_owned(),
            preview_url: false,
        }),
        reply_to: None,
        options: "{}".to_owned(),
    };
    (context, message)
}
