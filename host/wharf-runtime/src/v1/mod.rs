//! Version 1 of the provider interface: its bindings, and the way from model to guest and back.

mod bindings;
mod convert;

use tracing::Level;
use wasmtime::StoreContextMut;
use wasmtime::component::{Component, ComponentExportIndex, Linker, WasmList, WasmStr};
use wharf_core::provider::{
    CallContext, Descriptor, OutboundMessage, Outcome, Parsed, Progress, WebhookRequest,
};

use self::bindings::exports::wharf::provider::{inbound, manifest, outbound};
use self::bindings::wharf::provider::errors::Error;
use self::bindings::wharf::provider::log;
use self::bindings::wharf::provider::messages::Message;
use self::bindings::wharf::provider::types::{Context, Outcome as WitOutcome};
use crate::call::{Call, CallState};
use crate::error::{CallError, LoadReason};
use crate::log::FIELDS_MAX;

const MANIFEST: &str = "wharf:provider/manifest@1.0.0";
const OUTBOUND: &str = "wharf:provider/outbound@1.0.0";
const INBOUND: &str = "wharf:provider/inbound@1.0.0";
const LOG: &str = "wharf:provider/log@1.0.0";

type Started = Result<outbound::Progress, Error>;
type Read = Result<inbound::Parsed, Error>;
type StartParams<'a> = (Context<'a>, Message<'a>);
type ResumeParams<'a> = (Context<'a>, Message<'a>, &'a [u8], WitOutcome<'a>);
type ParseParams<'a> = (Context<'a>, inbound::Webhook<'a>, u32);

/// Where the functions stand in a component: found by name once, at load.
pub(crate) struct Exports {
    describe: ComponentExportIndex,
    start: ComponentExportIndex,
    resume: ComponentExportIndex,
    parse: ComponentExportIndex,
}

impl Exports {
    pub(crate) fn find(component: &Component) -> Result<Self, LoadReason> {
        let find = |interface: &'static str, function: &str| {
            let instance = component
                .get_export_index(None, interface)
                .ok_or(LoadReason::MissingExport { export: interface })?;
            component
                .get_export_index(Some(&instance), function)
                .ok_or(LoadReason::MissingExport { export: interface })
        };
        Ok(Self {
            describe: find(MANIFEST, "describe")?,
            start: find(OUTBOUND, "start")?,
            resume: find(OUTBOUND, "resume")?,
            parse: find(INBOUND, "parse")?,
        })
    }
}

/// Offers the guest the one thing it may import.
pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance(LOG)?.func_wrap("write", write_log)
}

type LogParams = (log::Level, WasmStr, WasmList<(WasmStr, WasmStr)>);

/// Takes pointers instead of strings: a line beyond the quota is dropped without being read.
fn write_log(
    mut store: StoreContextMut<'_, CallState>,
    (level, message, fields): LogParams,
) -> wasmtime::Result<()> {
    if !store.data_mut().log.take_line() {
        return Ok(());
    }
    let mut pairs = Vec::new();
    for pair in fields.iter(&mut store)?.take(FIELDS_MAX) {
        pairs.push(pair?);
    }
    let mut line = store.data().log.line();
    line.push_message(&message.to_str(&store)?);
    for (name, value) in pairs {
        if line.is_full() {
            break;
        }
        line.push_field(&name.to_str(&store)?, &value.to_str(&store)?);
    }
    store.data().log.write(level_of(level), &line);
    Ok(())
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::TRACE,
        log::Level::Debug => Level::DEBUG,
        log::Level::Info => Level::INFO,
        log::Level::Warn => Level::WARN,
        log::Level::Error => Level::ERROR,
    }
}

/// Asks the plugin what it is, and looks at the types of its other functions before any is needed.
pub(crate) async fn describe(call: &Call<'_>) -> Result<Descriptor, LoadReason> {
    let failed = |error| LoadReason::Describe {
        source: Box::new(error),
    };
    let exports = &call.code.exports;
    let mut running = call.enter().await.map_err(failed)?;
    let (instance, store) = (&running.instance, &mut running.store);
    let mistyped = |source| LoadReason::Link { source };
    instance
        .get_typed_func::<(), (manifest::Descriptor,)>(&mut *store, exports.describe)
        .map_err(mistyped)?;
    instance
        .get_typed_func::<StartParams<'_>, (Started,)>(&mut *store, exports.start)
        .map_err(mistyped)?;
    instance
        .get_typed_func::<ResumeParams<'_>, (Started,)>(&mut *store, exports.resume)
        .map_err(mistyped)?;
    instance
        .get_typed_func::<ParseParams<'_>, (Read,)>(&mut *store, exports.parse)
        .map_err(mistyped)?;
    let described: manifest::Descriptor = call
        .invoke(&mut running, exports.describe, ())
        .await
        .map_err(failed)?;
    Ok(convert::descriptor::from_guest(described))
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
) -> Result<Progress, CallError> {
    let settings = convert::pairs(&context.settings);
    let params: StartParams<'_> = (
        convert::message::context_to_guest(context, &settings),
        convert::message::to_guest(message),
    );
    let started: Started = call.run(call.code.exports.start, params).await?;
    started
        .map(convert::exchange::progress_from_guest)
        .map_err(|error| call.guest(convert::error_from_guest(error)))
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
    state: &[u8],
    outcome: &Outcome,
) -> Result<Progress, CallError> {
    let settings = convert::pairs(&context.settings);
    let headers = convert::message::outcome_headers(outcome);
    let params: ResumeParams<'_> = (
        convert::message::context_to_guest(context, &settings),
        convert::message::to_guest(message),
        state,
        convert::message::outcome_to_guest(outcome, &headers),
    );
    let started: Started = call.run(call.code.exports.resume, params).await?;
    started
        .map(convert::exchange::progress_from_guest)
        .map_err(|error| call.guest(convert::error_from_guest(error)))
}

pub(crate) async fn parse(
    call: &Call<'_>,
    context: &CallContext,
    webhook: &WebhookRequest,
    skip: u32,
) -> Result<Parsed, CallError> {
    let settings = convert::pairs(&context.settings);
    let query = convert::pairs(&webhook.query);
    let headers = convert::pairs(&webhook.headers);
    let params: ParseParams<'_> = (
        convert::message::context_to_guest(context, &settings),
        convert::inbound::webhook_to_guest(webhook, &query, &headers),
        skip,
    );
    let read: Read = call.run(call.code.exports.parse, params).await?;
    match read {
        Ok(parsed) => {
            convert::inbound::parsed_from_guest(parsed).map_err(|what| call.invalid(what))
        }
        Err(error) => Err(call.guest(convert::error_from_guest(error))),
    }
}
